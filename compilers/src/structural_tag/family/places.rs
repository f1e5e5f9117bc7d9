//! From places in the tag of a request to places in the request.

use serde_json::{Value, json};

use super::{Family, Request, for_family};
use crate::diagnostic::{Diagnostic, Diagnostics, Place};
use crate::gbnf::TokenNames;

/// What compiling the tag that [`for_family`] made of the same arguments found, with places in the request, such as
/// `/tools/0/function/parameters/type`. The schema of a tool may stand in several places of the tag; what is wrong with it
/// is said once.
///
/// ```
/// use compilers::structural_tag::{self, Family, Request};
/// let request = serde_json::json!({"tools": [{"type": "function", "function": {
///     "name": "now", "parameters": {"type": "objekt"}}}]});
/// let request = Request::from_json(&request)?;
/// let tag = structural_tag::for_family(Family::Qwen3, &request, None)?.to_string();
/// let fault = structural_tag::compile(&tag, &Default::default(), None, &Default::default()).unwrap_err();
/// let fault = structural_tag::in_request(Family::Qwen3, &request, None, &fault);
/// assert!(fault.to_string().starts_with(r#"at "/tools/0/function/parameters/type""#));
/// # Ok::<(), compilers::diagnostic::Diagnostics>(())
/// ```
pub fn in_request(
    family: Family,
    request: &Request,
    tokens: Option<&dyn TokenNames>,
    diagnostics: &Diagnostics,
) -> Diagnostics {
    // The same tag with the number of a tool where its schema was.
    let mut numbered = request.clone();
    for tool in &mut numbered.tools {
        tool.parameters = json!(tool.index);
    }
    let Ok(tag) = for_family(family, &numbered, tokens) else { return diagnostics.clone() };
    let mut found: Vec<Diagnostic> = Vec::new();
    for diagnostic in diagnostics.iter() {
        let mut diagnostic = diagnostic.clone();
        if let Place::Pointer(pointer) = &diagnostic.place {
            diagnostic.place = Place::Pointer(of_schema(&tag, pointer).unwrap_or_else(|| "/tools".to_owned()));
        }
        if !found.contains(&diagnostic) {
            found.push(diagnostic);
        }
    }
    found.into()
}

/// Where in the request the place `pointer` of the tag is, if it is in the schema of a tool.
fn of_schema(tag: &Value, pointer: &str) -> Option<String> {
    const KEY: &str = "/json_schema";
    pointer.match_indices(KEY).find_map(|(start, _)| {
        let (place, rest) = pointer.split_at(start + KEY.len());
        let index = tag.pointer(place)?.as_u64()?;
        Some(format!("/tools/{index}/function/parameters{rest}"))
    })
}
