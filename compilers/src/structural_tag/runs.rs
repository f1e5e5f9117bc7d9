//! Runs of tokens: any tokens but those that are listed or end a tag around them.
//!
//! What a token has for its text does not matter to a run, and so it would run past a string that ends a tag around it. Inside
//! such a tag a run is free text and special tokens in turn: then free text sees to it that the string is not in it, and
//! the tokens that are listed are left out by their texts, where they have any.

use grammar_ir::TokenSet;

use super::ast::Format;
use super::composition::Part;
use super::lower::Lowering;
use crate::diagnostic::{Code, Diagnostics};

impl Lowering<'_> {
    /// At most `max_tokens` tokens that are not `listed`.
    pub(super) fn any_tokens(
        &mut self,
        format: &Format,
        listed: Vec<u32>,
        max_tokens: Option<u32>,
    ) -> Result<Part, Diagnostics> {
        if max_tokens == Some(0) {
            return Ok(Part::Solid(self.builder.empty()));
        }
        if self.string_ends.is_empty() {
            let token = TokenSet::all_but(listed.into_iter().chain(self.end_tokens.iter().copied()));
            let token = self.builder.token(token);
            return Ok(Part::Repeat(Box::new(Part::Solid(token)), 0, max_tokens));
        }
        let run = self.run_of_tokens(format, listed)?;
        if max_tokens.is_none() {
            return Ok(run);
        }
        let texts = self.alone(&run)?;
        let texts = self.budgeted(texts, max_tokens);
        let closed = self.close(&format.pointer, &run, texts, (true, true))?;
        Ok(Part::Repeat(Box::new(closed), 0, Some(1)))
    }

    /// Any tokens that are not `listed`.
    pub(super) fn run_of_tokens(&mut self, format: &Format, mut listed: Vec<u32>) -> Result<Part, Diagnostics> {
        listed.extend_from_slice(&self.end_tokens);
        if self.string_ends.is_empty() {
            let token = self.builder.token(TokenSet::all_but(listed));
            return Ok(Part::Repeat(Box::new(Part::Solid(token)), 0, None));
        }
        let Some(tokens) = self.tokens else {
            let message = "which tokens are text is not known without a vocabulary, so this would run past the string that \
                ends the tag around it";
            self.report(&format.pointer, Code::Unsupported, message, "give a tokenizer, or end the tag with a token");
            return Ok(Part::Solid(self.builder.never()));
        };
        let mut excludes = Vec::new();
        for &id in &listed {
            match tokens.text(id).map(std::str::from_utf8) {
                None | Some(Ok("")) => {}
                Some(Ok(text)) => excludes.push(text),
                Some(Err(_)) => {
                    let message =
                        format!("token {id} is a part of a character, so text cannot be kept from containing it");
                    let help = "end the tag with a token, or leave this one out of the list";
                    self.report(&format.pointer, Code::Unsupported, message, help);
                }
            }
        }
        let text = Part::Text(self.text_kind(&format.pointer, Vec::new(), excludes)?);
        listed.sort_unstable();
        let specials = tokens.special_tokens().into_iter().filter(|id| listed.binary_search(id).is_err());
        let special = self.builder.token(TokenSet::of(specials));
        let others = Part::Repeat(Box::new(Part::Sequence(vec![Part::Solid(special), text.clone()])), 0, None);
        Ok(Part::Sequence(vec![text, others]))
    }

    /// One token that is not `listed`. On its own it cannot run past anything; again and again it could.
    pub(super) fn other_token(&mut self, format: &Format, listed: Vec<u32>) -> TokenSet {
        if let (true, Some(end)) = (self.is_repeated, self.string_ends.last()) {
            let message =
                format!("again and again, `exclude_token` would run past the end of the tag around it, `{end}`");
            self.report(&format.pointer, Code::Unsupported, message, "use `any_tokens`, or end the tag with a token");
        }
        TokenSet::all_but(listed.into_iter().chain(self.end_tokens.iter().copied()))
    }
}
