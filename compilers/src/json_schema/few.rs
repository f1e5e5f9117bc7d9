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

/// All values of a language of numbers, if they are integers, each written without a fraction too, and at most `max`.
pub(super) fn integers(language: &ByteAutomaton, max: usize) -> Option<Vec<Value>> {
    let productive = productive(language);
    let mut has_fraction = vec![false; language.edges.len()];
    let mut in_fraction: Vec<usize> = Vec::new();
    for (state, edges) in language.edges.iter().enumerate() {
        for edge in edges.iter().filter(|edge| productive[edge.target as usize]) {
            match (edge.low, edge.high) {
                (b'.', b'.') if language.accepting[state] => in_fraction.push(edge.target as usize),
                (b'-', b'-') => {}
                (low, high) if low.is_ascii_digit() && high.is_ascii_digit() => {}
                _ => return None,
            }
        }
    }
    while let Some(state) = in_fraction.pop() {
        if std::mem::replace(&mut has_fraction[state], true) {
            continue;
        }
        for edge in language.edges[state].iter().filter(|edge| productive[edge.target as usize]) {
            if (edge.low, edge.high) != (b'0', b'0') {
                return None;
            }
            in_fraction.push(edge.target as usize);
        }
    }
    let mut values = Vec::new();
    let mut work = vec![(0u32, String::new())];
    while let Some((state, text)) = work.pop() {
        // A language of bounded integers has no text of more digits than its bounds.
        if text.len() > MAX_DIGITS {
            return None;
        }
        if language.accepting[state as usize] && text != "-0" {
            values.push(Value::Number(text.parse::<Number>().ok()?));
        }
        for edge in language.edges[state as usize].iter().rev().filter(|edge| productive[edge.target as usize]) {
            for byte in (edge.low..=edge.high).rev().filter(|&byte| byte != b'.') {
                if values.len() + work.len() > max {
                    return None;
                }
                work.push((edge.target, format!("{text}{}", char::from(byte))));
            }
        }
    }
    Some(values)
}

/// Integers of more digits than this are not listed.
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
