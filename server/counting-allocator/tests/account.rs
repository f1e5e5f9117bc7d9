//! The account of a thread.

use std::hint::black_box;

use counting_allocator::{CountingAllocator, give_large_pieces_back, held_by_this_thread, peak_of_this_thread};

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

#[test]
fn what_a_thread_holds() {
    give_large_pieces_back();
    let counted = std::thread::spawn(|| {
        // A thread begins with freeing what another has allocated for it.
        let ground = black_box(vec![0u8; 10_000]);
        let before = held_by_this_thread();
        let mut piece: Vec<u8> = black_box(Vec::with_capacity(1_000));
        assert_eq!(held_by_this_thread(), before + 1_000);
        black_box(&mut piece).reserve_exact(2_000_000);
        assert_eq!(held_by_this_thread(), before + 2_000_000);
        let zeroed = black_box(vec![0u64; 10]);
        assert_eq!(held_by_this_thread(), before + 2_000_080);
        drop((piece, zeroed));
        assert_eq!(held_by_this_thread(), before);
        assert!(peak_of_this_thread() >= before + 2_000_080);
        drop(ground);
    });
    counted.join().expect("it counts");
}

#[test]
fn threads_have_accounts_of_their_own() {
    let piece = black_box(vec![1u8; 1_000_000]);
    let other = std::thread::spawn(move || {
        let before = held_by_this_thread();
        drop(piece);
        (before, held_by_this_thread())
    });
    let (before, after) = other.join().expect("it counts");
    assert!(before < 1_000_000, "the other has not allocated it");
    assert_eq!(after, 0, "nobody holds less than nothing");
}
