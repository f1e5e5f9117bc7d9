//! Instructions, one by one: what each writes, at the edges of its type.

use ptx_interpreter::{Argument, GlobalMemory, Launch, Program};

/// Runs `body` in one thread and gives the 8 bytes that it leaves in `%rd0`.
fn run(body: &str) -> u64 {
    let text = format!(
        ".visible .entry kernel(.param .u64 out)\n{{\n.reg .pred %p<4>;\n.reg .b16 %rs<4>;\n.reg .b32 %r<8>;\n\
         .reg .b64 %rd<8>;\n.reg .f32 %f<8>;\n.reg .f64 %fd<8>;\n{body}\nld.param.u64 %rd7, [out];\n\
         st.global.u64 [%rd7], %rd0;\nret;\n}}\n"
    );
    let program = Program::parse(&text).unwrap_or_else(|error| panic!("{body}: {error}"));
    let mut memory = GlobalMemory::new();
    let address = memory.allocate(vec![0; 8]);
    let launched = program.launch("kernel", Launch::new([1; 3], [1; 3]), &[Argument::U64(address)], &mut memory);
    launched.unwrap_or_else(|fault| panic!("{body}: {fault}"));
    u64::from_le_bytes(memory.bytes(address).expect("the buffer").try_into().expect("8 bytes"))
}

/// An instruction on registers of 32 bits, whose result is `%r0`.
fn run32(body: &str) -> u32 {
    run(&format!("{body}\ncvt.u64.u32 %rd0, %r0;")) as u32
}

fn run_f32(body: &str) -> f32 {
    f32::from_bits(run32(&format!("{body}\nmov.b32 %r0, %f0;")))
}

fn run_f64(body: &str) -> f64 {
    f64::from_bits(run(&format!("{body}\nmov.b64 %rd0, %fd0;")))
}

fn holds(comparison: &str) -> bool {
    run32(&format!("setp.{comparison};\nselp.u32 %r0, 1, 0, %p0;")) == 1
}

#[test]
fn integers() {
    assert_eq!(run32("mov.u32 %r1, 1;\nsub.s32 %r0, %r1, 2;"), u32::MAX);
    assert_eq!(run32("add.s32 %r0, -1, 1;"), 0);
    assert_eq!(run32("mul.lo.s32 %r0, 65536, 65537;"), 65536);
    assert_eq!(run32("mul.hi.u32 %r0, -1, -1;"), u32::MAX - 1);
    assert_eq!(run32("mul.hi.s32 %r0, -1, -1;"), 0);
    assert_eq!(run("mul.wide.u32 %rd0, -1, 2;"), 0x1_FFFF_FFFE);
    assert_eq!(run("mul.wide.s32 %rd0, -1, 2;"), -2_i64 as u64);
    assert_eq!(run("mul.hi.u64 %rd0, -1, -1;"), u64::MAX - 1);
    assert_eq!(run32("div.u32 %r0, -1, 2;"), 0x7FFF_FFFF);
    assert_eq!(run32("div.s32 %r0, -7, 2;"), -3_i32 as u32);
    assert_eq!(run32("min.s32 %r0, -1, 1;"), u32::MAX);
    assert_eq!(run32("min.u32 %r0, -1, 1;"), 1);
    assert_eq!(run("max.u64 %rd0, -1, 1;"), u64::MAX);
    assert_eq!(run32("neg.s32 %r0, 5;"), -5_i32 as u32);
}

#[test]
fn bits() {
    assert_eq!(run32("shl.b32 %r0, 1, 31;"), 1 << 31);
    assert_eq!(run32("shl.b32 %r0, 1, 32;"), 0);
    assert_eq!(run32("shr.u32 %r0, -1, 33;"), 0);
    assert_eq!(run32("shr.s32 %r0, -2, 1;"), u32::MAX);
    assert_eq!(run32("shr.s32 %r0, -2, 99;"), u32::MAX);
    assert_eq!(run32("not.b32 %r0, 1;"), u32::MAX - 1);
    assert_eq!(run32("xor.b32 %r0, 6, 3;"), 5);
    assert_eq!(run32("bfi.b32 %r0, -1, 0, 4, 8;"), 0xFF0);
    assert_eq!(run32("bfi.b32 %r0, 0, -1, 28, 8;"), 0x0FFF_FFFF);
    assert_eq!(run32("bfi.b32 %r0, 1, 5, 32, 1;"), 5);
    assert_eq!(run("bfi.b64 %rd0, 7, 1, 32, 32;"), 7 << 32 | 1);
    assert_eq!(run("mov.b64 %rd0, {1, 2};"), 2 << 32 | 1);
    assert_eq!(run32("mov.u64 %rd1, 0x500000003;\nmov.b64 {%r1, %r0}, %rd1;"), 5);
    assert_eq!(run32("mov.u16 %rs1, 0x3F80;\nmov.b32 %r0, {0, %rs1};"), 1.0_f32.to_bits());
}

#[test]
fn floats() {
    assert_eq!(run_f32("add.f32 %f0, 0f3F800000, 0f40000000;"), 3.0);
    assert_eq!(run_f32("div.rn.f32 %f0, 0f3F800000, 0f00000000;"), f32::INFINITY);
    assert_eq!(run_f32("sqrt.rn.f32 %f0, 0f40000000;"), 2.0_f32.sqrt());
    assert_eq!(run_f32("rcp.rn.f32 %f0, 0f40400000;"), 1.0 / 3.0);
    assert_eq!(run_f32("neg.f32 %f0, 0f00000000;").to_bits(), (-0.0_f32).to_bits());
    assert_eq!(run_f32("abs.f32 %f0, 0fBF800000;"), 1.0);
    assert_eq!(run_f32("max.f32 %f0, 0f7FC00000, 0fBF800000;"), -1.0);
    assert_eq!(run_f32("ex2.approx.f32 %f0, 0f40400000;"), 8.0);
    assert_eq!(run_f32("ex2.approx.ftz.f32 %f0, 0fFF800000;"), 0.0);
    // Fused: the product is not rounded before the sum.
    let (left, right) = (1.0 + f32::EPSILON, 1.0 - f32::EPSILON);
    let fused = run_f32(&format!("fma.rn.f32 %f0, 0f{:08X}, 0f{:08X}, 0fBF800000;", left.to_bits(), right.to_bits()));
    assert_eq!(fused, -f32::EPSILON * f32::EPSILON);
    assert_eq!(run_f64("fma.rn.f64 %fd0, 0d4000000000000000, 0d4008000000000000, 0d3FF0000000000000;"), 7.0);
    assert_eq!(run_f64("div.rn.f64 %fd0, 0d3FF0000000000000, 0d4008000000000000;"), 1.0 / 3.0);
}

#[test]
fn rounding_down() {
    let down = |left: f32, right: f32, addend: f32| {
        run_f32(&format!(
            "fma.rm.f32 %f0, 0f{:08X}, 0f{:08X}, 0f{:08X};",
            left.to_bits(),
            right.to_bits(),
            addend.to_bits()
        ))
    };
    assert_eq!(down(1.0, 1.0, 1.0), 2.0);
    // A hair below 1 is 1 to the nearest, and the next number below 1 downwards.
    let hair = 1e-20_f32;
    assert_eq!(down(-hair, hair, 1.0), 1.0_f32.next_down());
    assert_eq!(down(hair, hair, 1.0), 1.0);
    // The trick of exp: the whole part of a number, shifted into the last bits.
    let shift = 12_582_912.0;
    assert_eq!(down(0.999, 1.0, shift), shift);
    assert_eq!(down(-0.001, 1.0, shift), shift - 1.0);
    assert_eq!(down(f32::INFINITY, 1.0, 1.0), f32::INFINITY);
}

#[test]
fn conversions() {
    assert_eq!(run("cvt.s64.s32 %rd0, -1;"), u64::MAX);
    assert_eq!(run("cvt.u64.u32 %rd0, -1;"), 0xFFFF_FFFF);
    assert_eq!(run32("cvt.u32.u64 %r0, 0x100000002;"), 2);
    assert_eq!(run_f32("cvt.rn.f32.u32 %f0, 16777217;"), 16_777_216.0);
    assert_eq!(run_f32("cvt.rn.f32.s32 %f0, -3;"), -3.0);
    assert_eq!(run_f64("cvt.f64.f32 %fd0, 0f3E000000;"), 0.125);
    assert_eq!(run_f64("cvt.rn.f64.u64 %fd0, -1;"), u64::MAX as f64);
    assert_eq!(run_f32("cvt.sat.f32.f32 %f0, 0fBF800000;"), 0.0);
    assert_eq!(run_f32("cvt.sat.f32.f32 %f0, 0f40000000;"), 1.0);
    assert_eq!(run_f32("cvt.sat.f32.f32 %f0, 0f7FC00000;"), 0.0);
    let to_integer =
        |rounding: &str, value: f64| run(&format!("cvt.{rounding}.u64.f64 %rd0, 0d{:016X};", value.to_bits()));
    assert_eq!(to_integer("rni", 2.5), 2);
    assert_eq!(to_integer("rni", 3.5), 4);
    assert_eq!(to_integer("rpi", 2.1), 3);
    assert_eq!(to_integer("rzi", 2.9), 2);
    assert_eq!(to_integer("rni", -1.0), 0);
    assert_eq!(to_integer("rni", 1e30), u64::MAX);
    assert_eq!(run32("cvt.rzi.s32.f32 %r0, 0fCF800000;"), i32::MIN as u32);
}

#[test]
fn bfloat16() {
    let narrow = |value: f32| {
        run32(&format!("cvt.rn.bf16.f32 %rs1, 0f{:08X};\nmov.b32 %r0, {{%rs1, 0}};", value.to_bits())) as u16
    };
    assert_eq!(narrow(1.0), 0x3F80);
    // Half a last place goes to the even neighbour.
    assert_eq!(narrow(f32::from_bits(0x3F80_8000)), 0x3F80);
    assert_eq!(narrow(f32::from_bits(0x3F81_8000)), 0x3F82);
    assert_eq!(narrow(f32::from_bits(0x3F80_8001)), 0x3F81);
    assert_eq!(narrow(f32::MAX), 0x7F80);
    assert_eq!(narrow(f32::NEG_INFINITY), 0xFF80);
    assert_eq!(narrow(f32::NAN), 0x7FFF);
}

#[test]
fn comparisons() {
    assert!(holds("lt.s32 %p0, -1, 1"));
    assert!(!holds("lt.u32 %p0, -1, 1"));
    assert!(holds("eq.s16 %p0, 0x10001, 1"));
    assert!(holds("le.u64 %p0, 5, 5"));
    let not_a_number = "0f7FC00000";
    assert!(!holds(&format!("eq.f32 %p0, {not_a_number}, {not_a_number}")));
    assert!(!holds(&format!("ne.f32 %p0, {not_a_number}, 0f00000000")));
    assert!(holds(&format!("geu.f32 %p0, {not_a_number}, 0f00000000")));
    assert!(holds("eq.f32 %p0, 0f80000000, 0f00000000"));
    assert!(holds("lt.f64 %p0, 0dFFF0000000000000, 0d0000000000000000"));
    assert_eq!(
        run32("setp.eq.u32 %p1, 0, 0;\nnot.pred %p2, %p1;\nor.pred %p3, %p1, %p2;\nselp.u32 %r0, 3, 4, %p3;"),
        3
    );
}

/// A scope's registers are its own, and end with it.
#[test]
fn scopes() {
    let nested = "mov.u32 %r0, 1;\n{ .reg .b32 %r0; mov.u32 %r0, 2; }";
    assert_eq!(run32(nested), 1);
}

/// Every lane of a warp sends its number; what each receives, and whether its source was in its segment.
#[test]
fn shuffles() {
    let shuffle = |mode: &str, distance: u32, clamp: &str| -> Vec<(u32, bool)> {
        let text = format!(
            ".visible .entry kernel(.param .u64 out)\n{{\n.reg .pred %p<2>;\n.reg .b32 %r<4>;\n.reg .b64 %rd<4>;\n\
             mov.u32 %r1, %tid.x;\nshfl.sync.{mode}.b32 %r2|%p1, %r1, {distance}, {clamp}, -1;\n\
             selp.u32 %r3, 1, 0, %p1;\nld.param.u64 %rd1, [out];\nmul.wide.u32 %rd2, %r1, 8;\n\
             add.s64 %rd3, %rd1, %rd2;\nst.global.v2.u32 [%rd3], {{%r2, %r3}};\n}}\n"
        );
        let program = Program::parse(&text).unwrap_or_else(|error| panic!("{error}"));
        let mut memory = GlobalMemory::new();
        let address = memory.allocate(vec![0; 256]);
        let arguments = [Argument::U64(address)];
        program.launch("kernel", Launch::new([1; 3], [32, 1, 1]), &arguments, &mut memory).expect("no fault");
        let bytes = memory.bytes(address).expect("the buffer");
        let word = |bytes: &[u8]| u32::from_le_bytes(bytes.try_into().expect("4 bytes"));
        bytes.chunks_exact(8).map(|pair| (word(&pair[..4]), word(&pair[4..]) == 1)).collect()
    };
    let expected = |source: fn(u32) -> Option<u32>| -> Vec<(u32, bool)> {
        (0..32).map(|lane| (source(lane).unwrap_or(lane), source(lane).is_some())).collect()
    };
    assert_eq!(shuffle("bfly", 5, "31"), expected(|lane| Some(lane ^ 5)));
    assert_eq!(shuffle("up", 3, "0"), expected(|lane| lane.checked_sub(3)));
    assert_eq!(shuffle("down", 3, "31"), expected(|lane| Some(lane + 3).filter(|lane| *lane < 32)));
    assert_eq!(shuffle("idx", 9, "31"), expected(|_| Some(9)));
    // Segments of 8 lanes: 0x1800 keeps the upper two bits of the lane.
    assert_eq!(shuffle("idx", 1, "0x181F"), expected(|lane| Some(lane / 8 * 8 + 1)));
    assert_eq!(shuffle("up", 1, "0x1800"), expected(|lane| (lane % 8 != 0).then(|| lane - 1)));
}
