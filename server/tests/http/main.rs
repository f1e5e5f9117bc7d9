//! The server over real HTTP, with the embedded model: the rows of the acceptance table that a model of any size passes.

mod chat;
mod client;
mod defaults;
mod errors;
mod grammars;
mod load;
mod logprobs;
mod memory;
mod native;
mod reasoning;
mod stored;
mod streams;
mod tags;
mod texts;
mod tool_calls;

use counting_allocator::CountingAllocator;

/// As in `grammarc serve`.
#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;
