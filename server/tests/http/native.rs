//! `/generate`.

use serde_json::{Value, json};
use server::ServiceOptions;

use crate::client::{Server, assert_valid, shared};
use crate::texts::{CITY, capital, chat_prompt, is_city, pydantic_capital};

const CAPITAL: &str = "Please give me information about the capital of France in the JSON format.";

#[test]
fn b1_the_shape_of_an_answer() {
    let schema = pydantic_capital();
    let answer = shared().generate(&json!({
        "text": chat_prompt(CAPITAL),
        "sampling_params": {"temperature": 0, "max_new_tokens": 64, "json_schema": schema.to_string()},
    }));
    assert_valid(&schema, answer["text"].as_str().expect("a text"));
    let ids = answer["output_ids"].as_array().expect("ids");
    let info = &answer["meta_info"];
    assert_eq!(info["completion_tokens"].as_u64(), Some(ids.len() as u64));
    assert_eq!(info["finish_reason"], json!({"type": "stop", "matched": ids.last()}));
    assert!([1009, 1012].contains(&ids.last().and_then(Value::as_u64).unwrap_or(0)), "{answer}");
    assert_eq!(info["id"].as_str().map(str::len), Some(32));
    let members: Vec<&String> = info.as_object().expect("an object").keys().collect();
    for name in [
        "prompt_tokens",
        "weight_version",
        "total_retractions",
        "cached_tokens",
        "cached_tokens_details",
        "e2e_latency",
        "response_sent_to_client_ts",
    ] {
        assert!(members.iter().any(|member| *member == name), "{name} is missing in {info}");
    }
}

#[test]
fn b2_equal_schemas_are_compiled_once() {
    let mut schema = capital();
    schema["title"] = "compiled once".into();
    let body = json!({
        "text": chat_prompt(CAPITAL),
        "sampling_params": {"temperature": 0, "max_new_tokens": 64, "json_schema": schema.to_string()},
    });
    let hits = shared().metric("grammar_cache_hits_total");
    let first = shared().generate(&body);
    let second = shared().generate(&body);
    assert_eq!(first["text"], second["text"]);
    assert!(shared().metric("grammar_cache_hits_total") > hits);
    assert!(shared().metric("grammar_cache_bytes") > 1_000.0);
}

#[test]
fn b3_three_greedy_answers() {
    let answers = shared().generate(&json!({
        "text": chat_prompt("Give me the information of the capital of France."),
        "sampling_params": {"max_new_tokens": 128, "temperature": 0, "n": 3, "ebnf": CITY},
        "stream": false,
        "return_logprob": false,
    }));
    let answers = answers.as_array().expect("a list");
    assert_eq!(answers.len(), 3);
    for (index, answer) in answers.iter().enumerate() {
        assert!(is_city(answer["text"].as_str().expect("a text")), "{answer}");
        assert_eq!(answer["text"], answers[0]["text"]);
        assert!(answers[..index].iter().all(|other| other["meta_info"]["id"] != answer["meta_info"]["id"]));
    }
}

#[test]
fn b4_regex() {
    let answer = shared().generate(&json!({
        "text": "Paris is the capital of",
        "sampling_params": {"temperature": 0, "max_new_tokens": 64, "regex": "(France|England)"},
    }));
    assert!(["France", "England"].contains(&answer["text"].as_str().expect("a text")), "{answer}");
    assert_eq!(answer["meta_info"]["finish_reason"]["type"], "stop");
}

#[test]
fn lists_of_prompts_and_of_parameters() {
    let answers = shared().ok(
        "/generate",
        &json!({
            "text": ["a", "b"],
            "sampling_params": [{"regex": "x{3}"}, {"regex": "y{3}", "max_new_tokens": 200}],
            "rid": "mine",
        }),
    );
    assert_eq!(answers[0]["text"], "xxx");
    assert_eq!(answers[1]["text"], "yyy");
    assert_eq!(answers[1]["meta_info"]["id"], "mine_1");
    let answer = shared().generate(&json!({"input_ids": [1008, 5, 6], "sampling_params": {"regex": "z"}}));
    assert_eq!(answer["text"], "z");
    assert_eq!(answer["meta_info"]["prompt_tokens"], 3);
}

#[test]
fn m2_ebnf_of_all_shapes() {
    let date = "root ::= date\ndate ::= \"2024-\" month \"-\" day\n  month ::= \"0\" [1-9] |\n    \"1\" [0-2]\n\
                day ::= \"0\" [1-9] | [1-2] [0-9] |\n  \"3\" [0-1]";
    let call = "root ::= \"call_\" name \"(\" args? \")\"\nname ::= \"a\" | \"b\"\nargs ::= arg (\", \" arg){0,3}\n\
                arg ::= [a-z]{1,4} \"=\" [0-9]{1,3}";
    let cases = [
        ("root ::= \"user@example.com\"", r"^user@example\.com$"),
        ("root ::= \"Hello\" | \"Hi\" | \"Hey\"", "^(Hello|Hi|Hey)$"),
        ("root ::= [0-9] [0-9] [0-9]", "^[0-9]{3}$"),
        ("root ::= \"(\" d d d \") \" d d d \"-\" d d d d\nd ::= [0-9]", r"^\([0-9]{3}\) [0-9]{3}-[0-9]{4}$"),
        (date, "^2024-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$"),
        ("root ::= \"#\" h h h h h h\nh ::= [0-9A-F]", "^#[0-9A-F]{6}$"),
        (
            "root ::= \"[\" (\"INFO\" | \"WARN\") \"] \" [a-z]{1,9} \" - \" [a-z]{1,9}",
            r"^\[(INFO|WARN)\] [a-z]+ - [a-z]+$",
        ),
        (call, r"^call_[ab]\(([a-z]{1,4}=[0-9]{1,3}(, [a-z]{1,4}=[0-9]{1,3}){0,3})?\)$"),
        (
            "root ::= \"{\" ws \"\\\"a\\\"\" ws \":\" ws [0-9]{1,3} ws \"}\"\nws ::= [ ]{0,2}",
            r#"^\{ {0,2}"a" {0,2}: {0,2}[0-9]{1,3} {0,2}\}$"#,
        ),
    ];
    for (ebnf, expected) in cases {
        let parameters = json!({"ebnf": ebnf, "n": 3, "temperature": 0.5, "max_new_tokens": 128});
        let answers = shared().generate(&json!({"text": "Write one.", "sampling_params": parameters}));
        for answer in answers.as_array().expect("a list") {
            assert_valid(&json!({"type": "string", "pattern": expected}), &answer["text"].to_string());
            assert_eq!(answer["meta_info"]["finish_reason"]["type"], "stop", "{answer}");
        }
    }
}

#[test]
fn m3_anchors_of_a_regex() {
    let parameters = json!({"regex": r"^user@example\.com$", "temperature": 0});
    let answer = shared().generate(&json!({"text": "An address.", "sampling_params": parameters}));
    assert_eq!(answer["text"], "user@example.com");
}

#[test]
fn m4_the_grammar_ends_an_answer_that_is_to_be_longer() {
    let schema = json!({"enum": [true, {"a": 1}]}).to_string();
    for more in [json!({"min_new_tokens": 50}), json!({"ignore_eos": true})] {
        let mut parameters = json!({"json_schema": schema, "temperature": 0, "max_new_tokens": 60});
        for (name, value) in more.as_object().expect("members") {
            parameters[name] = value.clone();
        }
        let answer = shared().generate(&json!({"text": "x", "sampling_params": parameters}));
        assert_valid(&json!({"enum": [true, {"a": 1}]}), answer["text"].as_str().expect("a text"));
        assert_eq!(answer["meta_info"]["finish_reason"]["type"], "stop");
    }
}

#[test]
fn m5_an_answer_that_is_cut_off_says_so() {
    let parameters = json!({"regex": "[ab]{90}", "max_new_tokens": 5});
    let answer = shared().generate(&json!({"text": "x", "sampling_params": parameters}));
    assert_eq!(answer["meta_info"]["finish_reason"], json!({"type": "length", "length": 5}));
    assert_eq!(answer["meta_info"]["completion_tokens"], 5);
    let text = answer["text"].as_str().expect("a text");
    assert!(text.len() < 90 && text.chars().all(|character| "ab".contains(character)), "{text}");
    let schema =
        json!({"type": "object", "properties": {"name": {"type": "string", "minLength": 60}}, "required": ["name"]});
    let parameters = json!({"json_schema": schema.to_string(), "max_new_tokens": 5});
    let answer = shared().generate(&json!({"text": "x", "sampling_params": parameters}));
    assert_eq!(answer["meta_info"]["finish_reason"], json!({"type": "length", "length": 5}));
    let text = answer["text"].as_str().expect("a text");
    assert!(text.starts_with('{') && serde_json::from_str::<Value>(text).is_err(), "what there is, unrepaired: {text}");
}

/// The bound that ended an answer is not always the one that was asked for.
#[test]
fn an_answer_that_the_context_ends_says_how_long_it_is() {
    let server = Server::start(ServiceOptions { context_length: Some(32), ..ServiceOptions::default() });
    for stream in [false, true] {
        let body = json!({
            "input_ids": [5, 6, 7, 8],
            "sampling_params": {"regex": "[ab]*", "max_new_tokens": 1000, "ignore_eos": true},
            "stream": stream,
        });
        let answer = match stream {
            true => server.post("/generate", &body).events().pop().expect("an event"),
            false => server.generate(&body),
        };
        let info = &answer["meta_info"];
        assert_eq!(info["finish_reason"], json!({"type": "length", "length": 28}), "{answer}");
        assert_eq!(info["completion_tokens"], 28);
    }
    let body = json!({"text": "x", "sampling_params": {"regex": "[ab]{90}", "max_new_tokens": 28}});
    let answer = server.generate(&body);
    assert_eq!(answer["meta_info"]["finish_reason"], json!({"type": "length", "length": 28}), "{answer}");
}

#[test]
fn m6_stop_tokens_wait_for_the_grammar() {
    let ends: Vec<Value> = ["a", "b", "c", "d"].iter().map(|letter| token_of(letter)).collect();
    let parameters = json!({"regex": "[0-3]{6}", "stop_token_ids": ends, "temperature": 1.0, "sampling_seed": 1});
    let answer = shared().generate(&json!({"text": "x", "sampling_params": parameters}));
    assert_eq!(answer["text"].as_str().map(str::len), Some(6), "{answer}");
    assert_eq!(answer["meta_info"]["finish_reason"]["type"], "stop");
    // Such a token may be text of the grammar as well: in the middle it is neither an end nor left out of the mask's rest.
    let parameters =
        json!({"regex": "[ab]{6}", "stop_token_ids": [token_of("a")], "temperature": 1.0, "sampling_seed": 2, "n": 4});
    let answers = shared().generate(&json!({"text": "x", "sampling_params": parameters}));
    for answer in answers.as_array().expect("answers") {
        let text = answer["text"].as_str().expect("a text");
        assert!(text.len() == 6 && text.bytes().all(|byte| matches!(byte, b'a' | b'b')), "{answer}");
    }
}

fn token_of(text: &str) -> Value {
    let vocabulary = mask_runtime::embedded_tiny();
    let id = (0..vocabulary.size() as u32).find(|&id| vocabulary.bytes(id) == text.as_bytes());
    id.expect("a token").into()
}

#[test]
fn r8_digits_do_not_run_away() {
    let parameters =
        json!({"json_schema": r#"{"type": "integer"}"#, "temperature": 0, "max_new_tokens": 400, "ignore_eos": true});
    let answer = shared().generate(&json!({"text": "A number:", "sampling_params": parameters}));
    assert_valid(&json!({"type": "integer"}), answer["text"].as_str().expect("a text"));
    assert_eq!(answer["meta_info"]["finish_reason"]["type"], "stop");
    assert!(answer["text"].as_str().is_some_and(|text| text.len() <= 42), "{answer}");
    let parameters = json!({
        "json_schema": r#"{"type": "integer"}"#, "temperature": 0, "max_new_tokens": 90, "ignore_eos": true,
        "json_digits": "unbounded",
    });
    let answer = shared().generate(&json!({"text": "A number:", "sampling_params": parameters}));
    assert_eq!(answer["meta_info"]["finish_reason"]["type"], "length", "the request lifts the bound: {answer}");
}

#[test]
fn white_space_as_asked_for() {
    let schema = json!({"type": "array", "items": {"const": "a"}, "minItems": 3, "maxItems": 3}).to_string();
    for (style, expected) in [("compact", r#"["a","a","a"]"#), ("python", r#"["a", "a", "a"]"#)] {
        let parameters = json!({"json_schema": schema, "json_whitespace": style});
        assert_eq!(shared().generate(&json!({"text": "x", "sampling_params": parameters}))["text"], expected);
    }
}
