//! `--limit NAME=VALUE`.

use std::str::FromStr;
use std::time::Duration;

use grammar_ir::Limits;

/// One bound to set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LimitSetting {
    SourceBytes(usize),
    Nesting(usize),
    Expressions(usize),
    States(usize),
    UnrollStates(usize),
    Time(Option<Duration>),
}

impl FromStr for LimitSetting {
    type Err = String;

    fn from_str(setting: &str) -> Result<Self, String> {
        let (name, value) = setting.split_once('=').ok_or("write it as NAME=VALUE")?;
        if name == "time-ms" && value == "none" {
            return Ok(Self::Time(None));
        }
        let number: usize = value.parse().map_err(|_| format!("`{value}` is not a number"))?;
        Ok(match name {
            "source-bytes" => Self::SourceBytes(number),
            "nesting" => Self::Nesting(number),
            "expressions" => Self::Expressions(number),
            "states" => Self::States(number),
            "unroll-states" => Self::UnrollStates(number),
            "time-ms" => Self::Time(Some(Duration::from_millis(number as u64))),
            _ => return Err(format!("there is no limit `{name}`")),
        })
    }
}

/// The default limits with `settings` applied, the last of each name winning.
pub(crate) fn limits(settings: &[LimitSetting]) -> Limits {
    let mut limits = Limits::default();
    for &setting in settings {
        match setting {
            LimitSetting::SourceBytes(value) => limits.source_bytes = value,
            LimitSetting::Nesting(value) => limits.nesting = value,
            LimitSetting::Expressions(value) => limits.expressions = value,
            LimitSetting::States(value) => limits.states = value,
            LimitSetting::UnrollStates(value) => limits.unroll_states = value,
            LimitSetting::Time(value) => limits.time = value,
        }
    }
    limits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_change_what_they_name() {
        let settings: Vec<LimitSetting> =
            ["states=7", "time-ms=none", "nesting=3"].iter().map(|text| text.parse().expect("valid")).collect();
        let limits = limits(&settings);
        assert_eq!((limits.states, limits.time, limits.nesting), (7, None, 3));
        assert_eq!(limits.expressions, Limits::default().expressions);
    }

    #[test]
    fn faults_are_named() {
        for (text, message) in [
            ("states", "write it as NAME=VALUE"),
            ("states=x", "`x` is not a number"),
            ("heads=1", "there is no limit `heads`"),
        ] {
            assert_eq!(text.parse::<LimitSetting>(), Err(message.to_owned()));
        }
    }
}
