//! Markers at the end of rules, which captures leave out: `capture_hidden_stop_bytes=1` and the like, as XGrammar writes them
//! for the `stop` and `suffix` of its other languages.

use std::sync::Arc;

use grammar_ir::regular::{CharAutomaton, Utf8};
use grammar_ir::{Budget, ByteAutomaton, EndMarker, LimitError, MarkerPlace, RuleId};

use super::ast::{Ast, Node, Rule, Span, Value};
use super::attributes::MarkerAttributes;
use super::lower::Lowering;
use super::restrict::{self, Obstacle};
use super::unescape;
use crate::diagnostic::{Code, Diagnostics};

impl Lowering<'_> {
    /// The marker of the rule with the number `index`, if it has one. What is wrong with it is reported.
    ///
    /// # Errors
    /// When a limit is met.
    pub(super) fn end_marker(
        &mut self,
        ast: &Ast,
        index: usize,
        budget: &mut Budget<'_>,
    ) -> Result<Option<EndMarker>, Diagnostics> {
        let rule = &ast.rules[index];
        let MarkerAttributes { bytes, body, marker, capture } = rule.attributes.marker;
        let brackets = rule.attributes.brackets.unwrap_or(rule.name);
        let Some((bytes, hidden_from, span)) = bytes else {
            let given = [body.map(|(_, span)| span), marker.map(|(_, span)| span), capture.map(|_| brackets)];
            if let Some(span) = given.into_iter().flatten().next() {
                let message = "there is no marker that this could be about";
                let help = "add `capture_hidden_stop_bytes=N` or `capture_hidden_suffix_bytes=N`, the bytes that the marker has at least";
                self.report(Code::Invalid, span, message, help);
            }
            return Ok(None);
        };
        let place = match (body, marker) {
            (None, None) => self.fixed(rule, ast, bytes, span, budget)?,
            (Some((body, _)), Some(_)) if usize::try_from(body) == Ok(index) => Some(MarkerPlace::Before(bytes)),
            (Some(body), Some(marker)) => {
                let (body, marker) = (self.rule_words(ast, body, budget)?, self.rule_words(ast, marker, budget)?);
                body.zip(marker).map(|(body, marker)| MarkerPlace::Divided { body, marker })
            }
            (Some((_, span)), None) | (None, Some((_, span))) => {
                let message = "a marker is divided off by two rules";
                let help = "give both `capture_hidden_body_rule_id` and `capture_hidden_marker_rule_id`";
                self.report(Code::Invalid, span, message, help);
                None
            }
        };
        let capture = capture.map(|name| unescape::literal(self.source, name, &mut self.diagnostics).into());
        Ok(place.map(|place| EndMarker { place, hidden_from, capture }))
    }

    /// A marker of so many bytes. A dispatch that ends after one tag may also end before: the tag is its marker.
    fn fixed(
        &mut self,
        rule: &Rule,
        ast: &Ast,
        bytes: u32,
        span: Span,
        budget: &mut Budget<'_>,
    ) -> Result<Option<MarkerPlace>, Diagnostics> {
        let dispatch = rule.body.map(|body| &ast.nodes[body.index()]);
        let Some(Node::Macro { name, arguments, .. }) = dispatch else { return Ok(Some(MarkerPlace::Last(bytes))) };
        if name.of(self.source) != "TagDispatch" {
            return Ok(Some(MarkerPlace::Last(bytes)));
        }
        let mut tags = Vec::new();
        for argument in arguments {
            if let (None, Value::List(pair, _)) = (argument.name, &argument.value)
                && let Some(Value::Literal(tag)) = pair.first().map(|first| &first.value)
            {
                // What is wrong with the literal was reported where the dispatch was read.
                tags.push(unescape::literal(self.source, *tag, &mut Vec::new()));
            }
        }
        tags.retain(|tag| u32::try_from(tag.len()) == Ok(bytes));
        if tags.is_empty() {
            let message = format!("no tag of the dispatch has {bytes} bytes");
            self.report(Code::Invalid, span, message, "give the number of bytes of the tag that ends the rule");
            return Ok(None);
        }
        let tags: Vec<CharAutomaton> = tags.iter().map(|tag| CharAutomaton::literal(tag)).collect();
        let marker = CharAutomaton::union_of(tags, budget)?.to_bytes(&Utf8, budget)?;
        let body = CharAutomaton::any_text().to_bytes(&Utf8, budget)?;
        Ok(Some(MarkerPlace::Divided { body: Arc::new(body), marker: Arc::new(marker) }))
    }

    /// The words of the rule with a number, which must be regular.
    fn rule_words(
        &mut self,
        ast: &Ast,
        (number, span): (u32, Span),
        budget: &mut Budget<'_>,
    ) -> Result<Option<Arc<ByteAutomaton>>, LimitError> {
        let rule_body = |id: RuleId| Some(self.expressions[ast.rules.get(id.index())?.body?.index()]);
        let Some(body) = rule_body(RuleId::from_u32(number)) else {
            let message = format!("there is no rule with the number {number}");
            self.report(Code::Invalid, span, message, "rules are numbered from 0, in the order of the source");
            return Ok(None);
        };
        match restrict::automaton(body, &rule_body, &self.builder, budget) {
            Ok(automaton) => Ok(Some(Arc::new(automaton))),
            Err(Obstacle::Limit(error)) => Err(error),
            Err(Obstacle::Part(part)) => {
                let message = format!("a marker cannot be divided off by a rule with {part}");
                let help = "use a rule made of literals, classes, patterns and other such rules";
                self.report(Code::Unsupported, span, message, help);
                Ok(None)
            }
        }
    }
}
