//! JSON Schemas as parts of larger grammars.

use std::rc::Rc;

use grammar_ir::{Budget, ExprId, GrammarBuilder};
use serde_json::Value;

use super::documents::Documents;
use super::lower::{self, Lowerer, Shared};
use super::normal::Normal;
use super::options::Options;
use super::string::Patterns;
use super::xml::{self, Delimiters, XmlStyle};
use super::{normal, read, share, unsatisfiable};
use crate::diagnostic::Diagnostics;
use crate::gbnf::TokenNames;

/// Lowers JSON Schemas into one [`GrammarBuilder`], sharing what they have in common.
///
/// It declares rules named `character`, `whitespace`, `whitespace_N`, `value_N`, `number_N`, `members_N`, `items_N` and `regex_text`. All calls have
/// to be with the same builder.
#[derive(Debug, Default)]
pub struct Embedded {
    shared: Shared,
    patterns: Patterns,
}

impl Embedded {
    /// Nothing lowered yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The same for a vocabulary: delimiters of [`XmlStyle`]s that are special tokens of it are matched as these, not as
    /// text.
    pub fn with_tokens(tokens: Option<&dyn TokenNames>) -> Self {
        let special = |name: &str| tokens?.special_id(name);
        let mut embedded = Self::default();
        embedded.shared.delimiters = Rc::new(Delimiters::of_styles(special));
        embedded
    }

    /// The JSON texts whose values are valid against `schema`, without white space around them. Pointers in `schema` and
    /// in diagnostics are relative to it.
    ///
    /// # Errors
    /// As [`compile`](super::compile).
    pub fn lower(
        &mut self,
        schema: &Value,
        options: &Options,
        builder: &mut GrammarBuilder,
        budget: &mut Budget<'_>,
    ) -> Result<ExprId, Diagnostics> {
        self.lower_as(schema, options, builder, budget, |lowerer, _| Ok(lowerer.value(Normal::ROOT, 0)))
    }

    /// The objects that are valid against `schema`, with their members written as elements of `style`.
    ///
    /// # Errors
    /// As [`compile`](super::compile); and when a limit is met, or no object is valid.
    pub fn lower_xml(
        &mut self,
        schema: &Value,
        style: XmlStyle,
        options: &Options,
        builder: &mut GrammarBuilder,
        budget: &mut Budget<'_>,
    ) -> Result<ExprId, Diagnostics> {
        self.lower_as(schema, options, builder, budget, |lowerer, _| Ok(xml::root(lowerer, style)))
    }

    /// The texts that `write` makes of the normal form of `schema`.
    pub(super) fn lower_as(
        &mut self,
        schema: &Value,
        options: &Options,
        builder: &mut GrammarBuilder,
        budget: &mut Budget<'_>,
        write: impl FnOnce(&mut Lowerer<'_>, &mut Budget<'_>) -> Result<ExprId, Diagnostics>,
    ) -> Result<ExprId, Diagnostics> {
        let documents = Documents::of(schema.clone());
        let (mut ast, _) = read::read(&documents, options)?;
        share::share(&mut ast);
        let normal = normal::normalize(&ast, options, &mut self.patterns, budget)
            .map_err(|failure| unsatisfiable::diagnostics(failure, &documents, options, budget))?;
        lower::expression((&normal, &ast), options, &mut self.shared, builder, budget, write)
    }
}
