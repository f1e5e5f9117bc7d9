//! From the syntax tree to the [`Grammar`]: names, escapes and token texts are resolved here.

use std::collections::hash_map::Entry;

use grammar_ir::{Budget, CharSet, ExprId, Grammar, GrammarBuilder, GrammarError, RuleId, TokenSet};
use rustc_hash::{FxHashMap, FxHashSet};

use super::ast::{Ast, MAX_TOKEN_ID, Node, NodeId, Rule, Span};
use super::lookahead::Lookahead;
use super::parse::MAX_DIAGNOSTICS;
use super::restrict::{self, Obstacle};
use super::{Options, TokenNames, macros, suggest, unescape};
use crate::diagnostic::{Code, Diagnostic, Diagnostics, Place, line_and_column};

/// Lowers `ast`, unless it or the parser found `diagnostics`. Look-aheads are left to be enforced.
///
/// Free text in it contains none of `ends`. Rule `i` of the result is rule `i` of the tree.
///
/// # Errors
/// The given diagnostics together with those found here.
pub(super) fn lower(
    source: &str,
    ast: &Ast,
    options: &Options,
    tokens: Option<&dyn TokenNames>,
    ends: &[&str],
    budget: &mut Budget<'_>,
    diagnostics: Vec<Diagnostic>,
) -> Result<(Grammar, Vec<Lookahead>), Diagnostics> {
    let builder = GrammarBuilder::with_max_expressions(budget.limits().expressions);
    let mut lowering = Lowering {
        source,
        tokens,
        ends,
        builder,
        rules: FxHashMap::default(),
        undefined: FxHashSet::default(),
        expressions: Vec::with_capacity(ast.nodes.len()),
        diagnostics,
    };
    // After a limit the tree is a part of the source, and what it seems to lack may be in the rest.
    if lowering.diagnostics.iter().any(|diagnostic| diagnostic.code == Code::Limit) {
        return Err(lowering.diagnostics.into());
    }
    lowering.declare(ast);
    lowering.check_lookaheads(ast);
    for node in &ast.nodes {
        budget.tick()?;
        if lowering.diagnostics.len() >= MAX_DIAGNOSTICS {
            break;
        }
        let expression = lowering.node(node, budget)?;
        lowering.expressions.push(expression);
    }
    lowering.finish(ast, options, budget)
}

/// What lowering carries along.
pub(super) struct Lowering<'a> {
    pub(super) source: &'a str,
    tokens: Option<&'a dyn TokenNames>,
    /// What ends the text around the grammar, so that free text in it may not contain it.
    pub(super) ends: &'a [&'a str],
    pub(super) builder: GrammarBuilder,
    rules: FxHashMap<&'a str, (RuleId, Span)>,
    undefined: FxHashSet<&'a str>,
    pub(super) expressions: Vec<ExprId>,
    pub(super) diagnostics: Vec<Diagnostic>,
}

impl<'a> Lowering<'a> {
    pub(super) fn report(&mut self, code: Code, span: Span, message: impl Into<String>, help: impl Into<String>) {
        self.diagnostics.push(Diagnostic::new(code, span.place(), message).with_help(help));
    }

    fn declare(&mut self, ast: &Ast) {
        for rule in &ast.rules {
            let name = rule.name.of(self.source);
            let id = self.builder.declare(name);
            let first = match self.rules.entry(name) {
                Entry::Vacant(entry) => {
                    entry.insert((id, rule.name));
                    continue;
                }
                Entry::Occupied(entry) => entry.get().1,
            };
            if self.diagnostics.len() >= MAX_DIAGNOSTICS {
                return;
            }
            let (line, _) = line_and_column(self.source, first.range().start);
            let help = format!("the first definition is on line {line}; join the two with `|` or rename one");
            self.report(Code::Duplicate, rule.name, format!("rule `{name}` is defined twice"), help);
        }
    }

    /// Reports macros in look-aheads that match the empty text, so that the look-ahead would ask for nothing.
    fn check_lookaheads(&mut self, ast: &Ast) {
        for (lookahead, _) in ast.rules.iter().filter_map(|rule| rule.lookahead) {
            let mut agenda = vec![lookahead];
            while let Some(id) = agenda.pop() {
                match &ast.nodes[id.index()] {
                    Node::Sequence(operands) | Node::Choice(operands) => agenda.extend(operands),
                    Node::Repeat { body, .. } => agenda.push(*body),
                    Node::Macro { name, span, .. } if name.of(self.source) != "Regex" => {
                        let message = format!("`{}` in a lookahead is not supported", name.of(self.source));
                        let help = "it matches the empty text, too; look for what must come next";
                        self.report(Code::Unsupported, *span, message, help);
                    }
                    _ => {}
                }
            }
        }
    }

    fn node(&mut self, node: &Node, budget: &mut Budget<'_>) -> Result<ExprId, Diagnostics> {
        Ok(match node {
            Node::Literal(span) => {
                let text = unescape::literal(self.source, *span, &mut self.diagnostics);
                self.builder.literal(&text)
            }
            Node::Class(span) => {
                let set = unescape::class(self.source, *span, &mut self.diagnostics);
                self.builder.class(set)
            }
            Node::Any => self.builder.class(CharSet::single('\n').complement()),
            Node::Reference(span) => self.reference(*span),
            Node::TokenTerminal(span) => self.token_terminal(*span),
            Node::TokenSet { span, ids, complement } => {
                self.check_tokens(*span, ids);
                let ids = ids.iter().copied();
                self.builder.token(if *complement { TokenSet::all_but(ids) } else { TokenSet::of(ids) })
            }
            Node::Sequence(operands) => {
                let operands = self.lowered(operands);
                self.builder.sequence(operands)
            }
            Node::Choice(operands) => {
                let operands = self.lowered(operands);
                self.builder.choice(operands)
            }
            Node::Repeat { body, min, max } => self.builder.repeat(self.expressions[body.index()], *min, *max),
            Node::Macro { name, span, arguments } => macros::lower(self, *name, *span, arguments, budget)?,
            Node::Vacant => self.builder.empty(),
        })
    }

    fn lowered(&self, operands: &[NodeId]) -> Vec<ExprId> {
        operands.iter().map(|operand| self.expressions[operand.index()]).collect()
    }

    /// A word of the rule whose name is at `span`.
    pub(super) fn reference(&mut self, span: Span) -> ExprId {
        let name = span.of(self.source);
        if let Some(&(rule, _)) = self.rules.get(name) {
            return self.builder.rule(rule);
        }
        // One report for each name: the others have the same remedy.
        if self.undefined.insert(name) {
            let help = self.did_you_mean(name).unwrap_or_else(|| format!("add a rule `{name} ::= …`"));
            self.report(Code::Undefined, span, format!("rule `{name}` is not defined"), help);
        }
        self.builder.empty()
    }

    fn did_you_mean(&self, name: &str) -> Option<String> {
        suggest::nearest(name, self.rules.keys().copied()).map(|nearest| format!("did you mean `{nearest}`?"))
    }

    fn token_terminal(&mut self, span: Span) -> ExprId {
        let (complement, text) = match span.of(self.source).strip_prefix('!') {
            Some(text) => (true, text),
            None => (false, span.of(self.source)),
        };
        match self.token_id(text) {
            Ok(id) => {
                self.check_tokens(span, &[id]);
                self.builder.token(if complement { TokenSet::all_but([id]) } else { TokenSet::of([id]) })
            }
            Err((code, message, help)) => {
                self.report(code, span, message, help);
                self.builder.empty()
            }
        }
    }

    /// Reports the first of `ids` that no token has.
    pub(super) fn check_tokens(&mut self, span: Span, ids: &[u32]) {
        let Some(tokens) = self.tokens else { return };
        if let Some(id) = ids.iter().find(|&&id| !tokens.has_token(id)) {
            let message = format!("the vocabulary has no token {id}");
            self.report(Code::Invalid, span, message, "use the tokenizer that the grammar was written for");
        }
    }

    /// The id that `text`, angle brackets included, stands for.
    fn token_id(&self, text: &str) -> Result<u32, (Code, String, &'static str)> {
        if let Some(digits) = text.strip_prefix("<[").and_then(|rest| rest.strip_suffix("]>"))
            && digits.bytes().all(|byte| byte.is_ascii_digit())
        {
            return digits.parse().ok().filter(|&id| id <= MAX_TOKEN_ID).ok_or_else(|| {
                let message = if digits.is_empty() {
                    "the token terminal has no id".to_owned()
                } else {
                    format!("the token id is above {MAX_TOKEN_ID}")
                };
                (Code::Invalid, message, "give the id of a token of the vocabulary: `<[1234]>`")
            });
        }
        if let Some(id) = self.tokens.and_then(|tokens| tokens.token_id(text)) {
            return Ok(id);
        }
        if text.starts_with("<[") && text.ends_with("]>") {
            let message = format!("`{text}` holds no token id");
            return Err((Code::Invalid, message, "an id is a decimal number: `<[1234]>`"));
        }
        Err(if self.tokens.is_some() {
            let message = format!("the vocabulary has no special or added token `{text}`");
            (Code::Undefined, message, "check its spelling; ordinary text is matched by a literal: `\"…\"`")
        } else {
            let message = format!("the token `{text}` cannot be looked up without a vocabulary");
            (Code::Undefined, message, "give a tokenizer, or write the token's id: `<[1234]>`")
        })
    }

    /// The words of a rule that its attributes allow.
    fn restricted(&mut self, ast: &Ast, rule: &Rule, body: ExprId, budget: &mut Budget<'_>) -> ExprId {
        let rule_body = |id: RuleId| {
            let other = ast.rules.get(id.index())?;
            let is_plain = other.attributes.is_empty() && other.lookahead.is_none() || other.name == rule.name;
            other.body.filter(|_| is_plain).map(|body| self.expressions[body.index()])
        };
        let obstacle = match restrict::restrict(body, rule.attributes, &rule_body, &self.builder, budget) {
            Ok(automaton) => return self.builder.automaton(automaton),
            Err(obstacle) => obstacle,
        };
        let span = rule.attributes.brackets.unwrap_or(rule.name);
        let name = rule.name.of(self.source);
        match obstacle {
            Obstacle::Part(part) => {
                let message = format!("these attributes are not supported for `{name}`, which has {part}");
                let help = "`max_chars` and `lazy` need a rule made of literals, classes and other such rules, or of one dispatch or substring";
                self.report(Code::Unsupported, span, message, help);
            }
            Obstacle::Limit(error) => {
                self.report(Code::Limit, span, error.to_string(), "simplify the rule or raise the limit");
            }
        }
        self.builder.never()
    }

    /// The name to report that is given at `span`: a literal, or the name of a rule.
    fn capture_name(&mut self, span: Span) -> String {
        let text = span.of(self.source);
        if text.starts_with('"') {
            unescape::literal(self.source, span, &mut self.diagnostics)
        } else {
            text.to_owned()
        }
    }

    fn finish(
        mut self,
        ast: &Ast,
        options: &Options,
        budget: &mut Budget<'_>,
    ) -> Result<(Grammar, Vec<Lookahead>), Diagnostics> {
        let root = self.rules.get(options.root.as_str()).map(|&(rule, _)| rule);
        if root.is_none() {
            let help = match self.did_you_mean(&options.root) {
                Some(guess) => format!("{guess} The name of the root rule is an option"),
                None => format!("add a rule `{} ::= …`, or give the name of the root rule as an option", options.root),
            };
            let message = format!("the root rule `{}` is not defined", options.root);
            self.diagnostics.push(Diagnostic::new(Code::Undefined, Place::Whole, message).with_help(help));
        }
        let root = root.filter(|_| self.diagnostics.is_empty());
        for (index, rule) in ast.rules.iter().enumerate() {
            if let (Some(body), Some(_)) = (rule.body, root) {
                let body = self.expressions[body.index()];
                let body = if rule.attributes.restrict() { self.restricted(ast, rule, body, budget) } else { body };
                self.builder.define(RuleId::from_u32(index as u32), body);
                let capture = rule.attributes.capture.map(|name| self.capture_name(name));
                let marker = self.end_marker(ast, index, budget)?;
                let attributes = rule.attributes.for_matcher(capture, marker);
                self.builder.set_attributes(RuleId::from_u32(index as u32), attributes);
            }
        }
        let Some(root) = root.filter(|_| self.diagnostics.is_empty()) else {
            return Err(self.diagnostics.into());
        };
        let rules = (0..).map(RuleId::from_u32).zip(&ast.rules);
        let lookaheads = rules.filter_map(|(rule, it)| it.lookahead.map(|(body, span)| (rule, body, span)));
        let lookaheads = lookaheads
            .map(|(rule, body, span)| Lookahead { rule, expr: self.expressions[body.index()], span })
            .collect();
        let grammar = self.builder.finish(root).map_err(|error| match error {
            GrammarError::Limit(limit) => limit.into(),
            other => Diagnostics::from(Diagnostic::new(Code::Invalid, Place::Whole, other.to_string())),
        })?;
        Ok((grammar, lookaheads))
    }
}
