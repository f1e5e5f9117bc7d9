//! `grammarc generate` on the device: the same answers as on the CPU, valid ones.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::report::{Failure, Report};

const PROMPT: &str = "Please give me information about the capital of France in the JSON format.";

/// Runs the program on the device and on the CPU, with a schema, a pattern and reasoning.
pub(super) fn generate(report: &mut Report<'_>, program: &Path, data: &Path, device: &str) -> Result<(), Failure> {
    let path = data.join("capital.schema.json");
    let schema: Value = serde_json::from_slice(&std::fs::read(&path)?)?;
    let path = path.to_string_lossy();
    let run = |device: &str, arguments: &[&str]| -> Result<(String, String), Failure> {
        let mut command = Command::new(program);
        let output = command.args(["generate", "--device", device, "--stats"]).args(arguments).output()?;
        let (text, notes) = (String::from_utf8(output.stdout)?, String::from_utf8_lossy(&output.stderr).into_owned());
        match output.status.success() {
            true => Ok((text.trim_end().to_owned(), notes)),
            false => Err(format!("{}: {notes}", output.status).into()),
        }
    };
    let cases: [&[&str]; 3] = [
        &[&path, "--prompt", PROMPT],
        &["--regex", "(France|England)", "--prompt", "Which country is Paris the capital of?"],
        &[&path, "--reasoning", "--prompt", PROMPT],
    ];
    for (index, arguments) in cases.into_iter().enumerate() {
        let (found, notes) = run(device, arguments)?;
        let (expected, _) = run("cpu", arguments)?;
        let is_valid = match index {
            1 => ["France", "England"].contains(&found.as_str()),
            _ => serde_json::from_str(&found).is_ok_and(|value| jsonschema::is_valid(&schema, &value)),
        };
        report.check(is_valid, &format!("--device {device}: {found:?} is valid"));
        report.check(found == expected, &format!("--device cpu answers {expected:?}, too"));
        let chosen = notes.lines().find(|line| line.contains("device")).unwrap_or("no line about the device");
        report.check(chosen.contains(device), &format!("`--stats`: {}", chosen.trim()));
    }
    Ok(())
}
