//! Structural tags as read: formats with the pointers that diagnostics need.

use serde_json::Value;

/// A format and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Format {
    /// The JSON Pointer of the format.
    pub(super) pointer: String,
    /// What it is.
    pub(super) kind: Kind,
}

/// The format types.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Kind {
    /// `const_string`
    Literal(String),
    /// `json_schema`, `qwen_xml_parameter`
    Json(Box<Json>),
    /// `grammar`
    Grammar(String),
    /// `regex`
    Regex(Regex),
    /// `any_text`
    AnyText(AnyText),
    /// `token`, `exclude_token`
    Token(Tokens),
    /// `any_tokens`
    AnyTokens {
        /// The tokens that may not occur.
        excludes: Vec<Token>,
        /// The greatest number of tokens.
        max_tokens: Option<u32>,
    },
    /// `sequence`
    Sequence(Vec<Format>),
    /// `or`
    Or(Vec<Format>),
    /// `optional`, `star`, `plus`, `repeat`
    Repeat {
        /// What is repeated.
        content: Box<Format>,
        /// The least number of times.
        min: u32,
        /// The greatest number of times.
        max: Option<u32>,
    },
    /// `tag`
    Tag(Box<Tag>),
    /// `triggered_tags`
    TriggeredTags(TriggeredTags<Text>),
    /// `token_triggered_tags`
    TokenTriggeredTags(TriggeredTags<Token>),
    /// `tags_with_separator`
    TagsWithSeparator {
        /// The tags.
        tags: Vec<Tag>,
        /// What stands between two.
        separator: String,
        /// Whether there is one.
        at_least_one: bool,
        /// Whether there is no second.
        stop_after_first: bool,
    },
    /// `dispatch`
    Dispatch(Dispatch<Text>),
    /// `token_dispatch`
    TokenDispatch(Dispatch<Token>),
}

/// A text and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Text {
    /// The JSON Pointer of the text.
    pub(super) pointer: String,
    /// The text.
    pub(super) text: String,
}

/// A token and where it is named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Token {
    /// The JSON Pointer of the name.
    pub(super) pointer: String,
    /// The token.
    pub(super) name: TokenName,
}

/// How a token is named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum TokenName {
    /// By its id.
    Id(u32),
    /// By its text.
    Text(String),
}

/// One token of a set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Tokens {
    /// The tokens listed.
    pub(super) list: Vec<Token>,
    /// Whether it is any token but these.
    pub(super) excluded: bool,
}

/// JSON by a schema.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Json {
    /// The JSON Pointer of the schema.
    pub(super) pointer: String,
    /// The schema.
    pub(super) schema: Value,
    /// How objects are written.
    pub(super) style: Style,
    /// Whether keys may come in any order.
    pub(super) any_order: bool,
    /// The greatest number of white space characters between two tokens.
    pub(super) max_whitespace: Option<u32>,
    /// Texts that strings may not contain.
    pub(super) excludes: Vec<Text>,
}

/// How the top-level object is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    /// As JSON.
    Json,
    /// As an XML-like notation.
    Xml(crate::json_schema::XmlStyle),
}

/// A regular expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Regex {
    /// The pattern.
    pub(super) pattern: Text,
}

/// Free text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct AnyText {
    /// What it may not contain.
    pub(super) excludes: Vec<Text>,
    /// The greatest number of tokens.
    pub(super) max_tokens: Option<u32>,
    /// The greatest number of characters.
    pub(super) max_chars: Option<u32>,
}

/// What a tag begins with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Begin {
    /// A text.
    Text(Text),
    /// A token.
    Token(Token),
}

/// What a tag ends with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum End {
    /// One of these texts.
    Texts(Vec<Text>),
    /// A token.
    Token(Token),
}

/// `tag`
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Tag {
    /// The JSON Pointer of the tag.
    pub(super) pointer: String,
    /// What it begins with.
    pub(super) begin: Begin,
    /// What is inside.
    pub(super) content: Format,
    /// What it ends with.
    pub(super) end: End,
}

/// `triggered_tags`, `token_triggered_tags`
#[derive(Debug, Clone, PartialEq)]
pub(super) struct TriggeredTags<T> {
    /// What ends the free text.
    pub(super) triggers: Vec<T>,
    /// What may follow, with the beginnings included.
    pub(super) tags: Vec<Tag>,
    /// What the free text may not contain.
    pub(super) excludes: Vec<T>,
    /// Whether a tag comes first.
    pub(super) at_least_one: bool,
    /// Whether everything ends after the first tag.
    pub(super) stop_after_first: bool,
}

/// `dispatch`, `token_dispatch`
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Dispatch<T> {
    /// What ends the free text, and what follows it.
    pub(super) rules: Vec<(T, Format)>,
    /// What the free text may not contain.
    pub(super) excludes: Vec<T>,
    /// Whether free text follows again.
    pub(super) repeats: bool,
}
