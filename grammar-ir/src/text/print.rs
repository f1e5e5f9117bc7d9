//! From a grammar to `.gir` text.

use super::lex::{is_name_part, is_name_start};
use crate::{
    ByteAutomaton, ByteSet, CharSet, Counter, ElementOrder, EndMarker, Expr, ExprId, Grammar, HiddenFrom, Mark,
    MarkerPlace, RuleAttributes, ScopeRules, TokenSet,
};

/// An expression that is used more than once is bound to a name if its text is larger than this (in parts).
const MAX_REPEATED_SIZE: usize = 8;
/// An expression that would be nested deeper than this is bound to a name; so printing may be recursive.
const MAX_DEPTH: usize = 48;
/// A rule whose text is longer has each of its alternatives on a line of its own.
const MAX_LINE: usize = 100;

/// The text of `grammar`, of a length linear in its size. Expressions that no rule uses are left out.
///
/// ```
/// use grammar_ir::{CharSet, GrammarBuilder, text};
/// let mut builder = GrammarBuilder::new();
/// let root = builder.declare("root");
/// let quote = builder.literal("\"");
/// let letter = builder.class(CharSet::range('a', 'z'));
/// let letters = builder.repeat(letter, 0, None);
/// let body = builder.sequence([quote, letters, quote]);
/// builder.define(root, body);
/// assert_eq!(text::print(&builder.finish(root)?), "root = \"\\\"\" [a-z]* \"\\\"\" ;\n");
/// # Ok::<(), grammar_ir::GrammarError>(())
/// ```
pub fn print(grammar: &Grammar) -> String {
    let printer = Printer { grammar, bindings: bindings(grammar) };
    let mut text = String::new();
    let root = &grammar.rule(grammar.root()).name;
    if root != "root" {
        text.push_str("%start ");
        name(&mut text, root);
        text.push_str(" ;\n");
    }
    for index in 0..grammar.exprs().len() {
        let id = ExprId::from_u32(index as u32);
        if let Some(number) = printer.bindings[index] {
            printer.statement(&mut text, &format!("${number}"), id);
        }
    }
    for rule in grammar.rules() {
        let mut left = String::new();
        name(&mut left, &rule.name);
        attributes(&mut left, &rule.attributes);
        match printer.bindings[rule.body.index()] {
            Some(number) => text.push_str(&format!("{left} = ${number} ;\n")),
            None => printer.statement(&mut text, &left, rule.body),
        }
    }
    text
}

/// Per expression: the number of the binding that stands for it, if it has one.
fn bindings(grammar: &Grammar) -> Vec<Option<usize>> {
    let exprs = grammar.exprs();
    let mut uses = vec![0usize; exprs.len()];
    grammar.rules().iter().for_each(|rule| uses[rule.body.index()] += 1);
    for (index, expr) in exprs.iter().enumerate().rev() {
        if uses[index] > 0 {
            expr.operands().iter().for_each(|operand| uses[operand.index()] += 1);
        }
    }
    let mut size_and_depth = Vec::with_capacity(exprs.len());
    let mut bindings = vec![None; exprs.len()];
    let mut next = 1;
    for (index, expr) in exprs.iter().enumerate() {
        let (mut size, mut depth) = (leaf_size(expr), 0);
        for operand in expr.operands() {
            let (operand_size, operand_depth): (usize, usize) = size_and_depth[operand.index()];
            (size, depth) = (size.saturating_add(operand_size), depth.max(operand_depth + 1));
        }
        if uses[index] > 0 && (depth >= MAX_DEPTH || uses[index] > 1 && size > MAX_REPEATED_SIZE) {
            bindings[index] = Some(next);
            next += 1;
            (size, depth) = (1, 0);
        }
        size_and_depth.push((size, depth));
    }
    bindings
}

fn leaf_size(expr: &Expr) -> usize {
    match expr {
        Expr::Bytes(bytes) => 1 + bytes.len() / 16,
        Expr::Class(set) => 1 + set.ranges().len() / 4,
        Expr::ByteSet(set) => 1 + set.ranges().count() / 4,
        Expr::Token(set) => 1 + set.ids().len() / 4,
        Expr::Automaton(automaton) => 1 + automaton.edges.iter().map(|edges| 1 + edges.len()).sum::<usize>(),
        Expr::Scope { rules, .. } => 1 + rules.elements.len() + rules.required.len() + rules.tallies.len(),
        _ => 1,
    }
}

/// How tightly an expression binds.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Level {
    Choice,
    Sequence,
    Repeat,
    Atom,
}

struct Printer<'g> {
    grammar: &'g Grammar,
    bindings: Vec<Option<usize>>,
}

impl Printer<'_> {
    fn statement(&self, text: &mut String, left: &str, body: ExprId) {
        let mut right = String::new();
        self.unbound(&mut right, body);
        match self.grammar.expr(body) {
            Expr::Choice(arms) if left.len() + right.len() > MAX_LINE => {
                text.push_str(left);
                for (index, &arm) in arms.iter().enumerate() {
                    text.push_str(if index == 0 { " =\n    " } else { "\n  | " });
                    self.expr(text, arm, Level::Sequence);
                }
                text.push_str("\n  ;\n");
            }
            _ => text.push_str(&format!("{left} = {right} ;\n")),
        }
    }

    /// Prints an operand where `level` is the loosest that needs no brackets.
    fn expr(&self, text: &mut String, id: ExprId, level: Level) {
        if let Some(number) = self.bindings[id.index()] {
            text.push_str(&format!("${number}"));
            return;
        }
        let own = match self.grammar.expr(id) {
            Expr::Choice(_) => Level::Choice,
            Expr::Sequence(_) => Level::Sequence,
            Expr::Repeat { .. } => Level::Repeat,
            _ => Level::Atom,
        };
        if own < level {
            text.push('(');
            self.unbound(text, id);
            text.push(')');
        } else {
            self.unbound(text, id);
        }
    }

    fn unbound(&self, text: &mut String, id: ExprId) {
        match self.grammar.expr(id) {
            Expr::Empty => text.push_str("\"\""),
            Expr::Never => text.push_str("%never"),
            Expr::Bytes(bytes) => literal(text, bytes),
            Expr::ByteSet(set) => byte_set(text, set),
            Expr::Class(set) => class(text, set),
            Expr::Sequence(operands) => self.joined(text, operands, " ", Level::Repeat),
            Expr::Choice(operands) => self.joined(text, operands, " | ", Level::Sequence),
            Expr::Repeat { body, min, max } => {
                self.expr(text, *body, Level::Atom);
                repetition(text, *min, *max);
            }
            Expr::Rule(rule) => name(text, &self.grammar.rule(*rule).name),
            Expr::Token(set) => token_set(text, set),
            Expr::Automaton(automaton) => print_automaton(text, automaton),
            Expr::Scope { body, rules } => {
                scope_rules(text, rules);
                self.bracketed(text, *body);
            }
            Expr::Marked { mark, body } => {
                match mark {
                    Mark::Element(element) => text.push_str(&format!("%{element}")),
                    Mark::Close => text.push_str("%close"),
                }
                self.bracketed(text, *body);
            }
        }
    }

    fn bracketed(&self, text: &mut String, id: ExprId) {
        text.push('(');
        self.expr(text, id, Level::Choice);
        text.push(')');
    }

    fn joined(&self, text: &mut String, operands: &[ExprId], separator: &str, level: Level) {
        for (index, &operand) in operands.iter().enumerate() {
            if index > 0 {
                text.push_str(separator);
            }
            self.expr(text, operand, level);
        }
    }
}

fn attributes(text: &mut String, attributes: &RuleAttributes) {
    if let Some(max) = attributes.max_tokens {
        text.push_str(&format!(" %max_tokens({max})"));
    }
    if let Some(name) = &attributes.capture {
        text.push_str(" %capture(");
        literal(text, name.as_bytes());
        text.push(')');
    }
    if let Some(temperature) = attributes.temperature {
        text.push_str(&format!(" %temperature(\"{}\")", temperature.get()));
    }
    if let Some(marker) = &attributes.marker {
        end_marker(text, marker);
    }
}

fn end_marker(text: &mut String, marker: &EndMarker) {
    text.push_str(match marker.hidden_from {
        HiddenFrom::OwnCapture => " %suffix(",
        HiddenFrom::AllCaptures => " %stop(",
    });
    match &marker.place {
        MarkerPlace::Last(bytes) => text.push_str(&bytes.to_string()),
        MarkerPlace::Before(bytes) => text.push_str(&format!("%before {bytes}")),
        MarkerPlace::Divided { body, marker } => {
            print_automaton(text, body);
            text.push_str(", ");
            print_automaton(text, marker);
        }
    }
    if let Some(name) = &marker.capture {
        text.push_str(", ");
        literal(text, name.as_bytes());
    }
    text.push(')');
}

fn repetition(text: &mut String, min: u32, max: Option<u32>) {
    text.push_str(&match (min, max) {
        (0, Some(1)) => "?".to_owned(),
        (0, None) => "*".to_owned(),
        (1, None) => "+".to_owned(),
        _ => bounds(min, max),
    });
}

fn bounds(min: u32, max: Option<u32>) -> String {
    match max {
        None => format!("{{{min},}}"),
        Some(max) if min == max => format!("{{{min}}}"),
        Some(max) => format!("{{{min},{max}}}"),
    }
}

fn scope_rules(text: &mut String, rules: &ScopeRules) {
    text.push_str("%scope {");
    let mut line = |rule: String| text.push_str(&format!("\n    {rule} ;"));
    if rules.order == ElementOrder::Slots {
        line("order slots".to_owned());
    }
    if (rules.min, rules.max) != (0, None) {
        line(format!("total {}", bounds(rules.min, rules.max)));
    }
    let slots: Vec<&str> =
        rules.required.iter().map(|&required| if required { "required" } else { "optional" }).collect();
    if !slots.is_empty() {
        line(format!("slots {}", slots.join(", ")));
    }
    for tally in &rules.tallies {
        line(format!("tally {}", bounds(tally.min, tally.max)));
    }
    for (number, element) in rules.elements.iter().enumerate() {
        let slot = element.slot.map(|slot| format!(" slot {slot}"));
        let tallies =
            (0..u16::BITS).filter(|bit| element.tallies >> bit & 1 == 1).map(|tally| format!(" tally {tally}"));
        let distinct = element.distinct.then(|| " distinct".to_owned());
        let properties: Vec<String> = slot.into_iter().chain(tallies).chain(distinct).collect();
        line(format!("{number}:{}", properties.join(",")));
    }
    text.push_str("\n  } ");
}

fn name(text: &mut String, name: &str) {
    if name.starts_with(is_name_start) && name.chars().all(is_name_part) {
        text.push_str(name);
        return;
    }
    text.push('`');
    name.chars().for_each(|next| character(text, next, "`\\"));
    text.push('`');
}

fn literal(text: &mut String, bytes: &[u8]) {
    text.push('"');
    for chunk in bytes.utf8_chunks() {
        chunk.valid().chars().for_each(|next| character(text, next, "\"\\"));
        chunk.invalid().iter().for_each(|byte| text.push_str(&format!("\\x{byte:02x}")));
    }
    text.push('"');
}

/// A character of a literal, class or name, where those in `special` need a backslash.
fn character(text: &mut String, character: char, special: &str) {
    match character {
        '\n' => text.push_str("\\n"),
        '\r' => text.push_str("\\r"),
        '\t' => text.push_str("\\t"),
        _ if special.contains(character) => text.extend(['\\', character]),
        ' '..='~' => text.push(character),
        // Letters of any script are legible; marks, blanks and unassigned characters are not.
        _ if character.is_alphanumeric() => text.push(character),
        _ => text.push_str(&format!("\\u{{{:x}}}", u32::from(character))),
    }
}

fn class(text: &mut String, set: &CharSet) {
    let complement = set.complement();
    // Most sets that reach to the end were written as "all but", and read better so.
    let (own, other) = (set.ranges().len(), complement.ranges().len());
    let negated = other < own || other == own && set.contains(char::MAX);
    text.push_str(if negated { "[^" } else { "[" });
    let shown = if negated { &complement } else { set };
    for &(low, high) in shown.ranges() {
        character(text, low, "[]^-\\");
        if low != high {
            text.push('-');
            character(text, high, "[]^-\\");
        }
    }
    text.push(']');
}

fn byte_set(text: &mut String, set: &ByteSet) {
    text.push('<');
    for (index, (low, high)) in set.ranges().enumerate() {
        text.push_str(if index == 0 { "" } else { " " });
        byte_range(text, low, high);
    }
    text.push('>');
}

fn byte_range(text: &mut String, low: u8, high: u8) {
    text.push_str(&if low == high { format!("{low:02x}") } else { format!("{low:02x}-{high:02x}") });
}

fn token_set(text: &mut String, set: &TokenSet) {
    text.push_str(if set.is_complement() { "%token(^" } else { "%token(" });
    for (index, id) in set.ids().iter().enumerate() {
        text.push_str(&if index == 0 { format!("{id}") } else { format!(", {id}") });
    }
    text.push(')');
}

fn print_automaton(text: &mut String, automaton: &ByteAutomaton) {
    text.push_str("%automaton");
    if let Some(Counter { min, max }) = automaton.counter {
        text.push_str(&max.map_or_else(|| format!("({min},)"), |max| format!("({min},{max})")));
    }
    text.push_str(" {");
    for (state, (edges, accepting)) in automaton.edges.iter().zip(&automaton.accepting).enumerate() {
        text.push_str(&format!("\n    {state}{}:", if *accepting { "*" } else { "" }));
        // One edge, one set: a set of several ranges would not tell edges that touch apart.
        for (index, edge) in edges.iter().enumerate() {
            text.push_str(if index == 0 { " <" } else { ", <" });
            byte_range(text, edge.low, edge.high);
            text.push_str(&format!(">{} -> {}", if edge.counts { "+" } else { "" }, edge.target));
        }
        text.push_str(" ;");
    }
    text.push_str("\n  }");
}
