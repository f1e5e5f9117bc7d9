//! The committed PTX is what the manifest says, and declares what the enum of kernels says.

mod support;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use ptx::{ElementType, Kernel, Module, ParameterType};
use serde_json::Value;
use sha2::{Digest, Sha256};
use support::{read_ptx, read_source_parameters};

/// The newest PTX ISA that a driver for CUDA 12.9 or 13.0 takes.
const NEWEST_ISA: (u32, u32) = (8, 8);

fn path(relative: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(relative)
}

fn read(relative: &str) -> String {
    fs::read_to_string(path(relative)).unwrap_or_else(|error| panic!("{relative}: {error}"))
}

fn sha256(text: &str) -> String {
    Sha256::digest(text).iter().fold(String::new(), |mut hex, byte| {
        write!(hex, "{byte:02x}").expect("a string takes everything");
        hex
    })
}

/// The files of `kernels/` with this extension, without it.
fn names(extension: &str) -> BTreeSet<String> {
    fs::read_dir(path("kernels"))
        .expect("the kernels folder")
        .map(|entry| entry.expect("a folder entry").path())
        .filter(|file| file.extension().is_some_and(|found| found == extension))
        .map(|file| file.file_stem().expect("a name").to_str().expect("UTF-8").to_owned())
        .collect()
}

fn manifest() -> Value {
    serde_json::from_str(&read("manifest.json")).expect("manifest.json is JSON")
}

fn manifest_modules() -> Vec<Value> {
    manifest()["modules"].as_array().expect("modules is an array").clone()
}

#[test]
fn hashes_are_those_of_the_manifest() {
    for module in manifest_modules() {
        for (file, hash) in [("source", "source_sha256"), ("ptx", "ptx_sha256")] {
            let file = module[file].as_str().expect("a file name");
            let expected = module[hash].as_str().expect("a hash");
            assert_eq!(sha256(&read(file)), expected, "{file} was edited without running ptx/compile.py");
        }
    }
}

#[test]
fn headers_are_those_of_the_manifest() {
    let listed: BTreeSet<_> = manifest()["headers"]
        .as_array()
        .expect("headers is an array")
        .iter()
        .map(|header| {
            let file = header["header"].as_str().expect("a file name");
            let expected = header["header_sha256"].as_str().expect("a hash");
            assert_eq!(sha256(&read(file)), expected, "{file} was edited without running ptx/compile.py");
            file.to_owned()
        })
        .collect();
    let found = names("cuh").iter().map(|name| format!("kernels/{name}.cuh")).collect();
    assert_eq!(listed, found);
}

#[test]
fn manifest_and_enum_list_every_file() {
    let modules: BTreeSet<_> = Module::ALL.iter().map(|module| module.name().to_owned()).collect();
    assert_eq!(modules, names("cu"));
    assert_eq!(modules, names("ptx"));
    let listed: BTreeSet<_> = manifest_modules()
        .iter()
        .map(|module| (module["source"].as_str().unwrap().to_owned(), module["ptx"].as_str().unwrap().to_owned()))
        .collect();
    let expected = modules.iter().map(|name| (format!("kernels/{name}.cu"), format!("kernels/{name}.ptx"))).collect();
    assert_eq!(listed, expected);
}

#[test]
fn manifest_names_the_pinned_compiler() {
    let manifest = manifest();
    let toolchain = manifest["toolchain"].as_object().expect("toolchain is an object");
    let requirements = read("requirements.txt");
    let pins: BTreeSet<_> = requirements
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| line.split_once(" --hash=sha256:").expect("every wheel has its hash").0.to_owned())
        .collect();
    let listed =
        toolchain.iter().map(|(name, version)| format!("{name}=={}", version.as_str().expect("a version"))).collect();
    assert_eq!(pins, listed);
    let nvrtc = toolchain["nvidia-cuda-nvrtc-cu12"].as_str().expect("a version");
    for module in Module::ALL {
        let line = format!("// Cuda compilation tools, release 12.9, V{nvrtc}");
        assert!(module.text().lines().any(|found| found == line), "{module:?} comes from another compiler");
    }
}

#[test]
fn target_and_isa_suit_the_drivers() {
    for module in Module::ALL {
        let header = read_ptx(module.text());
        assert_eq!(header.target.as_deref(), Some("sm_80"), "{module:?}");
        assert_eq!(header.address_size, Some(64), "{module:?}");
        let version = header.version.expect("a version");
        assert!(version <= NEWEST_ISA, "{module:?} is PTX ISA {version:?}");
        assert!(module.text().is_ascii() && !module.text().contains('\0'), "{module:?} is no C string");
    }
}

#[test]
fn entries_are_those_of_the_enum() {
    for &module in Module::ALL {
        let header = read_ptx(module.text());
        let kernels: Vec<_> = Kernel::ALL.iter().filter(|kernel| kernel.module() == module).collect();
        let expected: BTreeSet<_> = kernels.iter().map(|kernel| kernel.entry()).collect();
        assert_eq!(header.entries.keys().map(String::as_str).collect::<BTreeSet<_>>(), expected, "{module:?}");
        assert_eq!(expected.len(), kernels.len(), "two kernels of one name");
        for kernel in kernels {
            let entry = &header.entries[kernel.entry()];
            let types: Vec<_> = kernel.parameters().iter().map(|parameter| ptx_type(parameter.kind)).collect();
            assert_eq!(entry.parameters, types, "{kernel:?}");
            assert_eq!(entry.largest_block, Some(vec![kernel.block_size(), 1, 1]), "{kernel:?}");
        }
    }
}

#[test]
fn parameters_are_those_of_the_source() {
    for kernel in Kernel::ALL {
        let source = read(&format!("kernels/{}.cu", kernel.module().name()));
        let expected: Vec<_> = kernel
            .parameters()
            .iter()
            .map(|parameter| (source_type(parameter.kind).to_owned(), parameter.name.to_owned()))
            .collect();
        assert_eq!(read_source_parameters(&source, kernel.entry()), expected, "{kernel:?}");
    }
}

#[test]
fn the_readers_see_a_difference() {
    let text = "// .version 1.0\n.version 7.1\n.target sm_90, debug\n.address_size 32\n.visible .entry first(\n\t.param .u64 \
                .ptr .align 1 first_param_0,\n\t.param .f32 first_param_1\n)\n.maxntid 32, 4, 1\n.minnctapersm 2\n{\n}\n\
                .visible .entry second(.param .u32 second_param_0)\n{\n}\n";
    let header = read_ptx(text);
    assert_eq!(header.version, Some((7, 1)));
    assert_eq!(header.target.as_deref(), Some("sm_90, debug"));
    assert_eq!(header.address_size, Some(32));
    assert_eq!(header.entries["first"].parameters, ["u64", "f32"]);
    assert_eq!(header.entries["first"].largest_block, Some(vec![32, 4, 1]));
    assert_eq!(header.entries["second"].parameters, ["u32"]);
    assert_eq!(header.entries["second"].largest_block, None);
}

fn ptx_type(kind: ParameterType) -> &'static str {
    match kind {
        ParameterType::Pointer(_) => "u64",
        ParameterType::U32 => "u32",
        ParameterType::F32 => "f32",
    }
}

fn source_type(kind: ParameterType) -> &'static str {
    match kind {
        ParameterType::Pointer(ElementType::F32) => "float*",
        ParameterType::Pointer(ElementType::Bf16) => "__nv_bfloat16*",
        ParameterType::Pointer(ElementType::I32) => "int*",
        ParameterType::Pointer(ElementType::U32) => "unsigned int*",
        ParameterType::U32 => "unsigned int",
        ParameterType::F32 => "float",
    }
}
