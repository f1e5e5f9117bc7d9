//! The system's allocator, with an account for each thread: how many bytes it holds.
//!
//! Work that a request can make arbitrarily large is done on a thread of its own, and ends when [`held_by_this_thread`] says
//! that it takes too much. That bounds all of its memory, whatever it is for, which no estimate inside of it does.
//!
//! ```
//! use counting_allocator::{CountingAllocator, held_by_this_thread};
//!
//! #[global_allocator]
//! static ALLOCATOR: CountingAllocator = CountingAllocator;
//!
//! let before = held_by_this_thread();
//! let piece = std::hint::black_box(vec![0u8; 1_000]);
//! assert_eq!(held_by_this_thread() - before, 1_000);
//! drop(piece);
//! assert_eq!(held_by_this_thread(), before);
//! ```
#![allow(unsafe_code, reason = "an allocator is unsafe by its nature")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

thread_local! {
    /// What the thread has allocated less what it has freed. It has neither an initializer nor a destructor to run, so that it
    /// can be used wherever memory is.
    static HELD: Cell<isize> = const { Cell::new(0) };
    /// The greatest value of `HELD`.
    static PEAK: Cell<isize> = const { Cell::new(0) };
}

/// The system's allocator, which counts. To be the `#[global_allocator]` of a program.
#[derive(Debug, Clone, Copy, Default)]
pub struct CountingAllocator;

/// Bytes that the calling thread has allocated and not freed; 0 in programs with another allocator. What one thread allocates
/// and another frees stays on the account of the first, and is taken off that of the second, which ends at 0.
pub fn held_by_this_thread() -> usize {
    HELD.try_with(Cell::get).map_or(0, clamped)
}

/// The most that the calling thread has held at a time.
pub fn peak_of_this_thread() -> usize {
    PEAK.try_with(Cell::get).map_or(0, clamped)
}

fn clamped(bytes: isize) -> usize {
    usize::try_from(bytes).unwrap_or(0)
}

/// Has large pieces go back to the system as soon as they are freed, for the whole process. Otherwise the GNU C library keeps
/// pieces of up to 32 MB for later as soon as one of that size has been freed. It is to be called once, at the start.
pub fn give_large_pieces_back() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        /// Pieces from this many bytes on are mapped apart. Each time that is work for all threads, which small pieces are not worth.
        const LARGE: libc::c_int = 4 * 1024 * 1024;
        // SAFETY: the calls set two numbers of the allocator, under its lock.
        unsafe {
            libc::mallopt(libc::M_MMAP_THRESHOLD, LARGE);
            libc::mallopt(libc::M_TRIM_THRESHOLD, LARGE);
        }
    }
}

/// Takes note of `change` bytes. Layouts have at most `isize::MAX` bytes.
fn count(change: isize) {
    // At the very end of a thread there may be no account any more.
    let _ = HELD.try_with(|held| {
        let now = held.get().wrapping_add(change);
        held.set(now);
        let _ = PEAK.try_with(|peak| peak.set(peak.get().max(now)));
    });
}

// SAFETY: all calls go to `System` as they are, whose promises are thus kept; counting neither allocates nor unwinds.
unsafe impl GlobalAlloc for CountingAllocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promises are those that `System` asks for.
        let piece = unsafe { System.alloc(layout) };
        if !piece.is_null() {
            count(layout.size() as isize);
        }
        piece
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as above.
        let piece = unsafe { System.alloc_zeroed(layout) };
        if !piece.is_null() {
            count(layout.size() as isize);
        }
        piece
    }

    unsafe fn realloc(&self, piece: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: as above.
        let moved = unsafe { System.realloc(piece, layout, size) };
        if !moved.is_null() {
            count((size as isize).wrapping_sub(layout.size() as isize));
        }
        moved
    }

    unsafe fn dealloc(&self, piece: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(piece, layout) };
        count((layout.size() as isize).wrapping_neg());
    }
}
