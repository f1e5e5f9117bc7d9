//! The dependency rule of `docs/architecture.md`, and the licences of everything we depend on.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value;

/// Member → the members it may depend on. A `None` may depend on all.
const RULE: &[(&str, Option<&[&str]>)] = &[
    ("grammar-ir", Some(&[])),
    // For its tests only.
    ("ptx", Some(&["ptx-interpreter"])),
    ("ptx-interpreter", Some(&[])),
    ("cuda-driver", Some(&["ptx"])),
    // Stands in for a dependency of cust.
    ("find_cuda_helper", Some(&[])),
    ("compilers", Some(&["grammar-ir"])),
    ("mask-runtime", Some(&["grammar-ir"])),
    // The interpreter is for its tests only.
    ("gpu-runtime", Some(&["mask-runtime", "ptx", "cuda-driver", "ptx-interpreter"])),
    ("counting-allocator", Some(&[])),
    ("server", Some(&["compilers", "counting-allocator", "grammar-ir", "gpu-runtime", "mask-runtime"])),
    ("rivals", Some(&["compilers", "gpu-runtime", "mask-runtime", "server"])),
    ("grammarc", None),
    ("grammarc-fuzz", None),
    ("grammarc-benches", None),
];

/// Licences that go with MIT OR Apache-2.0.
const LICENCES: &[&str] = &[
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "ISC",
    "MIT",
    "MIT-0",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

/// Crates that only one member may have: the rivals, each of which has to be asked for, and the benchmark harness.
const ONLY: &[(&str, &str)] =
    &[("criterion", "grammarc-benches"), ("llguidance", "rivals"), ("outlines-core", "rivals"), ("xgrammar", "rivals")];

fn packages() -> Vec<Value> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--all-features", "--manifest-path"])
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/../../Cargo.toml"))
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("cargo metadata is JSON");
    metadata["packages"].as_array().expect("a list of packages").clone()
}

#[test]
fn members_depend_only_on_what_the_architecture_allows() {
    let packages = packages();
    let members: BTreeMap<&str, &Value> = packages
        .iter()
        .filter(|package| package["source"].is_null())
        .map(|package| (package["name"].as_str().unwrap_or(""), package))
        .collect();
    let ruled: BTreeSet<&str> = RULE.iter().map(|(name, _)| *name).collect();
    let found: BTreeSet<&str> = members.keys().copied().collect();
    assert_eq!(found, ruled, "every member has a line in the rule, and every line a member");
    for (name, allowed) in RULE {
        for entry in members[name]["dependencies"].as_array().expect("a list") {
            let dependency = entry["name"].as_str().unwrap_or("");
            let inside = members.contains_key(dependency);
            if let (true, Some(allowed)) = (inside, allowed) {
                assert!(allowed.contains(&dependency), "{name} must not depend on {dependency}");
            }
            if let Some((_, owner)) = ONLY.iter().find(|(only, _)| *only == dependency) {
                assert_eq!(name, owner, "only {owner} may depend on {dependency}");
                assert!(*name != "rivals" || entry["optional"] == true, "{dependency} has to be a feature");
            }
        }
    }
}

#[test]
fn licences_are_permissive() {
    for package in packages() {
        let licence = package["license"].as_str().unwrap_or("none").replace('/', " OR ");
        // Of alternatives one must do; of a conjunction all.
        let acceptable = licence.split(" OR ").any(|alternative| {
            alternative.split(" AND ").all(|part| LICENCES.contains(&part.trim_matches(|c| " ()".contains(c))))
        });
        assert!(acceptable, "{} has the licence {licence}", package["name"]);
    }
}
