//! Strongly connected components.

/// The strongly connected components of a graph on `0..len`, each after all that it can reach (Tarjan 1972, *Depth-first
/// search and linear graph algorithms*; with a stack of its own instead of recursion).
///
/// `successor(node, n)` is the n-th successor of a node.
pub(crate) fn components(len: usize, successor: impl Fn(usize, usize) -> Option<usize>) -> Components {
    const UNSEEN: usize = usize::MAX;
    let mut found = Components { members: Vec::with_capacity(len), ends: Vec::with_capacity(len) };
    // The order of discovery, and the earliest discovered node on the stack that is known to be reachable.
    let mut order = vec![UNSEEN; len];
    let mut low = vec![UNSEEN; len];
    let mut on_stack = vec![false; len];
    let mut stack = Vec::new();
    let mut next_order = 0;
    // Each entry is a node under visit and how many of its successors are done.
    let mut visits: Vec<(usize, usize)> = Vec::new();
    for start in 0..len {
        if order[start] == UNSEEN {
            visits.push((start, 0));
        }
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
                        stack[from..].iter().for_each(|&member| on_stack[member] = false);
                        found.members.extend(stack.drain(from..));
                        found.ends.push(found.members.len());
                    }
                }
            }
        }
    }
    found
}

/// Strongly connected components.
#[derive(Debug)]
pub(crate) struct Components {
    members: Vec<usize>,
    /// Where each component ends in `members`.
    ends: Vec<usize>,
}

impl Components {
    /// The components, each after all that it can reach.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &[usize]> {
        self.ends.iter().scan(0, |start, &end| {
            let component = &self.members[*start..end];
            *start = end;
            Some(component)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::components;

    #[test]
    fn components_come_after_what_they_reach() {
        let edges: [&[usize]; 7] = [&[1], &[2, 3], &[0, 4], &[3], &[5], &[4], &[0]];
        let found = components(edges.len(), |node, n| edges[node].get(n).copied());
        let mut found: Vec<Vec<usize>> = found.iter().map(<[usize]>::to_vec).collect();
        found.iter_mut().for_each(|component| component.sort_unstable());
        assert_eq!(found, [vec![4, 5], vec![3], vec![0, 1, 2], vec![6]]);
    }

    #[test]
    fn a_long_path_needs_no_stack() {
        let len = 1_000_000;
        let found = components(len, |node, n| (n == 0 && node + 1 < len).then_some(node + 1));
        assert_eq!(found.iter().count(), len);
        assert_eq!(found.iter().next(), Some(&[len - 1][..]));
    }
}
