//! Which texts a pattern stands for: makes a tree for the whole text, and decides the assertions that their place
//! decides, so that `^…$` and its like leave a tree without look-around.

use std::borrow::Cow;

use grammar_ir::{Budget, CharSet, LimitError};

use super::Anchoring;
use super::ast::{Look, Node, NodeId, Tree};

/// The tree that matches, from end to end, the texts that `tree` stands for under `anchoring`.
pub(super) fn whole_text<'t>(
    tree: &'t Tree,
    anchoring: Anchoring,
    budget: &mut Budget<'_>,
) -> Result<Cow<'t, Tree>, LimitError> {
    let tree = match anchoring {
        Anchoring::Whole => Cow::Borrowed(tree),
        Anchoring::Search => Cow::Owned(search(tree.clone())),
    };
    if tree.first_look().is_none() { Ok(tree) } else { decide(&tree, budget).map(Cow::Owned) }
}

/// How deep anchors are looked for at the ends of a pattern; those further inside are left to the automaton.
const MAX_PEELED: usize = 32;

/// The tree of the texts in which `tree` matches somewhere: what is anchored at an end as it is, the rest with any text
/// around it.
fn search(mut tree: Tree) -> Tree {
    let span = tree.span(tree.root);
    let root = tree.root;
    let mut arms = Vec::new();
    let (at_start, anywhere) = peel(&mut tree, root, true, MAX_PEELED);
    for (part, open_left) in [(at_start, false), (anywhere, true)] {
        let Some(part) = part else { continue };
        let (at_end, anywhere) = peel(&mut tree, part, false, MAX_PEELED);
        for (part, open_right) in [(at_end, false), (anywhere, true)] {
            let Some(part) = part else { continue };
            let mut parts = Vec::new();
            for (wanted, piece) in [(open_left, None), (true, Some(part)), (open_right, None)] {
                if wanted {
                    parts.push(piece.unwrap_or_else(|| any_text(&mut tree, span.clone())));
                }
            }
            arms.push(tree.concat(parts, span.clone()));
        }
    }
    tree.root = tree.alternate(arms, span);
    tree
}

fn any_text(tree: &mut Tree, span: std::ops::Range<usize>) -> NodeId {
    let any = tree.class(CharSet::full(), span.clone());
    tree.add(Node::Repeat { body: any, min: 0, max: None }, span)
}

/// Splits a node in two: what begins with an anchor at the start of the text (`left`; otherwise what ends with one at
/// the end), without the anchor, and the rest.
fn peel(tree: &mut Tree, id: NodeId, left: bool, depth: usize) -> (Option<NodeId>, Option<NodeId>) {
    let span = tree.span(id);
    match tree.node(id).clone() {
        _ if depth == 0 => (None, Some(id)),
        Node::Look { look, body } if is_text_end(tree, look, body) && look.ahead != left => {
            (Some(tree.add(Node::Empty, span)), None)
        }
        Node::Concat(parts) => {
            let place = if left { 0 } else { parts.len() - 1 };
            let with = |part: Option<NodeId>, tree: &mut Tree| {
                part.map(|part| {
                    let mut parts = parts.to_vec();
                    parts[place] = part;
                    tree.concat(parts, span.clone())
                })
            };
            match peel(tree, parts[place], left, depth - 1) {
                (None, _) => (None, Some(id)),
                (anchored, rest) => (with(anchored, tree), with(rest, tree)),
            }
        }
        Node::Alternate(arms) => {
            let (mut anchored, mut rest) = (Vec::new(), Vec::new());
            for &arm in &arms {
                let (with, without) = peel(tree, arm, left, depth - 1);
                anchored.extend(with);
                rest.extend(without);
            }
            if anchored.is_empty() {
                return (None, Some(id));
            }
            let rest = (!rest.is_empty()).then(|| tree.alternate(rest, span.clone()));
            (Some(tree.alternate(anchored, span)), rest)
        }
        _ => (None, Some(id)),
    }
}

/// Whether a look-around is `^` or `$` without the flag `m`.
fn is_text_end(tree: &Tree, look: Look, body: NodeId) -> bool {
    look.negated && matches!(tree.node(body), Node::Class(set) if **set == CharSet::full())
}

/// What may stand next to a position: the end of the text, or a character of a set. More than what really may is
/// allowed for.
#[derive(Debug, Clone, Default)]
struct Neighbour {
    text_end: bool,
    characters: CharSet,
}

impl Neighbour {
    fn text_end() -> Self {
        Self { text_end: true, characters: CharSet::empty() }
    }

    fn anything() -> Self {
        Self { text_end: true, characters: CharSet::full() }
    }

    fn or(&self, other: &Self) -> Self {
        Self { text_end: self.text_end || other.text_end, characters: self.characters.union(&other.characters) }
    }

    fn or_characters(&self, characters: &CharSet) -> Self {
        Self { text_end: self.text_end, characters: self.characters.union(characters) }
    }

    /// Whether a character of `set` stands there, if that is certain.
    fn is_in(&self, set: &CharSet) -> Option<bool> {
        if self.characters.intersection(set).is_empty() {
            Some(false)
        } else if !self.text_end && self.characters.difference(set).is_empty() {
            Some(true)
        } else {
            None
        }
    }
}

/// What the texts of a node can be: empty, and with which first and last characters.
#[derive(Debug, Clone, Default)]
struct Shape {
    nullable: bool,
    first: CharSet,
    last: CharSet,
    has_look: bool,
}

/// The same language without the look-arounds that their neighbours decide.
fn decide(tree: &Tree, budget: &mut Budget<'_>) -> Result<Tree, LimitError> {
    let reachable = tree.reachable();
    let shapes = shapes(tree, &reachable, budget)?;
    let neighbours = neighbours(tree, &reachable, &shapes, budget)?;
    let mut decided = Tree::new();
    let mut renamed = vec![0; tree.len()];
    for id in (0..tree.len() as NodeId).filter(|&id| reachable[id as usize]) {
        budget.tick()?;
        let span = tree.span(id);
        let new = |child: &NodeId| renamed[*child as usize];
        let node = match tree.node(id) {
            Node::Concat(parts) => decided.concat(parts.iter().map(new).collect(), span),
            Node::Alternate(arms) => decided.alternate(arms.iter().map(new).collect(), span),
            Node::Repeat { body, min, max } => {
                let body = new(body);
                match decided.node(body) {
                    Node::Empty => body,
                    _ if decided.is_never(body) && *min > 0 => body,
                    _ if decided.is_never(body) => decided.add(Node::Empty, span),
                    _ => decided.add(Node::Repeat { body, min: *min, max: *max }, span),
                }
            }
            Node::Look { look, body } => {
                let body = new(body);
                let matches = match (decided.node(body), &neighbours[id as usize]) {
                    (Node::Empty, _) => Some(true),
                    (Node::Literal(literal), Some((before, after))) => {
                        (if look.ahead { after } else { before }).is_in(&CharSet::single(*literal))
                    }
                    (Node::Class(set), Some((before, after))) => (if look.ahead { after } else { before }).is_in(set),
                    _ => None,
                };
                match matches.map(|matches| matches != look.negated) {
                    Some(true) => decided.add(Node::Empty, span),
                    Some(false) => decided.never(span),
                    None => decided.add(Node::Look { look: *look, body }, span),
                }
            }
            node => decided.add(node.clone(), span),
        };
        renamed[id as usize] = node;
    }
    decided.root = renamed[tree.root as usize];
    Ok(decided)
}

fn shapes(tree: &Tree, reachable: &[bool], budget: &mut Budget<'_>) -> Result<Vec<Shape>, LimitError> {
    let mut shapes: Vec<Shape> = Vec::with_capacity(tree.len());
    for id in 0..tree.len() as NodeId {
        budget.tick()?;
        if !reachable[id as usize] {
            shapes.push(Shape::default());
            continue;
        }
        let of = |id: NodeId| &shapes[id as usize];
        let union = |ids: &mut dyn Iterator<Item = NodeId>, side: fn(&Shape) -> &CharSet| {
            let mut ranges = Vec::new();
            for id in ids {
                ranges.extend_from_slice(side(of(id)).ranges());
            }
            CharSet::from_ranges(ranges)
        };
        let mut shape = match tree.node(id) {
            Node::Empty | Node::Look { .. } => Shape { nullable: true, ..Shape::default() },
            Node::Literal(literal) => {
                let set = CharSet::single(*literal);
                Shape { first: set.clone(), last: set, ..Shape::default() }
            }
            Node::Class(set) => Shape { first: (**set).clone(), last: (**set).clone(), ..Shape::default() },
            Node::Concat(parts) => Shape {
                nullable: parts.iter().all(|&part| of(part).nullable),
                first: union(&mut until_consuming(parts.iter(), &shapes), |shape| &shape.first),
                last: union(&mut until_consuming(parts.iter().rev(), &shapes), |shape| &shape.last),
                has_look: false,
            },
            Node::Alternate(arms) => Shape {
                nullable: arms.iter().any(|&arm| of(arm).nullable),
                first: union(&mut arms.iter().copied(), |shape| &shape.first),
                last: union(&mut arms.iter().copied(), |shape| &shape.last),
                has_look: false,
            },
            Node::Repeat { body, min, max } => Shape {
                nullable: *min == 0 || of(*body).nullable,
                first: if *max == Some(0) { CharSet::empty() } else { of(*body).first.clone() },
                last: if *max == Some(0) { CharSet::empty() } else { of(*body).last.clone() },
                has_look: false,
            },
        };
        let children = tree.node(id).children();
        shape.has_look = matches!(tree.node(id), Node::Look { .. }) || children.iter().any(|&child| of(child).has_look);
        shapes.push(shape);
    }
    Ok(shapes)
}

/// The parts up to the first one that is never empty, and it.
fn until_consuming<'a>(parts: impl Iterator<Item = &'a NodeId>, shapes: &[Shape]) -> impl Iterator<Item = NodeId> {
    let mut open = true;
    parts.copied().take_while(move |&part| {
        let taken = open;
        open = open && shapes[part as usize].nullable;
        taken
    })
}

type Neighbours = Option<(Neighbour, Neighbour)>;

/// Per node that holds a look-around: what may stand before and after it.
fn neighbours(
    tree: &Tree,
    reachable: &[bool],
    shapes: &[Shape],
    budget: &mut Budget<'_>,
) -> Result<Vec<Neighbours>, LimitError> {
    let mut neighbours: Vec<Neighbours> = vec![None; tree.len()];
    neighbours[tree.root as usize] = Some((Neighbour::text_end(), Neighbour::text_end()));
    let assign = |known: &mut Vec<Neighbours>, id: NodeId, before: Neighbour, after: Neighbour| {
        if !shapes[id as usize].has_look {
            return;
        }
        let place = &mut known[id as usize];
        *place = Some(match place.take() {
            None => (before, after),
            Some((known_before, known_after)) => (known_before.or(&before), known_after.or(&after)),
        });
    };
    for id in (0..tree.len() as NodeId).rev().filter(|&id| reachable[id as usize]) {
        let Some((before, after)) = neighbours[id as usize].clone() else { continue };
        match tree.node(id) {
            Node::Concat(parts) => {
                let mut afters = Vec::with_capacity(parts.len());
                let mut next = after;
                for &part in parts.iter().rev() {
                    budget.tick()?;
                    let Shape { nullable, first, .. } = &shapes[part as usize];
                    let following = if *nullable { next.or_characters(first) } else { bounded(first) };
                    afters.push(std::mem::replace(&mut next, following));
                }
                let mut previous = before;
                for (&part, after) in parts.iter().zip(afters.into_iter().rev()) {
                    budget.tick()?;
                    let Shape { nullable, last, .. } = &shapes[part as usize];
                    let following = if *nullable { previous.or_characters(last) } else { bounded(last) };
                    assign(&mut neighbours, part, std::mem::replace(&mut previous, following), after);
                }
            }
            Node::Alternate(arms) => {
                for &arm in arms {
                    budget.tick()?;
                    assign(&mut neighbours, arm, before.clone(), after.clone());
                }
            }
            Node::Repeat { body, max, .. } => {
                let Shape { first, last, .. } = &shapes[*body as usize];
                let once = max.is_some_and(|max| max <= 1);
                let inner_before = if once { before } else { before.or_characters(last) };
                let inner_after = if once { after } else { after.or_characters(first) };
                assign(&mut neighbours, *body, inner_before, inner_after);
            }
            // What a look-around reads past its own position, no neighbour is known of.
            Node::Look { look: Look { ahead: true, .. }, body } => {
                assign(&mut neighbours, *body, before, Neighbour::anything());
            }
            Node::Look { body, .. } => assign(&mut neighbours, *body, Neighbour::anything(), after),
            Node::Empty | Node::Literal(_) | Node::Class(_) => {}
        }
    }
    Ok(neighbours)
}

fn bounded(characters: &CharSet) -> Neighbour {
    Neighbour { text_end: false, characters: characters.clone() }
}
