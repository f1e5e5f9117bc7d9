//! Passes over grammars.
