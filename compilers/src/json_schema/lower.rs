//! From the normal form to a grammar: one rule per node (and indentation level).

use std::rc::Rc;
use std::sync::Arc;

use grammar_ir::{Budget, ByteAutomaton, CharSet, ExprId, Grammar, GrammarBuilder, GrammarError, LimitError, RuleId};
use rustc_hash::FxHashMap;
use serde_json::Value;

use super::ast::{Ast, Type, TypeSet};
use super::excludes::Excludes;
use super::format::lower_regex;
use super::lower_array;
use super::lower_object;
use super::normal::{Node, NodeId, Normal, StringShape, Texts};
use super::options::{Digits, KeyOrder, Options, Whitespace};
use super::spelling::JsonString;
use super::whitespace::Spaces;
use super::{literal, string, unique, xml};
use crate::diagnostic::{Code, Diagnostic, Diagnostics, Place};

/// Lowers the pruned normal form to a grammar of its own.
pub(super) fn lower(
    normal: &Normal,
    ast: &Ast,
    options: &Options,
    budget: &mut Budget<'_>,
) -> Result<Grammar, Diagnostics> {
    let mut builder = GrammarBuilder::with_max_expressions(budget.limits().expressions);
    let root = builder.declare("root");
    let text = |lowerer: &mut Lowerer<'_>, _: &mut Budget<'_>| {
        let value = lowerer.value(Normal::ROOT, 0);
        Ok(lowerer.spaces.around(value, &mut lowerer.builder))
    };
    let body = expression((normal, ast), options, &mut Shared::default(), &mut builder, budget, text)?;
    builder.define(root, body);
    builder.finish(root).map_err(|error| match error {
        GrammarError::Limit(error) => normal.limited(ast, Normal::ROOT, &error.to_string()).into(),
        error => Diagnostic::new(Code::Invalid, Place::Whole, error.to_string()).into(),
    })
}

/// Says where in the schema a limit was met.
fn placed(faults: Diagnostics, normal: &Normal, ast: &Ast, node: NodeId) -> Diagnostics {
    let placed = faults.iter().map(|fault| match (fault.code, &fault.place) {
        (Code::Limit, Place::Whole) => normal.limited(ast, node, &fault.message),
        _ => fault.clone(),
    });
    placed.collect::<Vec<_>>().into()
}

/// What the schemas of one grammar share.
#[derive(Debug, Default)]
pub(super) struct Shared {
    /// The delimiters of notations that are special tokens.
    pub(super) delimiters: Rc<xml::Delimiters>,
    spaces: FxHashMap<Whitespace, Spaces>,
    regex: Option<ExprId>,
    /// The rules of every value, by how it is written.
    anything: FxHashMap<(Form, Whitespace, Digits, KeyOrder), RuleId>,
    /// The rules of sets of numbers, by their bodies.
    numbers: FxHashMap<ExprId, RuleId>,
    strings: FxHashMap<Run, RuleId>,
    counter: usize,
}

/// Strings of some characters, or any: of which, how few and how many.
type Run = (Option<CharSet>, u32, Option<u32>);

/// A set of numbers whose automaton has more states than this gets a rule of its own, so that it is there once however
/// often it is used.
const MAX_INLINE_NUMBERS: usize = 16;

/// Lowers the pruned normal form of `ast` into `builder`; `write` says what of it.
pub(super) fn expression(
    (normal, ast): (&Normal, &Ast),
    options: &Options,
    shared: &mut Shared,
    builder: &mut GrammarBuilder,
    budget: &mut Budget<'_>,
    write: impl FnOnce(&mut Lowerer<'_>, &mut Budget<'_>) -> Result<ExprId, Diagnostics>,
) -> Result<ExprId, Diagnostics> {
    let excludes = Excludes::new(&options.string_excludes, budget)?.map(Rc::new);
    let styles = shared.spaces.len();
    let spaces = *shared.spaces.entry(options.whitespace).or_insert_with(|| {
        let name = if styles == 0 { "whitespace".to_owned() } else { format!("whitespace_{styles}") };
        Spaces::new(options.whitespace, &name, builder)
    });
    let mut lowerer = Lowerer {
        normal,
        options,
        builder: std::mem::take(builder),
        spaces,
        excludes,
        delimiters: shared.delimiters.clone(),
        regex: shared.regex,
        rules: FxHashMap::default(),
        numbers: std::mem::take(&mut shared.numbers),
        strings: std::mem::take(&mut shared.strings),
        queue: Vec::new(),
        counter: shared.counter,
    };
    // Where texts are excluded, every value is not every value.
    let anything = normal.anything.filter(|_| lowerer.excludes.is_none());
    let style = (options.whitespace, options.numbers, options.key_order);
    if let Some(node) = anything {
        let known = shared
            .anything
            .iter()
            .filter(|((_, whitespace, digits, order), _)| (*whitespace, *digits, *order) == style);
        lowerer.rules.extend(known.map(|(&(form, ..), &rule)| ((node, form), rule)));
    }
    let text = write(&mut lowerer, budget)?;
    while let Some((node, form, rule)) = lowerer.queue.pop() {
        budget.check_time().map_err(|error| placed(error.into(), normal, ast, node))?;
        let body = match form {
            Form::Json(types, level) => lowerer.node(node, types, level, budget),
            Form::Open(level) => lowerer.shapes(&normal.nodes[node.index()], TypeSet::ALL, level, Few::LeftOut, budget),
            Form::Xml(style, part) => xml::node(&mut lowerer, node, style, part, budget),
        };
        let body = body.map_err(|faults| placed(faults, normal, ast, node))?;
        lowerer.builder.define(rule, body);
        if lowerer.builder.is_full() {
            break;
        }
    }
    let made = lowerer.rules.iter().filter(|((node, _), _)| anything == Some(*node));
    shared.anything.extend(made.map(|(&(_, form), &rule)| ((form, style.0, style.1, style.2), rule)));
    shared.numbers = lowerer.numbers;
    shared.strings = lowerer.strings;
    shared.regex = lowerer.regex;
    *builder = lowerer.builder;
    shared.counter = lowerer.counter;
    Ok(text)
}

/// What lowering carries along.
pub(super) struct Lowerer<'a> {
    pub(super) normal: &'a Normal,
    pub(super) options: &'a Options,
    pub(super) builder: GrammarBuilder,
    pub(super) spaces: Spaces,
    /// A string of the format `regex`, once one is needed.
    regex: Option<ExprId>,
    /// What strings and keys may not contain.
    pub(super) excludes: Option<Rc<Excludes>>,
    /// The delimiters of notations that are special tokens.
    pub(super) delimiters: Rc<xml::Delimiters>,
    rules: FxHashMap<(NodeId, Form), RuleId>,
    numbers: FxHashMap<ExprId, RuleId>,
    strings: FxHashMap<Run, RuleId>,
    queue: Vec<(NodeId, Form, RuleId)>,
    counter: usize,
}

/// What becomes of shapes whose values have a slot each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Few {
    /// They are written like all others.
    Written,
    /// They are left out.
    LeftOut,
}

/// What of the values of a node is written, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Form {
    /// The values of these types as JSON at a nesting level.
    Json(TypeSet, u32),
    /// Those that have no slot as items that must differ, as JSON at a nesting level.
    Open(u32),
    /// A part of an XML-like notation.
    Xml(xml::XmlStyle, xml::Part),
}

impl Lowerer<'_> {
    /// A value of `node` at nesting `level`.
    pub(super) fn value(&mut self, node: NodeId, level: u32) -> ExprId {
        self.written(node, Form::Json(TypeSet::ALL, level.min(self.spaces.levels())))
    }

    /// A value of `node` that has no slot as one of several items that must differ, at nesting `level`.
    pub(super) fn open(&mut self, node: NodeId, level: u32) -> ExprId {
        self.written(node, Form::Open(level.min(self.spaces.levels())))
    }

    /// What `form` says of `node`.
    pub(super) fn written(&mut self, node: NodeId, form: Form) -> ExprId {
        let rule = match self.rules.get(&(node, form)) {
            Some(&rule) => rule,
            None => {
                let rule = self.fresh("value");
                self.rules.insert((node, form), rule);
                self.queue.push((node, form, rule));
                rule
            }
        };
        self.builder.rule(rule)
    }

    /// The listed value `value` at nesting `level`.
    ///
    /// # Errors
    /// When a string takes too many states.
    pub(super) fn listed(&mut self, value: &Value, level: u32, budget: &mut Budget<'_>) -> Result<ExprId, LimitError> {
        let level = level.min(self.spaces.levels());
        literal::lower(value, level, &self.spaces, self.options, &mut self.builder, budget)
    }

    /// A new rule.
    pub(super) fn fresh(&mut self, kind: &str) -> RuleId {
        self.counter += 1;
        self.builder.declare(format!("{kind}_{}", self.counter))
    }

    /// A string of the format `regex`, written once.
    fn regex(&mut self) -> ExprId {
        if let Some(regex) = self.regex {
            return regex;
        }
        let rule = self.builder.declare("regex_text");
        let inside = lower_regex(&JsonString, &mut self.builder);
        let body = string::quoted(inside, &mut self.builder);
        self.builder.define(rule, body);
        let regex = self.builder.rule(rule);
        *self.regex.insert(regex)
    }

    /// The texts of a set of numbers.
    fn numbers(&mut self, automaton: &Arc<ByteAutomaton>) -> ExprId {
        let body = self.builder.automaton(Arc::clone(automaton));
        if automaton.edges.len() <= MAX_INLINE_NUMBERS {
            return body;
        }
        let rule = match self.numbers.get(&body) {
            Some(&rule) => rule,
            None => {
                let rule = self.fresh("number");
                self.builder.define(rule, body);
                self.numbers.insert(body, rule);
                rule
            }
        };
        self.builder.rule(rule)
    }

    /// The strings of a shape that contain no excluded text; runs of characters that are alike get one rule.
    fn strings(&mut self, shape: &StringShape, budget: &mut Budget<'_>) -> Result<ExprId, Diagnostics> {
        let restricted = match self.excludes.clone() {
            Some(excludes) => excludes.restrict(shape, budget)?,
            None => None,
        };
        let shape = restricted.as_ref().unwrap_or(shape);
        let Texts::Run(set) = &shape.texts else { return string::lower(shape, &mut self.builder, budget) };
        let run = (set.clone(), shape.min, shape.max);
        let rule = match self.strings.get(&run) {
            Some(&rule) => rule,
            None => {
                let rule = self.fresh("string");
                let body = string::lower(shape, &mut self.builder, budget)?;
                self.builder.define(rule, body);
                self.strings.insert(run, rule);
                rule
            }
        };
        Ok(self.builder.rule(rule))
    }

    fn node(&mut self, id: NodeId, types: TypeSet, level: u32, budget: &mut Budget<'_>) -> Result<ExprId, Diagnostics> {
        let normal = self.normal;
        let node = &normal.nodes[id.index()];
        let excludes = self.excludes.clone();
        let is_free = |value: &&Value| excludes.as_ref().is_none_or(|excludes| !excludes.forbids_value(value));
        let mut arms = Vec::new();
        let texts: Vec<&str> = node.values.iter().filter(is_free).filter_map(Value::as_str).collect();
        if !texts.is_empty() && types.contains(Type::String) {
            arms.push(string::literals(texts, self.options.escapes, &mut self.builder, budget)?);
        }
        let listed = |value: &&Value| !value.is_string() && types.contains(Type::of(value));
        for value in node.values.iter().filter(listed).filter(is_free) {
            arms.push(self.listed(value, level, budget)?);
        }
        arms.push(self.shapes(node, types, level, Few::Written, budget)?);
        Ok(self.builder.choice(arms))
    }

    /// The values of `node` that are not listed.
    fn shapes(
        &mut self,
        node: &Node,
        types: TypeSet,
        level: u32,
        few: Few,
        budget: &mut Budget<'_>,
    ) -> Result<ExprId, Diagnostics> {
        let all = few == Few::Written;
        let mut arms = Vec::new();
        if types.contains(Type::Number) {
            for numbers in node.numbers.iter().filter(|set| all || unique::few_numbers(set).is_none()) {
                let automata = [&numbers.plain].into_iter().chain(&numbers.scientific);
                arms.extend(automata.map(|automaton| self.numbers(automaton)));
            }
        }
        if types.contains(Type::String) {
            for shape in node.strings.iter().filter(|shape| all || unique::few_texts(shape).is_none()) {
                arms.push(self.strings(shape, budget)?);
            }
            if node.regexes {
                arms.push(self.regex());
            }
        }
        if types.contains(Type::Array) {
            for shape in node.arrays.iter().filter(|shape| all || shape.few.is_none()) {
                arms.push(lower_array::lower(self, shape, level, budget)?);
            }
        }
        if types.contains(Type::Object) {
            for shape in node.objects.iter().filter(|shape| all || shape.few.is_none()) {
                arms.push(lower_object::lower(self, shape, level, budget)?);
            }
        }
        Ok(self.builder.choice(arms))
    }
}
