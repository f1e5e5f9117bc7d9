//! The text of a module: directives, declarations and statements.

use std::collections::{BTreeMap, HashMap};

use crate::decode::decode;
use crate::error::{ParseError, ParseErrorKind};
use crate::instruction::{Guard, Instruction, Operand, Operation, Register, Type};
use crate::lexer::{Token, tokens};

/// More than the registers of any kernel in static single assignment that a person would wait for.
const MAX_REGISTERS: u64 = 1 << 16;
/// The static shared memory of a block.
const MAX_SHARED_BYTES: u64 = 48 << 10;

/// A PTX module that can be launched.
#[derive(Debug)]
pub struct Program {
    pub(crate) entries: BTreeMap<String, Entry>,
    /// All variables of the module, which every entry point gets.
    pub(crate) shared_bytes: usize,
}

/// An entry point.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) parameters: Vec<Type>,
    /// `.maxntid`, multiplied out.
    pub(crate) largest_block: Option<u64>,
    pub(crate) register_count: usize,
    pub(crate) instructions: Vec<Instruction>,
}

impl Program {
    /// Reads a PTX text.
    ///
    /// # Errors
    /// When something in it is malformed, or not among what the interpreter knows.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        let tokens = tokens(text)?;
        let mut parser = Parser { tokens: &tokens, next: 0, names: Names::default(), labels: HashMap::new() };
        parser.module()
    }

    /// The names of the entry points.
    pub fn entries(&self) -> impl Iterator<Item = &str> {
        self.entries.keys().map(String::as_str)
    }
}

/// An operand as it is written.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Syntax<'a> {
    Name(&'a str),
    Number(u64),
    /// `{a, b}`.
    Vector(Vec<Syntax<'a>>),
    /// `[base+offset]`.
    Address(Box<Syntax<'a>>, i64),
    /// `a|p`.
    Pair(&'a str, &'a str),
}

/// What names mean.
#[derive(Debug, Default)]
pub(crate) struct Names<'a> {
    /// Innermost last: registers by the name before the number, with how many there are (none: the name itself).
    scopes: Vec<HashMap<&'a str, (Option<u32>, Register)>>,
    register_count: u64,
    /// Offsets in shared memory.
    shared: HashMap<&'a str, u64>,
    shared_bytes: u64,
    parameters: HashMap<&'a str, u64>,
}

impl<'a> Names<'a> {
    pub(crate) fn register(&self, name: &str) -> Option<Register> {
        let digits = name.len() - name.trim_end_matches(|character: char| character.is_ascii_digit()).len();
        let (family, number) = name.split_at(name.len() - digits);
        self.scopes.iter().rev().find_map(|scope| {
            if let Some((None, register)) = scope.get(name) {
                return Some(*register);
            }
            let (Some(count), first) = *scope.get(family)? else { return None };
            let number = number.parse().ok().filter(|number: &u32| *number < count)?;
            Some(first + number)
        })
    }

    pub(crate) fn shared(&self, name: &str) -> Option<u64> {
        self.shared.get(name).copied()
    }

    /// The index of a parameter.
    pub(crate) fn parameter(&self, name: &str) -> Option<u64> {
        self.parameters.get(name).copied()
    }

    fn declare_registers(&mut self, name: &'a str, count: Option<u32>) -> Result<(), ParseErrorKind> {
        let first = self.register_count;
        self.register_count += u64::from(count.unwrap_or(1));
        check_limit("the number of registers", self.register_count, MAX_REGISTERS)?;
        let scope = self.scopes.last_mut().ok_or_else(|| ParseErrorKind::Unsupported(".reg".to_owned()))?;
        if scope.insert(name, (count, first as Register)).is_some() {
            return Err(ParseErrorKind::Redeclared(name.to_owned()));
        }
        Ok(())
    }

    fn declare_shared(&mut self, name: &'a str, alignment: u64, bytes: u64) -> Result<(), ParseErrorKind> {
        check_limit("an alignment", alignment, MAX_SHARED_BYTES)?;
        check_limit("shared memory", bytes, MAX_SHARED_BYTES)?;
        let offset = self.shared_bytes.next_multiple_of(alignment.max(1));
        self.shared_bytes = offset + bytes;
        check_limit("shared memory", self.shared_bytes, MAX_SHARED_BYTES)?;
        if self.shared.insert(name, offset).is_some() {
            return Err(ParseErrorKind::Redeclared(name.to_owned()));
        }
        Ok(())
    }
}

fn check_limit(what: &'static str, found: u64, limit: u64) -> Result<(), ParseErrorKind> {
    if found > limit { Err(ParseErrorKind::TooLarge { what, found, limit }) } else { Ok(()) }
}

struct Parser<'t, 'a> {
    tokens: &'t [(Token<'a>, usize)],
    next: usize,
    names: Names<'a>,
    /// Labels of the entry point: the instruction that follows.
    labels: HashMap<&'a str, usize>,
}

impl<'a> Parser<'_, 'a> {
    fn module(&mut self) -> Result<Program, ParseError> {
        let mut entries = BTreeMap::new();
        while let Some(token) = self.peek() {
            match self.word("a directive")? {
                ".version" => drop(self.word("a version")?),
                ".target" => drop(self.word("a target")?),
                ".address_size" => {
                    if self.number()? != 64 {
                        return Err(self.unsupported(".address_size"));
                    }
                }
                ".visible" => {}
                ".shared" => self.shared_variable()?,
                ".entry" => {
                    let name = self.word("a name")?;
                    let entry = self.entry()?;
                    if entries.insert(name.to_owned(), entry).is_some() {
                        return Err(self.fail(ParseErrorKind::Redeclared(name.to_owned())));
                    }
                }
                _ => return Err(self.unsupported(&token.describe())),
            }
        }
        Ok(Program { entries, shared_bytes: self.names.shared_bytes as usize })
    }

    fn shared_variable(&mut self) -> Result<(), ParseError> {
        let mut alignment = 1;
        let mut word = self.word("a type")?;
        if word == ".align" {
            alignment = self.number()?;
            word = self.word("a type")?;
        }
        let element = self.type_named(word)?.bytes() as u64;
        let name = self.word("a name")?;
        let mut count = 1;
        if self.take('[') {
            count = self.number()?;
            self.expect(']', "]")?;
        }
        self.expect(';', ";")?;
        let declared = self.names.declare_shared(name, alignment.max(element), element.saturating_mul(count));
        declared.map_err(|kind| self.fail(kind))
    }

    fn entry(&mut self) -> Result<Entry, ParseError> {
        self.names.scopes.clear();
        self.names.parameters.clear();
        self.names.register_count = 0;
        self.labels.clear();
        let mut parameters = Vec::new();
        self.expect('(', "(")?;
        while !self.take(')') {
            if !parameters.is_empty() {
                self.expect(',', ",")?;
            }
            if self.word(".param")? != ".param" {
                return Err(self.unsupported("a parameter list"));
            }
            let word = self.word("a type")?;
            let kind = self.type_named(word)?;
            let name = self.word("a name")?;
            self.names.parameters.insert(name, parameters.len() as u64);
            parameters.push(kind);
        }
        let mut largest_block = None;
        while !self.take('{') {
            match self.word("a directive or {")? {
                ".maxntid" => {
                    let mut threads = self.number()?;
                    while self.take(',') {
                        threads = threads.saturating_mul(self.number()?);
                    }
                    largest_block = Some(threads);
                }
                ".minnctapersm" => drop(self.number()?),
                other => return Err(self.unsupported(other)),
            }
        }
        self.names.scopes.push(HashMap::new());
        let instructions = self.body()?;
        Ok(Entry { parameters, largest_block, register_count: self.names.register_count as usize, instructions })
    }

    /// The statements up to the brace that closes the entry point.
    fn body(&mut self) -> Result<Vec<Instruction>, ParseError> {
        let mut instructions = Vec::new();
        // Branches whose targets are not known yet: the instruction, the label, its line.
        let mut branches = Vec::new();
        while !self.names.scopes.is_empty() {
            if self.take('{') {
                self.names.scopes.push(HashMap::new());
            } else if self.take('}') {
                self.names.scopes.pop();
            } else if matches!(self.tokens.get(self.next + 1), Some((Token::Punctuation(':'), _))) {
                let label = self.word("a label")?;
                self.next += 1;
                if self.labels.insert(label, instructions.len()).is_some() {
                    return Err(self.fail(ParseErrorKind::Redeclared(label.to_owned())));
                }
            } else if matches!(self.peek(), Some(Token::Word(word)) if word.starts_with('.')) {
                self.declaration()?;
            } else {
                let line = self.line();
                let guard = self.guard()?;
                let opcode = self.word("an instruction")?;
                let operands = self.operands()?;
                let operation = match (opcode, operands.as_slice()) {
                    ("bra" | "bra.uni", [Syntax::Name(label)]) => {
                        branches.push((instructions.len(), *label, line));
                        Operation::Branch { target: 0 }
                    }
                    _ => decode(opcode, &operands, &self.names).map_err(|kind| ParseError { line, kind })?,
                };
                instructions.push(Instruction { guard, operation, line });
            }
        }
        for (instruction, label, line) in branches {
            let target = *self
                .labels
                .get(label)
                .ok_or_else(|| ParseError { line, kind: ParseErrorKind::Undeclared(label.to_owned()) })?;
            instructions[instruction].operation = Operation::Branch { target };
        }
        // A label may stand at the end, and a body may end without a return.
        let line = self.line();
        instructions.push(Instruction { guard: None, operation: Operation::Return, line });
        Ok(instructions)
    }

    fn declaration(&mut self) -> Result<(), ParseError> {
        match self.word("a directive")? {
            ".reg" => {
                let word = self.word("a type")?;
                self.type_named(word)?;
                loop {
                    let name = self.word("a register")?;
                    let mut count = None;
                    if self.take('<') {
                        let number = self.number()?;
                        count = Some(u32::try_from(number).unwrap_or(u32::MAX));
                        self.expect('>', ">")?;
                    }
                    self.names.declare_registers(name, count).map_err(|kind| self.fail(kind))?;
                    if !self.take(',') {
                        return self.expect(';', ";");
                    }
                }
            }
            ".shared" => self.shared_variable(),
            // A hint to the assembler: "nounroll".
            ".pragma" => {
                self.next += 1;
                self.expect(';', ";")
            }
            other => Err(self.unsupported(other)),
        }
    }

    fn guard(&mut self) -> Result<Option<Guard>, ParseError> {
        if !self.take('@') {
            return Ok(None);
        }
        let value = !self.take('!');
        let name = self.word("a predicate")?;
        let predicate =
            self.names.register(name).ok_or_else(|| self.fail(ParseErrorKind::Undeclared(name.to_owned())))?;
        Ok(Some(Guard { predicate, value }))
    }

    /// Operands up to the semicolon.
    fn operands(&mut self) -> Result<Vec<Syntax<'a>>, ParseError> {
        let mut operands = Vec::new();
        while !self.take(';') {
            if !operands.is_empty() {
                self.expect(',', ", or ;")?;
            }
            let operand = if self.take('{') {
                let mut parts = vec![self.scalar()?];
                while self.take(',') {
                    parts.push(self.scalar()?);
                }
                self.expect('}', "}")?;
                Syntax::Vector(parts)
            } else if self.take('[') {
                let base = Box::new(self.scalar()?);
                let offset = if self.take('+') { self.integer()? } else { 0 };
                self.expect(']', "]")?;
                Syntax::Address(base, offset as i64)
            } else {
                self.scalar()?
            };
            operands.push(operand);
        }
        Ok(operands)
    }

    /// A name, a number, or two names with a bar.
    fn scalar(&mut self) -> Result<Syntax<'a>, ParseError> {
        match self.peek() {
            Some(Token::Word(name)) => {
                self.next += 1;
                if self.take('|') { Ok(Syntax::Pair(name, self.word("a predicate")?)) } else { Ok(Syntax::Name(name)) }
            }
            _ => Ok(Syntax::Number(self.integer()?)),
        }
    }

    fn integer(&mut self) -> Result<u64, ParseError> {
        let negative = self.take('-');
        let number = self.number()?;
        Ok(if negative { number.wrapping_neg() } else { number })
    }

    fn number(&mut self) -> Result<u64, ParseError> {
        match self.peek() {
            Some(Token::Number(bits)) => {
                self.next += 1;
                Ok(bits)
            }
            _ => Err(self.expected("a number")),
        }
    }

    fn word(&mut self, expected: &'static str) -> Result<&'a str, ParseError> {
        match self.peek() {
            Some(Token::Word(word)) => {
                self.next += 1;
                Ok(word)
            }
            _ => Err(self.expected(expected)),
        }
    }

    fn type_named(&self, word: &str) -> Result<Type, ParseError> {
        word.strip_prefix('.').and_then(Type::named).ok_or_else(|| self.unsupported(word))
    }

    fn take(&mut self, character: char) -> bool {
        let found = self.peek() == Some(Token::Punctuation(character));
        self.next += usize::from(found);
        found
    }

    fn expect(&mut self, character: char, expected: &'static str) -> Result<(), ParseError> {
        if self.take(character) { Ok(()) } else { Err(self.expected(expected)) }
    }

    fn peek(&self) -> Option<Token<'a>> {
        self.tokens.get(self.next).map(|(token, _)| *token)
    }

    fn line(&self) -> usize {
        let token = self.tokens.get(self.next).or(self.tokens.last());
        token.map_or(1, |(_, line)| *line)
    }

    fn expected(&self, expected: &'static str) -> ParseError {
        let found = self.peek().map(Token::describe).unwrap_or_default();
        self.fail(ParseErrorKind::Expected { expected, found })
    }

    fn unsupported(&self, what: &str) -> ParseError {
        self.fail(ParseErrorKind::Unsupported(what.to_owned()))
    }

    fn fail(&self, kind: ParseErrorKind) -> ParseError {
        ParseError { line: self.line(), kind }
    }
}

/// The operand of a name: a register, a special register, or the address of a variable in shared memory.
pub(crate) fn operand_named(names: &Names<'_>, name: &str) -> Option<Operand> {
    use crate::instruction::Special::{Block, BlockExtent, GridExtent, Thread};
    if let Some(register) = names.register(name) {
        return Some(Operand::Register(register));
    }
    if let Some(offset) = names.shared(name) {
        return Some(Operand::Constant(offset));
    }
    let (special, component) = name.split_once('.')?;
    let special = match special {
        "%tid" => Thread,
        "%ntid" => BlockExtent,
        "%ctaid" => Block,
        "%nctaid" => GridExtent,
        _ => return None,
    };
    let component = ["x", "y", "z"].iter().position(|name| *name == component)?;
    Some(Operand::Special(special, component))
}
