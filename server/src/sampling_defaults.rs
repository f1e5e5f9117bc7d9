//! How tokens are chosen for requests that do not say.

use serde_json::Value;

/// How tokens are chosen for requests that do not say.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct SamplingDefaults {
    pub(crate) temperature: f64,
    pub(crate) top_p: f64,
    pub(crate) top_k: i64,
    pub(crate) min_p: f64,
}

impl SamplingDefaults {
    /// Those of `/generate`, and of models that have none of their own.
    pub(crate) const NEUTRAL: Self = Self { temperature: 1.0, top_p: 1.0, top_k: -1, min_p: 0.0 };

    /// Those that a model's `generation_config.json` gives.
    ///
    /// # Errors
    /// Names the member that is not what it has to be.
    pub(crate) fn from_generation_config(text: &[u8]) -> Result<Self, String> {
        let config: Value = serde_json::from_slice(text).map_err(|error| error.to_string())?;
        let number = |name: &str, neutral: f64, expected: &str, holds: fn(f64) -> bool| match &config[name] {
            Value::Null => Ok(neutral),
            value => {
                let number = value.as_f64().filter(|&number| holds(number));
                number.ok_or_else(|| format!("{name} is {value}, but has to be {expected}"))
            }
        };
        let top_k = match &config["top_k"] {
            Value::Null => Self::NEUTRAL.top_k,
            // Where 0 is written, it is for none.
            value => match value.as_i64() {
                Some(-1 | 0) => -1,
                Some(top_k) if top_k > 0 => top_k,
                _ => return Err(format!("top_k is {value}, but has to be -1 or an integer from 0 on")),
            },
        };
        Ok(Self {
            temperature: number("temperature", Self::NEUTRAL.temperature, "a number from 0 on", |number| {
                number >= 0.0 && (number as f32).is_finite()
            })?,
            top_p: number("top_p", Self::NEUTRAL.top_p, "a number in (0, 1]", |number| number > 0.0 && number <= 1.0)?,
            top_k,
            min_p: number("min_p", Self::NEUTRAL.min_p, "a number in [0, 1]", |number| (0.0..=1.0).contains(&number))?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::SamplingDefaults;

    #[test]
    fn members_of_generation_config() {
        let read = |text: &str| SamplingDefaults::from_generation_config(text.as_bytes());
        assert_eq!(read("{\"do_sample\": false}"), Ok(SamplingDefaults::NEUTRAL));
        let expected = SamplingDefaults { temperature: 0.6, top_p: 0.9, top_k: 20, min_p: 0.1 };
        assert_eq!(read("{\"temperature\": 0.6, \"top_p\": 0.9, \"top_k\": 20, \"min_p\": 0.1}"), Ok(expected));
        assert_eq!(read("{\"top_k\": 0, \"top_p\": null}"), Ok(SamplingDefaults::NEUTRAL));
        for (text, member) in [
            ("{\"temperature\": -1}", "temperature"),
            ("{\"temperature\": 1e39}", "temperature"),
            ("{\"top_p\": 0}", "top_p"),
            ("{\"top_k\": 1.5}", "top_k"),
            ("{\"min_p\": \"a\"}", "min_p"),
        ] {
            assert!(read(text).is_err_and(|message| message.starts_with(member)), "{text}");
        }
    }
}
