//! Languages of few values, which are listed one by one where no value may occur twice.
//!
//! Where a value has been used up, a text must not begin with what only that value begins with. Registers know this of
//! values that have a slot each. Of other values they know only that they differ, and suppose that there is always one
//! more, which is so if every beginning of a text goes on in infinitely many ways.

use grammar_ir::regular::CharAutomaton;
use grammar_ir::{Budget, ByteAutomaton, LimitError};
use serde_json::{Number, Value};

/// The texts of `language` of which some beginning goes on in finitely many ways, if they are at most `max`, and all
/// others.
///
/// # Errors
/// When the automaton of the others is too large.
pub(super) fn split(
    language: &CharAutomaton,
    max: usize,
    budget: &mut Budget<'_>,
) -> Result<(Vec<String>, CharAutomaton), LimitError> {
    let texts = texts(language, max);
    if texts.is_empty() {
        return Ok((texts, language.clone()));
    }
    let listed = CharAutomaton::union_of(texts.iter().map(|text| CharAutomaton::literal(text)).collect(), budget)?;
    let rest = language.difference(&listed, budget)?;
    Ok((texts, rest))
}

/// All texts of `language`, in the order of their characters, if they are at most `max`.
pub(super) fn all(language: &CharAutomaton, max: usize) -> Option<Vec<String>> {
    let count = usize::try_from(language.text_count()?).ok()?;
    (count <= max).then(|| texts(language, max))
}

/// The texts that pass through a state of which finitely many texts are accepted; none if they are more than `max`.
fn texts(language: &CharAutomaton, max: usize) -> Vec<String> {
    let states = language.state_count();
    let successors: Vec<Vec<usize>> = (0..states)
        .map(|state| language.edges(state as u32).iter().map(|(target, _)| *target as usize).collect())
        .collect();
    let is_finite = acyclic(&successors, |_| true);
    // Whether a finite state can be reached.
    let mut leads_to_finite = is_finite.clone();
    let mut users: Vec<Vec<usize>> = vec![Vec::new(); states];
    for (state, targets) in successors.iter().enumerate() {
        targets.iter().for_each(|&target| users[target].push(state));
    }
    let mut work: Vec<usize> = (0..states).filter(|&state| is_finite[state]).collect();
    while let Some(state) = work.pop() {
        for &user in &users[state] {
            if !std::mem::replace(&mut leads_to_finite[user], true) {
                work.push(user);
            }
        }
    }
    let terminates = acyclic(&successors, |state| leads_to_finite[state]);
    if !leads_to_finite[0] || !terminates[0] {
        return Vec::new();
    }
    let mut texts = Vec::new();
    let mut work = vec![(0u32, String::new())];
    while let Some((state, text)) = work.pop() {
        if is_finite[state as usize] && language.is_accepting(state) {
            texts.push(text.clone());
        }
        // What waits leads to one text each, at least.
        for (target, characters) in language.edges(state) {
            if !leads_to_finite[target as usize] {
                continue;
            }
            for character in characters.ranges().iter().flat_map(|&(low, high)| low..=high) {
                if texts.len() + work.len() > max {
                    return Vec::new();
                }
                let mut longer = text.clone();
                longer.push(character);
                work.push((target, longer));
            }
        }
    }
    texts.sort_unstable();
    if texts.len() > max { Vec::new() } else { texts }
}

/// Per state that is `in_question`: whether no cycle of such states can be reached from it.
fn acyclic(successors: &[Vec<usize>], in_question: impl Fn(usize) -> bool) -> Vec<bool> {
    let mut users: Vec<Vec<usize>> = vec![Vec::new(); successors.len()];
    let mut left = vec![0usize; successors.len()];
    for (state, targets) in successors.iter().enumerate().filter(|(state, _)| in_question(*state)) {
        for &target in targets.iter().filter(|&&target| in_question(target)) {
            users[target].push(state);
            left[state] += 1;
        }
    }
    let mut done = vec![false; successors.len()];
    let mut ready: Vec<usize> = (0..successors.len()).filter(|&state| in_question(state) && left[state] == 0).collect();
    while let Some(state) = ready.pop() {
        done[state] = true;
        for &user in &users[state] {
            left[user] -= 1;
            if left[user] == 0 {
                ready.push(user);
            }
        }
    }
    done
}

/// All values of a language of numbers without exponents, if they are at most `max` and each is also written without
/// needless zeros after the point, which are all that may be counted.
pub(super) fn numbers(language: &ByteAutomaton, max: usize) -> Option<Vec<Value>> {
    if language.counter.is_some_and(|counter| counter.min > 0) {
        return None;
    }
    let productive = productive(language);
    let only_zeros = only_zeros(language, &productive);
    let mut values = Vec::new();
    let mut visits = 0;
    let mut work = vec![(0u32, String::new())];
    while let Some((state, text)) = work.pop() {
        visits += 1;
        if visits > MAX_VISITS || text.len() > MAX_DIGITS {
            return None;
        }
        let is_number = language.accepting[state as usize];
        let shortest = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
        let is_shortest_number = accepts(language, shortest);
        if is_number && shortest.len() < text.len() {
            is_shortest_number.then_some(())?;
        } else if is_number && text != "-0" {
            values.push(Value::Number(text.parse::<Number>().ok()?));
        }
        for edge in language.edges[state as usize].iter().rev().filter(|edge| productive[edge.target as usize]) {
            for byte in (edge.low..=edge.high).rev() {
                let is_tail =
                    only_zeros[edge.target as usize] && (byte == b'.' || (byte == b'0' && text.contains('.')));
                match byte {
                    // What follows changes nothing.
                    b'.' | b'0' if is_tail && is_shortest_number => continue,
                    b'.' | b'0' if is_tail => return None,
                    _ if edge.counts => return None,
                    b'-' | b'.' | b'0'..=b'9' => {}
                    _ => return None,
                }
                if values.len() + work.len() > max {
                    return None;
                }
                work.push((edge.target, format!("{text}{}", char::from(byte))));
            }
        }
    }
    (values.len() <= max).then_some(values)
}

fn accepts(language: &ByteAutomaton, text: &str) -> bool {
    let end = text.bytes().try_fold(0, |state, byte| Some(language.edge(state, byte)?.target));
    end.is_some_and(|state| language.accepting[state as usize])
}

/// Per state: whether nothing but zeros leads from it to the end.
fn only_zeros(language: &ByteAutomaton, productive: &[bool]) -> Vec<bool> {
    let mut users: Vec<Vec<usize>> = vec![Vec::new(); language.edges.len()];
    let mut only_zeros = vec![true; language.edges.len()];
    let mut work = Vec::new();
    for (state, edges) in language.edges.iter().enumerate() {
        for edge in edges.iter().filter(|edge| productive[edge.target as usize]) {
            users[edge.target as usize].push(state);
            if (edge.low, edge.high) != (b'0', b'0') && std::mem::replace(&mut only_zeros[state], false) {
                work.push(state);
            }
        }
    }
    while let Some(state) = work.pop() {
        for &user in &users[state] {
            if std::mem::replace(&mut only_zeros[user], false) {
                work.push(user);
            }
        }
    }
    only_zeros
}

/// Looking for the values of a language is given up after so many texts.
const MAX_VISITS: usize = 100_000;
/// Numbers that are longer are not listed.
const MAX_DIGITS: usize = 24;

/// Per state: whether something is accepted from it on.
fn productive(language: &ByteAutomaton) -> Vec<bool> {
    let mut users: Vec<Vec<usize>> = vec![Vec::new(); language.edges.len()];
    for (state, edges) in language.edges.iter().enumerate() {
        edges.iter().for_each(|edge| users[edge.target as usize].push(state));
    }
    let mut productive = language.accepting.clone();
    let mut work: Vec<usize> = (0..productive.len()).filter(|&state| productive[state]).collect();
    while let Some(state) = work.pop() {
        for &user in &users[state] {
            if !std::mem::replace(&mut productive[user], true) {
                work.push(user);
            }
        }
    }
    productive
}

#[cfg(test)]
mod tests {
    use grammar_ir::{ByteEdge, ByteEdges, CharSet, Limits};

    use super::*;

    fn split_of(parts: &[&str], letters: bool, max: usize) -> (Vec<String>, bool) {
        let limits = Limits::default();
        let budget = &mut Budget::new(&limits);
        let mut languages: Vec<CharAutomaton> = parts.iter().map(|part| CharAutomaton::literal(part)).collect();
        if letters {
            let any = CharAutomaton::from_set(&CharSet::range('x', 'z')).repeat(1, None, budget).unwrap();
            languages.push(any);
        }
        let language = CharAutomaton::union_of(languages, budget).unwrap();
        let (few, rest) = split(&language, max, budget).unwrap();
        assert!(few.iter().all(|text| language.accepts(text) && !rest.accepts(text)));
        (few, rest.is_empty())
    }

    #[test]
    fn what_can_be_used_up_is_split_off() {
        assert_eq!(split_of(&["b", "ab"], false, 2), (vec!["ab".to_owned(), "b".to_owned()], true));
        assert_eq!(split_of(&["b", "ab"], false, 1), (Vec::new(), false));
        // `x` goes on without end, `xb` does not.
        assert_eq!(split_of(&["a", "xb", "xx"], true, 9), (vec!["a".to_owned(), "xb".to_owned()], false));
        assert_eq!(split_of(&[], true, 9), (Vec::new(), false));
        assert_eq!(split_of(&[], false, 9), (Vec::new(), true));
    }

    /// The automaton of these texts.
    fn trie(texts: &[&str]) -> ByteAutomaton {
        let mut automaton = ByteAutomaton { accepting: vec![false], edges: vec![ByteEdges::new()], counter: None };
        for text in texts {
            let mut state = 0usize;
            for byte in text.bytes() {
                let known = automaton.edge(state as u32, byte).map(|edge| edge.target);
                let target = known.unwrap_or_else(|| {
                    automaton.accepting.push(false);
                    automaton.edges.push(ByteEdges::new());
                    let target = automaton.edges.len() as u32 - 1;
                    automaton.edges[state].push(ByteEdge { low: byte, high: byte, target, counts: false });
                    automaton.edges[state].sort_unstable();
                    target
                });
                state = target as usize;
            }
            automaton.accepting[state] = true;
        }
        automaton
    }

    #[test]
    fn numbers_are_listed_by_value() {
        let list = |texts: &[&str]| {
            numbers(&trie(texts), 8).map(|values| values.iter().map(Value::to_string).collect::<Vec<_>>().join(" "))
        };
        assert_eq!(list(&["1", "1.0", "1.00", "12", "-3", "0", "-0"]).as_deref(), Some("-3 0 1 12"));
        assert_eq!(list(&["1", "1.0", "1.5", "1.50", "0.05"]).as_deref(), Some("0.05 1 1.5"));
        assert_eq!(list(&["1.0", "1.05"]), None);
        assert_eq!(list(&["1.0"]), None);
        assert_eq!(list(&["1e5"]), None);
        assert_eq!(list(&["1", "2", "3", "4", "5", "6", "7", "8", "9"]), None);
    }
}
