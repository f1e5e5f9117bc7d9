//! The program, as it is run: verdicts, rows, report. The cases in `data/small.jsonl` were written for this test.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

const DATA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/small.jsonl");
const TOKENIZER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../mask-runtime/data/tiny-tools");

fn maskbench(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_maskbench")).args(arguments).output().unwrap()
}

fn run(name: &str, arguments: &[&str]) -> (String, Vec<Value>) {
    let rows = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.jsonl"));
    let fixed = ["--data", DATA, "--tokenizer", TOKENIZER, "--out", rows.to_str().unwrap()];
    let output = maskbench(&[&fixed, arguments].concat());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let rows = std::fs::read_to_string(rows).unwrap();
    let rows = rows.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    (String::from_utf8(output.stdout).unwrap(), rows)
}

#[test]
fn verdicts_times_and_report() {
    let (report, rows) = run("full", &[]);
    assert_eq!(
        rows.iter().map(|row| row["id"].as_str().unwrap()).collect::<Vec<_>>(),
        ["object", "mislabelled", "unsatisfiable"]
    );

    let object = &rows[0];
    assert_eq!((&object["ok_valid"], &object["ok_invalid"]), (&1.into(), &2.into()));
    assert!(object["ttfm_us"].as_f64().unwrap() > 0.0);
    assert_eq!(object["reset_us"].as_array().unwrap().len(), 3);
    // At least one mask for each instance, and one for the end of the valid one.
    assert!(object["mask_us"].as_array().unwrap().len() > 3);
    assert!(
        ["validation_errors", "invalidation_errors", "compile_error", "crash"]
            .iter()
            .all(|key| object.get(key).is_none())
    );

    let mislabelled = &rows[1];
    assert_eq!(mislabelled["validation_errors"][0][0], 0);
    let reason = mislabelled["validation_errors"][0][1].as_str().unwrap();
    assert!(reason.starts_with("token 0 at byte 0: not allowed"), "{reason}");
    assert_eq!(mislabelled["invalidation_errors"][0][1], "accepted: 1");

    let refused = rows[2]["compile_error"].as_str().unwrap();
    assert!(refused.starts_with("unsatisfiable"), "{refused}");
    assert!(rows[2].get("ttfm_us").is_none());

    let coverage: Vec<&str> = report.lines().nth(1).unwrap().split_whitespace().skip(1).collect();
    assert_eq!(coverage[1..], ["3", "1", "33.3%", "1", "0", "1", "1", "1"], "{report}");
    assert!(report.contains("on the 2 files that every engine took"), "{report}");
}

#[test]
fn accepting_alone_gives_the_same_verdicts() {
    let verdicts = |rows: &[Value]| -> Vec<[Value; 2]> {
        rows.iter().map(|row| [row["ok_valid"].clone(), row["ok_invalid"].clone()]).collect()
    };
    let (_, masks) = run("masks", &[]);
    let (_, accepts) = run("accepts", &["--verdicts-only"]);
    assert_eq!(verdicts(&masks), verdicts(&accepts));
    assert!(accepts[0].get("mask_us").is_none());
}

#[test]
fn a_verdict_that_gets_worse_fails_the_run() {
    let ratchet = Path::new(env!("CARGO_TARGET_TMPDIR")).join("ratchet.txt");
    let fixed = ["--data", DATA, "--tokenizer", TOKENIZER, "--verdicts-only", "--ratchet", ratchet.to_str().unwrap()];
    std::fs::write(&ratchet, "# small\n").unwrap();
    let update = maskbench(&[&fixed[..], &["--update"]].concat());
    assert!(update.status.success(), "{}", String::from_utf8_lossy(&update.stderr));
    let written = std::fs::read_to_string(&ratchet).unwrap();
    assert_eq!(written, "# small\npass object\nwrong mislabelled\nrefused unsatisfiable\n");
    assert!(maskbench(&fixed).status.success());
    std::fs::write(&ratchet, written.replace("wrong mislabelled", "pass mislabelled")).unwrap();
    let worse = maskbench(&fixed);
    assert_eq!(worse.status.code(), Some(1));
    let report = String::from_utf8_lossy(&worse.stdout).into_owned();
    assert!(report.contains("worse: mislabelled: pass before, wrong now"), "{report}");
}

#[test]
fn engines_side_by_side_and_chosen_cases() {
    let other = format!("grammarc={}", env!("CARGO_BIN_EXE_maskbench"));
    let (report, rows) =
        run("twice", &["--engines", "grammarc,grammarc", "--program", &other, "--id", "object", "--stride", "1"]);
    assert_eq!(rows.len(), 2);
    assert!(report.contains("× the first"), "{report}");
}

#[test]
fn each_of_several_engines_is_beside_the_first() {
    let (report, _) = run("three", &["--engines", "grammarc,grammarc,grammarc"]);
    let scopes: Vec<&str> = report.lines().filter(|line| line.starts_with("Times in µs")).collect();
    let pair = "Times in µs, on the 2 files that grammarc and grammarc both took";
    assert_eq!(scopes, ["Times in µs, on the 2 files that every engine took", pair, pair]);
}

#[test]
fn the_plot_has_a_curve_for_each_engine_and_time() {
    let plot = Path::new(env!("CARGO_TARGET_TMPDIR")).join("plot.svg");
    let (report, rows) =
        run("plotted", &["--engines", "grammarc,grammarc", "--warm", "--plot", plot.to_str().unwrap()]);
    assert!(report.contains("that every engine took, masks on the second pass"), "{report}");
    // As many times as of one pass.
    assert_eq!(rows[0]["reset_us"].as_array().unwrap().len(), 3);
    let plot = std::fs::read_to_string(plot).unwrap();
    let document = roxmltree::Document::parse(&plot).unwrap();
    let curves = document.descendants().filter(|node| node.has_tag_name("polyline"));
    let points = curves.map(|curve| curve.attribute("points").unwrap().split_whitespace().count());
    assert_eq!(points.collect::<Vec<_>>(), [201; 4]);
    assert!(plot.contains("2 files that every engine took"), "{plot}");
}

#[test]
fn what_cannot_be_used_is_named() {
    for (arguments, message) in [
        (["--data", DATA, "--tokenizer", TOKENIZER, "--engines", "nobody"], "no engine \"nobody\""),
        (["--data", "missing.jsonl", "--tokenizer", TOKENIZER, "--stride", "1"], "missing.jsonl"),
        (["--data", DATA, "--tokenizer", "missing", "--stride", "1"], "missing"),
    ] {
        let output = maskbench(&arguments);
        assert_eq!(output.status.code(), Some(2));
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(errors.contains(message), "{errors}");
    }
}
