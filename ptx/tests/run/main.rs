//! Every kernel, run by the interpreter and compared with its definition.

mod device;
mod forward;
mod sampling;
