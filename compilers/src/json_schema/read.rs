//! From a JSON value to an [`Ast`]: the keywords of every schema that the root refers to, as their draft means them.

use std::collections::VecDeque;

use grammar_ir::Limits;
use rustc_hash::FxHashMap;
use serde_json::{Map, Value};

use super::ast::{Additional, Ast, Bound, Conditional, Contains, Schema, SchemaId, Type, TypeSet};
use super::decimal::Decimal;
use super::dialect::{Dialect, Remark};
use super::documents::Documents;
use super::format::OLD_HOSTNAME;
use super::keyword::{Draft, Role, is_known_format};
use super::named_keyword;
use super::options::{AdditionalProperties, Annotation, Formats, Options};
use super::pointer;
use super::reference::{RECURSIVE, References};
use super::refusal::Refusals;
use super::scope::{MAX_SCOPES, ScopeId, Scopes};
use super::value_list::ValueList;
use crate::diagnostic::{Code, Diagnostics};
use crate::regex;

/// Reads the schema of `documents`; the annotations are what it says that constrains nothing.
pub(super) fn read(documents: &Documents, options: &Options) -> Result<(Ast, Vec<Annotation>), Diagnostics> {
    let mut reader = Reader::new(documents, options);
    reader.id(String::new());
    while let Some((id, place, scope)) = reader.queue.pop_front() {
        reader.dialect = reader.references.dialect_of(&place);
        reader.scope = scope;
        reader.schema(id, &place);
    }
    reader.refusals.into_result()?;
    Ok((Ast::new(reader.schemas), reader.annotations))
}

struct Reader<'a> {
    documents: &'a Documents,
    options: &'a Options,
    references: References,
    scopes: Scopes,
    ids: FxHashMap<(String, ScopeId), SchemaId>,
    schemas: Vec<Schema>,
    queue: VecDeque<(SchemaId, String, ScopeId)>,
    /// The dialect of the schema that is being read.
    dialect: Dialect,
    /// The dynamic scope of the schema that is being read.
    scope: ScopeId,
    annotations: Vec<Annotation>,
    refusals: Refusals,
}

impl<'a> Reader<'a> {
    fn new(documents: &'a Documents, options: &'a Options) -> Self {
        let references = References::of(documents);
        let mut refusals = Refusals::default();
        let mut annotations = Vec::new();
        for (place, uri, remark) in &references.remarks {
            match remark {
                Remark::UnsupportedDraft => {
                    let reason = "this draft is not supported; use draft 4, 6, 7, 2019-09 or 2020-12";
                    refusals.unsupported_at(pointer::push(place, "$schema"), "$schema", reason);
                }
                Remark::Unknown => annotations.push(Annotation {
                    pointer: pointer::push(place, "$schema"),
                    message: format!("`{uri}` is no known draft; read as 2020-12"),
                }),
                Remark::UnknownVocabulary(vocabulary) => {
                    let reason = format!("its meta-schema requires the vocabulary `{vocabulary}`, which is not known");
                    refusals.unsupported_at(pointer::push(place, "$schema"), "$schema", &reason);
                }
            }
        }
        Self {
            documents,
            options,
            references,
            scopes: Scopes::new(),
            ids: FxHashMap::default(),
            schemas: Vec::new(),
            queue: VecDeque::new(),
            dialect: Dialect::whole(Draft::Draft2020),
            scope: ScopeId::default(),
            annotations,
            refusals,
        }
    }

    /// The id of the schema at `place`, which is put on the queue when it is new.
    fn id(&mut self, place: String) -> SchemaId {
        let resource = self.references.resource_of(&place);
        let scope = self.scopes.enter(self.scope, resource, &self.references).unwrap_or_else(|| {
            let reason = format!("dynamic references have more than {MAX_SCOPES} scopes");
            let (holder, keyword) = named_keyword::holder(&place);
            self.refusals.limit_at(holder, &keyword, &reason);
            self.scope
        });
        let key = (place, scope);
        if let Some(&id) = self.ids.get(&key) {
            return id;
        }
        let id = SchemaId(self.schemas.len() as u32);
        let place = key.0.clone();
        self.schemas.push(Schema::anything(place.clone()));
        self.ids.insert(key, id);
        self.queue.push_back((id, place, scope));
        id
    }

    fn schema(&mut self, id: SchemaId, place: &str) {
        let documents = self.documents;
        let mut schema = Schema::anything(place.to_owned());
        match documents.get(place) {
            Some(Value::Bool(true)) => {}
            Some(Value::Bool(false)) => schema.types = TypeSet::NONE,
            Some(Value::Object(members)) => {
                if self.dialect.draft <= Draft::Draft7 && members.contains_key("$ref") {
                    schema.written.push("$ref".into());
                    self.keyword(&mut schema, members, "$ref", &members["$ref"]);
                } else {
                    self.keywords(&mut schema, members);
                }
            }
            Some(_) => self.refusals.invalid(place.to_owned(), "a schema must be an object or a boolean"),
            // References are checked where they stand, and all other places are of members that were read.
            None => {}
        }
        self.schemas[id.0 as usize] = schema;
    }

    fn keywords(&mut self, schema: &mut Schema, members: &Map<String, Value>) {
        for (keyword, value) in members {
            match self.dialect.role(keyword) {
                Role::Constraint => {
                    // Without a list of items it is ignored.
                    let is_ignored = keyword == "additionalItems" && !members.get("items").is_some_and(Value::is_array);
                    schema.written.extend((!is_ignored).then(|| keyword.as_str().into()));
                    self.keyword(schema, members, keyword, value);
                }
                Role::Annotation if matches!(keyword.as_str(), "$schema" | "$id") && !value.is_string() => {
                    let place = pointer::push(&schema.pointer, keyword);
                    self.refusals.invalid(place, format!("`{keyword}` must be a string"));
                }
                Role::Annotation => {}
                Role::Unknown => self.annotations.push(Annotation {
                    pointer: pointer::push(&schema.pointer, keyword),
                    message: format!("`{keyword}` is not a keyword of this draft and constrains nothing"),
                }),
            }
        }
        let closes = self.options.additional_properties == AdditionalProperties::Closed;
        if closes && members.contains_key("properties") && schema.object.additional == Additional::Open {
            schema.object.additional = Additional::Closed;
        }
    }

    fn keyword(&mut self, schema: &mut Schema, members: &Map<String, Value>, keyword: &str, value: &Value) {
        let place = pointer::push(&schema.pointer, keyword);
        match keyword {
            "type" => self.types(schema, place, value),
            "enum" => match value {
                Value::Array(values) => self.values(schema, place, values.clone()),
                _ => self.refusals.invalid(place, "`enum` must be an array"),
            },
            "const" => self.values(schema, place, vec![value.clone()]),
            "minimum" | "maximum" | "exclusiveMinimum" | "exclusiveMaximum" => {
                self.bound(schema, place, members, keyword, value);
            }
            "multipleOf" => {
                schema.number.multiple_of = self.decimal(schema, place.clone(), value);
                if schema.number.multiple_of.as_ref().is_some_and(|divisor| *divisor <= Decimal::ZERO) {
                    self.refusals.invalid(place, "`multipleOf` must be greater than 0");
                }
            }
            "minLength" => schema.string.min = self.least(schema, place, value),
            "maxLength" => schema.string.max = self.greatest(place, value),
            "pattern" => match value {
                Value::String(pattern) => {
                    self.check_pattern(place, pattern);
                    schema.string.pattern = Some(pattern.clone());
                }
                _ => self.refusals.invalid(place, "`pattern` must be a string"),
            },
            "format" => self.format(schema, place, value),
            "prefixItems" => schema.array.prefix = self.list(place, value),
            "items" if value.is_array() && self.dialect.draft <= Draft::Draft2019 => {
                schema.array.prefix = self.list(place, value);
            }
            "items" => schema.array.rest = Some(self.id(place)),
            "additionalItems" if members.get("items").is_some_and(Value::is_array) => {
                schema.array.rest = Some(self.id(place));
            }
            "minItems" => schema.array.min = self.least(schema, place, value),
            "maxItems" => schema.array.max = self.greatest(place, value),
            "uniqueItems" => match value {
                Value::Bool(unique) => schema.array.unique = *unique,
                _ => self.refusals.invalid(place, "`uniqueItems` must be a boolean"),
            },
            "contains" => {
                let pick = |name| (self.dialect.role(name) == Role::Constraint).then(|| members.get(name)).flatten();
                let (min, max) = (pick("minContains"), pick("maxContains"));
                let own = schema.pointer.clone();
                let at = |name| pointer::push(&own, name);
                let min = min.map_or(1, |value| self.least(schema, at("minContains"), value));
                let max = max.and_then(|value| self.greatest(at("maxContains"), value));
                let evaluates = self.dialect.draft >= Draft::Draft2020;
                schema.array.contains = Some(Contains { schema: self.id(place), min, max, evaluates });
            }
            "minContains" | "maxContains" => {}
            "properties" => schema.object.properties = self.map(place, value),
            "patternProperties" => {
                for (pattern, _) in value.as_object().into_iter().flatten() {
                    self.check_pattern(pointer::push(&place, pattern), pattern);
                }
                schema.object.patterns = self.map(place, value);
            }
            "additionalProperties" => {
                schema.object.additional = match value {
                    Value::Bool(true) => Additional::Schema(self.id(place)),
                    Value::Bool(false) => Additional::Closed,
                    _ => Additional::Schema(self.id(place)),
                };
            }
            "propertyNames" => schema.object.names = Some(self.id(place)),
            "required" => schema.object.required = self.names(place, value),
            "minProperties" => schema.object.min = self.least(schema, place, value),
            "maxProperties" => schema.object.max = self.greatest(place, value),
            "dependencies" | "dependentRequired" | "dependentSchemas" => {
                self.dependencies(schema, place, keyword, value);
            }
            "allOf" => schema.all_of = self.alternatives(place, value),
            "anyOf" => schema.any_of = Some(self.alternatives(place, value)),
            "oneOf" => schema.one_of = Some(self.alternatives(place, value)),
            "not" => schema.not = Some(self.id(place)),
            "if" => {
                let mut branch =
                    |name| members.contains_key(name).then(|| self.id(pointer::push(&schema.pointer, name)));
                let (consequence, alternative) = (branch("then"), branch("else"));
                schema.conditional = Some(Conditional { condition: self.id(place), consequence, alternative });
            }
            "then" | "else" => {}
            "$ref" | "$dynamicRef" | "$recursiveRef" => match value {
                Value::String(reference) => {
                    let target = self.target(schema, place, keyword, reference).map(|target| self.id(target));
                    // Next to each other they hold together.
                    match schema.reference {
                        None => schema.reference = target,
                        Some(_) => schema.all_of.extend(target),
                    }
                }
                _ => self.refusals.invalid(place, format!("`{keyword}` must be a string")),
            },
            "unevaluatedItems" => schema.array.unevaluated = Some(self.unevaluated(place, value)),
            "unevaluatedProperties" => schema.object.unevaluated = Some(self.unevaluated(place, value)),
            _ => {}
        }
    }

    /// The place that a reference names.
    fn target(&mut self, schema: &mut Schema, place: String, keyword: &str, reference: &str) -> Option<String> {
        let target = match self.references.resolve(&schema.pointer, reference) {
            Ok(target) => target,
            // To be left out where it stands in the normal form: under a `not`, dropping it here would narrow.
            Err((Code::Unsupported, _)) if self.options.lenient => {
                let keyword = if keyword == "$ref" { "$ref" } else { "$dynamicRef" };
                schema.unsupported.push((None, keyword, "no document is given that holds what it refers to"));
                return None;
            }
            Err((Code::Unsupported, reason)) => {
                self.refusals.unsupported_at(place, keyword, &reason);
                return None;
            }
            Err((code, reason)) => {
                self.refusals.push(code, place, reason, None);
                return None;
            }
        };
        if self.documents.get(&target).is_none() {
            let message = format!("`{reference}` names a place where the document has nothing");
            let help = format!("define it or correct the `{keyword}`");
            self.refusals.push(Code::Undefined, place, message, Some(&help));
            return None;
        }
        let name = match keyword {
            "$dynamicRef" => reference.split_once('#').map(|(_, name)| name),
            "$recursiveRef" => Some(RECURSIVE),
            _ => None,
        };
        // Only what is a dynamic anchor where the reference leads by itself is looked for further out.
        let anchors = self.references.dynamic_anchors(self.references.resource_of(&target));
        let dynamic = name.filter(|&name| anchors.iter().any(|anchor| anchor.0 == name && anchor.1 == target));
        let outermost = dynamic.and_then(|name| self.scopes.find(self.scope, name));
        Some(outermost.map_or(target, str::to_owned))
    }

    fn unevaluated(&mut self, place: String, value: &Value) -> Additional {
        match value {
            Value::Bool(true) => Additional::Open,
            Value::Bool(false) => Additional::Closed,
            _ => Additional::Schema(self.id(place)),
        }
    }

    /// Says what is wrong with a pattern that is no regular expression. What is one and cannot be enforced is refused
    /// later, where it is used.
    fn check_pattern(&mut self, place: String, pattern: &str) {
        let options = regex::Options::new(regex::Syntax::Ecma262);
        if let Err(faults) = regex::parse(pattern, &options, &Limits::default())
            && let Some(fault) = faults.iter().find(|fault| !matches!(fault.code, Code::Unsupported | Code::Limit))
        {
            self.refusals.invalid(place, format!("the pattern is no regular expression: {}", fault.message));
        }
    }

    fn values(&mut self, schema: &mut Schema, place: String, values: Vec<Value>) {
        let containers: Vec<&Value> = values.iter().filter(|value| value.is_array() || value.is_object()).collect();
        let few = containers.iter().map(|value| size(value)).sum::<usize>() <= MAX_CONTAINER_VALUES;
        let schemas = few.then(|| containers.into_iter().map(|value| self.only(&place, value)).collect());
        schema.containers.push(schemas);
        schema.values.push(ValueList::new(values));
    }

    /// A schema of exactly `value`, which stands in the list at `place`. Nesting is bounded by the parser.
    fn only(&mut self, place: &str, value: &Value) -> SchemaId {
        let mut schema = Schema::anything(place.to_owned());
        schema.types = TypeSet::NONE;
        schema.types.insert(Type::of(value));
        match value {
            Value::Array(items) => {
                schema.array.prefix = items.iter().map(|item| self.only(place, item)).collect();
                schema.array.min = u32::try_from(items.len()).unwrap_or(u32::MAX);
                schema.array.max = Some(schema.array.min);
            }
            Value::Object(members) => {
                let members = members.iter().map(|(key, member)| (key.clone(), self.only(place, member)));
                schema.object.properties = members.collect();
                schema.object.required = schema.object.properties.iter().map(|(key, _)| key.clone()).collect();
                schema.object.additional = Additional::Closed;
            }
            scalar => {
                schema.values.push(ValueList::new(vec![scalar.clone()]));
                schema.containers.push(None);
            }
        }
        let id = SchemaId(self.schemas.len() as u32);
        self.schemas.push(schema);
        id
    }

    fn types(&mut self, schema: &mut Schema, place: String, value: &Value) {
        let names: Vec<&Value> = match value {
            Value::Array(names) => names.iter().collect(),
            name => vec![name],
        };
        let mut types = TypeSet::NONE;
        let mut has_number = false;
        for name in names {
            let Some(kind) = name.as_str().and_then(Type::from_name) else {
                self.refusals.invalid(place.clone(), format!("{name} is not the name of a type"));
                continue;
            };
            types.insert(kind);
            has_number |= name == "number";
        }
        schema.types = types;
        schema.integer = types.contains(Type::Number) && !has_number;
        schema.written_integer = schema.integer && self.dialect.draft == Draft::Draft4;
    }

    fn bound(
        &mut self,
        schema: &mut Schema,
        place: String,
        members: &Map<String, Value>,
        keyword: &str,
        value: &Value,
    ) {
        let is_lower = keyword.ends_with("inimum");
        let exclusive = keyword.starts_with("exclusive");
        let sibling = if is_lower { "exclusiveMinimum" } else { "exclusiveMaximum" };
        if self.dialect.draft == Draft::Draft4 && exclusive {
            if !value.is_boolean() {
                self.refusals.invalid(place, format!("`{keyword}` must be a boolean in draft 4"));
            }
            return;
        }
        let exclusive =
            exclusive || (self.dialect.draft == Draft::Draft4 && members.get(sibling) == Some(&Value::Bool(true)));
        if let Some(value) = self.decimal(schema, place, value) {
            let list = if is_lower { &mut schema.number.lower } else { &mut schema.number.upper };
            list.push(Bound { value, exclusive });
        }
    }

    fn format(&mut self, schema: &mut Schema, place: String, value: &Value) {
        match value {
            Value::String(format) if is_known_format(format) => {
                if self.options.formats == Formats::Assertion {
                    let is_old = format == "hostname" && self.dialect.draft <= Draft::Draft6;
                    schema.string.format = Some(if is_old { OLD_HOSTNAME.to_owned() } else { format.clone() });
                } else {
                    let message = format!("`{format}` constrains nothing, as formats are to be annotations");
                    self.annotations.push(Annotation { pointer: place, message });
                }
            }
            Value::String(format) => self.annotations.push(Annotation {
                pointer: place,
                message: format!("`{format}` is not a format of the standard and constrains nothing"),
            }),
            _ => self.refusals.invalid(place, "`format` must be a string"),
        }
    }

    fn dependencies(&mut self, schema: &mut Schema, place: String, keyword: &str, value: &Value) {
        let Value::Object(members) = value else {
            return self.refusals.invalid(place, format!("`{keyword}` must be an object"));
        };
        for (trigger, dependency) in members {
            let place = pointer::push(&place, trigger);
            if keyword == "dependentRequired" || (keyword == "dependencies" && dependency.is_array()) {
                let names = self.names(place, dependency);
                schema.object.dependent_required.push((trigger.clone(), names));
            } else {
                let id = self.id(place);
                schema.object.dependent_schemas.push((trigger.clone(), id));
            }
        }
    }

    fn decimal(&mut self, schema: &mut Schema, place: String, value: &Value) -> Option<Decimal> {
        let decimal = match value {
            Value::Number(number) => Decimal::from_json(number).filter(|value| value.integer_length() <= MAX_DIGITS),
            _ => {
                self.refusals.invalid(place, "the value must be a number");
                return None;
            }
        };
        let decimal = decimal.filter(|value| value.fraction_length() <= MAX_DIGITS);
        if decimal.is_none() {
            self.too_large(schema, place, "the number needs more than 2,000 digits before or after the point");
        }
        decimal
    }

    /// A count from below; one that no text can reach is refused.
    fn least(&mut self, schema: &mut Schema, place: String, value: &Value) -> u32 {
        match self.count(place.clone(), value) {
            Some(Some(count)) => count,
            None => 0,
            Some(None) => {
                self.too_large(schema, place, "the count is more than 4,294,967,295");
                0
            }
        }
    }

    /// The value of the keyword at `place` is out of bounds.
    fn too_large(&mut self, schema: &mut Schema, place: String, reason: &'static str) {
        let keyword = place.rsplit('/').next().unwrap_or_default();
        let known = SIZED.iter().find(|(name, _)| *name == keyword);
        match known.filter(|_| self.options.lenient) {
            // To be left out in the normal form, as under a `not` leaving it out here would narrow.
            Some(&(keyword, kind)) => schema.unsupported.push((Some(kind), keyword, reason)),
            None => self.refusals.limit_at(place.clone(), keyword, reason),
        }
    }

    /// A count from above; one that no text can reach bounds nothing.
    fn greatest(&mut self, place: String, value: &Value) -> Option<u32> {
        self.count(place, value).flatten()
    }

    /// A count that must be a non-negative integer; `Some(None)` when it does not fit.
    fn count(&mut self, place: String, value: &Value) -> Option<Option<u32>> {
        let decimal = match value {
            Value::Number(number) => Decimal::from_json(number),
            _ => None,
        };
        match decimal.filter(|count| count.is_integer() && !count.is_negative()) {
            Some(count) => Some(count.to_plain(10).and_then(|text| text.parse().ok())),
            None => {
                self.refusals.invalid(place, "the value must be a non-negative integer");
                None
            }
        }
    }

    fn names(&mut self, place: String, value: &Value) -> Vec<String> {
        let names: Option<Vec<String>> =
            value.as_array().and_then(|names| names.iter().map(|name| name.as_str().map(str::to_owned)).collect());
        names.unwrap_or_else(|| {
            self.refusals.invalid(place, "the value must be an array of strings");
            Vec::new()
        })
    }

    fn list(&mut self, place: String, value: &Value) -> Vec<SchemaId> {
        match value {
            Value::Array(items) => {
                (0..items.len()).map(|index| self.id(pointer::push(&place, &index.to_string()))).collect()
            }
            _ => {
                self.refusals.invalid(place, "the value must be an array of schemas");
                Vec::new()
            }
        }
    }

    fn alternatives(&mut self, place: String, value: &Value) -> Vec<SchemaId> {
        if value.as_array().is_some_and(Vec::is_empty) {
            self.refusals.invalid(place.clone(), "the array of schemas must not be empty");
        }
        self.list(place, value)
    }

    fn map(&mut self, place: String, value: &Value) -> Vec<(String, SchemaId)> {
        match value {
            Value::Object(members) => {
                members.keys().map(|key| (key.clone(), self.id(pointer::push(&place, key)))).collect()
            }
            _ => {
                self.refusals.invalid(place, "the value must be an object of schemas");
                Vec::new()
            }
        }
    }
}

/// Keywords whose values have bounds, and the types that they are about.
const SIZED: [(&str, Type); 9] = [
    ("minimum", Type::Number),
    ("maximum", Type::Number),
    ("exclusiveMinimum", Type::Number),
    ("exclusiveMaximum", Type::Number),
    ("multipleOf", Type::Number),
    ("minLength", Type::String),
    ("minItems", Type::Array),
    ("minContains", Type::Array),
    ("minProperties", Type::Object),
];

/// A bound with more digits than this would cost as many automaton states.
const MAX_DIGITS: u64 = 2_000;

/// Lists whose arrays and objects hold more values than this, all levels together, have no complement.
const MAX_CONTAINER_VALUES: usize = 1_000;

/// The number of values in `value`, itself included. Nesting is bounded by the parser.
fn size(value: &Value) -> usize {
    1 + match value {
        Value::Array(items) => items.iter().map(size).sum(),
        Value::Object(members) => members.values().map(size).sum(),
        _ => 0,
    }
}
