//! Mixed traffic on a server, for a few seconds: every answer is what it has to be.

use std::process::Command;

#[test]
fn every_answer_is_what_it_has_to_be() {
    let output = Command::new(env!("CARGO_BIN_EXE_serve_load"))
        .args(["--clients", "16", "--seconds", "4", "--turns", "1"])
        .output()
        .unwrap();
    let report = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{report}{}", String::from_utf8_lossy(&output.stderr));
    assert!(report.contains("faults: 0"), "{report}");
    for kind in ["json", "regex, n = 3", "structural tag", "cancelled", "hostile"] {
        let line =
            report.lines().find(|line| line.starts_with(kind)).unwrap_or_else(|| panic!("no {kind} in {report}"));
        assert!(!line.contains("→ 0 "), "no answers: {line}");
    }
}
