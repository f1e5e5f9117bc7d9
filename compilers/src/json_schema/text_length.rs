//! How long the texts of a language are.

use grammar_ir::regular::CharAutomaton;

/// The least and, unless they are unbounded, the greatest number of characters of the texts of `language`; `None` when
/// it has no text.
pub(super) fn range(language: &CharAutomaton) -> Option<(u32, Option<u32>)> {
    let shortest = u32::try_from(language.shortest()?.chars().count()).ok()?;
    let classes = language.alphabet().class_count() as u32;
    let states = language.state_count();
    let targets = |state: u32| (0..classes).filter_map(move |class| language.step(state, class));
    // Kahn's algorithm: a state on a cycle, or behind one, is never ready.
    let mut incoming = vec![0usize; states];
    (0..states as u32).flat_map(targets).for_each(|target| incoming[target as usize] += 1);
    let mut depths = vec![0u32; states];
    let mut ready: Vec<u32> = (0..states as u32).filter(|&state| incoming[state as usize] == 0).collect();
    let (mut done, mut longest) = (0, 0);
    while let Some(state) = ready.pop() {
        done += 1;
        let depth = depths[state as usize];
        if language.is_accepting(state) {
            longest = longest.max(depth);
        }
        for target in targets(state) {
            depths[target as usize] = depths[target as usize].max(depth + 1);
            incoming[target as usize] -= 1;
            if incoming[target as usize] == 0 {
                ready.push(target);
            }
        }
    }
    Some((shortest, (done == states).then_some(longest)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use grammar_ir::{Budget, CharSet, Limits};

    #[test]
    fn lengths_are_those_of_the_texts() {
        let limits = Limits::default();
        let budget = &mut Budget::new(&limits);
        let letter = CharAutomaton::from_set(&CharSet::range('a', 'z'));
        assert_eq!(range(&CharAutomaton::never()), None);
        assert_eq!(range(&CharAutomaton::empty_word()), Some((0, Some(0))));
        assert_eq!(range(&letter.repeat(2, Some(5), budget).unwrap()), Some((2, Some(5))));
        assert_eq!(range(&letter.repeat(3, None, budget).unwrap()), Some((3, None)));
        let either = CharAutomaton::literal("é").union(&CharAutomaton::literal("abcd"), budget).unwrap();
        assert_eq!(range(&either), Some((1, Some(4))));
    }
}
