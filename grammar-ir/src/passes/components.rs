//! Strongly connected components.

/// The strongly connected components of a graph on `0..len`, each after all that it can reach (Tarjan 1972, *Depth-first
/// search and linear graph algorithms*; with a stack of its own instead of recursion).
///
/// `successor(node, n)` is the n-th successor of a node.
pub(crate) fn components(len: usize, successor: impl Fn(usize, usize) -> Option<usize>) -> Vec<Vec<usize>> {
    const UNSEEN: usize = usize::MAX;
    let mut found = Vec::new();
    // The order of discovery, and the earliest discovered node on the stack that is known to be reachable.
    let mut order = vec![UNSEEN; len];
    let mut low = vec![UNSEEN; len];
    let mut on_stack = vec![false; len];
    let mut stack = Vec::new();
    let mut next_order = 0;
    for start in 0..len {
        // Each entry is a node under visit and how many of its successors are done.
        let mut visits: Vec<(usize, usize)> = if order[start] == UNSEEN { vec![(start, 0)] } else { Vec::new() };
        while let Some((node, done)) = visits.last_mut() {
            let node = *node;
            if order[node] == UNSEEN {
                (order[node], low[node]) = (next_order, next_order);
                next_order += 1;
                stack.push(node);
                on_stack[node] = true;
            }
            match successor(node, *done) {
                Some(next) => {
                    *done += 1;
                    if order[next] == UNSEEN {
                        visits.push((next, 0));
                    } else if on_stack[next] {
                        low[node] = low[node].min(order[next]);
                    }
                }
                None => {
                    visits.pop();
                    if let Some(&(parent, _)) = visits.last() {
                        low[parent] = low[parent].min(low[node]);
                    }
                    if low[node] == order[node] {
                        let from = stack.iter().rposition(|&member| member == node).unwrap_or(0);
                        let component = stack.split_off(from);
                        component.iter().for_each(|&member| on_stack[member] = false);
                        found.push(component);
                    }
                }
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::components;

    #[test]
    fn components_come_after_what_they_reach() {
        let edges: [&[usize]; 7] = [&[1], &[2, 3], &[0, 4], &[3], &[5], &[4], &[0]];
        let mut found = components(edges.len(), |node, n| edges[node].get(n).copied());
        found.iter_mut().for_each(|component| component.sort_unstable());
        assert_eq!(found, [vec![4, 5], vec![3], vec![0, 1, 2], vec![6]]);
    }

    #[test]
    fn a_long_path_needs_no_stack() {
        let len = 1_000_000;
        let found = components(len, |node, n| (n == 0 && node + 1 < len).then_some(node + 1));
        assert_eq!(found.len(), len);
        assert_eq!(found[0], [len - 1]);
    }
}
