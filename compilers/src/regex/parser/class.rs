//! `[…]`: in Rust syntax with nested classes, set operations and POSIX classes; in ECMA-262 without.

use grammar_ir::{CharSet, LimitError, LimitKind};

use super::escape::Escape;
use super::{Code, Diagnostic, Parser, Place, Syntax, limit, unicode};

/// A set operation; all have one precedence and group to the left.
#[derive(Clone, Copy)]
enum Operation {
    Intersection,
    Difference,
    SymmetricDifference,
}

/// How many bytes may be read a second time because a `[` turned out to be itself.
const MAX_REREAD: usize = 10_000_000;

/// A class that is still open.
struct Open {
    start: usize,
    negated: bool,
    /// The operands so far, and the operation that waits for the next one.
    left: Option<(CharSet, Operation)>,
    /// The union that is being read.
    ranges: Vec<(char, char)>,
}

impl Parser<'_> {
    /// Reads a class.
    pub(super) fn class(&mut self) -> Result<CharSet, Diagnostic> {
        match self.syntax {
            Syntax::Ecma262 => self.ecma_class(),
            Syntax::Rust => self.rust_class(true),
        }
    }

    fn ecma_class(&mut self) -> Result<CharSet, Diagnostic> {
        let start = self.at;
        self.at += 1;
        let negated = self.eat("^");
        let mut ranges = Vec::new();
        while !self.eat("]") {
            let item = self.at;
            let low = self.class_item(start)?;
            if !self.rest().starts_with('-') || self.rest().starts_with("-]") {
                add(&mut ranges, low);
                continue;
            }
            self.at += 1;
            let high = self.class_item(start)?;
            match (low, high) {
                (Escape::Literal(low), Escape::Literal(high)) => ranges.push(self.range(low, high, item)?),
                // Annex B.1.2: with a set at either end the `-` is itself.
                (low, high) => {
                    add(&mut ranges, low);
                    ranges.push(('-', '-'));
                    add(&mut ranges, high);
                }
            }
        }
        Ok(self.finish_class(CharSet::from_ranges(ranges), negated))
    }

    /// Reads a class with what may be nested in it. A `[` that would leave the class open to the end of the pattern
    /// is itself, as in RE2 and Python.
    fn rust_class(&mut self, nested: bool) -> Result<CharSet, Diagnostic> {
        let class = self.at;
        let mut stack: Vec<Open> = Vec::new();
        loop {
            self.skip_ignored();
            let start = self.at;
            let innermost = stack.last().map_or(start, |open| open.start);
            if self.at == self.text.len() && nested && self.reread < MAX_REREAD {
                self.reread += self.at - class;
                self.at = class;
                return self.rust_class(false);
            }
            if self.rest().starts_with('[') && (nested || stack.is_empty() || self.rest().starts_with("[:")) {
                match stack.last_mut() {
                    Some(open) if self.rest().starts_with("[:") => {
                        if let Some(set) = self.posix_class()? {
                            open.ranges.extend_from_slice(set.ranges());
                            continue;
                        }
                        if !nested {
                            open.ranges.push(('[', '['));
                            self.at += 1;
                            continue;
                        }
                        stack.push(self.open_class()?);
                    }
                    _ => stack.push(self.open_class()?),
                }
                if stack.len() + self.stack.len() > self.limits.nesting.saturating_add(1) {
                    return Err(limit(&LimitError::new(LimitKind::Nesting, self.limits.nesting), start..self.at));
                }
                continue;
            }
            let Some(open) = stack.last_mut() else { return Ok(CharSet::empty()) };
            if self.eat("]") {
                let set = self.operand(open);
                let set = if open.negated { set.complement() } else { set };
                stack.pop();
                match stack.last_mut() {
                    Some(outer) => outer.ranges.extend_from_slice(set.ranges()),
                    None => return Ok(set),
                }
                continue;
            }
            let operations = [
                ("&&", Operation::Intersection),
                ("--", Operation::Difference),
                ("~~", Operation::SymmetricDifference),
            ];
            if let Some((_, operation)) = operations.into_iter().find(|operation| self.eat(operation.0)) {
                if !nested {
                    let help = "close the nested class, or write `\\[` for the character";
                    return Err(self.syntax_error(class..class + 1, "this class is not closed", help));
                }
                let left = self.operand(open);
                open.left = Some((left, operation));
                continue;
            }
            let low = self.class_item(innermost)?;
            self.skip_ignored();
            let dash = self.at;
            let is_range = self.eat("-") && {
                self.skip_ignored();
                !self.rest().starts_with(']') && !self.rest().starts_with('-')
            };
            if !is_range {
                self.at = dash;
                add(&mut open.ranges, low);
                continue;
            }
            match (low, self.class_item(innermost)?) {
                (Escape::Literal(low), Escape::Literal(high)) => {
                    let range = self.range(low, high, start)?;
                    open.ranges.push(range);
                }
                _ => {
                    let help = "write `\\-` for the character, or put it first or last";
                    return Err(self.syntax_error(start..self.at, "a class is no end of a range", help));
                }
            }
        }
    }

    /// Reads `[`, `^` and what is a character only because it stands first.
    fn open_class(&mut self) -> Result<Open, Diagnostic> {
        let start = self.at;
        self.at += 1;
        self.skip_ignored();
        let negated = self.eat("^");
        let mut ranges = Vec::new();
        self.skip_ignored();
        while self.eat("-") {
            ranges.push(('-', '-'));
            self.skip_ignored();
        }
        if ranges.is_empty() && self.rest().starts_with(']') {
            self.at += 1;
            ranges.push((']', ']'));
            self.skip_ignored();
            if !self.rest().contains(']') {
                let help = "write `\\]` for the character; a class cannot be empty";
                return Err(self.syntax_error(start..self.at, "the class is empty", help));
            }
        }
        Ok(Open { start, negated, left: None, ranges })
    }

    /// Ends an operand and applies the operation that waits for it.
    fn operand(&self, open: &mut Open) -> CharSet {
        let ranges = std::mem::take(&mut open.ranges);
        let right = self.folded(CharSet::from_ranges(ranges));
        match open.left.take() {
            None => right,
            Some((left, Operation::Intersection)) => left.intersection(&right),
            Some((left, Operation::Difference)) => left.difference(&right),
            Some((left, Operation::SymmetricDifference)) => left.difference(&right).union(&right.difference(&left)),
        }
    }

    fn posix_class(&mut self) -> Result<Option<CharSet>, Diagnostic> {
        let start = self.at;
        let rest = &self.rest()[2..];
        let (negated, rest) = rest.strip_prefix('^').map_or((false, rest), |rest| (true, rest));
        let Some(length) = rest.find(":]") else { return Ok(None) };
        let name = &rest[..length];
        if !name.chars().all(|character| character.is_ascii_alphanumeric()) {
            return Ok(None);
        }
        self.at += 2 + usize::from(negated) + length + 2;
        match unicode::posix(name) {
            Some(set) => Ok(Some(if negated { set.complement() } else { set })),
            None => {
                let message = format!("`{name}` is not a POSIX class");
                let help = format!("the classes are {}", unicode::POSIX.join(", "));
                Err(Diagnostic::new(Code::Undefined, Place::Span(start..self.at), message).with_help(help))
            }
        }
    }

    /// One character or set; `class` is where the class begins.
    fn class_item(&mut self, class: usize) -> Result<Escape, Diagnostic> {
        let start = self.at;
        match self.peek() {
            None => Err(self.syntax_error(class..class + 1, "this class is not closed", "add a `]`")),
            Some('\\') if self.rest().starts_with("\\b") && self.syntax == Syntax::Ecma262 => {
                self.at += 2;
                Ok(Escape::Literal('\x08'))
            }
            Some('\\') if self.rest().starts_with("\\b") || self.rest().starts_with("\\B") => {
                let help = "write `\\x08` for the backspace character";
                Err(self.syntax_error(start..start + 2, "a class cannot hold a word boundary", help))
            }
            Some('\\') => self.class_escape(),
            Some(character) => {
                self.at += character.len_utf8();
                Ok(Escape::Literal(character))
            }
        }
    }

    fn range(&self, low: char, high: char, start: usize) -> Result<(char, char), Diagnostic> {
        if low <= high {
            return Ok((low, high));
        }
        let message = format!("the range runs backwards, from {low:?} to {high:?}");
        let help = "swap its ends, or write `\\-` for the character";
        Err(Diagnostic::new(Code::Invalid, Place::Span(start..self.at), message).with_help(help))
    }

    fn finish_class(&self, set: CharSet, negated: bool) -> CharSet {
        let set = self.folded(set);
        if negated { set.complement() } else { set }
    }

    fn folded(&self, set: CharSet) -> CharSet {
        if self.flags.case_insensitive { unicode::fold(&set) } else { set }
    }
}

fn add(ranges: &mut Vec<(char, char)>, item: Escape) {
    match item {
        Escape::Literal(character) => ranges.push((character, character)),
        Escape::Set(set) => ranges.extend_from_slice(set.ranges()),
        // `class_item` does not read assertions.
        Escape::Assertion(_) => {}
    }
}
