//! Stop tokens, jumps over forced text, reasoning, sequences that come and go.

use gpu_runtime::engine::{EngineOptions, Finish, Reasoning, Request, RequestError};
use gpu_runtime::{ModelFiles, SamplingParameters};
use mask_runtime::{Marker, Matcher};

use crate::models::{Answer, answer, ask, engine_with, of_regex, of_schema, run, text, tiny};
use crate::schemas::SCHEMAS;

const GERMANY: &str = "What is the capital of Germany?";

#[test]
fn the_grammar_ends_a_generation_whatever_else_is_asked_for() {
    let mut engine = tiny();
    let grammar = of_regex(&engine, "Berlin|Rome");
    for (min_tokens, ignore_eos) in [(0, false), (50, false), (0, true)] {
        let request = Request { min_tokens, ignore_eos, ..ask(&engine, GERMANY, Some(&grammar)) };
        let Answer { tokens, finish, .. } = answer(request, &mut engine);
        assert_eq!((text(&engine, &tokens).as_str(), finish), ("Berlin", Finish::GrammarEnd));
    }
}

#[test]
fn an_optional_end_is_held_back() {
    let mut engine = tiny();
    let grammar = of_regex(&engine, "[a-z ]{0,300}");
    let free = answer(ask(&engine, "Hello", Some(&grammar)), &mut engine);
    let request = Request { min_tokens: 30, ..ask(&engine, "Hello", Some(&grammar)) };
    let held = answer(request, &mut engine);
    assert!(free.tokens.len() < 30 && held.tokens.len() >= 30, "{free:?} {held:?}");
    let request = Request { ignore_eos: true, max_tokens: 40, ..ask(&engine, "Hello", Some(&grammar)) };
    let endless = answer(request, &mut engine);
    assert_eq!((endless.tokens.len(), endless.finish.is_truncated()), (40, false));
    assert_eq!(endless.finish, Finish::MaxTokens { complete: true });
}

#[test]
fn without_a_grammar_the_model_decides_or_the_limits_do() {
    let mut engine = tiny();
    let free = answer(ask(&engine, GERMANY, None), &mut engine);
    assert!(matches!(free.finish, Finish::StopToken(1012)), "{free:?}");
    let held = answer(Request { min_tokens: 20, ..ask(&engine, GERMANY, None) }, &mut engine);
    assert!(held.tokens.len() >= 20 && held.tokens.starts_with(&free.tokens), "{held:?}");
    let cut = answer(Request { max_tokens: 3, ..ask(&engine, GERMANY, None) }, &mut engine);
    assert_eq!(cut.tokens, free.tokens[..3]);
    assert!(cut.finish.is_truncated());
    let endless = Request { max_tokens: 100_000, ignore_eos: true, ..ask(&engine, GERMANY, None) };
    let prompt = endless.prompt.len();
    let full = answer(endless, &mut engine);
    assert_eq!((full.tokens.len(), full.finish), (512 - prompt, Finish::ContextFull { complete: false }));
}

#[test]
fn jumps_change_no_answer_and_save_steps() {
    let mut engine = tiny();
    let pattern = r#"\{"name": "(Berlin|Rome)", "country": "(Germany|Italy)", "continent": "Europe"\}"#;
    let grammar = of_regex(&engine, pattern);
    let asked = |jump_forward| Request { jump_forward, ..ask(&engine, GERMANY, Some(&grammar)) };
    let (jumping, asking) = (asked(true), asked(false));
    let (jumping, asking) = (answer(jumping, &mut engine), answer(asking, &mut engine));
    let expected = r#"{"name": "Berlin", "country": "Germany", "continent": "Europe"}"#;
    assert_eq!(text(&engine, &jumping.tokens), expected);
    assert_eq!(text(&engine, &asking.tokens), expected);
    assert_eq!(asking.forced, 0);
    assert!(jumping.forced >= 8, "{jumping:?}");
    // Forced tokens are those that the text encodes to: what the model has been trained with.
    assert_eq!(engine.encoder().encode(expected).expect("it encodes"), jumping.tokens);
}

#[test]
fn reasoning_is_free_and_then_the_grammar_holds() {
    let mut engine = tiny();
    let grammar = of_schema(&engine, SCHEMAS[0]);
    let question = "Give me the capital of Germany as JSON with the fields name, population. Think first.";
    let separator = engine.encoder().encode("\n\n").expect("it encodes");
    let end_token = engine.tokenizer().vocabulary().special_id("</think>").expect("it has one");
    let marker = |tokens: &[u32]| Marker::new(tokens).expect("it has tokens");
    let reasoning = Some(Reasoning { end_marker: marker(&[end_token]), separator: separator.clone(), budget: None });
    let found = answer(Request { reasoning, ..ask(&engine, question, Some(&grammar)) }, &mut engine);
    let whole = text(&engine, &found.tokens);
    let (thoughts, after) = whole.split_once("</think>\n\n").expect("it thinks");
    assert!(thoughts.contains("The population of Berlin"), "{whole}");
    let value: serde_json::Value = serde_json::from_str(after).expect("JSON");
    assert_eq!(value["name"], "Berlin");
    assert_eq!(found.finish, Finish::GrammarEnd);

    // Markers of several tokens: such as the model writes itself, and one that is put there.
    let own = &found.tokens[4..7];
    let unlikely = engine.encoder().encode("[/THINK]").expect("it encodes");
    assert!(unlikely.len() > 1);
    for (tokens, budget, end) in [(own, None, 7), (&unlikely, Some(5), 5 + unlikely.len())] {
        let reasoning = Some(Reasoning { end_marker: marker(tokens), separator: separator.clone(), budget });
        let given = answer(Request { reasoning, ..ask(&engine, question, Some(&grammar)) }, &mut engine);
        assert_eq!(given.tokens[end - tokens.len()..end], *tokens);
        assert_eq!(given.tokens[..end - tokens.len()], found.tokens[..end - tokens.len()], "the thoughts are the same");
        let rest = text(&engine, &given.tokens[end..]);
        let value: serde_json::Value =
            serde_json::from_str(rest.strip_prefix("\n\n").expect("it follows")).expect("JSON");
        assert!(value["population"].is_number(), "{rest}");
    }
}

#[test]
fn sequences_come_and_go() {
    let mut engine = tiny();
    let grammar = of_schema(&engine, SCHEMAS[0]);
    let france = "Please give me information about the capital of France in the JSON format.";
    let alone = answer(ask(&engine, france, Some(&grammar)), &mut engine);
    let long = Request { ignore_eos: true, max_tokens: 300, ..ask(&engine, GERMANY, None) };
    let cancelled = engine.submit(long).expect("it can be served");
    for _ in 0..3 {
        engine.step().expect("the device works");
    }
    let joined = engine.submit(ask(&engine, france, Some(&grammar))).expect("it can be served");
    let begun = engine.step().expect("the device works").events;
    let begun = begun.iter().find(|event| event.sequence == joined).expect("its prompt is through");
    assert!(engine.cancel(cancelled) && !engine.cancel(cancelled));
    let answers = run(&mut engine);
    assert_eq!(answers.keys().collect::<Vec<_>>(), [&joined]);
    assert_eq!([&begun.tokens[..], &answers[&joined].tokens].concat(), alone.tokens);
    assert_eq!(answers[&joined].finish, alone.finish);
    assert_eq!(engine.load(), (0, 0));
}

#[test]
fn threads_and_company_change_nothing() {
    let files = ModelFiles::embedded_tiny().expect("it is embedded");
    let all = |mask_threads| {
        let options = EngineOptions { mask_threads, detailed_timing: mask_threads == 2, ..EngineOptions::default() };
        let mut engine = engine_with(&files, options);
        for (index, schema) in SCHEMAS.iter().enumerate() {
            let grammar = of_schema(&engine, schema);
            let sampling = SamplingParameters { seed: index as u64, ..SamplingParameters::default() };
            let request = Request { sampling, max_tokens: 30, ..ask(&engine, "Hello", Some(&grammar)) };
            engine.submit(request).expect("it can be served");
        }
        run(&mut engine)
    };
    let expected = all(0);
    assert_eq!(expected.len(), SCHEMAS.len());
    assert_eq!(expected, all(1));
    assert_eq!(expected, all(2));
}

#[test]
fn requests_that_cannot_be_served_are_refused() {
    let mut engine = tiny();
    let refused = |engine: &mut gpu_runtime::engine::Engine<_>, request| engine.submit(request).expect_err("refused");
    assert_eq!(refused(&mut engine, Request::new(vec![], 5)), RequestError::EmptyPrompt);
    assert_eq!(refused(&mut engine, Request::new(vec![1], 0)), RequestError::NoTokens);
    assert_eq!(
        refused(&mut engine, Request::new(vec![1; 512], 5)),
        RequestError::TooLong { tokens: 512, context: 512 }
    );
    assert_eq!(refused(&mut engine, Request::new(vec![1024], 5)), RequestError::OutOfRange { token: 1024, size: 1024 });
    let other = mask_runtime::Tokenizer::new(
        mask_runtime::Vocabulary::from_tokens([mask_runtime::Token::Text(b"a".to_vec())]).expect("a vocabulary"),
    );
    let grammar = compilers::regex::compile(
        "a",
        &compilers::regex::Options::new(compilers::regex::Syntax::Rust),
        &grammar_ir::Limits::default(),
    );
    let grammar = mask_runtime::CompiledGrammar::new(&grammar.expect("a pattern"), other, &Default::default());
    let matcher = Some(Box::new(Matcher::new(grammar.expect("it fits"))) as _);
    assert_eq!(
        refused(&mut engine, Request { matcher, ..Request::new(vec![1], 5) }),
        RequestError::Vocabulary { found: 1, expected: 1024 }
    );
}
