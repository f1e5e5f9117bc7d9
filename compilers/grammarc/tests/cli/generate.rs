//! `generate`, with the embedded model.

use crate::process::{data, file, grammarc};

const CAPITAL: &str = r#"{"type": "object", "properties": {"name": {"type": "string"}, "population": {"type": "integer"}},
    "required": ["name", "population"], "additionalProperties": false}"#;
const ABOUT_FRANCE: &str = "Please give me information about the capital of France in the JSON format.";

fn example(name: &str) -> String {
    data(&format!("../../../examples/{name}"))
}

#[test]
fn the_capital_of_france() {
    let schema = example("capital.schema.json");
    for source in [&[schema.as_str()][..], &["--json-schema", CAPITAL]] {
        let run = grammarc(&[&["generate", "--prompt", ABOUT_FRANCE], source].concat());
        assert_eq!(run.code, 0, "{}", run.stderr);
        let answer = run.json();
        assert_eq!(answer["name"], "Paris", "{answer}");
        assert!(answer["population"].is_u64(), "{answer}");
    }
}

#[test]
fn regex_and_ebnf() {
    let prompt = "Which country is Paris the capital of?";
    let run = grammarc(&["generate", "--regex", "(France|England)", "--prompt", prompt]);
    assert_eq!((run.code, run.stdout.as_str()), (0, "France\n"), "{}", run.stderr);
    let run = grammarc(&["generate", &example("capital.ebnf"), "--prompt", "What is the capital of Germany?"]);
    assert_eq!((run.code, run.stdout.as_str()), (0, "Berlin is the capital of Germany.\n"), "{}", run.stderr);
}

#[test]
fn a_grammar_is_not_needed() {
    let run = grammarc(&["generate", "--prompt", "What is the capital of Germany?"]);
    assert_eq!((run.code, run.stdout.as_str()), (0, "Berlin is the capital of Germany.\n"), "{}", run.stderr);
}

#[test]
fn reasoning_comes_before_the_grammar() {
    let prompt = "Give me the capital of Germany as JSON with the fields name, population. Think first.";
    let run = grammarc(&["generate", "--json-schema", CAPITAL, "--reasoning", "--prompt", prompt]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert_eq!(run.json()["name"], "Berlin");
    assert!(run.stderr.contains("Berlin is the capital of Germany."), "{}", run.stderr);
    let run = grammarc(&["generate", "--json", "--json-schema", CAPITAL, "--reasoning", "--prompt", prompt]);
    let answer = run.json();
    assert!(answer["reasoning"].as_str().is_some_and(|text| text.starts_with("The user asks")), "{answer}");
    assert!(answer["text"].as_str().is_some_and(|text| text.starts_with('{')), "{answer}");
}

#[test]
fn tools_reach_the_model() {
    let tools = r#"[{"type": "function", "function": {"name": "get_current_weather", "parameters": {"type": "object",
        "properties": {"location": {"type": "string"}, "unit": {"type": "string"}}}}},
        {"type": "function", "function": {"name": "search", "parameters": {"properties": {"query": {}}}}}]"#;
    let tools = file("generate", "tools.json", tools.as_bytes());
    let run = grammarc(&["generate", "--tools", &tools, "--prompt", "What is the weather in Paris?"]);
    let expected =
        "<function=get_current_weather>{\"location\": \"Paris, France\", \"unit\": \"celsius\"}</function>\n";
    assert_eq!((run.code, run.stdout.as_str()), (0, expected), "{}", run.stderr);
}

/// The tools that the model has been made with, as a file.
fn weather_tools() -> String {
    let tools = r#"[{"type": "function", "function": {"name": "get_current_weather", "parameters": {"type": "object",
        "properties": {"location": {"type": "string"}, "unit": {"type": "string"}}, "required": ["location"]}}},
        {"type": "function", "function": {"name": "search", "parameters": {"properties": {"query": {}}}}}]"#;
    file("generate", "weather-tools.json", tools.as_bytes())
}

/// The commands that docs and help show.
#[test]
fn calls_follow_structural_tags_of_both_forms() {
    let tools = example("weather-tools.json");
    for tag in ["weather.tag.json", "weather-legacy.tag.json"] {
        let prompt = "What is the weather in Paris?";
        let args = ["generate", "--structural-tag", &example(tag), "--tools", &tools, "--prompt", prompt];
        let run = grammarc(&args);
        assert_eq!(run.code, 0, "{}", run.stderr);
        let call = run.stdout.trim_end().strip_prefix("<function=get_current_weather>");
        let call = call.and_then(|call| call.strip_suffix("</function>"));
        let call: serde_json::Value = serde_json::from_str(call.unwrap_or_else(|| panic!("{}", run.stdout))).unwrap();
        // What the model was trained to write, `location`, is not among the fields that the tag requires.
        assert_eq!((&call["city"], &call["unit"]), (&"Paris".into(), &"celsius".into()), "{call}");
        assert!(call["state"].is_string(), "{call}");
    }
    let prompt = "What is the weather in Paris?";
    let args =
        ["generate", "--tools", &tools, "--tool-format", "qwen3", "--tool-choice", "required", "--prompt", prompt];
    let run = grammarc(&args);
    let call = run.stdout.trim_end().strip_prefix("<tool_call>\n").and_then(|call| call.strip_suffix("\n</tool_call>"));
    let call: serde_json::Value = serde_json::from_str(call.unwrap_or_else(|| panic!("{}", run.stdout))).unwrap();
    assert_eq!((&call["name"], &call["arguments"]["city"]), (&"get_current_weather".into(), &"Paris".into()), "{call}");
}

#[test]
fn calls_follow_the_form_of_a_family() {
    let tools = weather_tools();
    let base = ["generate", "--tools", &tools, "--tool-format", "qwen3", "--prompt", "What is the weather in Paris?"];
    for choice in ["required", "get_current_weather"] {
        for more in [&[][..], &["--reasoning"], &["--single-tool-call"]] {
            let run = grammarc(&[&base[..], &["--tool-choice", choice, "--max-tokens", "120"], more].concat());
            assert_eq!(run.code, 0, "{}", run.stderr);
            let call = run.stdout.strip_prefix("<tool_call>\n").and_then(|call| call.strip_suffix("\n</tool_call>\n"));
            let call: serde_json::Value =
                serde_json::from_str(call.unwrap_or_else(|| panic!("{}", run.stdout))).unwrap();
            assert_eq!(call["name"], "get_current_weather");
            assert!(call["arguments"]["location"].is_string(), "{call}");
        }
    }
    let run = grammarc(&[&base[..], &["--tool-choice", "none"]].concat());
    assert!(run.code == 0 && !run.stdout.contains("<tool_call>"), "{}", run.stdout);
}

#[test]
fn tools_without_parameters_are_called() {
    let tools = file("generate-bare", "tools.json", br#"[{"type": "function", "function": {"name": "get_time"}}]"#);
    let more = ["--tool-format", "qwen3", "--tool-choice", "required", "--single-tool-call"];
    let run = grammarc(&[&["generate", "--tools", &tools, "--prompt", "What time is it?"][..], &more].concat());
    let call = run.stdout.trim().strip_prefix("<tool_call>\n{\"name\": \"get_time\", \"arguments\": ");
    let arguments = call.and_then(|call| call.strip_suffix("}\n</tool_call>"));
    let arguments = arguments.unwrap_or_else(|| panic!("{}{}", run.stdout, run.stderr));
    assert!(serde_json::from_str::<serde_json::Value>(arguments).is_ok_and(|value| value.is_object()), "{arguments}");
}

#[test]
fn faults_of_tools_are_placed_in_their_list() {
    let tools = br#"[{"type": "function", "function": {"name": "f"}},
        {"type": "function", "function": {"name": "g", "parameters": {"type": "objekt"}}}]"#;
    let tools = file("generate-faulty", "tools.json", tools);
    let run = grammarc(&["generate", "--tools", &tools, "--tool-format", "qwen3", "--prompt", "x"]);
    assert_eq!(run.code, 2, "{}", run.stdout);
    assert!(run.stderr.contains("/tools/1/function/parameters/type"), "{}", run.stderr);
}

#[test]
fn a_truncated_answer_says_so() {
    let args = ["generate", "--json-schema", CAPITAL, "--prompt", ABOUT_FRANCE, "--max-tokens", "5"];
    let run = grammarc(&args);
    assert_eq!(run.code, 1);
    assert!(run.stderr.contains("truncated"), "{}", run.stderr);
    let run = grammarc(&[&args[..], &["--json"]].concat());
    let answer = run.json();
    assert_eq!((&answer["truncated"], &answer["finish"]), (&true.into(), &"max_tokens".into()), "{answer}");
    assert_eq!(answer["tokens"].as_array().map(Vec::len), Some(5));
}

#[test]
fn seeds_decide() {
    let draw = |seed: &str, n: &str| {
        let args = ["generate", "--json", "--regex", "[a-z]{8,12}", "--prompt", "Hello", "--temperature", "2"];
        let run = grammarc(&[&args[..], &["--seed", seed, "--n", n]].concat());
        assert_eq!(run.code, 0, "{}", run.stderr);
        run.json_lines().into_iter().map(|answer| answer["text"].clone()).collect::<Vec<_>>()
    };
    let three = draw("5", "3");
    assert_eq!(three, draw("5", "3"));
    assert_eq!(three[1..], draw("6", "2")[..]);
    assert_ne!(three[0], three[1]);
}

#[test]
fn stats_have_the_parts_of_the_loop() {
    let run = grammarc(&["generate", "--json", "--stats", "--json-schema", CAPITAL, "--prompt", ABOUT_FRANCE]);
    let lines = run.json_lines();
    let step = &lines[1]["stats"]["decode_step"];
    for part in ["forward_us", "masks_us", "mask_wait_us", "apply_us", "sample_us", "accept_us", "total_us"] {
        assert!(step[part].as_f64().is_some_and(|time| time >= 0.0), "{part}: {step}");
    }
    assert!(lines[1]["stats"]["device"].as_str().is_some_and(|device| device.starts_with("cpu")));
}

#[test]
fn the_device_and_why_it_was_chosen() {
    let device = |choice: &str| {
        grammarc(&["generate", "--json", "--stats", "--prompt", "Hello", "--max-tokens", "2", "--device", choice])
    };
    let name = |choice: &str| device(choice).json_lines()[1]["stats"]["device"].as_str().expect("a device").to_owned();
    assert!(name("cpu").ends_with("(as asked for)"), "{}", name("cpu"));
    let automatic = name("auto");
    let cuda = device("cuda");
    if automatic.starts_with("cpu") {
        // Why the GPU was not chosen is what keeps it from being used when it is asked for.
        let why = automatic.split_once(" (").map(|(_, why)| why.trim_end_matches(')')).expect("a reason");
        assert_eq!(cuda.code, 3);
        assert!(cuda.stdout.contains(why) && cuda.stdout.contains("use --device cpu"), "{why}: {}", cuda.stdout);
    } else {
        assert!(automatic.ends_with("(there is a GPU)"), "{automatic}");
        assert!(cuda.code < 2, "{}", cuda.stdout);
    }
}

#[test]
fn what_cannot_be_done_is_said() {
    let prompt = ["generate", "--prompt", "Hello"];
    for (args, code, message) in [
        (&["--model", "/nowhere"][..], 2, "cannot read /nowhere/config.json"),
        (&["--reasoning"], 2, "give a grammar"),
        (&["--temperature=-1"], 2, "temperature -1"),
        (&["--temperature", "-1"], 2, "temperature -1 is not a finite number of at least 0"),
        (&["--top-p", "-0.5"], 2, "top_p -0.5"),
        (&["--min-p", "-0.5"], 2, "min_p -0.5"),
        (&["--top-k", "-1"], 2, "invalid value '-1' for '--top-k <K>'"),
        (&["--max-tokens", "-1"], 2, "invalid value '-1' for '--max-tokens <N>'"),
        (&["--max-tokens", "0"], 2, "max_tokens is 0"),
        (&["--tools", "/nowhere"], 2, "cannot read /nowhere"),
        (
            &["--tools", &file("generate", "odd-tools.json", b"[{\"name\": \"a\"}, null]")],
            2,
            "/1/function/name is missing",
        ),
        (&["--tools", &file("generate", "no-tools.json", b"{}")], 2, "have to be a JSON list"),
        (&["--tool-format", "qwen3"], 2, "--tools"),
        (&["--structural-tag", "/nowhere"], 2, "cannot read /nowhere"),
        (
            &["--tools", &weather_tools(), "--tool-format", "qwen3", "--tool-choice", "dance"],
            2,
            "there is no tool `dance`",
        ),
        (&["--regex", "(a"], 2, "error"),
        (&["--raw", "--system", "Be brief."], 2, "cannot be used with"),
    ] {
        let run = grammarc(&[&prompt[..], args].concat());
        assert_eq!(run.code, code, "{args:?}: {}", run.stderr);
        assert!(run.stderr.contains(message), "{args:?}: {}", run.stderr);
    }
    // A fault in one file of a model is not said to be one of another.
    let folder = file("generate-config", "config.json", b"{\"architectures\": ");
    let folder = folder.trim_end_matches("config.json").to_owned();
    for name in ["tokenizer.json", "model.safetensors"] {
        let bytes =
            std::fs::read(data(&format!("../../../gpu-runtime/data/tiny-tools/{name}"))).expect("it is committed");
        file("generate-config", name, &bytes);
    }
    let run = grammarc(&[&prompt[..], &["--model", &folder]].concat());
    assert_eq!(run.code, 2, "{}", run.stderr);
    assert!(run.stderr.contains("config.json") && !run.stderr.contains("tokenizer"), "{}", run.stderr);
    for (options, context) in [(&[][..], "4096"), (&["--context-length", "512"], "512")] {
        let long = "word ".repeat(5_000);
        let run = grammarc(&[&["generate", "--prompt", &long], options].concat());
        assert_eq!(run.code, 2);
        assert!(run.stderr.contains(&format!("in a context of {context}")), "{}", run.stderr);
    }
}

/// The built-in model was trained with 512 positions, and answers prompts that have more.
#[test]
fn a_prompt_longer_than_those_of_the_training() {
    let long = format!("{}What is the capital of France?", "word ".repeat(600));
    let run = grammarc(&["generate", "--regex", "(Paris|London)", "--prompt", &long]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(["Paris", "London"].contains(&run.stdout.trim()), "{}", run.stdout);
    let run = grammarc(&["generate", "--context-length", "0", "--prompt", "x"]);
    assert_eq!(run.code, 2);
    assert!(run.stderr.contains("--context-length"), "{}", run.stderr);
}
