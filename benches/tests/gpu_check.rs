//! The checks of a GPU, rehearsed without one: by the CPU device, and by kernels under the PTX interpreter.

use std::io::Write;
use std::path::{Path, PathBuf};

use gpu_runtime::CpuDevice;
use gpu_runtime::cuda::KernelDevice;
use grammarc_benches::gpu_check::{Extent, Failure, Report, Shape, Shapes, compare, decode, golden, masks_are_applied};

/// What the driver of the tests of `gpu-runtime` finds at the root of its crate.
mod cuda {
    pub(crate) use gpu_runtime::cuda::{Argument, Driver};
}
mod device {
    pub(crate) use gpu_runtime::DeviceError;
}
#[path = "../../gpu-runtime/src/cuda/tests/interpreted.rs"]
mod interpreted;

use interpreted::Interpreted;

fn kernels() -> KernelDevice<Interpreted> {
    KernelDevice::new(Interpreted::default())
}

fn data() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../gpu-runtime/data")
}

/// Runs a part; answers its lines, none of which may say that a check has failed.
fn lines(part: impl FnOnce(&mut Report<'_>) -> Result<(), Failure>) -> Vec<String> {
    let mut output = Vec::new();
    let mut report = Report::new(&mut output, "a test");
    report.part("A part", part);
    let failures = report.finish();
    let text = String::from_utf8(output).expect("a report is text");
    assert_eq!(failures, 0, "{text}");
    text.lines().filter(|line| line.starts_with("| pass") || line.starts_with("| |")).map(str::to_owned).collect()
}

#[test]
fn operations() {
    assert_eq!(lines(|report| compare(report, &mut kernels(), &Shapes::SMALL)).len(), 9 + 1);
}

#[test]
fn masks() {
    assert_eq!(lines(|report| masks_are_applied(report, &mut Interpreted::default(), 3, 1_024)).len(), 2 + 1);
}

#[test]
fn golden_files_on_the_cpu() {
    let open = || Ok(CpuDevice::new(1)?);
    let lines = lines(|report| golden(report, open, &data(), &Extent::ALL));
    assert_eq!(lines.len(), 2 * (8 + 4) + 1, "logits and tokens of each case");
}

#[test]
fn golden_files_by_kernels() {
    let extent = Extent { cases: 2, tokens: 4 };
    assert_eq!(lines(|report| golden(report, || Ok(kernels()), &data(), &extent)).len(), 2 * 2 * 2 + 1);
}

/// Minutes without optimisation: `cargo test --release -p grammarc-benches --test gpu_check -- --ignored`.
#[test]
#[ignore = "takes minutes"]
fn all_golden_files_by_kernels() {
    let lines = lines(|report| golden(report, || Ok(kernels()), &data(), &Extent::ALL));
    std::io::stderr().write_all(lines.join("\n").as_bytes()).expect("there is somebody to tell");
    assert_eq!(lines.len(), 2 * (8 + 4) + 1, "logits and tokens of each case");
}

#[test]
fn decoding() {
    let lines = lines(|report| {
        decode(CpuDevice::new(1)?, &Shape::SMALL)?.judge(report, None);
        Ok(())
    });
    assert_eq!(lines.len(), 1 + 2 * 2 + 1);
}

#[test]
fn a_failure_is_counted() {
    let mut output = Vec::new();
    let mut report = Report::new(&mut output, "a test");
    report.part("One", |report| {
        report.check(false, "it does not hold");
        Err("it ends".into())
    });
    assert_eq!(report.finish(), 2);
    let text = String::from_utf8(output).expect("a report is text");
    assert!(text.contains("| FAIL | it does not hold |") && text.contains("| FAIL | it ends |"), "{text}");
}
