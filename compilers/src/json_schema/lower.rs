//! From the normal form to a grammar: one rule per node (and indentation level).

use std::sync::Arc;

use grammar_ir::{Budget, ExprId, Grammar, GrammarBuilder, GrammarError, LimitError, RuleId};
use rustc_hash::FxHashMap;
use serde_json::Value;

use super::format::lower_regex;
use super::lower_array;
use super::lower_object;
use super::normal::{Node, NodeId, Normal, StringShape};
use super::number::Numbers;
use super::options::Options;
use super::spelling::JsonString;
use super::whitespace::Spaces;
use super::{literal, string};
use crate::diagnostic::{Code, Diagnostic, Diagnostics, Place};

/// Lowers the pruned normal form.
pub(super) fn lower(normal: &Normal, options: &Options, budget: &mut Budget<'_>) -> Result<Grammar, Diagnostics> {
    let mut builder = GrammarBuilder::with_max_expressions(budget.limits().expressions);
    let root = builder.declare("root");
    let spaces = Spaces::new(options.whitespace, &mut builder);
    let character = builder.declare("character");
    let body = string::any_character(&mut builder);
    builder.define(character, body);
    let character = builder.rule(character);
    let mut lowerer = Lowerer {
        normal,
        options,
        builder,
        spaces,
        character,
        regex: None,
        rules: FxHashMap::default(),
        queue: Vec::new(),
        counter: 0,
    };
    let value = lowerer.value(Normal::ROOT, 0);
    while let Some((node, level, rule)) = lowerer.queue.pop() {
        budget.check_time()?;
        let body = lowerer.node(node, level, budget)?;
        lowerer.builder.define(rule, body);
        if lowerer.builder.is_full() {
            break;
        }
    }
    let mut builder = lowerer.builder;
    let body = lowerer.spaces.around(value, &mut builder);
    builder.define(root, body);
    builder.finish(root).map_err(broken)
}

fn broken(error: GrammarError) -> Diagnostics {
    match error {
        GrammarError::Limit(error) => error.into(),
        error => Diagnostic::new(Code::Invalid, Place::Whole, error.to_string()).into(),
    }
}

/// What lowering carries along.
pub(super) struct Lowerer<'a> {
    pub(super) normal: &'a Normal,
    pub(super) options: &'a Options,
    pub(super) builder: GrammarBuilder,
    pub(super) spaces: Spaces,
    /// One character inside a string.
    pub(super) character: ExprId,
    /// A string of the format `regex`, once one is needed.
    regex: Option<ExprId>,
    rules: FxHashMap<(NodeId, u32), RuleId>,
    queue: Vec<(NodeId, u32, RuleId)>,
    counter: usize,
}

impl Lowerer<'_> {
    /// A value of `node` at nesting `level`.
    pub(super) fn value(&mut self, node: NodeId, level: u32) -> ExprId {
        let level = level.min(self.spaces.levels());
        let rule = match self.rules.get(&(node, level)) {
            Some(&rule) => rule,
            None => {
                let rule = self.fresh("value");
                self.rules.insert((node, level), rule);
                self.queue.push((node, level, rule));
                rule
            }
        };
        self.builder.rule(rule)
    }

    /// The listed value `value` at nesting `level`.
    ///
    /// # Errors
    /// When a string takes too many states.
    pub(super) fn listed(&mut self, value: &Value, level: u32, budget: &mut Budget<'_>) -> Result<ExprId, LimitError> {
        let level = level.min(self.spaces.levels());
        literal::lower(value, level, &self.spaces, self.options, &mut self.builder, budget)
    }

    /// A new rule.
    pub(super) fn fresh(&mut self, kind: &str) -> RuleId {
        self.counter += 1;
        self.builder.declare(format!("{kind}_{}", self.counter))
    }

    /// A string of the format `regex`, written once.
    fn regex(&mut self) -> ExprId {
        if let Some(regex) = self.regex {
            return regex;
        }
        let rule = self.builder.declare("regex_text");
        let inside = lower_regex(&JsonString, &mut self.builder);
        let body = string::quoted(inside, &mut self.builder);
        self.builder.define(rule, body);
        let regex = self.builder.rule(rule);
        *self.regex.insert(regex)
    }

    fn node(&mut self, id: NodeId, level: u32, budget: &mut Budget<'_>) -> Result<ExprId, Diagnostics> {
        let node = &self.normal.nodes[id.index()];
        let mut arms = Vec::new();
        let texts: Vec<&str> = node.values.iter().filter_map(Value::as_str).collect();
        if !texts.is_empty() {
            arms.push(string::literals(texts, &mut self.builder, budget)?);
        }
        for value in node.values.iter().filter(|value| !value.is_string()) {
            arms.push(self.listed(value, level, budget)?);
        }
        arms.push(self.unlisted(node, level, |_| true, |_| true, budget)?);
        Ok(self.builder.choice(arms))
    }

    /// The values of `node` that are not listed, of numbers and strings those that are wanted.
    pub(super) fn unlisted(
        &mut self,
        node: &Node,
        level: u32,
        numbers: impl Fn(&Numbers) -> bool,
        strings: impl Fn(&StringShape) -> bool,
        budget: &mut Budget<'_>,
    ) -> Result<ExprId, Diagnostics> {
        let mut arms = Vec::new();
        for numbers in node.numbers.iter().filter(|set| numbers(set)) {
            let automata = [&numbers.plain].into_iter().chain(&numbers.scientific);
            arms.extend(automata.map(|automaton| self.builder.automaton(Arc::clone(automaton))));
        }
        for shape in node.strings.iter().filter(|shape| strings(shape)) {
            arms.push(string::lower(shape, self.character, &mut self.builder, budget)?);
        }
        if node.regexes {
            arms.push(self.regex());
        }
        for shape in &node.arrays {
            arms.push(lower_array::lower(self, shape, level, budget)?);
        }
        for shape in &node.objects {
            arms.push(lower_object::lower(self, shape, level, budget)?);
        }
        Ok(self.builder.choice(arms))
    }
}
