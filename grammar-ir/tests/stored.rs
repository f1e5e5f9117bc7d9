//! Automata as flat arrays, and back; what is no automaton is refused.

use grammar_ir::pda::{InvalidPda, Pda, PdaParts};
use grammar_ir::table::{SharedBytes, Table, Unchecked};
use grammar_ir::{Budget, Limits, passes, text};

/// All kinds of procedures: counters, live counts, scopes, recursion, token sets.
const GRAMMARS: &[&str] = &[
    "root = \"a\" root \"b\" | [x-z]{3,200} | %token(^ 3) ;",
    "root = root \"+\" root | [0-9]+ | \"\" ;",
    "root = %automaton(2, 1000) { 0: <61-7a>+ -> 0, <40> -> 1; 1: <61>+ -> 2; 2*: <61>+ -> 2; } ;",
    "$m = %0(\"\\\"a\\\"\") \":\" v | %1(\"\\\"b\\\"\") \":\" v | %2(\"\\\"\" [c-z]+ \"\\\"\") \":\" v ;
     root = %scope { total {0,10} ; slots required, optional ; tally {0,2} ; 0: slot 0, tally 0 ; 1: slot 1 ; 2: distinct ; }
            (\"{\" ($m (\",\" $m)*)? %close(\"}\")) ;
     v = [0-9]{1,90} | root ;",
];

fn pda(source: &str) -> Pda {
    let limits = Limits::default();
    let mut budget = Budget::new(&limits);
    let grammar =
        passes::run(text::parse(source).expect("the grammar is right"), &mut budget).expect("no limit is met");
    Pda::new(&grammar, &mut budget).expect("no limit is met")
}

/// The arrays, each in bytes of its own.
fn in_bytes(parts: &PdaParts) -> PdaParts {
    macro_rules! copied {
        ($($name:ident),*) => {
            PdaParts { $($name: {
                let bytes = SharedBytes::copy_of(parts.$name.as_bytes());
                FromBytes::from_bytes(&bytes).expect("they were written from items")
            }),* }
        };
    }
    copied!(states, byte_edges, call_edges, token_edges, procedures, token_sets, words, names, checksums)
}

/// An array in bytes, in either of its forms.
trait FromBytes: Sized {
    fn from_bytes(bytes: &SharedBytes) -> Option<Self>;
}

impl<T: bytemuck::CheckedBitPattern + Send + Sync> FromBytes for Table<T> {
    fn from_bytes(bytes: &SharedBytes) -> Option<Self> {
        Self::in_bytes(bytes, 0..bytes.len()).ok()
    }
}

impl<T: bytemuck::CheckedBitPattern + bytemuck::NoUninit> FromBytes for Unchecked<T>
where
    T::Bits: Send + Sync,
{
    fn from_bytes(bytes: &SharedBytes) -> Option<Self> {
        Self::in_bytes(bytes, 0..bytes.len()).ok()
    }
}

/// The automaton of arrays, all of which has been looked at.
fn checked(parts: PdaParts) -> Result<Pda, InvalidPda> {
    let pda = Pda::from_parts(parts)?;
    pda.check().map(|()| pda)
}

/// The same arrays with the checksums that go with them.
fn sealed(parts: PdaParts) -> PdaParts {
    let checksums = Table::from(parts.block_checksums());
    PdaParts { checksums, ..parts }
}

#[test]
fn arrays_are_the_automaton() {
    for source in GRAMMARS {
        let pda = pda(source);
        let stored = checked(in_bytes(&pda.to_parts())).expect("it was an automaton");
        assert_eq!(stored, pda, "{source}");
        assert_eq!(stored.to_parts(), pda.to_parts(), "{source}");
    }
}

/// Each byte of each array, one at a time, made another one, with checksums that are right for it and with those from
/// before: an automaton that is all right can be followed, one that is not says so and leads nowhere where it is not, and
/// neither panics.
#[test]
fn any_byte_may_be_wrong() {
    let (mut refused, mut accepted, mut found_later) = (0, 0, 0);
    for source in GRAMMARS {
        let parts = pda(source).to_parts();
        macro_rules! try_each {
            ($($name:ident),*) => { $(
                let original = parts.$name.as_bytes().to_vec();
                for position in 0..original.len() {
                    for change in [1u8, 0x80, 0xff] {
                        let mut bytes = original.clone();
                        bytes[position] ^= change;
                        let bytes = SharedBytes::copy_of(&bytes);
                        let Some($name) = FromBytes::from_bytes(&bytes) else { continue };
                        let damaged = PdaParts { $name, ..parts.clone() };
                        for parts in [sealed(damaged.clone()), damaged] {
                            let Ok(pda) = Pda::from_parts(parts) else {
                                refused += 1;
                                continue;
                            };
                            assert!(!pda.to_string().is_empty());
                            let bounds = pda.bounds();
                            let is_around = bounds.anything.index() == pda.state_count();
                            assert!(is_around || pda.fault().is_some());
                            let was_found = pda.fault().is_some();
                            match pda.check() {
                                Ok(()) => accepted += 1,
                                Err(error) => {
                                    assert!(was_found, "all of it was looked at: {error}");
                                    found_later += 1;
                                }
                            }
                        }
                    }
                }
            )* };
        }
        try_each!(states, byte_edges, call_edges, token_edges, procedures, token_sets, words, names, checksums);
    }
    assert!(
        refused > 1_000 && found_later > 5_000 && accepted > 100,
        "{refused} refused, {found_later} later, {accepted} accepted"
    );
}

#[test]
fn faults_are_named() {
    let parts = pda(GRAMMARS[0]).to_parts();
    let fault = |parts: PdaParts| checked(sealed(parts)).expect_err("it is no automaton").to_string();
    let nothing = PdaParts { procedures: Table::default(), ..parts.clone() };
    assert_eq!(fault(nothing), "procedure 0: there is none, though there are states left");
    // The target of the first edge is in its last four bytes.
    let with_edge = |position: usize, bytes: [u8; 4]| {
        let mut edges = parts.byte_edges.as_bytes().to_vec();
        edges[position..position + 4].copy_from_slice(&bytes);
        let edges = SharedBytes::copy_of(&edges);
        PdaParts { byte_edges: FromBytes::from_bytes(&edges).expect("as many as before"), ..parts.clone() }
    };
    let far = with_edge(8, (parts.states.len() as u32).to_le_bytes());
    assert_eq!(fault(far.clone()), "byte edge 0: its target is not in its procedure");
    let InvalidPda::Checksum { first, past, found, expected } = checked(far).expect_err("it is not what was written")
    else {
        panic!("checksums are looked at first")
    };
    assert_eq!((first, past, expected), (0, parts.states.len() - 1, parts.checksums[0]));
    assert_ne!(found, expected);
    assert_eq!(
        fault(with_edge(0, *b"aa\x02\0")),
        "byte edge 0: it, or one after it, is not there or counts neither nor not"
    );
    let calls = SharedBytes::copy_of(&[&[0xff; 4], &parts.call_edges.as_bytes()[4..]].concat());
    let nobody = PdaParts { call_edges: FromBytes::from_bytes(&calls).expect("as many as before"), ..parts.clone() };
    assert_eq!(fault(nobody), "call edge 0: there is no such procedure");
    let fewer = PdaParts { checksums: Table::default(), ..parts };
    let error = Pda::from_parts(fewer).expect_err("a block has no checksum").to_string();
    assert!(error.contains("not as many checksums as blocks"), "{error}");
}

/// An automaton of many blocks, of which one is damaged.
#[test]
fn only_what_is_used_is_looked_at() {
    let names: Vec<String> =
        (0..400u64).map(|number| format!("\"{:08}\"", number * number * 7_919 % 100_000_000)).collect();
    let pda = pda(&format!("root = {} ;", names.join(" | ")));
    let parts = pda.to_parts();
    assert!(parts.checksums.len() > 3);
    let mut checksums = parts.checksums.to_vec();
    *checksums.last_mut().expect("there are some") ^= 1;
    let stored =
        Pda::from_parts(PdaParts { checksums: Table::from(checksums), ..parts }).expect("states are not looked at");
    let start = stored.start();
    assert_eq!(stored.byte_edges(start), pda.byte_edges(start));
    assert_eq!((stored.fault(), stored.is_accepting(start)), (None, false));
    let last = grammar_ir::StateId::from_u32(stored.state_count() as u32 - 1);
    assert!(stored.byte_edges(last).is_empty() && !stored.is_accepting(last));
    let fault = stored.fault().expect("its block is damaged").clone();
    assert!(matches!(fault, InvalidPda::Checksum { .. }), "{fault}");
    assert_eq!(stored.check(), Err(fault));
    assert_eq!(stored.byte_edges(start), pda.byte_edges(start), "the rest is as it was");
}
