//! "Did you mean": the name nearest to one that is not defined.

/// Longest name that is compared; the distance takes time quadratic in it.
const MAX_NAME: usize = 64;

/// Most names looked at for one suggestion.
const MAX_CANDIDATES: usize = 10_000;

/// The candidate nearest to `name`, if it is near enough to be a slip of the keyboard: at most a third of the name.
pub(super) fn nearest<'a>(name: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let limit = (name.len() / 3).max(1);
    if name.len() > MAX_NAME {
        return None;
    }
    candidates
        .take(MAX_CANDIDATES)
        .filter(|candidate| candidate.len().abs_diff(name.len()) <= limit)
        .map(|candidate| (distance(name.as_bytes(), candidate.as_bytes()), candidate))
        .filter(|&(distance, _)| distance <= limit)
        .min_by_key(|&(distance, _)| distance)
        .map(|(_, candidate)| candidate)
}

/// Least number of insertions, deletions, substitutions and swaps of neighbours that turn `a` into `b` (optimal string
/// alignment); letters that differ in case, and the separators, count as equal.
fn distance(a: &[u8], b: &[u8]) -> usize {
    let fold = |byte: u8| if byte == b'_' || byte == b'.' { b'-' } else { byte.to_ascii_lowercase() };
    let same = |i: usize, j: usize| fold(a[i]) == fold(b[j]);
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=b.len()).collect();
    for i in 0..a.len() {
        let mut row = vec![i + 1];
        for j in 0..b.len() {
            let substituted = above[j] + usize::from(!same(i, j));
            let mut best = substituted.min(above[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && same(i, j - 1) && same(i - 1, j) {
                best = best.min(before[j - 1] + 1);
            }
            row.push(best);
        }
        before = std::mem::replace(&mut above, row);
    }
    above[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_names_are_suggested() {
        let names = ["object", "array", "string", "number", "white-space"];
        let nearest = |name| nearest(name, names.into_iter());
        assert_eq!(nearest("strnig"), Some("string"));
        assert_eq!(nearest("objct"), Some("object"));
        assert_eq!(nearest("White_Space"), Some("white-space"));
        assert_eq!(nearest("boolean"), None);
        assert_eq!(nearest(&"x".repeat(1000)), None);
    }
}
