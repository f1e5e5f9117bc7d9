//! Graphs on numbered nodes, in two flat arrays.

/// The successors of each node.
#[derive(Debug, Default)]
pub(super) struct Graph {
    /// Where each node's successors end; those of the next node begin there.
    ends: Vec<u32>,
    targets: Vec<u32>,
}

impl Graph {
    /// Adds the next node.
    pub(super) fn push(&mut self, targets: impl IntoIterator<Item = u32>) {
        self.targets.extend(targets);
        self.ends.push(self.targets.len() as u32);
    }

    /// The number of nodes.
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    /// The successors of `node`.
    pub(super) fn successors(&self, node: u32) -> &[u32] {
        let start = if node == 0 { 0 } else { self.ends[node as usize - 1] };
        &self.targets[start as usize..self.ends[node as usize] as usize]
    }

    /// The strongly connected components, each after those that it leads to (Tarjan 1972, with an explicit stack).
    pub(super) fn components(&self) -> Components {
        const UNSEEN: u32 = u32::MAX;
        /// In `low`: of a component that is complete.
        const DONE: u32 = u32::MAX;
        let len = self.ends.len();
        let mut order = vec![UNSEEN; len];
        let mut low = vec![0u32; len];
        let mut stack: Vec<u32> = Vec::new();
        let mut components = Components { members: Vec::with_capacity(len), ends: Vec::new() };
        let mut work: Vec<(u32, u32)> = Vec::new();
        let mut clock = 0;
        for root in 0..len as u32 {
            if order[root as usize] != UNSEEN {
                continue;
            }
            work.push((root, 0));
            while let Some(&mut (node, ref mut next)) = work.last_mut() {
                if *next == 0 {
                    order[node as usize] = clock;
                    low[node as usize] = clock;
                    clock += 1;
                    stack.push(node);
                }
                if let Some(&successor) = self.successors(node).get(*next as usize) {
                    *next += 1;
                    if order[successor as usize] == UNSEEN {
                        work.push((successor, 0));
                    } else if low[successor as usize] != DONE {
                        low[node as usize] = low[node as usize].min(order[successor as usize]);
                    }
                    continue;
                }
                work.pop();
                if let Some(&(parent, _)) = work.last() {
                    low[parent as usize] = low[parent as usize].min(low[node as usize]);
                }
                if low[node as usize] == order[node as usize] {
                    while let Some(member) = stack.pop() {
                        low[member as usize] = DONE;
                        components.members.push(member);
                        if member == node {
                            break;
                        }
                    }
                    components.ends.push(components.members.len() as u32);
                }
            }
        }
        components
    }
}

/// Strongly connected components.
#[derive(Debug)]
pub(super) struct Components {
    members: Vec<u32>,
    /// Where each component ends in `members`.
    ends: Vec<u32>,
}

impl Components {
    /// The components, each after those that it leads to.
    pub(super) fn iter(&self) -> impl Iterator<Item = &[u32]> {
        self.ends.iter().scan(0, |start, &end| {
            let component = &self.members[*start as usize..end as usize];
            *start = end;
            Some(component)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn components_come_after_those_that_they_lead_to() {
        let mut graph = Graph::default();
        for targets in [&[1, 4][..], &[2], &[1, 3], &[], &[4], &[0]] {
            graph.push(targets.iter().copied());
        }
        assert_eq!(graph.successors(2), [1, 3]);
        let mut components: Vec<Vec<u32>> = graph.components().iter().map(<[u32]>::to_vec).collect();
        components.iter_mut().for_each(|component| component.sort_unstable());
        assert_eq!(components, [vec![3], vec![1, 2], vec![4], vec![0], vec![5]]);
    }

    #[test]
    fn a_long_path_and_a_long_cycle_take_no_stack() {
        for (back, count) in [(false, 100_000), (true, 1)] {
            let mut graph = Graph::default();
            for node in 0..100_000u32 {
                graph.push((node + 1 < 100_000).then_some(node + 1).or(back.then_some(0)));
            }
            assert_eq!(graph.components().iter().count(), count);
        }
    }
}
