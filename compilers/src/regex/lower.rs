//! From a tree without look-around to grammar expressions.

use grammar_ir::regular::Spelling;
use grammar_ir::{Budget, CharSet, ExprId, GrammarBuilder, LimitError};

use super::ast::{Node, NodeId, Tree};

/// The expression for `tree`, which has no look-around.
pub(super) fn expressions(
    tree: &Tree,
    spelling: &dyn Spelling,
    builder: &mut GrammarBuilder,
    budget: &mut Budget<'_>,
) -> Result<ExprId, LimitError> {
    let reachable = tree.reachable();
    let mut made: Vec<Option<ExprId>> = vec![None; tree.len()];
    for id in (0..tree.len() as NodeId).filter(|&id| reachable[id as usize]) {
        budget.tick()?;
        let of = |children: &[NodeId]| children.iter().filter_map(|&child| made[child as usize]).collect::<Vec<_>>();
        let expr = match tree.node(id) {
            Node::Literal(literal) => spelling.class(builder, &CharSet::single(*literal)),
            Node::Class(set) => spelling.class(builder, set),
            Node::Concat(parts) => builder.sequence(of(parts)),
            Node::Alternate(arms) => builder.choice(of(arms)),
            Node::Repeat { body, min, max } => {
                let body = of(&[*body]);
                let body = builder.sequence(body);
                builder.repeat(body, *min, *max)
            }
            Node::Empty | Node::Look { .. } => builder.empty(),
        };
        made[id as usize] = Some(expr);
    }
    Ok(made[tree.root as usize].unwrap_or_else(|| builder.never()))
}
