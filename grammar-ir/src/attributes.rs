//! What a rule asks for besides its words.

use std::sync::Arc;

use crate::ByteAutomaton;

/// The attributes of a rule. They say nothing about which texts are words of the rule.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RuleAttributes {
    /// A budget of tokens for each use of the rule: after so many tokens with a part of their text in it, at least one, the
    /// rule ends at the first end of a token at which it can. It goes on where it cannot end yet, so a budget never leads
    /// to where nothing is allowed.
    pub max_tokens: Option<u32>,
    /// The name under which the words of the rule are reported.
    pub capture: Option<Box<str>>,
    /// The temperature for sampling in the rule, an advice.
    pub temperature: Option<Temperature>,
    /// The marker that ends the words of the rule and that captures leave out.
    pub marker: Option<Box<EndMarker>>,
}

/// A marker at the end of the words of a rule. Captures leave it out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndMarker {
    /// Where it is.
    pub place: MarkerPlace,
    /// Which captures leave it out.
    pub hidden_from: HiddenFrom,
    /// The name under which the marker itself is reported.
    pub capture: Option<Box<str>>,
}

/// Where the marker of a word is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MarkerPlace {
    /// The last so many bytes of the word; a shorter word has none.
    Last(u32),
    /// So many bytes that come right before the end of the word, if need be in front of the word: an empty word stands for
    /// the place behind a marker. Where less text comes before, there is none.
    Before(u32),
    /// The shortest end of the word that `marker` accepts after a beginning that `body` accepts; where a word cannot be
    /// divided so, there is none. Neither automaton has a counter.
    Divided {
        /// What comes before the marker.
        body: Arc<ByteAutomaton>,
        /// The marker.
        marker: Arc<ByteAutomaton>,
    },
}

/// Which captures leave a marker out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HiddenFrom {
    /// That of the rule itself.
    OwnCapture,
    /// That of the rule itself, and those of all rules around it.
    AllCaptures,
}

impl RuleAttributes {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether something of a word of the rule is reported, or left out of what is.
    pub fn concern_captures(&self) -> bool {
        self.capture.is_some() || self.marker.is_some()
    }

    /// Whether something of a word of the rule is reported.
    pub fn report(&self) -> bool {
        self.capture.is_some() || self.marker.as_ref().is_some_and(|marker| marker.capture.is_some())
    }
}

/// A temperature: finite and not negative.
#[derive(Debug, Clone, Copy)]
pub struct Temperature(f32);

impl Temperature {
    /// The temperature `value`, if it is one.
    pub fn new(value: f32) -> Option<Self> {
        // Adding zero makes the negative zero a positive one.
        (value.is_finite() && value >= 0.0).then_some(Self(value + 0.0))
    }

    /// As a number.
    pub fn get(self) -> f32 {
        self.0
    }
}

impl PartialEq for Temperature {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Temperature {}

impl PartialOrd for Temperature {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Temperature {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn temperatures_are_finite_and_not_negative() {
        assert_eq!(Temperature::new(0.6).map(Temperature::get), Some(0.6));
        assert_eq!(Temperature::new(-0.0), Temperature::new(0.0));
        for wrong in [-0.1, f32::NAN, f32::INFINITY] {
            assert_eq!(Temperature::new(wrong), None);
        }
    }
}
