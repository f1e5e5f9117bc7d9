//! XML-like notations of objects, as models write the arguments of tool calls.
//!
//! The members of an object are elements one after the other. A string is written as it is, up to the closing marker,
//! which it therefore cannot contain; a value of another type is JSON, with white space around it. In the recursive
//! notations the containers are elements, too.

use grammar_ir::regular::{CharAutomaton, Spelling, Utf8};
use grammar_ir::{Budget, ByteSet, CharSet, Counter, ExprId, TokenSet};
use serde_json::Value;

use super::ast::{Type, TypeSet};
use super::lower::{Form, Lowerer};
use super::lower_members::Members;
use super::normal::{ArrayShape, FreeKeys, Memory, NodeId, Normal, ObjectShape, StringShape, Texts};
use super::string;
use crate::delimiters::{self, Piece};
use crate::diagnostic::{Code, Diagnostic, Diagnostics, Place};

/// How the members of the top-level object are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum XmlStyle {
    /// `<parameter=KEY>VALUE</parameter>`
    Qwen,
    /// `<parameter name="KEY">VALUE</parameter>`
    MiniMax,
    /// `<｜DSML｜parameter name="KEY" string="true|false">VALUE</｜DSML｜parameter>`
    DeepSeek,
    /// The same with a space after each `｜DSML｜`.
    DeepSeekV41,
    /// `<arg_key>KEY</arg_key><arg_value>VALUE</arg_value>`
    Glm,
    /// `<|open|>argument key="KEY" type="T"<|sep|>VALUE<|close|>argument<|sep|>`
    KimiK3,
    /// `<cofl:value name="KEY" type="raw|json|dict|list">VALUE</cofl:value>`, recursive.
    Cohere,
    /// `]<]minimax[>[<KEY>VALUE]<]minimax[>[</KEY>`, recursive; items have the key `item`. Keys that are not declared cannot
    /// be written.
    MiniMaxM3,
}

impl XmlStyle {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Qwen,
        Self::MiniMax,
        Self::DeepSeek,
        Self::DeepSeekV41,
        Self::Glm,
        Self::KimiK3,
        Self::Cohere,
        Self::MiniMaxM3,
    ];

    /// The name in the field `style`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Qwen => "qwen_xml",
            Self::MiniMax => "minimax_xml",
            Self::DeepSeek => "deepseek_xml",
            Self::DeepSeekV41 => "deepseek_v4_1_xml",
            Self::Glm => "glm_xml",
            Self::KimiK3 => "kimi_k3_xml",
            Self::Cohere => "cohere_xml",
            Self::MiniMaxM3 => "minimax_m3_xml",
        }
    }

    /// The style with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|style| style.name() == name)
    }

    /// What comes before the key.
    fn opening(self) -> &'static str {
        match self {
            Self::Qwen => "<parameter=",
            Self::MiniMax => "<parameter name=\"",
            Self::DeepSeek => "<｜DSML｜parameter name=\"",
            Self::DeepSeekV41 => "<｜DSML｜ parameter name=\"",
            Self::Glm => "<arg_key>",
            Self::KimiK3 => "<|open|>argument key=\"",
            Self::Cohere => "<cofl:value name=\"",
            Self::MiniMaxM3 => "]<]minimax[>[<",
        }
    }

    /// What comes between the key, or the type, and the value.
    fn before_value(self) -> &'static str {
        match self {
            Self::Qwen | Self::MiniMaxM3 => ">",
            Self::MiniMax | Self::DeepSeek | Self::DeepSeekV41 | Self::Cohere => "\">",
            Self::Glm => "</arg_key><arg_value>",
            Self::KimiK3 => "\"<|sep|>",
        }
    }

    /// What comes between the key and the type, if there is a type.
    fn before_type(self) -> Option<&'static str> {
        match self {
            Self::Qwen | Self::MiniMax | Self::Glm | Self::MiniMaxM3 => None,
            Self::DeepSeek | Self::DeepSeekV41 => Some("\" string=\""),
            Self::KimiK3 | Self::Cohere => Some("\" type=\""),
        }
    }

    /// What ends the value, or what that begins with; a string may not contain it.
    fn closing(self) -> &'static str {
        match self {
            Self::Qwen | Self::MiniMax => "</parameter>",
            Self::DeepSeek => "</｜DSML｜parameter>",
            Self::DeepSeekV41 => "</｜DSML｜ parameter>",
            Self::Glm => "</arg_value>",
            Self::KimiK3 => "<|close|>argument<|sep|>",
            Self::Cohere => "</cofl:value>",
            Self::MiniMaxM3 => "]<]minimax[>[",
        }
    }

    /// Whether the key comes again at the end of an element.
    fn repeats_key(self) -> bool {
        self == Self::MiniMaxM3
    }

    /// The parts that values are written in, each with its type, where the style has one.
    fn parts(self) -> Vec<(&'static str, Part)> {
        let json = |types: &[Type]| Part::Json(TypeSet::of(types.iter().copied()));
        let others = [Type::Null, Type::Boolean, Type::Number, Type::Array, Type::Object];
        match self {
            Self::Qwen | Self::MiniMax | Self::Glm => vec![("", Part::Strings), ("", json(&others))],
            Self::DeepSeek | Self::DeepSeekV41 => vec![("true", Part::Strings), ("false", json(&others))],
            Self::KimiK3 => vec![
                ("string", Part::Strings),
                ("null", json(&[Type::Null])),
                ("boolean", json(&[Type::Boolean])),
                ("number", json(&[Type::Number])),
                ("array", json(&[Type::Array])),
                ("object", json(&[Type::Object])),
            ],
            Self::Cohere => vec![
                ("raw", Part::Strings),
                ("json", json(&[Type::Null, Type::Boolean, Type::Number])),
                ("dict", Part::Members),
                ("list", Part::Items),
            ],
            Self::MiniMaxM3 => vec![
                ("", Part::Strings),
                ("", json(&[Type::Null, Type::Boolean, Type::Number])),
                ("", Part::Members),
                ("", Part::Items),
            ],
        }
    }

    /// Characters of keys that have another meaning in an element.
    fn is_reserved(self, character: char) -> bool {
        match self {
            Self::Qwen | Self::Glm | Self::MiniMaxM3 => matches!(character, '<' | '>' | '\n'),
            Self::MiniMax | Self::DeepSeek | Self::DeepSeekV41 => matches!(character, '"' | '<' | '>' | '\n'),
            Self::KimiK3 => matches!(character, '<' | '\n'),
            Self::Cohere => character == '\n',
        }
    }

    /// A key as it is written.
    fn written_key(self, key: &str) -> String {
        let escaped: &[char] = match self {
            Self::KimiK3 => KIMI_ESCAPES,
            Self::Cohere => COHERE_ESCAPES,
            _ => &[],
        };
        let mut written = String::with_capacity(key.len());
        for character in key.chars() {
            match ENTITIES.iter().find(|(plain, _)| *plain == character && escaped.contains(plain)) {
                Some((_, entity)) => written.push_str(entity),
                None => written.push(character),
            }
        }
        written
    }

    /// How the characters of keys are written.
    fn key_spelling(self) -> &'static dyn Spelling {
        match self {
            Self::KimiK3 => &Entities { escaped: KIMI_ESCAPES },
            Self::Cohere => &Entities { escaped: COHERE_ESCAPES },
            _ => &Utf8,
        }
    }
}

/// The delimiters of all styles that are special tokens of a vocabulary.
#[derive(Debug, Default)]
pub(super) struct Delimiters {
    tokens: Vec<(&'static str, u32)>,
}

impl Delimiters {
    /// Those that `special` has an id of.
    pub(super) fn of_styles(special: impl Fn(&str) -> Option<u32>) -> Self {
        let texts = |style: XmlStyle| {
            let (opening, before_value, closing) = (style.opening(), style.before_value(), style.closing());
            [opening, before_value, closing].into_iter().chain(style.before_type())
        };
        let pieces = XmlStyle::ALL.into_iter().flat_map(texts).flat_map(|text| delimiters::pieces(text, &special));
        let mut tokens: Vec<(&'static str, u32)> = pieces
            .filter_map(|piece| match piece {
                Piece::Token(name, id) => Some((name, id)),
                Piece::Text(_) => None,
            })
            .collect();
        tokens.sort_unstable();
        tokens.dedup();
        Self { tokens }
    }

    fn id(&self, name: &str) -> Option<u32> {
        self.tokens.iter().find(|(other, _)| *other == name).map(|&(_, id)| id)
    }
}

/// A text of the notation itself: the special tokens in it as these, the rest as it is.
fn delimiter(lowerer: &mut Lowerer<'_>, text: &str) -> ExprId {
    let Lowerer { delimiters, builder, .. } = lowerer;
    let pieces = delimiters::pieces(text, |name| delimiters.id(name));
    let parts: Vec<ExprId> = pieces
        .into_iter()
        .map(|piece| match piece {
            Piece::Text(text) => builder.literal(text),
            Piece::Token(_, id) => builder.token(TokenSet::of([id])),
        })
        .collect();
    builder.sequence(parts)
}

/// A part of the values of a node, in a notation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Part {
    /// The strings, as they are.
    Strings,
    /// The values of these types, as JSON.
    Json(TypeSet),
    /// The objects, as elements.
    Members,
    /// The arrays, as elements without keys.
    Items,
}

/// Characters written as entities of XML.
#[derive(Debug)]
struct Entities {
    escaped: &'static [char],
}

const KIMI_ESCAPES: &[char] = &['&', '"'];
const COHERE_ESCAPES: &[char] = &['&', '"', '<', '>'];

/// The entities that XML predefines.
const ENTITIES: [(char, &str); 4] = [('&', "&amp;"), ('"', "&quot;"), ('<', "&lt;"), ('>', "&gt;")];

impl Spelling for Entities {
    fn sequences(&self, set: &CharSet) -> Vec<Vec<ByteSet>> {
        let escaped: CharSet = self.escaped.iter().copied().collect();
        let mut sequences = Utf8.sequences(&set.difference(&escaped));
        let entities =
            ENTITIES.iter().filter(|(character, _)| self.escaped.contains(character) && set.contains(*character));
        sequences.extend(entities.map(|(_, entity)| entity.bytes().map(|byte| ByteSet::range(byte, byte)).collect()));
        sequences
    }
}

/// The objects among the root's values; where items are elements like members, the arrays, too.
pub(super) fn root(lowerer: &mut Lowerer<'_>, style: XmlStyle) -> ExprId {
    let members = lowerer.written(Normal::ROOT, Form::Xml(style, Part::Members));
    if !style.repeats_key() || !has(lowerer, Normal::ROOT, Part::Items) {
        return members;
    }
    let items = lowerer.written(Normal::ROOT, Form::Xml(style, Part::Items));
    lowerer.builder.choice([members, items])
}

/// A declared key as an element has it.
fn declared_key(lowerer: &mut Lowerer<'_>, key: &str, style: XmlStyle) -> ExprId {
    let written = style.written_key(key);
    if is_excluded(lowerer, &written) { lowerer.builder.never() } else { lowerer.builder.literal(&written) }
}

/// The keys of a class as an element has them.
fn free_keys(
    lowerer: &mut Lowerer<'_>,
    keys: &FreeKeys,
    style: XmlStyle,
    budget: &mut Budget<'_>,
) -> Result<ExprId, Diagnostics> {
    let reserved: CharSet =
        ['"', '<', '>', '\n'].into_iter().filter(|&character| style.is_reserved(character)).collect();
    let mut names = CharAutomaton::from_set(&reserved.complement()).repeat(1, None, budget)?;
    if let Some(excludes) = &lowerer.excludes {
        names = names.intersection(&excludes.free, budget)?;
    }
    let language = match keys {
        FreeKeys::AllBut(keys) => string::without(&names, keys.iter().map(String::as_str), budget)?,
        FreeKeys::Few(keys) => {
            let keys: Vec<ExprId> = keys.iter().map(|key| declared_key(lowerer, key, style)).collect();
            return Ok(lowerer.builder.choice(keys));
        }
        FreeKeys::Language(language) => language.intersection(&names, budget)?,
    };
    Ok(lowerer.builder.automaton(language.to_bytes(style.key_spelling(), budget)?))
}

/// The members of an object.
fn members(
    lowerer: &mut Lowerer<'_>,
    shape: &ObjectShape<NodeId>,
    style: XmlStyle,
    budget: &mut Budget<'_>,
) -> Result<ExprId, Diagnostics> {
    if !shape.tallies.is_empty() {
        return Err(unsupported("what counts the members that satisfy a schema is not supported in this notation"));
    }
    if style.repeats_key() {
        check_repeated_keys(shape, style)?;
    }
    let mut declared = Vec::new();
    for named in &shape.named {
        if let Some(node) = named.place.value {
            let key = declared_key(lowerer, &named.key, style);
            declared.push((member(lowerer, key, node, style), named.required));
        }
    }
    let mut others = Vec::new();
    for class in &shape.free {
        if let Some(node) = class.place.value {
            if style.repeats_key() {
                let FreeKeys::Few(keys) = &class.keys else { continue };
                for key in keys {
                    let key = declared_key(lowerer, key, style);
                    others.push(member(lowerer, key, node, style));
                }
                continue;
            }
            let key = free_keys(lowerer, &class.keys, style, budget)?;
            others.push(member(lowerer, key, node, style));
        }
    }
    let other = (!others.is_empty()).then(|| lowerer.builder.choice(others));
    let gap = lowerer.spaces.between(&mut lowerer.builder);
    Members { declared, other, min: shape.min, max: shape.max, gap }.lower(lowerer)
}

/// Refuses what an element that ends with its key cannot say. Undeclared keys of an open object are merely not written.
fn check_repeated_keys(shape: &ObjectShape<NodeId>, style: XmlStyle) -> Result<(), Diagnostics> {
    let is_named = |key: &str| !key.is_empty() && !key.chars().any(|character| style.is_reserved(character));
    let declared = shape.named.iter().filter(|named| named.place.value.is_some());
    if declared.clone().any(|named| !is_named(&named.key)) {
        return Err(unsupported("a key that is empty or has `<`, `>` or a line feed in it is no name of an element"));
    }
    let undeclared = shape.free.iter().filter(|class| class.place.value.is_some());
    for class in undeclared {
        match class.keys {
            FreeKeys::Few(_) => {}
            FreeKeys::AllBut(_) if declared.clone().next().is_some() => {}
            FreeKeys::AllBut(_) | FreeKeys::Language(_) => {
                return Err(unsupported("keys that are not declared are not supported in this notation"));
            }
        }
    }
    Ok(())
}

fn unsupported(message: &str) -> Diagnostics {
    Diagnostic::new(Code::Unsupported, Place::Pointer(String::new()), message)
        .with_help("use the style `json`, or leave the keyword out")
        .into()
}

fn is_excluded(lowerer: &Lowerer<'_>, text: &str) -> bool {
    lowerer.excludes.as_ref().is_some_and(|excludes| excludes.forbids(text))
}

/// The elements with this key and a value of `node`.
fn member(lowerer: &mut Lowerer<'_>, key: ExprId, node: NodeId, style: XmlStyle) -> ExprId {
    let opening = delimiter(lowerer, style.opening());
    let name = lowerer.builder.sequence([opening, key]);
    let end = end(lowerer, Some(key), style);
    element(lowerer, (name, end), style.before_type(), node, style)
}

/// What ends an element with this key.
fn end(lowerer: &mut Lowerer<'_>, key: Option<ExprId>, style: XmlStyle) -> ExprId {
    let closing = delimiter(lowerer, style.closing());
    if !style.repeats_key() {
        return closing;
    }
    let builder = &mut lowerer.builder;
    let key = key.unwrap_or_else(|| builder.literal(ITEM));
    let (slash, bracket) = (builder.literal("</"), builder.literal(">"));
    builder.sequence([closing, slash, key, bracket])
}

/// The key of items, where elements without a key have one.
const ITEM: &str = "item";

/// The elements that begin with `name`, end with `end` and hold a value of `node`.
fn element(
    lowerer: &mut Lowerer<'_>,
    (name, end): (ExprId, ExprId),
    before_type: Option<&str>,
    node: NodeId,
    style: XmlStyle,
) -> ExprId {
    let mut arms = Vec::new();
    for (kind, part) in style.parts() {
        if !has(lowerer, node, part) {
            continue;
        }
        let value = lowerer.written(node, Form::Xml(style, part));
        let before_type = before_type.map(|before_type| format!("{before_type}{kind}")).unwrap_or_default();
        let mut parts = vec![name, delimiter(lowerer, &format!("{before_type}{}", style.before_value()))];
        let builder = &mut lowerer.builder;
        if let Part::Json(_) = part {
            let gap = lowerer.spaces.between(builder);
            parts.extend([gap, value, gap]);
        } else {
            parts.push(value);
        }
        parts.push(end);
        arms.push(builder.sequence(parts));
    }
    lowerer.builder.choice(arms)
}

/// Whether a node has values of a part.
fn has(lowerer: &Lowerer<'_>, node: NodeId, part: Part) -> bool {
    let node = &lowerer.normal.nodes[node.index()];
    match part {
        Part::Strings => node.has(Type::String),
        Part::Json(types) => Type::ALL.into_iter().any(|kind| types.contains(kind) && node.has(kind)),
        Part::Members => node.has(Type::Object),
        Part::Items => node.has(Type::Array),
    }
}

/// The texts of one part of a node.
pub(super) fn node(
    lowerer: &mut Lowerer<'_>,
    id: NodeId,
    style: XmlStyle,
    part: Part,
    budget: &mut Budget<'_>,
) -> Result<ExprId, Diagnostics> {
    let normal = lowerer.normal;
    let node = &normal.nodes[id.index()];
    let mut arms = Vec::new();
    match part {
        Part::Json(types) => {
            let level = lowerer.spaces.levels();
            arms.push(lowerer.written(id, Form::Json(types, level)));
        }
        Part::Strings => {
            let excludes = lowerer.excludes.clone();
            let is_free = |text: &&str| {
                !text.contains(style.closing()) && excludes.as_ref().is_none_or(|excludes| !excludes.forbids(text))
            };
            for text in node.values.iter().filter_map(Value::as_str).filter(is_free) {
                let text = lowerer.builder.literal(text);
                arms.push(padded(lowerer, style, text));
            }
            if node.regexes {
                return Err(unsupported("the format `regex` is not supported in this notation"));
            }
            for shape in &node.strings {
                let text = raw(lowerer, shape, style.closing(), budget)?;
                let is_any = matches!(shape.texts, Texts::Run(None)) && (shape.min, shape.max) == (0, None);
                arms.push(if is_any { text } else { padded(lowerer, style, text) });
            }
        }
        Part::Members => {
            for value in node.values.iter().filter_map(Value::as_object) {
                let members = value.iter().map(|(key, value)| listed_member(lowerer, key, value, style, budget));
                let members: Vec<ExprId> = members.collect::<Result<_, _>>()?;
                arms.push(spaced(lowerer, members));
            }
            for shape in &node.objects {
                arms.push(members(lowerer, shape, style, budget)?);
            }
        }
        Part::Items => {
            for value in node.values.iter().filter_map(Value::as_array) {
                let items: Vec<ExprId> =
                    value.iter().map(|value| listed(lowerer, None, value, style, budget)).collect::<Result<_, _>>()?;
                arms.push(spaced(lowerer, items));
            }
            for shape in &node.arrays {
                arms.push(items(lowerer, shape, style)?);
            }
        }
    }
    Ok(lowerer.builder.choice(arms))
}

/// The strings of `shape` without quotes that do not contain `closing`.
fn raw(
    lowerer: &mut Lowerer<'_>,
    shape: &StringShape,
    closing: &str,
    budget: &mut Budget<'_>,
) -> Result<ExprId, Diagnostics> {
    let any = CharAutomaton::any_text();
    let marker = any.concatenate(&CharAutomaton::literal(closing), budget)?.concatenate(&any, budget)?;
    let restricted = match lowerer.excludes.clone() {
        Some(excludes) => excludes.restrict(shape, budget)?,
        None => None,
    };
    let shape = restricted.as_ref().unwrap_or(shape);
    let texts = match &shape.texts {
        Texts::Run(None) => any,
        Texts::Run(Some(set)) => CharAutomaton::from_set(set).repeat(0, None, budget)?,
        Texts::Language(texts) | Texts::Counted { texts, .. } | Texts::Pattern { language: Some(texts), .. } => {
            CharAutomaton::clone(texts)
        }
        Texts::Pattern { language: None, .. } => {
            return Err(unsupported("a pattern of this size is not supported in this notation"));
        }
    };
    let texts = texts.difference(&marker, budget)?;
    let automaton = if (shape.min, shape.max) == (0, None) {
        texts.to_bytes(&Utf8, budget)?
    } else {
        texts.to_counted_bytes(Counter { min: shape.min, max: shape.max }, &Utf8, budget)?
    };
    Ok(lowerer.builder.automaton(automaton))
}

/// `text`, a string that not every text is, with a line break before and after it where the models of `style` write them: each
/// may be left out.
fn padded(lowerer: &mut Lowerer<'_>, style: XmlStyle, text: ExprId) -> ExprId {
    // A line break could complete a text that strings must not contain.
    if style != XmlStyle::Qwen || lowerer.excludes.is_some() || lowerer.spaces.are_none() {
        return text;
    }
    let line_break = lowerer.builder.literal("\n");
    let padding = lowerer.builder.repeat(line_break, 0, Some(1));
    lowerer.builder.sequence([padding, text, padding])
}

fn spaced(lowerer: &mut Lowerer<'_>, elements: Vec<ExprId>) -> ExprId {
    let gap = lowerer.spaces.between(&mut lowerer.builder);
    let parts: Vec<ExprId> = elements.into_iter().flat_map(|element| [gap, element]).chain([gap]).collect();
    lowerer.builder.sequence(parts)
}

fn listed_member(
    lowerer: &mut Lowerer<'_>,
    name: &str,
    value: &Value,
    style: XmlStyle,
    budget: &mut Budget<'_>,
) -> Result<ExprId, Diagnostics> {
    let key = declared_key(lowerer, name, style);
    listed(lowerer, Some(key), value, style, budget)
}

/// The element of one given value.
fn listed(
    lowerer: &mut Lowerer<'_>,
    key: Option<ExprId>,
    value: &Value,
    style: XmlStyle,
    budget: &mut Budget<'_>,
) -> Result<ExprId, Diagnostics> {
    let (name, before_type) = name(lowerer, key, style);
    let fits = |part: Part| match part {
        Part::Strings => value.is_string(),
        Part::Json(types) => types.contains(Type::of(value)),
        Part::Members => value.is_object(),
        Part::Items => value.is_array(),
    };
    let Some((kind, part)) = style.parts().into_iter().find(|&(_, part)| fits(part)) else {
        return Ok(lowerer.builder.never());
    };
    let text = match (part, value) {
        (Part::Strings, Value::String(text)) if text.contains(style.closing()) || is_excluded(lowerer, text) => {
            lowerer.builder.never()
        }
        (Part::Strings, Value::String(text)) => {
            let text = lowerer.builder.literal(text);
            padded(lowerer, style, text)
        }
        (Part::Members, Value::Object(members)) => {
            let members = members.iter().map(|(key, value)| listed_member(lowerer, key, value, style, budget));
            let members: Vec<ExprId> = members.collect::<Result<_, _>>()?;
            spaced(lowerer, members)
        }
        (Part::Items, Value::Array(items)) => {
            let items = items.iter().map(|value| listed(lowerer, None, value, style, budget));
            let items: Vec<ExprId> = items.collect::<Result<_, _>>()?;
            spaced(lowerer, items)
        }
        _ => {
            let value = lowerer.listed(value, 0, budget)?;
            let gap = lowerer.spaces.between(&mut lowerer.builder);
            lowerer.builder.sequence([gap, value, gap])
        }
    };
    let before_type = before_type.map(|before_type| format!("{before_type}{kind}")).unwrap_or_default();
    let opening = delimiter(lowerer, &format!("{before_type}{}", style.before_value()));
    let end = end(lowerer, key, style);
    Ok(lowerer.builder.sequence([name, opening, text, end]))
}

/// The beginning of an element, and what comes before its type.
fn name(lowerer: &mut Lowerer<'_>, key: Option<ExprId>, style: XmlStyle) -> (ExprId, Option<&'static str>) {
    match key {
        Some(key) => {
            let opening = delimiter(lowerer, style.opening());
            (lowerer.builder.sequence([opening, key]), style.before_type())
        }
        None if style.repeats_key() => (delimiter(lowerer, &format!("{}{ITEM}", style.opening())), None),
        None => (delimiter(lowerer, "<cofl:value"), Some(" type=\"")),
    }
}

/// Arrays as elements without keys.
fn items(lowerer: &mut Lowerer<'_>, shape: &ArrayShape<NodeId>, style: XmlStyle) -> Result<ExprId, Diagnostics> {
    if !matches!(shape.memory, Memory::Length) {
        return Err(unsupported("`uniqueItems` and `contains` are not supported for arrays in this notation"));
    }
    let gap = lowerer.spaces.between(&mut lowerer.builder);
    let item = |lowerer: &mut Lowerer<'_>, node: NodeId| {
        let (name, before_type) = name(lowerer, None, style);
        let end = end(lowerer, None, style);
        let element = element(lowerer, (name, end), before_type, node, style);
        lowerer.builder.sequence([gap, element])
    };
    let limit = shape.max.map_or(usize::MAX, |max| max as usize);
    let prefix: Vec<NodeId> = shape.prefix.iter().take(limit).map_while(|place| place.value).collect();
    let reaches_rest = prefix.len() == shape.prefix.len() && prefix.len() < limit;
    let count = prefix.len() as u32;
    let mut tail = match shape.rest.value.filter(|_| reaches_rest) {
        Some(node) => {
            let another = item(lowerer, node);
            lowerer.builder.repeat(another, shape.min.saturating_sub(count), shape.max.map(|max| max - count))
        }
        None if shape.min <= count => lowerer.builder.empty(),
        None => lowerer.builder.never(),
    };
    for (index, node) in prefix.into_iter().enumerate().rev() {
        let item = item(lowerer, node);
        tail = lowerer.builder.sequence([item, tail]);
        if shape.min as usize <= index {
            tail = lowerer.builder.optional(tail);
        }
    }
    Ok(lowerer.builder.sequence([tail, gap]))
}
