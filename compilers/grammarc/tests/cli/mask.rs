//! `mask`.

use std::collections::BTreeSet;

use crate::process::{grammarc, grammarc_reading};

fn texts(args: &[&str]) -> BTreeSet<String> {
    let run = grammarc(&[&["mask", "--json", "--max-listed", "2000"], args].concat());
    assert_eq!(run.code, 0, "{}", run.stdout);
    let json = run.json();
    let tokens = json["tokens"].as_array().expect("a list");
    assert_eq!(Some(tokens.len() as u64), json["allowed"].as_u64());
    tokens.iter().map(|token| token["text"].as_str().expect("a text").to_owned()).collect()
}

#[test]
fn allowed_tokens_are_listed() {
    let digits = texts(&["--regex", "[0-9]{2}", "--after", "4"]);
    assert_eq!(digits, (0..10).map(|digit| digit.to_string()).collect());
    let stops = texts(&["--regex", "[0-9]{2}", "--after", "42"]);
    assert_eq!(stops, ["<|end_of_text|>", "<|eot_id|>"].map(str::to_owned).into());
    let stops = texts(&["--regex", "[0-9]{2}", "--after", "42", "--stop-tokens", "5"]);
    assert_eq!(stops.len(), 1);
}

#[test]
fn people_see_counts_and_text() {
    let run = grammarc(&["mask", "--regex", "[0-9]{2}", "--after", "4", "--max-listed", "1"]);
    let lines: Vec<&str> = run.stdout.lines().collect();
    assert_eq!(lines[0], "after \"4\": 10 of 1024 tokens allowed; the text may not end here");
    assert!(lines[1].ends_with("\"0\""), "{}", lines[1]);
    assert_eq!(lines[2], "… and 9 more; --max-listed N lists N");
    let run = grammarc(&["mask", "--regex", "true|false", "--after", "t"]);
    assert!(run.stdout.contains("forced: \"rue\""), "{}", run.stdout);
    let run = grammarc(&["mask", "--json", "--regex", "true|false", "--after", "t"]);
    assert_eq!((&run.json()["forced"], &run.json()["may_end"]), (&"rue".into(), &false.into()));
}

#[test]
fn tokens_bring_the_matcher_anywhere() {
    let run = grammarc(&["mask", "--json", "--grammar", "root ::= <[3]> <[7]>", "--after-tokens", "3"]);
    assert_eq!((run.code, &run.json()["tokens"][0]["id"]), (0, &7.into()));
    let run = grammarc(&["mask", "--json", "--grammar", "root ::= <[3]> <[7]>", "--after-tokens", "3,7"]);
    assert_eq!((&run.json()["may_end"], &run.json()["terminated"]), (&true.into(), &false.into()));
    let stop = run.json()["tokens"][0]["id"].to_string();
    let run =
        grammarc(&["mask", "--json", "--grammar", "root ::= <[3]> <[7]>", "--after-tokens", &format!("3,7,{stop}")]);
    assert_eq!(run.json()["terminated"], true);
    let run = grammarc(&["mask", "--grammar", "root ::= <[3]> <[7]>", "--after-tokens", "3,8"]);
    assert_eq!(run.code, 1);
}

#[test]
fn names_of_tokens_are_known() {
    let run = grammarc(&["mask", "--json", "--grammar", "root ::= <|eom_id|> \"x\""]);
    assert_eq!((run.code, &run.json()["tokens"][0]["text"]), (0, &"<|eom_id|>".into()));
    assert_eq!(run.json()["tokens"][0]["special"], true);
}

#[test]
fn a_text_outside_the_language_has_no_mask() {
    let run = grammarc(&["mask", "--regex", "ab", "--after", "b"]);
    assert_eq!(run.code, 1);
    assert!(run.stdout.contains("rejected at byte 0"), "{}", run.stdout);
    assert_eq!(grammarc(&["mask", "--json", "--regex", "ab", "--after", "b"]).json()["rejection"]["offset"], 0);
}

#[test]
fn structural_tags_of_both_forms() {
    for name in ["weather.tag.json", "weather-legacy.tag.json"] {
        let path = format!("{}/../../examples/{name}", env!("CARGO_MANIFEST_DIR"));
        let tag = std::fs::read_to_string(&path).expect("committed");
        let free = grammarc(&["mask", "--json", &path, "--after", "Let me see. <function"]).json();
        assert!(free["allowed"].as_u64() > Some(900) && free["may_end"] == true, "{free}");
        let inside =
            grammarc(&["mask", "--json", "--structural-tag", &tag, "--after", "<function=get_current_d"]).json();
        assert_eq!((&inside["forced"], &inside["may_end"]), (&"ate>{".into(), &false.into()));
        let call = "<function=get_current_date>{\"timezone\": \"UTC\"}</function>";
        let text = format!("Hi! {call}{call} Done.");
        assert_eq!(grammarc(&["accept", "--structural-tag", &tag, "--text", &text]).code, 0);
        let texts =
            grammarc(&["sample", "--structural-tag", &tag, "-n", "5", "--max-tokens", "30", "--json"]).json_lines();
        for text in &texts {
            let text = text["text"].as_str().expect("a text");
            assert_eq!(grammarc(&["accept", &path, "--text", text]).code, 0, "{text}");
        }
        assert_eq!(texts.len(), 5);
    }
}

/// Where a call has to come first, what is drawn are calls.
#[test]
fn calls_are_drawn_where_one_has_to_come_first() {
    for (name, edit) in [
        ("weather.tag.json", ["\"at_least_one\": false", "\"at_least_one\": true"]),
        ("weather-legacy.tag.json", ["\"triggers\"", "\"at_least_one\": true, \"triggers\""]),
    ] {
        let path = format!("{}/../../examples/{name}", env!("CARGO_MANIFEST_DIR"));
        let tag = std::fs::read_to_string(&path).expect("committed").replace(edit[0], edit[1]);
        let drawn = ["sample", "--structural-tag", &tag, "-n", "16", "--seed", "1", "--max-tokens", "80", "--json"];
        let mut called = [false; 2];
        for text in grammarc(&drawn).json_lines() {
            let text = text["text"].as_str().expect("a text");
            for (called, function) in called.iter_mut().zip(["get_current_weather", "get_current_date"]) {
                *called |= text.starts_with(&format!("<function={function}>{{"));
            }
            // Drawn text may hold a zero byte, which no argument can.
            assert_eq!(grammarc_reading(&["accept", &path], text.as_bytes()).code, 0, "{text}");
        }
        assert_eq!(called, [true; 2], "{name}");
    }
}
