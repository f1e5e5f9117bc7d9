//! What a GPU leaves undefined is a fault, with the place where it happened; what is not known is refused.

use ptx_interpreter::{Argument, Fault, FaultKind, GlobalMemory, Launch, ParseErrorKind, Program};

/// A module of one kernel with one pointer, in `%rd1`, the thread's number, in `%r1`, and 64 bytes of shared memory.
fn module(body: &str) -> String {
    format!(
        ".version 8.8\n.target sm_80\n.address_size 64\n.visible .entry kernel(\n.param .u64 kernel_param_0\n)\n\
         .maxntid 64, 1, 1\n{{\n.reg .pred %p<4>;\n.reg .b32 %r<8>;\n.reg .b64 %rd<8>;\n\
         .shared .align 4 .b8 tile[64];\nld.param.u64 %rd1, [kernel_param_0];\nmov.u32 %r1, %tid.x;\n{body}\nret;\n}}\n"
    )
}

/// Launches a kernel of `threads` threads with a buffer of 16 bytes, and gives the fault.
fn fault(body: &str, threads: u32) -> Option<Fault> {
    let program = Program::parse(&module(body)).unwrap_or_else(|error| panic!("{error}"));
    let mut memory = GlobalMemory::new();
    let address = memory.allocate(vec![0; 16]);
    let launch = Launch { instruction_limit: 100_000, ..Launch::new([1, 1, 1], [threads, 1, 1]) };
    program.launch("kernel", launch, &[Argument::U64(address)], &mut memory).err()
}

fn kind(body: &str, threads: u32) -> FaultKind {
    fault(body, threads).expect("a fault").kind
}

#[test]
fn a_fault_says_where_it_happened() {
    let fault = fault("mul.wide.u32 %rd2, %r1, 4;\nadd.s64 %rd3, %rd1, %rd2;\nst.global.u32 [%rd3], %r1;", 6);
    let fault = fault.expect("the fifth thread writes behind the buffer");
    assert_eq!((fault.line, fault.block, fault.thread), (17, [0; 3], [4, 0, 0]));
    assert!(matches!(fault.kind, FaultKind::OutOfBounds { space: "global", size: 4, .. }), "{fault}");
}

#[test]
fn accesses_outside_buffers_and_alignment() {
    let misaligned = |kind| matches!(kind, FaultKind::Misaligned { .. });
    let outside = |kind| matches!(kind, FaultKind::OutOfBounds { .. });
    assert!(misaligned(kind("ld.global.u32 %r2, [%rd1+2];", 1)));
    assert!(misaligned(kind("ld.global.v2.u32 {%r2, %r3}, [%rd1+4];", 1)));
    assert!(outside(kind("ld.global.u32 %r2, [%rd1+-4];", 1)));
    assert!(outside(kind("ld.global.v4.u32 {%r2, %r3, %r4, %r5}, [%rd1+16];", 1)));
    assert!(outside(kind("mov.u64 %rd2, 0;\nld.global.u32 %r2, [%rd2];", 1)));
    assert!(outside(kind("st.shared.u32 [tile+64], %r1;", 1)));
    assert!(misaligned(kind("st.shared.u32 [tile+1], %r1;", 1)));
    assert!(fault("ld.global.v4.u32 {%r2, %r3, %r4, %r5}, [%rd1];", 1).is_none());
}

#[test]
fn races_in_shared_memory() {
    let race = |kind| matches!(kind, FaultKind::Race { .. });
    // Two writers; a writer and a reader, each first; a plain write and an atomic one.
    assert!(race(kind("st.shared.u32 [tile], %r1;", 2)));
    let reads = "setp.eq.u32 %p1, %r1, 0;\n@%p1 st.shared.u32 [tile], %r1;\n@!%p1 ld.shared.u32 %r2, [tile];";
    assert!(race(kind(reads, 2)));
    let written = "setp.eq.u32 %p1, %r1, 0;\n@%p1 st.shared.u32 [tile], %r1;\nbar.sync 0;\nld.shared.u32 %r2, [tile];";
    assert!(fault(written, 64).is_none());
    assert!(race(kind(&format!("{written}\n@%p1 st.shared.u32 [tile], %r1;"), 64)));
    assert!(fault(&format!("{written}\nbar.sync 0;\n@%p1 st.shared.u32 [tile], %r1;"), 64).is_none());
    let added = format!("{written}\nbar.sync 0;\natom.shared.add.u32 %r2, [tile], %r1;");
    assert!(fault(&added, 64).is_none());
    assert!(race(kind(&format!("{added}\nld.shared.u32 %r2, [tile];"), 64)));
    assert!(matches!(kind("ld.shared.u32 %r2, [tile+8];", 1), FaultKind::Uninitialized { address: 8 }));
}

#[test]
fn threads_that_do_not_meet() {
    let skip = "setp.gt.u32 %p1, %r1, 3;\n@%p1 bra $END;\n";
    let shuffle = "shfl.sync.bfly.b32 %r2|%p2, %r1, 1, 31, -1;";
    assert_eq!(kind(&format!("{skip}{shuffle}\n$END:"), 32), FaultKind::Divergence);
    // A warp that is not whole is not all lanes.
    assert_eq!(kind(shuffle, 31), FaultKind::Divergence);
    assert_eq!(kind(&format!("{skip}{shuffle}\n$END:\n{shuffle}"), 32), FaultKind::Divergence);
    assert!(fault(shuffle, 64).is_none());
    let branches = format!("{skip}bar.sync 0;\n$END:\nbar.sync 0;");
    assert_eq!(kind(&branches, 32), FaultKind::Barrier);
    // Those that are done count as met.
    assert!(fault(&format!("{skip}bar.sync 0;\n$END:"), 32).is_none());
}

#[test]
fn limits() {
    assert_eq!(kind("$LOOP:\nbra $LOOP;", 2), FaultKind::Limit { limit: 100_000 });
    assert!(matches!(kind("", 0), FaultKind::BlockSize { threads: 0, limit: 64 }));
    assert!(matches!(kind("", 65), FaultKind::BlockSize { threads: 65, limit: 64 }));
    assert_eq!(kind("div.u32 %r2, %r1, %r1;", 1), FaultKind::DivisionByZero);
}

#[test]
fn arguments_are_checked() {
    let program = Program::parse(&module("")).expect("it is well-formed");
    let launch = |entry, arguments: &[Argument]| {
        let launched = program.launch(entry, Launch::new([1; 3], [1; 3]), arguments, &mut GlobalMemory::new());
        launched.err().map(|fault| fault.kind)
    };
    assert_eq!(launch("other", &[]), Some(FaultKind::NoEntry));
    for arguments in [&[][..], &[Argument::U32(1)], &[Argument::F32(1.0)], &[Argument::U64(1), Argument::U64(1)]] {
        assert!(matches!(launch("kernel", arguments), Some(FaultKind::Argument { .. })), "{arguments:?}");
    }
    assert_eq!(launch("kernel", &[Argument::U64(1)]), None);
    assert_eq!(program.entries().collect::<Vec<_>>(), ["kernel"]);
}

#[test]
fn what_is_not_known_is_refused_with_its_line() {
    let refused = |body: &str| Program::parse(&module(body)).expect_err("it is refused");
    for body in [
        "mma.sync.aligned %r1;",
        "ld.generic.u32 %r1, [%rd1];",
        "ld.local.u32 %r1, [%rd1];",
        "add.sat.s32 %r1, %r1, %r1;",
        "cvt.rn.f16.f32 %r1, %r2;",
        "setp.lo.u32 %p1, %r1, %r1;",
        "bar.sync 1;",
        "shfl.sync.none.b32 %r1, %r1, 1, 31, -1;",
        ".local .b8 depot[4];",
        "atom.global.add.u32 %r1, [%rd1], 1;",
    ] {
        let error = refused(body);
        assert!(matches!(error.kind, ParseErrorKind::Unsupported(_)), "{body}: {error}");
        assert_eq!(error.line, 15, "{body}: {error}");
    }
    for body in ["mov.u32 %r9, 0;", "mov.u32 %q, 0;", "bra $NOWHERE;", "@%p7 ret;"] {
        assert!(matches!(refused(body).kind, ParseErrorKind::Undeclared(_)), "{body}");
    }
    for body in
        ["add.s32 %r1, %r1;", "add.s32 %r1, %r1, %r1, %r1;", "mov.u32 [%rd1], 0;", "mov.b64 {%r1}, %rd1;", "add.s32 (;"]
    {
        assert!(matches!(refused(body).kind, ParseErrorKind::Expected { .. }), "{body}");
    }
    for body in ["$L:\n$L:", ".reg .b32 %r<1>;", ".shared .b8 tile[1];"] {
        assert!(matches!(refused(body).kind, ParseErrorKind::Redeclared(_)), "{body}");
    }
    for body in [".reg .b32 %x<99999>;", ".shared .b8 big[99999];", ".shared .align 99999 .b8 big[1];"] {
        assert!(matches!(refused(body).kind, ParseErrorKind::TooLarge { .. }), "{body}");
    }
}

/// A text that ends anywhere is refused or read, and never a panic.
#[test]
fn cut_texts() {
    let text = module("{ .reg .b32 %t; mov.b64 {%t, %r2}, %rd1; }\n@%p1 bra $E;\n$E:\nld.shared.u32 %r2, [tile+4];");
    for end in 0..text.len() {
        let _ = Program::parse(&text[..end]);
    }
}
