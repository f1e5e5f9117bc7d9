//! Structural tags: diagnostics, tokens, and the tags of model families. The texts of each format are judged in
//! `grammarc/tests/structural_tags.rs`.

use compilers::diagnostic::Place;
use compilers::gbnf::TokenNames;
use compilers::structural_tag::{Family, Options, Request, compile, for_family, in_request};
use grammar_ir::{Grammar, Limits, interp};
use serde_json::json;

/// A vocabulary with ids below 1,000; the names are special tokens from 100 on.
struct Names(&'static [&'static str]);

impl TokenNames for Names {
    fn token_id(&self, text: &str) -> Option<u32> {
        self.0.iter().position(|name| *name == text).map(|index| 100 + index as u32)
    }

    fn has_token(&self, id: u32) -> bool {
        id < 1_000
    }
}

fn errors(source: &str) -> Vec<String> {
    let names = Names(&["<a>"]);
    match compile(source, &Options::default(), Some(&names), &Limits::default()) {
        Ok(_) => Vec::new(),
        Err(found) => found.to_string().split("; ").map(str::to_owned).collect(),
    }
}

#[test]
fn every_fault_is_named_by_its_pointer() {
    let tag = r#"{"begin": "<f=x>", "content": {"type": "const_string", "value": "v"}, "end": "</f>"}"#;
    let in_format = |format: &str| format!(r#"{{"type": "structural_tag", "format": {format}}}"#);
    for (format, expected) in [
        ("7".to_owned(), r#"at "/format": a format must be an object"#),
        ("{}".to_owned(), r#"at "/format": the field `type` is missing"#),
        (r#"{"type": 1}"#.to_owned(), r#"at "/format/type": the type of a format must be a string"#),
        (r#"{"type": "x"}"#.to_owned(), r#"at "/format/type": there is no format of type `x`"#),
        (r#"{"type": "const_string"}"#.to_owned(), r#"at "/format": the field `value` is missing"#),
        (r#"{"type": "const_string", "value": 1}"#.to_owned(), r#"at "/format/value": this must be a string"#),
        (
            r#"{"type": "const_string", "value": "", "a/b": 1}"#.to_owned(),
            r#"at "/format/a~1b": there is no field `a/b` here"#,
        ),
        (
            r#"{"type": "sequence", "elements": []}"#.to_owned(),
            r#"at "/format/elements": this must be a list of at least"#,
        ),
        (
            r#"{"type": "or", "elements": [{"type": "or", "elements": 1}]}"#.to_owned(),
            r#"at "/format/elements/0/elements""#,
        ),
        (
            r#"{"type": "any_text", "excludes": [""]}"#.to_owned(),
            r#"at "/format/excludes/0": this string must not be empty"#,
        ),
        (
            r#"{"type": "any_text", "max_chars": -1}"#.to_owned(),
            r#"at "/format/max_chars": this must be an integer from 0"#,
        ),
        (
            r#"{"type": "any_text", "max_tokens": 2147483648}"#.to_owned(),
            r#"at "/format/max_tokens": this must be an integer from 0"#,
        ),
        (r#"{"type": "token", "token": "<b>"}"#.to_owned(), r#"at "/format/token": the vocabulary has no token `<b>`"#),
        (r#"{"type": "token", "token": 1000}"#.to_owned(), r#"at "/format/token": the vocabulary has no token 1000"#),
        (r#"{"type": "token", "token": -1}"#.to_owned(), r#"at "/format/token": this must be a token"#),
        (
            r#"{"type": "repeat", "min": 2, "max": 1, "content": {"type": "any_text"}}"#.to_owned(),
            r#"at "/format/max": this must be at least `min`"#,
        ),
        (
            r#"{"type": "tag", "begin": "a", "content": {"type": "any_text"}, "end": ""}"#.to_owned(),
            r#"at "/format/end": the content of this tag is unlimited"#,
        ),
        (
            r#"{"type": "tag", "begin": "a", "content": {"type": "any_text"}, "end": []}"#.to_owned(),
            r#"at "/format/end": this must be a list of at least one"#,
        ),
        (
            format!(r#"{{"type": "triggered_tags", "triggers": [], "tags": [{tag}]}}"#),
            r#"at "/format/triggers": this must be a list of at least one"#,
        ),
        (
            r#"{"type": "triggered_tags", "triggers": ["<"], "tags": []}"#.to_owned(),
            r#"at "/format/tags": this must be a list of at least one"#,
        ),
        (
            r#"{"type": "token_triggered_tags", "trigger_tokens": [], "tags": []}"#.to_owned(),
            r#"at "/format/trigger_tokens": this must be a list of at least one"#,
        ),
        (
            r#"{"type": "token_triggered_tags", "trigger_tokens": [1], "tags": []}"#.to_owned(),
            r#"at "/format/tags": this must be a list of at least one"#,
        ),
        (
            r#"{"type": "dispatch", "rules": []}"#.to_owned(),
            r#"at "/format/rules": this must be a list of at least one"#,
        ),
        (
            r#"{"type": "token_dispatch", "rules": []}"#.to_owned(),
            r#"at "/format/rules": this must be a list of at least one"#,
        ),
        (
            r#"{"type": "tags_with_separator", "separator": "", "tags": []}"#.to_owned(),
            r#"at "/format/tags": this must be a list of at least one"#,
        ),
        (
            r#"{"type": "json_schema", "style": "qwen_xml", "json_schema": {"type": "string"}}"#.to_owned(),
            r#"at "/format/json_schema": no object satisfies this schema"#,
        ),
        (
            r#"{"type": "or", "elements": [{"type": "any_text"}, {"type": "json_schema", "json_schema": false}]}"#
                .to_owned(),
            r#"at "/format/elements/1/json_schema": "#,
        ),
        (
            format!(r#"{{"type": "triggered_tags", "triggers": ["<g"], "tags": [{tag}]}}"#),
            r#"at "/format/tags/0/begin": this begins with 0 of the triggers"#,
        ),
        (
            format!(r#"{{"type": "triggered_tags", "triggers": ["<f", "<"], "tags": [{tag}]}}"#),
            r#"at "/format/tags/0/begin": this begins with 2 of the triggers"#,
        ),
        (
            format!(r#"{{"type": "triggered_tags", "triggers": ["<f", ""], "tags": [{tag}], "at_least_one": 1}}"#),
            r#"at "/format/triggers/1": this string must not be empty"#,
        ),
        (
            format!(r#"{{"type": "token_triggered_tags", "trigger_tokens": ["<a>"], "tags": [{tag}]}}"#),
            r#"at "/format/tags/0/begin": a tag that a token triggers must begin with a token"#,
        ),
        (
            r#"{"type": "dispatch", "rules": [["a"]]}"#.to_owned(),
            r#"at "/format/rules/0": this must be a pair of a pattern and a format"#,
        ),
        (
            r#"{"type": "json_schema", "json_schema": {"properties": {"a": {"minimum": "x"}}}}"#.to_owned(),
            r#"at "/format/json_schema/properties/a/minimum""#,
        ),
        (
            r#"{"type": "json_schema", "json_schema": 1}"#.to_owned(),
            r#"at "/format/json_schema": this must be a JSON Schema"#,
        ),
        (
            r#"{"type": "json_schema", "json_schema": true, "style": "yaml"}"#.to_owned(),
            r#"at "/format/style": this must be one of `json`, `qwen_xml`"#,
        ),
        (r#"{"type": "regex", "pattern": "a("}"#.to_owned(), r#"at "/format/pattern": at byte "#),
        (
            r#"{"type": "grammar", "grammar": "root ::= x"}"#.to_owned(),
            r#"at "/format/grammar": at byte 9 of this text"#,
        ),
    ] {
        let found = errors(&in_format(&format));
        assert!(found.iter().any(|error| error.starts_with(expected)), "{format}: {found:?}");
    }
    for (source, expected) in [
        ("[", "the structural tag is not JSON"),
        ("[]", r#"at "": a structural tag must be an object"#),
        (r#"{"type": "structural_tag"}"#, r#"at "": the field `format` is missing"#),
        (r#"{"type": "tag", "format": {"type": "any_text"}}"#, r#"at "/type": this must be "structural_tag""#),
        (
            r#"{"structures": [{"begin": "<", "end": ">"}], "triggers": []}"#,
            r#"at "/triggers": this must be a list of at least one"#,
        ),
        (r#"{"structures": [], "triggers": ["<"]}"#, r#"at "/structures": this must be a list of at least one"#),
        (r#"{"tags": [], "triggers": ["<"]}"#, r#"at "/tags": this must be a list of at least one"#),
        (
            r#"{"structures": [{"begin": "<", "end": ">", "schem": 1}], "triggers": ["<"]}"#,
            r#"at "/structures/0/schem""#,
        ),
    ] {
        let found = errors(source);
        assert!(found.iter().any(|error| error.contains(expected)), "{source}: {found:?}");
    }
}

#[test]
fn several_faults_are_reported_at_once() {
    let source = r#"{"type": "structural_tag", "format": {"type": "sequence", "elements": [
        {"type": "const_string"}, {"type": "regex", "pattern": 1}, {"type": "any_text", "x": 1}]}}"#;
    assert_eq!(errors(source).len(), 3);
}

/// Whether the tokens, each with its text, make up a word.
fn reads(grammar: &Grammar, tokens: &[(u32, &str)]) -> bool {
    let mut recognizer = interp::Recognizer::new(grammar);
    tokens.iter().all(|(id, text)| recognizer.push_token(*id, text.as_bytes(), false)) && recognizer.is_accepting()
}

fn with_names(format: serde_json::Value, names: &Names) -> Grammar {
    let source = json!({"type": "structural_tag", "format": format}).to_string();
    compile(&source, &Options::default(), Some(names), &Limits::default()).expect("a tag")
}

const A: (u32, &str) = (100, "");
const B: (u32, &str) = (101, "");
const C: (u32, &str) = (102, "");
const X: (u32, &str) = (1, "x");
const Y: (u32, &str) = (2, "y");

#[test]
fn token_formats() {
    let names = Names(&["<a>", "<b>", "<c>"]);
    let one = with_names(json!({"type": "token", "token": "<a>"}), &names);
    let other = with_names(json!({"type": "exclude_token", "exclude_tokens": ["<a>", 1]}), &names);
    let any = with_names(json!({"type": "any_tokens", "exclude_tokens": [101], "max_tokens": 3}), &names);
    for (tokens, expected) in [
        (&[][..], [false, false, true]),
        (&[A], [true, false, true]),
        (&[B], [false, true, false]),
        (&[X], [false, false, true]),
        (&[Y], [false, true, true]),
        (&[A, A], [false, false, true]),
        (&[A, Y, X], [false, false, true]),
        (&[A, B, X], [false, false, false]),
        (&[X, X, X, X], [false, false, false]),
        (&[C, C, C], [false, false, true]),
    ] {
        let found = [&one, &other, &any].map(|grammar| reads(grammar, tokens));
        assert_eq!(found, expected, "{tokens:?}");
    }
}

#[test]
fn token_triggers_and_ends() {
    let names = Names(&["<a>", "<b>", "<c>"]);
    let tag = json!({"begin": {"type": "token", "token": "<a>"}, "content": {"type": "any_tokens"}, "end": {"type": "token", "token": "<b>"}});
    let triggered = |more: serde_json::Value| {
        let mut format = json!({"type": "token_triggered_tags", "trigger_tokens": ["<a>"], "tags": [tag], "exclude_tokens": ["<c>"]});
        format.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        with_names(format, &names)
    };
    let plain = triggered(json!({}));
    let first = triggered(json!({"at_least_one": true}));
    let last = triggered(json!({"stop_after_first": true}));
    let dispatch = with_names(
        json!({"type": "token_dispatch", "rules": [["<a>", {"type": "const_string", "value": "x"}]], "excludes": ["<c>"]}),
        &names,
    );
    for (tokens, expected) in [
        (&[][..], [true, false, true, true]),
        (&[X, Y], [true, false, true, true]),
        (&[A, B], [true, true, true, false]),
        (&[X, A, B], [true, false, true, false]),
        (&[A, X, B, Y], [true, true, false, true]),
        (&[A, X], [false, false, false, true]),
        (&[C], [false, false, false, false]),
        (&[A, C, B], [true, true, true, false]),
        (&[A, X, B, A, B], [true, true, false, false]),
        (&[B], [true, false, true, true]),
        (&[A, A, B], [true, true, true, false]),
        (&[A, X, A, X], [false, false, false, true]),
    ] {
        let found = [&plain, &first, &last, &dispatch].map(|grammar| reads(grammar, tokens));
        assert_eq!(found, expected, "{tokens:?}");
    }
}

#[test]
fn special_delimiters_of_a_family_are_tokens() {
    let names = Names(&[
        "<｜tool▁calls▁begin｜>",
        "<｜tool▁calls▁end｜>",
        "<｜tool▁call▁begin｜>",
        "<｜tool▁call▁end｜>",
        "<｜tool▁sep｜>",
    ]);
    let request = Request::from_json(&json!({"tools": [{"type": "function", "function": {"name": "f"}}]})).unwrap();
    let tag = for_family(Family::DeepSeekV31, &request, Some(&names)).unwrap().to_string();
    let grammar = compile(&tag, &Options::default(), Some(&names), &Limits::default()).unwrap();
    let [begin, end, call, call_end, separator] = [(100, ""), (101, ""), (102, ""), (103, ""), (104, "")];
    let (name, arguments, text) = ((1, "f"), (2, "{}"), (3, "hi"));
    assert!(reads(&grammar, &[text, begin, call, name, separator, arguments, call_end, end, text]));
    assert!(reads(
        &grammar,
        &[begin, call, name, separator, arguments, call_end, call, name, separator, arguments, call_end, end]
    ));
    assert!(reads(&grammar, &[text]));
    assert!(!reads(&grammar, &[text, begin, end]));
    assert!(!reads(&grammar, &[call, name, separator, arguments, call_end]));
    // Text that looks like a delimiter is not one.
    assert!(!reads(&grammar, &[begin, (4, "<｜tool▁call▁begin｜>"), name, separator, arguments, call_end, end]));
}

#[test]
fn special_tokens_in_any_delimiter_are_tokens() {
    let tool = json!({"type": "function", "function": {"name": "f", "parameters": {
        "type": "object", "properties": {"k": {"type": "string"}}, "required": ["k"], "additionalProperties": false}}});
    let made = |family: Family, names: &Names, choice: &str| {
        let request = Request::from_json(&json!({"tools": [tool], "tool_choice": choice})).unwrap();
        let tag = for_family(family, &request, Some(names)).unwrap().to_string();
        compile(&tag, &Options::default(), Some(names), &Limits::default()).unwrap()
    };
    let text = |text| (1, text);

    let names = Names(&["<tool_call>", "</tool_call>", "<arg_key>", "</arg_key>", "<arg_value>", "</arg_value>"]);
    let [begin, end, key, key_end, value, value_end] =
        [(100, ""), (101, ""), (102, ""), (103, ""), (104, ""), (105, "")];
    for choice in ["auto", "required"] {
        let grammar = made(Family::Glm47, &names, choice);
        assert!(reads(&grammar, &[begin, text("f"), key, text("k"), key_end, value, text("v"), value_end, end]));
        assert!(!reads(&grammar, &[begin, text("f<arg_key>k"), key_end, value, text("v"), value_end, end]));
    }

    // The delimiters before which free text ends begin with a special token here, or have one in the middle.
    let names = Names(&["<tool_call>", "</tool_call>"]);
    let [begin, end] = [(100, ""), (101, "")];
    let body = text("\n<function=f>\n<parameter=k>v</parameter>\n</function>\n");
    for choice in ["auto", "required"] {
        let grammar = made(Family::Qwen3Coder, &names, choice);
        assert!(reads(&grammar, &[begin, body, end]));
        assert!(reads(&grammar, &[begin, body, end, text("\n"), begin, body, end]));
        assert!(!reads(&grammar, &[begin, body, end, begin]));
        assert_eq!(reads(&grammar, &[text("so:"), begin, body, end]), choice == "auto");
    }
    let names = Names(&["｜DSML｜"]);
    let mark = (100, "");
    let call = |end| {
        [
            text("<"),
            mark,
            text("function_calls>\n<"),
            mark,
            text("invoke name=\"f\">\n<"),
            mark,
            text("parameter name=\"k\" string=\"true\">v</"),
            mark,
            text("parameter>\n</"),
            mark,
            text("invoke>\n</"),
            mark,
            text(end),
        ]
    };
    for choice in ["auto", "required"] {
        let grammar = made(Family::DeepSeekV32, &names, choice);
        assert!(reads(&grammar, &call("function_calls>")));
        assert!(!reads(&grammar, &call("function_call>")));
    }
}

#[test]
fn faults_of_tools_are_placed_in_the_request() {
    let request = json!({"tools": [
        {"type": "function", "function": {"name": "f"}},
        {"type": "function", "function": {"name": "g", "parameters": {"type": "objekt"}}},
    ]});
    let request = Request::from_json(&request).unwrap();
    for family in Family::ALL {
        let tag = for_family(family, &request, None).unwrap().to_string();
        let fault = compile(&tag, &Options::default(), None, &Limits::default()).unwrap_err();
        let placed = in_request(family, &request, None, &fault);
        let [only] = placed.iter().collect::<Vec<_>>()[..] else { panic!("{family:?}: {placed}") };
        assert_eq!(only.place, Place::Pointer("/tools/1/function/parameters/type".to_owned()), "{family:?}");
    }
}

#[test]
fn requests_are_checked() {
    let tool = json!({"type": "function", "function": {"name": "f"}});
    for (request, expected) in [
        (json!({"tools": 1}), r#"at "/tools""#),
        (json!({"tools": [{}]}), r#"at "/tools/0""#),
        (
            json!({"tool_choice": "required", "tools": [{"type": "custom", "function": {"name": "f"}}]}),
            r#"at "/tools/0/type""#,
        ),
        (json!({"tools": [tool, tool]}), r#"at "/tools/1/function/name""#),
        (json!({"tools": [{"function": {"name": "f", "parameters": 1}}]}), r#"at "/tools/0/function/parameters""#),
        (json!({"tools": [tool], "tool_choice": "maybe"}), r#"at "/tool_choice""#),
        (json!({"tool_choice": "required"}), r#"at "/tool_choice""#),
        (
            json!({"tools": [tool], "tool_choice": {"type": "function", "function": {"name": "g"}}}),
            r#"at "/tool_choice/function/name""#,
        ),
        (
            json!({"tools": [tool], "tool_choice": {"type": "allowed_tools", "allowed_tools": {"mode": "none", "tools": [tool]}}}),
            r#"at "/tool_choice/allowed_tools/mode""#,
        ),
        (
            json!({"tools": [tool], "tool_choice": {"type": "allowed_tools", "allowed_tools": {"mode": "auto"}}}),
            r#"at "/tool_choice/allowed_tools/tools""#,
        ),
        (json!({"parallel_tool_calls": 1}), r#"at "/parallel_tool_calls""#),
        (json!({"reasoning": "much"}), r#"at "/reasoning""#),
    ] {
        let found = Request::from_json(&request).unwrap_err().to_string();
        assert!(found.starts_with(expected), "{request}: {found}");
        assert!(!found.contains("there are no tools") || expected.contains("tool_choice"), "{request}: {found}");
    }
    let faulty = json!({"tools": [{"function": {"name": "f", "parameters": 1}}], "tool_choice": {"type": "function", "function": {"name": "f"}}});
    assert_eq!(Request::from_json(&faulty).unwrap_err().iter().count(), 1, "the tool is there");
    let allowed = json!({"tools": [tool, {"function": {"name": "g"}}], "tool_choice": {"type": "allowed_tools",
        "allowed_tools": {"mode": "required", "tools": [{"type": "function", "function": {"name": "g"}}]}}});
    let request = Request::from_json(&allowed).unwrap();
    assert_eq!(request.tools.iter().map(|tool| tool.name.as_str()).collect::<Vec<_>>(), ["g"]);
    let reasoning = Request::from_json(&json!({"reasoning": true})).unwrap();
    assert!(for_family(Family::Llama3, &reasoning, None).is_err());
    assert!(Family::ALL.into_iter().all(|family| Family::from_name(family.name()) == Some(family)));
}

#[test]
fn keys_in_any_order_are_bounded() {
    let properties: serde_json::Map<String, serde_json::Value> =
        (0..11).map(|index| (format!("k{index}"), json!(true))).collect();
    let format = json!({"type": "json_schema", "any_order": true, "style": "qwen_xml", "json_schema": {"type": "object", "properties": properties}});
    let found = errors(&json!({"type": "structural_tag", "format": format}).to_string());
    assert!(found[0].contains("any order"), "{found:?}");
}

/// A vocabulary whose tokens from 200 on are text that has a name of its own, like the `</think>` of Qwen 3.
struct NamedTexts(&'static [&'static str]);

impl TokenNames for NamedTexts {
    fn token_id(&self, text: &str) -> Option<u32> {
        self.0.iter().position(|name| *name == text).map(|index| 200 + index as u32)
    }

    fn text(&self, id: u32) -> Option<&[u8]> {
        match id {
            300 => Some(&[0xe4]),
            _ => self.0.get(id.checked_sub(200)? as usize).map(|text| text.as_bytes()),
        }
    }

    fn special_tokens(&self) -> Vec<u32> {
        vec![100, 101]
    }
}

const NAMED: NamedTexts = NamedTexts(&["<think>", "</think>", "<call>", "<stop>"]);
const BEGIN: (u32, &str) = (200, "<think>");
const END: (u32, &str) = (201, "</think>");
const CALL: (u32, &str) = (202, "<call>");
const OK: (u32, &str) = (3, "ok");

/// `content` between the tokens `<think>` and `</think>`, then `ok`.
fn thinking(content: serde_json::Value, end: serde_json::Value) -> Result<Grammar, String> {
    let tag = json!({"type": "tag", "begin": {"type": "token", "token": "<think>"}, "content": content, "end": end});
    let format = json!({"type": "sequence", "elements": [tag, {"type": "const_string", "value": "ok"}]});
    let source = json!({"type": "structural_tag", "format": format}).to_string();
    compile(&source, &Options::default(), Some(&NAMED), &Limits::default()).map_err(|error| error.to_string())
}

#[test]
fn a_token_that_is_text_ends_free_text() {
    let token = |name: &str| json!({"type": "token", "token": name});
    let call = json!({"begin": token("<call>"), "content": {"type": "any_text"}, "end": "!"});
    let text_call = json!({"begin": "<call>", "content": {"type": "any_text"}, "end": "!"});
    for content in [
        json!({"type": "any_text"}),
        json!({"type": "any_text", "max_tokens": 9}),
        json!({"type": "any_text", "max_chars": 99}),
        json!({"type": "any_tokens"}),
        json!({"type": "triggered_tags", "triggers": ["<call>"], "tags": [text_call]}),
        json!({"type": "triggered_tags", "triggers": ["<call>"], "tags": [text_call], "stop_after_first": true}),
        json!({"type": "dispatch", "rules": [["<call>", {"type": "any_text"}]], "loop": false}),
        json!({"type": "token_triggered_tags", "trigger_tokens": ["<call>"], "tags": [call]}),
        json!({"type": "token_triggered_tags", "trigger_tokens": ["<call>"], "tags": [call], "stop_after_first": true}),
        json!({"type": "optional", "content": {"type": "tag", "begin": "x", "content": {"type": "any_text"}, "end": ["y", ""]}}),
    ] {
        for end in [token("</think>"), json!({"type": "token", "token": 201})] {
            let grammar = thinking(content.clone(), end).expect("a tag");
            assert!(reads(&grammar, &[BEGIN, X, END, OK]), "{content}");
            assert!(reads(&grammar, &[BEGIN, END, OK]), "{content}");
            assert!(!reads(&grammar, &[BEGIN, X, END, X, END, OK]), "{content}");
            assert!(!reads(&grammar, &[BEGIN, X, END, OK, END, OK]), "{content}");
        }
    }
    // The end of the outer tag bounds the text of the inner one, after its trigger, too.
    let nested = json!({"type": "triggered_tags", "triggers": ["<call>"], "tags": [text_call]});
    let grammar = thinking(nested, token("</think>")).expect("a tag");
    assert!(reads(&grammar, &[BEGIN, CALL, X, (4, "!"), END, OK]));
    assert!(!reads(&grammar, &[BEGIN, CALL, X, END, (4, "!"), END, OK]));
}

#[test]
fn a_trigger_token_that_ends_the_tag_around_it_ends_it() {
    let call = json!({"begin": {"type": "token", "token": "</think>"}, "content": {"type": "const_string", "value": "x"}, "end": ""});
    let end = json!({"type": "token", "token": "</think>"});
    for content in [
        json!({"type": "token_triggered_tags", "trigger_tokens": ["</think>"], "tags": [call]}),
        json!({"type": "token_dispatch", "rules": [["</think>", {"type": "const_string", "value": "x"}]]}),
    ] {
        let grammar = thinking(content.clone(), end.clone()).expect("a tag");
        assert!(reads(&grammar, &[BEGIN, Y, END, OK]), "{content}");
        assert!(!reads(&grammar, &[BEGIN, Y, END, X, END, OK]), "{content}");
    }
}

#[test]
fn strings_end_runs_of_tokens() {
    let call = json!({"begin": {"type": "token", "token": "<call>"}, "content": {"type": "const_string", "value": "x"}, "end": "!"});
    let any = json!({"type": "any_tokens"});
    let triggered = json!({"type": "token_triggered_tags", "trigger_tokens": ["<call>"], "tags": [call]});
    let dispatch = json!({"type": "token_dispatch", "rules": [["<call>", {"type": "const_string", "value": "x!"}]]});
    let (special, end, begun, ending) = ((100, ""), (5, "</o>"), (6, "y</"), (7, "o>ok"));
    // In a string that is a token as in one that is not, and on any level.
    let nested = |content: &serde_json::Value, end: &str| {
        let inner =
            json!({"type": "tag", "begin": "", "content": content, "end": {"type": "token", "token": "<stop>"}});
        json!({"type": "tag", "begin": "", "content": {"type": "or", "elements": [content, inner]}, "end": [end, "</o>"]})
    };
    for content in [&any, &triggered, &dispatch] {
        for content in [content.clone(), nested(content, "</p>")] {
            let grammar = thinking(content.clone(), json!("</o>")).expect("a tag");
            let tail: &[(u32, &str)] = if content["type"] == "tag" { &[end] } else { &[] };
            for (tokens, accepted) in [
                (&[BEGIN, end][..], true),
                (&[BEGIN, X, special, Y, end], true),
                (&[BEGIN, X, CALL, X, (4, "!"), special, end], true),
                (&[BEGIN, X, begun, (8, "x"), end], true),
                (&[BEGIN, X, end, Y, end], false),
                (&[BEGIN, X, special, end, special, end], false),
                (&[BEGIN, X, (9, "<"), (10, "/o>"), Y, end], false),
            ] {
                let tokens = [tokens, tail, &[OK]].concat();
                assert_eq!(reads(&grammar, &tokens), accepted, "{content} {tokens:?}");
            }
            let tokens = [&[BEGIN, X, special][..], tail, &[begun, ending]].concat();
            assert_eq!(reads(&grammar, &tokens), tail.is_empty(), "{content}");
        }
    }
    // Tokens that are text are left out by their text.
    let some = json!({"type": "any_tokens", "exclude_tokens": ["<call>", 101]});
    let grammar = thinking(some, json!("</o>")).expect("a tag");
    assert!(reads(&grammar, &[BEGIN, X, special, end, OK]));
    assert!(!reads(&grammar, &[BEGIN, CALL, end, OK]));
    assert!(!reads(&grammar, &[BEGIN, (101, ""), end, OK]));
    let few = json!({"type": "any_tokens", "max_tokens": 0});
    let grammar = thinking(few, json!("</o>")).expect("a tag");
    assert!(reads(&grammar, &[BEGIN, end, OK]) && !reads(&grammar, &[BEGIN, X, end, OK]));
}

#[test]
fn one_other_token_runs_past_nothing() {
    let one = json!({"type": "exclude_token", "exclude_tokens": ["<call>"]});
    let grammar = thinking(one.clone(), json!("</o>")).expect("a tag");
    assert!(reads(&grammar, &[BEGIN, X, (5, "</o>"), OK]));
    assert!(!reads(&grammar, &[BEGIN, CALL, (5, "</o>"), OK]));
    let found = thinking(json!({"type": "star", "content": one}), json!("</o>")).expect_err("a run");
    assert!(found.starts_with(r#"at "/format/elements/0/content/content": again and again"#), "{found}");
    let inner = json!({"type": "tag", "begin": "<", "content": one, "end": ">"});
    assert!(thinking(json!({"type": "star", "content": inner}), json!("</o>")).is_ok());
}

#[test]
fn runs_of_tokens_before_a_string_need_a_vocabulary() {
    let run = json!({"type": "tag", "begin": "<", "content": {"type": "any_tokens"}, "end": ">"});
    let source = json!({"type": "structural_tag", "format": run}).to_string();
    let found = compile(&source, &Options::default(), None, &Limits::default()).expect_err("a vocabulary is missing");
    assert!(found.to_string().starts_with(r#"at "/format/content": which tokens are text is not known"#), "{found}");
}

#[test]
fn a_part_of_a_character_ends_no_tag() {
    let found = thinking(json!({"type": "any_text"}), json!({"type": "token", "token": 300})).expect_err("no end");
    assert!(found.starts_with(r#"at "/format/elements/0/end/token": this token is a part of a character"#), "{found}");
}

#[test]
fn unlimited_contents_need_an_end() {
    let text = json!({"type": "any_text"});
    let sequence = |last: serde_json::Value| json!({"type": "sequence", "elements": [text, last]});
    let constant = |value: &str| json!({"type": "const_string", "value": value});
    let repeat =
        |max: i32, content: &serde_json::Value| json!({"type": "repeat", "min": 0, "max": max, "content": content});
    let object = json!({"type": "json_schema", "json_schema": {"type": "object"}, "style": "qwen_xml"});
    for (content, is_unlimited) in [
        (text.clone(), true),
        (sequence(constant("")), true),
        (sequence(json!({"type": "optional", "content": constant("x")})), true),
        (sequence(json!({"type": "regex", "pattern": "a*"})), true),
        (sequence(json!({"type": "grammar", "grammar": "root ::= \"\" | \"a\""})), true),
        (sequence(object), true),
        (
            sequence(
                json!({"type": "tags_with_separator", "tags": [{"begin": "<", "content": text, "end": ">"}], "separator": ""}),
            ),
            true,
        ),
        (repeat(2, &text), true),
        (repeat(-1, &sequence(constant(""))), true),
        (json!({"type": "or", "elements": [constant("x"), sequence(repeat(0, &constant("x")))]}), true),
        (repeat(0, &text), false),
        (sequence(constant("x")), false),
        (sequence(json!({"type": "regex", "pattern": "a+"})), false),
        (sequence(json!({"type": "json_schema", "json_schema": true})), false),
        (json!({"type": "any_text", "max_chars": 3}), false),
    ] {
        let tag = json!({"type": "tag", "begin": "<", "content": content, "end": ""});
        let found = errors(&json!({"type": "structural_tag", "format": tag}).to_string());
        let expected = r#"at "/format/end": the content of this tag is unlimited"#;
        assert_eq!(found.iter().any(|error| error.starts_with(expected)), is_unlimited, "{content}: {found:?}");
        assert_eq!(found.is_empty(), !is_unlimited, "{content}: {found:?}");
    }
}

#[test]
fn a_tool_that_can_never_be_called_is_refused() {
    let tag = |name: &str, schema: serde_json::Value| json!({"begin": format!("<f={name}>"), "content": {"type": "qwen_xml_parameter", "json_schema": schema}, "end": "</f>"});
    let tags = [tag("a", json!({"type": "object"})), tag("b", json!({"type": "string"}))];
    let format = json!({"type": "triggered_tags", "triggers": ["<f="], "tags": tags});
    let found = errors(&json!({"type": "structural_tag", "format": format}).to_string());
    assert!(found[0].starts_with(r#"at "/format/tags/1/content/json_schema": no object"#), "{found:?}");
}

#[test]
fn a_trigger_without_tags_is_left_out_of_the_text() {
    let tag = json!({"begin": "<a>", "content": {"type": "const_string", "value": "x"}, "end": "."});
    let format = json!({"type": "triggered_tags", "triggers": ["<a", "<b"], "tags": [tag]});
    let source = json!({"type": "structural_tag", "format": format}).to_string();
    let grammar = compile(&source, &Options::default(), None, &Limits::default()).unwrap();
    for (text, expected) in
        [("<", true), ("c<a>x.<", true), ("<c", true), ("<b", false), ("<a>x.<b>", false), ("<a>y", false)]
    {
        assert_eq!(interp::accepts(&grammar, text.as_bytes()), expected, "{text}");
    }
}

/// Texts of a content in a tag that begins with `<` and ends with one of `ends`, over a few characters: no end that begins in
/// the content is completed before the last one.
fn first_ends(content: &serde_json::Value, ends: &[&str], contains: impl Fn(&str) -> bool) {
    let tag = json!({"type": "tag", "begin": "<", "content": content, "end": ends});
    let source = json!({"type": "structural_tag", "format": tag}).to_string();
    let grammar = compile(&source, &Options::default(), None, &Limits::default())
        .unwrap_or_else(|error| panic!("{source}: {error}"));
    let mut texts = vec![String::new()];
    for length in 0..=6 {
        for text in &texts {
            let is_past = |inside: &str| {
                let starts = 0..inside.len();
                let mut found = starts.flat_map(|start| ends.iter().map(move |mark| (start, mark)));
                found.any(|(start, mark)| text[start..].starts_with(mark) && start + mark.len() < text.len())
            };
            let expected = ends
                .iter()
                .filter_map(|mark| text.strip_suffix(mark))
                .any(|inside| contains(inside) && !is_past(inside));
            assert_eq!(
                interp::accepts(&grammar, format!("<{text}").as_bytes()),
                expected,
                "{content} {ends:?} {text:?}"
            );
        }
        if length < 6 {
            texts = texts.iter().flat_map(|text| ["a", "b", "x"].map(|more| format!("{text}{more}"))).collect();
        }
    }
}

/// Every text over `a` and `b` of up to `length` characters.
fn texts_of_two(length: usize) -> Vec<String> {
    let mut all = vec![String::new()];
    let mut from = 0;
    for _ in 0..length {
        let longer: Vec<String> =
            all[from..].iter().flat_map(|text| [format!("{text}a"), format!("{text}b")]).collect();
        from = all.len();
        all.extend(longer);
    }
    all
}

/// For each pair of words over two letters: as ends of two tags one in the other, as triggers, and as a trigger and an excluded
/// text, against definitions that look at whole texts.
#[test]
fn overlapping_ends_and_triggers_are_as_defined() {
    let words = texts_of_two(3).split_off(1);
    let texts = texts_of_two(7);
    let any = json!({"type": "any_text"});
    let grammar_of = |format: serde_json::Value| {
        let source = json!({"type": "structural_tag", "format": format}).to_string();
        compile(&source, &Options::default(), None, &Limits::default())
    };
    for (index, first) in words.iter().enumerate() {
        for second in &words[index + 1..] {
            let both = [first, second];
            // No end that begins in the content is completed before the content's own end is.
            for (inner, outer) in [(first, second), (second, first)] {
                let tag = json!({"type": "tag", "begin": "<", "content": any, "end": inner});
                let grammar =
                    grammar_of(json!({"type": "tag", "begin": "[", "content": tag, "end": outer})).expect("a tag");
                for text in &texts {
                    let content = text.strip_suffix(outer.as_str()).and_then(|text| text.strip_suffix(inner.as_str()));
                    let expected = content.is_some_and(|content| {
                        let end = content.len() + inner.len();
                        let is_early =
                            |at: usize, mark: &String| text[at..].starts_with(mark.as_str()) && at + mark.len() < end;
                        !(0..content.len()).any(|at| both.iter().any(|mark| is_early(at, mark)))
                    });
                    let found = interp::accepts(&grammar, format!("[<{text}").as_bytes());
                    assert_eq!(found, expected, "{inner:?} in {outer:?}: {text:?}");
                }
            }
            // The first trigger that is completed commits, or a longer one that begins where it began.
            let tags = both.map(|word| json!({"begin": format!("{word}x"), "content": {"type": "const_string", "value": word}, "end": "!"}));
            let tag = grammar_of(json!({"type": "triggered_tags", "triggers": both, "tags": tags}));
            let is_inside = |word: &String, other: &String| {
                (0..word.len() - 1).any(|at| word[at..word.len() - 1].starts_with(other.as_str()))
            };
            // With one in the other before its end, that could never be completed, or its tag would have two triggers.
            assert_eq!(tag.is_err(), is_inside(first, second) || is_inside(second, first), "{both:?}");
            let Ok(grammar) = tag else { continue };
            for text in texts.iter().filter(|text| text.len() < 6) {
                for (word, other) in [(first, second), (second, first)] {
                    let whole = format!("{text}{word}");
                    let is_early = |at: usize, mark: &String| {
                        at != text.len() && whole[at..].starts_with(mark.as_str()) && at + mark.len() < whole.len()
                    };
                    let is_first = !(0..whole.len()).any(|at| is_early(at, word) || is_early(at, other));
                    let found = interp::accepts(&grammar, format!("{whole}x{word}!").as_bytes());
                    assert_eq!(found, is_first, "{both:?}: {whole:?}");
                }
            }
        }
    }
}

#[test]
fn the_first_end_wins_wherever_free_texts_meet() {
    let text = json!({"type": "any_text"});
    let without = json!({"type": "any_text", "excludes": ["xx"]});
    let nothing =
        json!({"type": "optional", "content": {"type": "tag", "begin": "xxxxxxx", "content": text, "end": "!"}});
    let triggered = json!({"type": "triggered_tags", "triggers": ["xxxxxxx"], "tags": [{"begin": "xxxxxxx!", "content": text, "end": "!"}]});
    let sequence = |elements: &[&serde_json::Value]| json!({"type": "sequence", "elements": elements});
    let repeat = |content: &serde_json::Value, min: u32, max: i64| json!({"type": "repeat", "content": content, "min": min, "max": max});
    let or = |elements: &[&serde_json::Value]| json!({"type": "or", "elements": elements});
    let several: [&[&str]; 8] =
        [&["ab"], &["bb"], &["aba"], &["aab", "ba"], &["abx", "b"], &["aaa", "ab"], &["aba", "bab"], &["aab", "baa"]];
    for ends in several {
        for content in [
            text.clone(),
            sequence(&[&text, &text]),
            sequence(&[&text, &without]),
            sequence(&[&without, &text, &without]),
            sequence(&[&text, &nothing, &text]),
            sequence(&[&text, &nothing, &nothing, &without, &json!({"type": "const_string", "value": ""}), &text]),
            repeat(&text, 0, -1),
            repeat(&text, 2, 3),
            repeat(&text, 1, 1000),
            repeat(&or(&[&text, &nothing]), 0, -1),
            repeat(&or(&[&sequence(&[&text, &without]), &nothing]), 2, -1),
            triggered.clone(),
            repeat(&triggered, 0, -1),
            sequence(&[&triggered, &text, &triggered]),
            json!({"type": "dispatch", "rules": [["xxxxxxx", text]]}),
        ] {
            first_ends(&content, ends, |_| true);
        }
        first_ends(&without, ends, |text| !text.contains("xx"));
        first_ends(&json!({"type": "any_text", "max_chars": 3}), ends, |text| text.len() <= 3);
        first_ends(&json!({"type": "any_text", "max_tokens": 30}), ends, |_| true);
        first_ends(&repeat(&without, 0, -1), ends, |text| !text.contains("xx"));
    }
}

#[test]
fn text_with_a_limit_next_to_other_text_is_refused() {
    let few = json!({"type": "any_text", "max_chars": 3});
    let text = json!({"type": "any_text"});
    let between = json!({"type": "const_string", "value": "x"});
    for (content, pointer) in [
        (json!({"type": "star", "content": few}), Some("/format/content/content")),
        (json!({"type": "sequence", "elements": [text, few]}), Some("/format/content/elements/1")),
        (json!({"type": "sequence", "elements": [few, between, text]}), None),
        (few.clone(), None),
        (json!({"type": "repeat", "min": 0, "max": 2000, "content": few}), Some("/format/content")),
    ] {
        let tag = json!({"type": "tag", "begin": "<", "content": content, "end": "ab"});
        let found = errors(&json!({"type": "structural_tag", "format": tag}).to_string());
        let expected = pointer.map(|pointer| format!("at \"{pointer}\": "));
        assert_eq!(found.is_empty(), expected.is_none(), "{content}: {found:?}");
        assert!(expected.is_none_or(|expected| found[0].starts_with(&expected)), "{content}: {found:?}");
        assert!(errors(&json!({"type": "structural_tag", "format": content}).to_string()).is_empty(), "{content}");
    }
}

#[test]
fn free_texts_that_cannot_be_watched_together_are_refused() {
    let text = json!({"type": "any_text"});
    let without = json!({"type": "any_text", "excludes": ["no"]});
    let another = json!({"type": "any_text", "excludes": ["no", "x"]});
    let few = json!({"type": "any_text", "excludes": ["no"], "max_chars": 1});
    let tag = |content: &serde_json::Value| json!({"type": "tag", "begin": "<o>", "content": content, "end": "</o>"});
    let open = json!({"type": "tag", "begin": "<", "content": few, "end": [">", ""]});
    let sequence = |elements: &[&serde_json::Value]| json!({"type": "sequence", "elements": elements});
    let star = |content: &serde_json::Value| json!({"type": "star", "content": content});
    let digits = json!({"type": "regex", "pattern": "[0-9]*"});
    let number = json!({"type": "regex", "pattern": "[0-9]+"});
    let dispatch =
        |content: &serde_json::Value| json!({"type": "dispatch", "rules": [["<t>", content]], "excludes": ["no"]});
    for (format, at) in [
        // Each of the two leaves out what could be spelled across their border.
        (sequence(&[&without, &another]), Some("/format/elements/1")),
        (sequence(&[&without, &digits, &another]), Some("/format/elements/0")),
        (sequence(&[&without, &few]), Some("/format/elements/1")),
        (sequence(&[&few, &few]), Some("/format/elements/1")),
        (star(&few), Some("/format/content")),
        (star(&open), None),
        (sequence(&[&open, &without]), Some("/format/elements/0")),
        (tag(&sequence(&[&open, &text])), Some("/format/content/elements/0")),
        (dispatch(&without), Some("/format")),
        (json!({"type": "repeat", "content": sequence(&[&without, &number]), "min": 0, "max": 100}), Some("/format")),
        (json!({"type": "repeat", "content": json!({"type": "any_text", "max_chars": 2}), "min": 0, "max": 100}), None),
        (json!({"type": "tags_with_separator", "tags": [open], "separator": ""}), None),
        (sequence(&[&without, &number, &another]), None),
        (sequence(&[&without, &text]), None),
        (tag(&sequence(&[&text, &without])), None),
        (tag(&sequence(&[&few, &number, &few])), None),
        (star(&without), None),
        (dispatch(&text), None),
        (tag(&dispatch(&number)), None),
    ] {
        let found = errors(&json!({"type": "structural_tag", "format": format}).to_string());
        let expected = at.map(|at| format!("at \"{at}\": "));
        assert_eq!(found.is_empty(), expected.is_none(), "{format}: {found:?}");
        assert!(expected.is_none_or(|expected| found[0].starts_with(&expected)), "{format}: {found:?}");
    }
}

#[test]
fn what_can_never_occur_is_refused_at_its_place() {
    let never = json!({"type": "regex", "pattern": "[^\\s\\S]"});
    let word = json!({"type": "const_string", "value": "x"});
    let call = |begin: &str| json!({"begin": begin, "content": word, "end": "</t>"});
    let tags = |triggers: &[&str], begins: &[&str], excludes: &[&str]| {
        let tags: Vec<_> = begins.iter().map(|begin| call(begin)).collect();
        json!({"type": "triggered_tags", "triggers": triggers, "tags": tags, "excludes": excludes})
    };
    let inside = json!({"type": "tag", "begin": "<x>", "content": tags(&["</x>y"], &["</x>y"], &[]), "end": "</x>"});
    for (format, at) in [
        (never.clone(), "/format/pattern"),
        (json!({"type": "or", "elements": [never, word]}), "/format/elements/0/pattern"),
        (tags(&["<t"], &["<t>"], &["<"]), "/format/triggers/0"),
        (tags(&["ab", "xaby"], &["ab", "xaby"], &[]), "/format/triggers/1"),
        (inside, "/format/content/triggers/0"),
        (json!({"type": "dispatch", "rules": [["a", word], ["bc", word]], "excludes": ["b"]}), "/format/rules/1/0"),
    ] {
        let found = errors(&json!({"type": "structural_tag", "format": format}).to_string());
        assert!(found.len() == 1 && found[0].starts_with(&format!("at \"{at}\": ")), "{format}: {found:?}");
    }
}

#[test]
fn only_the_first_of_many_faults_are_reported() {
    let tokens: Vec<String> = (0..1_000).map(|index| format!("missing{index}")).collect();
    let source =
        json!({"type": "structural_tag", "format": {"type": "any_tokens", "exclude_tokens": tokens}}).to_string();
    let found = compile(&source, &Options::default(), Some(&NAMED), &Limits::default()).expect_err("no such tokens");
    assert_eq!(found.iter().count(), 100);
    let unknown: serde_json::Map<String, serde_json::Value> =
        (0..1_000).map(|index| (format!("field{index}"), json!(1))).collect();
    let source = json!({"type": "structural_tag", "format": unknown}).to_string();
    assert!(errors(&source).len() <= 100);
}

#[test]
fn strings_of_qwen_may_stand_on_lines_of_their_own() {
    let schema = json!({"type": "object", "additionalProperties": false, "required": ["s"], "properties": {
        "s": {"enum": ["on", 3]}, "c": {"const": "k"}, "l": {"type": "string", "maxLength": 2}, "p": {"type": "string", "pattern": "^a+$"}}});
    let compiled = |style: &str, excludes: &[&str], max: Option<u32>| {
        let format = json!({"type": "json_schema", "style": style, "json_schema": schema, "excludes": excludes, "max_whitespace_cnt": max});
        let source = json!({"type": "structural_tag", "format": format}).to_string();
        compile(&source, &Options::default(), None, &Limits::default()).expect("a tag")
    };
    let grammar = compiled("qwen_xml", &[], None);
    for (text, accepted) in [
        ("<parameter=s>on</parameter>", true),
        ("<parameter=s>\non\n</parameter>", true),
        ("<parameter=s>\non</parameter>", true),
        ("<parameter=s>\n3\n</parameter>", true),
        ("<parameter=s>\n\non\n</parameter>", false),
        ("<parameter=s> on </parameter>", false),
        ("<parameter=s>\noff\n</parameter>", false),
        ("<parameter=s>on</parameter>\n<parameter=c>\nk\n</parameter>", true),
        ("<parameter=s>on</parameter>\n<parameter=l>\nab\n</parameter>", true),
        ("<parameter=s>on</parameter>\n<parameter=l>\nabc\n</parameter>", false),
        ("<parameter=s>on</parameter>\n<parameter=p>\naa\n</parameter>", true),
        ("<parameter=s>on</parameter>\n<parameter=p>\nab\n</parameter>", false),
    ] {
        assert_eq!(interp::accepts(&grammar, text.as_bytes()), accepted, "{text:?}");
    }
    let padded = b"<parameter=s>\non\n</parameter>";
    assert!(!interp::accepts(&compiled("qwen_xml", &["\no"], None), padded));
    assert!(!interp::accepts(&compiled("qwen_xml", &[], Some(0)), padded));
    assert!(!interp::accepts(&compiled("minimax_xml", &[], None), b"<parameter name=\"s\">\non\n</parameter>"));
}

#[test]
fn marks_of_a_notation_are_no_names_of_tools() {
    let request =
        |name: &str| Request::from_json(&json!({"tools": [{"type": "function", "function": {"name": name}}]}));
    for name in ["get_weather", "a-b.c", "mcp:fs/read", "wetter_heute_é", "7"] {
        assert!(request(name).is_ok(), "{name}");
    }
    for name in ["a\"b", "</tool_call>", "a b", "a\n", "<|call|>", "a>b", "a|b", "a\\b"] {
        let found = request(name).expect_err(name).to_string();
        assert!(found.contains("at \"/tools/0/function/name\": a name has letters"), "{name}: {found}");
    }
}

#[test]
fn a_trigger_commits_wherever_free_texts_meet() {
    let tags = |begin: &str| json!({"type": "triggered_tags", "triggers": ["<t"], "tags": [{"begin": begin, "content": {"type": "any_text"}, "end": ">"}]});
    let tags = tags("<t=");
    for content in [
        json!({"type": "star", "content": tags}),
        json!({"type": "plus", "content": tags}),
        json!({"type": "sequence", "elements": [tags, tags]}),
        json!({"type": "repeat", "content": tags, "min": 2, "max": 5}),
        json!({"type": "star", "content": {"type": "or", "elements": [tags, {"type": "const_string", "value": ""}]}}),
    ] {
        let source = json!({"type": "structural_tag", "format": content}).to_string();
        let grammar = compile(&source, &Options::default(), None, &Limits::default()).expect("a tag");
        for (text, accepted) in
            [("", true), ("a<", true), ("a<t=b>c<t=d>", true), ("a<tq", false), ("<t=b><tq", false), ("<<t", false)]
        {
            assert_eq!(interp::accepts(&grammar, text.as_bytes()), accepted, "{content} {text}");
        }
    }
}

#[test]
fn free_text_in_a_grammar_ends_with_the_tag() {
    let source = "root ::= TagDispatch((\"<t>\", call))\ncall ::= \"x\"";
    let tag = json!({"type": "tag", "begin": "<o>", "content": {"type": "grammar", "grammar": source}, "end": "</o>"});
    let source = json!({"type": "structural_tag", "format": tag}).to_string();
    let grammar = compile(&source, &Options::default(), None, &Limits::default()).expect("a tag");
    assert!(interp::accepts(&grammar, b"<o>hi<t>x</o>"));
    assert!(!interp::accepts(&grammar, b"<o>hi</o>b</o>"));
}

#[test]
fn long_triggers_take_little_time() {
    let limits = Limits { time: Some(std::time::Duration::from_secs(1_000)), ..Limits::default() };
    let a = "a".repeat(32_000);
    let seven: Vec<String> = (0..7).map(|index| format!("{}{index}", &a[..9_000])).collect();
    for triggers in [vec![format!("{a}b")], vec![a.clone()], seven] {
        let tags: Vec<_> = triggers
            .iter()
            .map(|trigger| json!({"begin": trigger, "content": {"type": "const_string", "value": "x"}, "end": "!"}))
            .collect();
        let format = json!({"type": "triggered_tags", "triggers": triggers, "tags": tags});
        let source = json!({"type": "structural_tag", "format": format}).to_string();
        let grammar = compile(&source, &Options::default(), None, &limits).expect("a tag");
        assert!(interp::accepts(&grammar, b"aab"));
    }
}

#[test]
fn a_trigger_lies_in_the_text_of_a_token_and_in_no_name() {
    let tag = json!({"begin": "</think>!", "content": {"type": "const_string", "value": "x"}, "end": "."});
    let format = json!({"type": "triggered_tags", "triggers": ["<"], "tags": [tag]});
    let source = json!({"type": "structural_tag", "format": format}).to_string();
    let grammar = compile(&source, &Options::default(), Some(&NAMED), &Limits::default()).expect("a tag");
    // A token that is text triggers with a part of it, and is judged as a whole.
    assert!(reads(&grammar, &[X, END, (4, "!x."), Y]));
    assert!(!reads(&grammar, &[X, END]) && !reads(&grammar, &[X, END, Y]) && !reads(&grammar, &[X, CALL]));
    // The name of a special token is no text.
    assert!(!reads(&grammar, &[X, (100, "")]) && !reads(&grammar, &[(100, ""), (4, "!x.")]));
}
