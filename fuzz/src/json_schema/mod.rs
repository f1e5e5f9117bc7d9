//! Judges of the JSON Schema frontend.
//!
//! ```text
//! corpus ─ dataset | suite → schema, instances ─ subject → what the engine says ─┬ verdict on each case → ratchet
//!                                       └ validator (an independent one) ─ walk ─┘
//! ```
//!
//! * [`suite`] reads the official JSON-Schema-Test-Suite and judges every case of it.
//! * [`instances`] judges the instances that come with a schema.
//! * [`validator`] is the independent judge of texts; [`exact`] has what it does not judge as the standard does.
//! * [`walk`] draws texts from the masks of a schema: each must be valid, and from any prefix that the masks let be
//!   reached, a shortest completion must end in acceptance.

pub mod dataset;
pub mod exact;
pub mod instances;
pub mod subject;
pub mod suite;
pub mod validator;
pub mod walk;
