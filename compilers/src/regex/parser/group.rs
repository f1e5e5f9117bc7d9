//! Groups: `(…)`, `(?:…)`, `(?<name>…)`, `(?i:…)`, look-around, and the kinds that are refused.

use grammar_ir::{LimitError, LimitKind};

use super::{Code, Diagnostic, Flags, Frame, Look, Node, Parser, Place, limit};

/// How deep look-around may stand in look-around: each level is an exponent in the size of the automaton.
const MAX_NESTED_LOOKS: usize = 16;

/// Groups that no finite automaton, or no one meaning, stands behind: what follows `(?`, the name, and advice.
const REFUSED: [(&str, &str, &str); 14] = [
    (">", "atomic groups are not supported", "write `(?:…)`; whether a group gives back is not a matter of the text"),
    ("P=", "backreferences are not supported", "what a group matched cannot be asked for again by an automaton"),
    ("P>", "recursion is not supported", "use a grammar (GBNF) with a rule for the repeated part"),
    ("(", "conditionals are not supported", "write both cases as alternatives"),
    ("|", "branch reset groups are not supported", "write `(?:…)`"),
    ("#", "comments `(?#…)` are not supported", "leave the comment out, or use the flag `x`"),
    ("&", "recursion is not supported", "use a grammar (GBNF) with a rule for the repeated part"),
    ("+", "recursion is not supported", "use a grammar (GBNF) with a rule for the repeated part"),
    ("R", "recursion and the flag `R` are not supported", "use a grammar (GBNF), or name the line ends you mean"),
    ("'", "this kind of named group is not supported", "write `(?<name>…)`"),
    ("C", "callouts are not supported", "leave it out"),
    ("*", "named assertions are not supported", "write `(?=…)`, `(?!…)`, `(?<=…)` or `(?<!…)`"),
    ("~", "absence operators are not supported", "write `(?:(?!…).)*`"),
    ("{", "code blocks are not supported", "leave it out"),
];

impl<'p> Parser<'p> {
    /// Reads `(` and what says which kind of group it is.
    pub(super) fn open_group(&mut self) -> Result<(), Diagnostic> {
        let start = self.at;
        let outer = self.flags;
        self.at += 1;
        let mut look = None;
        if self.eat("?") {
            look = self.look();
            if look.is_none() && !self.eat(":") {
                if self.eat("P<") || self.eat("<") {
                    self.name()?;
                } else if !self.flag_group(start)? {
                    return Ok(());
                }
            }
        } else if self.rest().starts_with('*') {
            let help = "write `(?:…)`, or `\\*` for the character";
            return Err(self.unsupported(start..self.at + 1, "verbs `(*…)` are not supported", help));
        }
        if self.stack.len() > self.limits.nesting {
            return Err(limit(&LimitError::new(LimitKind::Nesting, self.limits.nesting), start..self.at));
        }
        if look.is_some() {
            self.open_looks += 1;
            if self.open_looks > MAX_NESTED_LOOKS {
                let message = format!("look-around is nested deeper than {MAX_NESTED_LOOKS} levels");
                let help = "say the same with fewer levels";
                let place = Place::Span(start..self.at);
                return Err(Diagnostic::new(Code::Unsupported, place, message).with_help(help));
            }
        }
        self.stack.push(Frame { start, look, outer, arms: Vec::new(), parts: Vec::new(), arm_start: self.at });
        Ok(())
    }

    /// Ends the innermost group at its `)`, which has been read.
    pub(super) fn close_group(&mut self, close: usize) -> Result<(), Diagnostic> {
        if self.stack.len() < 2 {
            let help = "add a `(` before it, or write `\\)` for the character";
            return Err(self.syntax_error(close..close + 1, "this `)` closes nothing", help));
        }
        let end = self.at;
        self.at = close;
        self.end_arm();
        self.at = end;
        let Some(frame) = self.stack.pop() else { return Ok(()) };
        self.flags = frame.outer;
        let span = frame.start..end;
        let mut node = self.tree.alternate(frame.arms, span.clone());
        if let Some(look) = frame.look {
            self.open_looks -= 1;
            node = self.tree.add(Node::Look { look, body: node }, span);
        }
        self.quantified(node, frame.start, frame.look.is_some())
    }

    fn look(&mut self) -> Option<Look> {
        let kinds = [("=", true, false), ("!", true, true), ("<=", false, false), ("<!", false, true)];
        let found = kinds.into_iter().find(|kind| self.rest().starts_with(kind.0))?;
        self.at += found.0.len();
        Some(Look { ahead: found.1, negated: found.2 })
    }

    fn name(&mut self) -> Result<(), Diagnostic> {
        let start = self.at;
        let Some(length) = self.rest().find('>') else {
            let end = self.text.len();
            return Err(self.syntax_error(start..end, "the name of the group does not end", "add a `>`"));
        };
        let name: &'p str = &self.rest()[..length];
        let span = start..start + length;
        let starts = |character: char| character.is_alphabetic() || character == '_' || character == '$';
        let goes_on = |character: char| starts(character) || character.is_numeric() || ".[]".contains(character);
        if !name.starts_with(starts) || !name.chars().all(goes_on) {
            let help = "a name is made of letters, digits and `_`, and does not begin with a digit";
            return Err(self.syntax_error(span, "this is not a name for a group", help));
        }
        if !self.names.insert(name) {
            let message = format!("two groups are named `{name}`");
            return Err(Diagnostic::new(Code::Duplicate, Place::Span(span), message).with_help("rename one of them"));
        }
        self.at += length + 1;
        Ok(())
    }

    /// Reads the flags of `(?flags)`, which hold until the group around it ends, or `(?flags:`, which opens a group.
    /// Says whether it does.
    fn flag_group(&mut self, start: usize) -> Result<bool, Diagnostic> {
        let rest = self.rest();
        if let Some((token, message, help)) = REFUSED.iter().find(|refused| rest.starts_with(refused.0)) {
            return Err(self.unsupported(start..self.at + token.len(), *message, *help));
        }
        if rest.starts_with(|character: char| character.is_ascii_digit()) {
            let help = "use a grammar (GBNF) with a rule for the repeated part";
            return Err(self.unsupported(start..self.at + 1, "recursion is not supported", help));
        }
        let mut flags = self.flags;
        let mut value = true;
        let mut any = false;
        while let Some(character) = self.peek() {
            let span = self.at..self.at + character.len_utf8();
            match character {
                ')' | ':' if any => {
                    self.at += 1;
                    self.flags = flags;
                    return Ok(character == ':');
                }
                '-' if value => value = false,
                _ => any |= self.flag(character, value, &mut flags, span)?,
            }
            self.at += character.len_utf8();
        }
        Err(self.syntax_error(start..self.text.len(), "this group is not closed", "add a `)`"))
    }

    fn flag(
        &self,
        flag: char,
        value: bool,
        flags: &mut Flags,
        span: std::ops::Range<usize>,
    ) -> Result<bool, Diagnostic> {
        match flag {
            'i' => flags.case_insensitive = value,
            's' => flags.dot_matches_new_line = value,
            'm' => flags.multi_line = value,
            'x' => flags.ignore_whitespace = value,
            // Greediness does not change which texts match; patterns are matched by code point already.
            'U' => {}
            'u' if value => {}
            'u' | 'R' | 'a' | 'L' | 'n' | 'J' => {
                let message = format!("the flag `{flag}` is not supported here");
                let help = "the flags are `i`, `s`, `m` and `x`; patterns match Unicode characters";
                return Err(self.unsupported(span, message, help));
            }
            _ => {
                let help = "a group begins with `(`, `(?:`, `(?<name>`, `(?=`, `(?!`, `(?<=`, `(?<!` or flags `(?i)`";
                return Err(self.syntax_error(span, format!("`{flag}` is not a flag or kind of group"), help));
            }
        }
        Ok(true)
    }
}
