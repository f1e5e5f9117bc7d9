//! What a rule asks for besides its words.

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
}

impl RuleAttributes {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
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
