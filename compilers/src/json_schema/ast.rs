//! Schemas with their pointers and typed keywords; the meaning of drafts is already applied.

use std::cell::{Cell, OnceCell};

use serde_json::Value;

use super::decimal::Decimal;
use super::value_list::ValueList;

/// A schema in an [`Ast`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct SchemaId(pub(super) u32);

/// All schemas that the root refers to, directly or not.
#[derive(Debug)]
pub(super) struct Ast {
    /// The schemas by id; the root is the first.
    pub(super) schemas: Vec<Schema>,
    /// Schemas that are made up while others are looked at. Their ids follow those of `schemas`.
    derived: Vec<OnceCell<Schema>>,
    derived_count: Cell<usize>,
}

/// More derived schemas than this are refused.
pub(super) const MAX_DERIVED: usize = 4_096;

impl Ast {
    /// The root schema.
    pub(super) const ROOT: SchemaId = SchemaId(0);

    /// The schemas of a document.
    pub(super) fn new(schemas: Vec<Schema>) -> Self {
        let derives =
            schemas.iter().any(|schema| schema.array.unevaluated.is_some() || schema.object.unevaluated.is_some());
        let derived = if derives { vec![OnceCell::new(); MAX_DERIVED] } else { Vec::new() };
        Self { schemas, derived, derived_count: Cell::new(0) }
    }

    /// The schema with this id.
    pub(super) fn get(&self, id: SchemaId) -> &Schema {
        let index = id.0 as usize;
        match index.checked_sub(self.schemas.len()).and_then(|index| self.derived.get(index)?.get()) {
            Some(derived) => derived,
            None => &self.schemas[index],
        }
    }

    /// Adds a schema; `None` when there are too many.
    pub(super) fn derive(&self, schema: Schema) -> Option<SchemaId> {
        let index = self.derived_count.get();
        self.derived.get(index)?.set(schema).ok()?;
        self.derived_count.set(index + 1);
        u32::try_from(self.schemas.len() + index).ok().map(SchemaId)
    }
}

/// The types of JSON values. Integers are numbers with a constraint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Type {
    Null,
    Boolean,
    Number,
    String,
    Array,
    Object,
}

impl Type {
    /// All of them.
    pub(super) const ALL: [Self; 6] =
        [Self::Null, Self::Boolean, Self::Number, Self::String, Self::Array, Self::Object];

    /// The type of a value.
    pub(super) fn of(value: &Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(_) => Self::Boolean,
            Value::Number(_) => Self::Number,
            Value::String(_) => Self::String,
            Value::Array(_) => Self::Array,
            Value::Object(_) => Self::Object,
        }
    }

    /// The type that `type` calls by this name; `integer` is a number.
    pub(super) fn from_name(name: &str) -> Option<Self> {
        match name {
            "null" => Some(Self::Null),
            "boolean" => Some(Self::Boolean),
            "number" | "integer" => Some(Self::Number),
            "string" => Some(Self::String),
            "array" => Some(Self::Array),
            "object" => Some(Self::Object),
            _ => None,
        }
    }
}

/// A set of [`Type`]s.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct TypeSet(u8);

impl TypeSet {
    /// Every type.
    pub(super) const ALL: Self = Self(0x3f);
    /// No type.
    pub(super) const NONE: Self = Self(0);

    /// The types listed.
    pub(super) fn of(kinds: impl IntoIterator<Item = Type>) -> Self {
        let mut set = Self::NONE;
        kinds.into_iter().for_each(|kind| set.insert(kind));
        set
    }

    /// Adds one type.
    pub(super) fn insert(&mut self, kind: Type) {
        self.0 |= 1 << kind as u8;
    }

    /// The types in both sets.
    pub(super) fn intersection(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Whether the type is in the set.
    pub(super) fn contains(self, kind: Type) -> bool {
        self.0 & (1 << kind as u8) != 0
    }
}

/// The keywords of one schema object. A keyword that is absent has the value that constrains nothing.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Schema {
    /// Where it stands in the document.
    pub(super) pointer: String,
    /// The keywords there that constrain something.
    pub(super) written: Vec<Box<str>>,
    /// `type`; empty for the schema `false`.
    pub(super) types: TypeSet,
    /// Whether `type` allows numbers only as `integer`.
    pub(super) integer: bool,
    /// Whether an integer is one by how it is written, without a fraction, as draft 4 has it: `1.0` is none.
    pub(super) written_integer: bool,
    /// `enum` and `const`: the value is in each of these lists.
    pub(super) values: Vec<ValueList>,
    /// Per list of `values`: the arrays and objects in it as schemas; `None` when they are too many.
    pub(super) containers: Vec<Option<Vec<SchemaId>>>,
    /// `minimum`, `maximum` and the exclusive ones, `multipleOf`.
    pub(super) number: NumberKeywords,
    /// `minLength`, `maxLength`, `pattern`, `format`.
    pub(super) string: StringKeywords,
    /// `prefixItems`, `items`, `minItems`, …
    pub(super) array: ArrayKeywords,
    /// `properties`, `required`, …
    pub(super) object: ObjectKeywords,
    /// `$ref`.
    pub(super) reference: Option<SchemaId>,
    /// `allOf`.
    pub(super) all_of: Vec<SchemaId>,
    /// `anyOf`; `None` when absent.
    pub(super) any_of: Option<Vec<SchemaId>>,
    /// `oneOf`; `None` when absent.
    pub(super) one_of: Option<Vec<SchemaId>>,
    /// `not`.
    pub(super) not: Option<SchemaId>,
    /// `if`, `then`, `else`; `None` without `if`.
    pub(super) conditional: Option<Conditional>,
    /// Keywords that are constraints and cannot be enforced, and the type they concern (`None` is every type).
    pub(super) unsupported: Vec<(Option<Type>, &'static str, &'static str)>,
}

impl Schema {
    /// A schema that allows everything.
    pub(super) fn anything(pointer: String) -> Self {
        Self {
            pointer,
            written: Vec::new(),
            types: TypeSet::ALL,
            integer: false,
            written_integer: false,
            values: Vec::new(),
            containers: Vec::new(),
            number: NumberKeywords::default(),
            string: StringKeywords::default(),
            array: ArrayKeywords::default(),
            object: ObjectKeywords::default(),
            reference: None,
            all_of: Vec::new(),
            any_of: None,
            one_of: None,
            not: None,
            conditional: None,
            unsupported: Vec::new(),
        }
    }

    /// All schemas that it refers to.
    pub(super) fn children(&mut self) -> impl Iterator<Item = &mut SchemaId> {
        let Self { containers, array, object, reference, all_of, any_of, one_of, not, conditional, .. } = self;
        let conditional = conditional.iter_mut().flat_map(|conditional| {
            let Conditional { condition, consequence, alternative } = conditional;
            [condition].into_iter().chain(consequence).chain(alternative)
        });
        let others = [Some(&mut object.additional), object.unevaluated.as_mut(), array.unevaluated.as_mut()];
        let others = others.into_iter().flatten().filter_map(|other| match other {
            Additional::Schema(child) => Some(child),
            Additional::Open | Additional::Closed => None,
        });
        let named = object.properties.iter_mut().chain(&mut object.patterns).chain(&mut object.dependent_schemas);
        containers
            .iter_mut()
            .flatten()
            .flatten()
            .chain(&mut array.prefix)
            .chain(&mut array.rest)
            .chain(array.contains.iter_mut().map(|contains| &mut contains.schema))
            .chain(named.map(|(_, child)| child))
            .chain(others)
            .chain(&mut object.names)
            .chain(reference)
            .chain(all_of)
            .chain(any_of.iter_mut().flatten())
            .chain(one_of.iter_mut().flatten())
            .chain(not)
            .chain(conditional)
    }

    /// The keyword that the most depends on, for what is said of the schema as a whole.
    pub(super) fn main_keyword(&self) -> &'static str {
        let Self { object, array, string, .. } = self;
        let keywords = [
            ("oneOf", self.one_of.is_some()),
            ("anyOf", self.any_of.is_some()),
            ("if", self.conditional.is_some()),
            ("not", self.not.is_some()),
            ("dependentSchemas", !object.dependent_schemas.is_empty()),
            ("allOf", !self.all_of.is_empty()),
            ("$ref", self.reference.is_some()),
            ("dependentRequired", !object.dependent_required.is_empty()),
            ("patternProperties", !object.patterns.is_empty()),
            ("properties", !object.properties.is_empty()),
            ("propertyNames", object.names.is_some()),
            ("required", !object.required.is_empty()),
            ("additionalProperties", object.additional != Additional::Open),
            ("contains", array.contains.is_some()),
            ("uniqueItems", array.unique),
            ("items", array.rest.is_some() || !array.prefix.is_empty()),
            ("pattern", string.pattern.is_some()),
            ("format", string.format.is_some()),
            ("enum", !self.values.is_empty()),
            ("multipleOf", self.number.multiple_of.is_some()),
        ];
        keywords.into_iter().find(|(_, is_there)| *is_there).map_or("type", |(keyword, _)| keyword)
    }

    /// Whether it says nothing but which values there are, and no listed value fails it.
    pub(super) fn is_only_a_list(&self) -> bool {
        let combines = self.reference.is_some()
            || !self.all_of.is_empty()
            || self.any_of.is_some()
            || self.one_of.is_some()
            || self.not.is_some()
            || self.conditional.is_some();
        let is_silent = self.number == NumberKeywords::default()
            && self.string == StringKeywords::default()
            && self.array == ArrayKeywords::default()
            && self.object == ObjectKeywords::default();
        let fits = |value: &Value| self.types.contains(Type::of(value)) && !(self.integer && value.is_number());
        !combines && is_silent && self.unsupported.is_empty() && self.values.iter().flatten().all(fits)
    }

    /// Whether the keywords that say something about values of type `kind`, other than `type` itself and the
    /// keywords that hold schemas for the same value, are all absent.
    pub(super) fn is_silent_about(&self, kind: Type) -> bool {
        self.values.is_empty()
            && match kind {
                Type::Null | Type::Boolean => true,
                Type::Number => !self.integer && self.number == NumberKeywords::default(),
                Type::String => self.string == StringKeywords::default(),
                Type::Array => self.array == ArrayKeywords::default(),
                Type::Object => self.object == ObjectKeywords::default(),
            }
    }
}

/// `if` and what follows from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Conditional {
    /// `if`.
    pub(super) condition: SchemaId,
    /// `then`.
    pub(super) consequence: Option<SchemaId>,
    /// `else`.
    pub(super) alternative: Option<SchemaId>,
}

/// An end of a range of numbers.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Bound {
    /// The end.
    pub(super) value: Decimal,
    /// Whether the end itself is left out.
    pub(super) exclusive: bool,
}

/// Keywords about numbers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(super) struct NumberKeywords {
    /// `minimum`, `exclusiveMinimum`.
    pub(super) lower: Vec<Bound>,
    /// `maximum`, `exclusiveMaximum`.
    pub(super) upper: Vec<Bound>,
    /// `multipleOf`.
    pub(super) multiple_of: Option<Decimal>,
}

/// Keywords about strings.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(super) struct StringKeywords {
    /// `minLength`, in code points.
    pub(super) min: u32,
    /// `maxLength`, in code points.
    pub(super) max: Option<u32>,
    /// `pattern`.
    pub(super) pattern: Option<String>,
    /// `format`, when it is a constraint.
    pub(super) format: Option<String>,
}

/// Keywords about arrays.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(super) struct ArrayKeywords {
    /// `prefixItems`, or `items` as a list.
    pub(super) prefix: Vec<SchemaId>,
    /// `items` after `prefixItems`, or `additionalItems`.
    pub(super) rest: Option<SchemaId>,
    /// `minItems`.
    pub(super) min: u32,
    /// `maxItems`.
    pub(super) max: Option<u32>,
    /// `uniqueItems`.
    pub(super) unique: bool,
    /// `contains`, `minContains`, `maxContains`.
    pub(super) contains: Option<Contains>,
    /// `unevaluatedItems`; `None` when absent.
    pub(super) unevaluated: Option<Additional>,
}

/// `contains` with its counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Contains {
    /// `contains`.
    pub(super) schema: SchemaId,
    /// `minContains`.
    pub(super) min: u32,
    /// `maxContains`.
    pub(super) max: Option<u32>,
    /// Whether what it finds counts as evaluated, as from 2020-12 on.
    pub(super) evaluates: bool,
}

/// Keywords about objects.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(super) struct ObjectKeywords {
    /// `properties`, in the order of the document.
    pub(super) properties: Vec<(String, SchemaId)>,
    /// `patternProperties`, in the order of the document.
    pub(super) patterns: Vec<(String, SchemaId)>,
    /// `additionalProperties`.
    pub(super) additional: Additional,
    /// `unevaluatedProperties`; `None` when absent.
    pub(super) unevaluated: Option<Additional>,
    /// `propertyNames`.
    pub(super) names: Option<SchemaId>,
    /// `required`.
    pub(super) required: Vec<String>,
    /// `minProperties`.
    pub(super) min: u32,
    /// `maxProperties`.
    pub(super) max: Option<u32>,
    /// `dependentRequired`, or `dependencies` on lists of names.
    pub(super) dependent_required: Vec<(String, Vec<String>)>,
    /// `dependentSchemas`, or `dependencies` on schemas.
    pub(super) dependent_schemas: Vec<(String, SchemaId)>,
}

/// What members or items that nothing else speaks of may be.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub(super) enum Additional {
    /// Anything.
    #[default]
    Open,
    /// There is none.
    Closed,
    /// A value of this schema.
    Schema(SchemaId),
}
