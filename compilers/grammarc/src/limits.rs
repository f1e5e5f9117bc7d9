//! `--limit NAME=VALUE`, where VALUE is a number or `none`.

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

/// No bound on what is numbered: ids of expressions and states have 32 bits.
const ALL_IDS: usize = u32::MAX as usize;

impl FromStr for LimitSetting {
    type Err = String;

    fn from_str(setting: &str) -> Result<Self, String> {
        let (name, value) = setting.split_once('=').ok_or("write it as NAME=VALUE")?;
        let number: Option<usize> = match value {
            "none" => None,
            _ => Some(value.parse().map_err(|_| format!("`{value}` is neither a number nor `none`"))?),
        };
        Ok(match name {
            "source-bytes" => Self::SourceBytes(number.unwrap_or(usize::MAX)),
            "nesting" => Self::Nesting(number.unwrap_or(usize::MAX)),
            "expressions" => Self::Expressions(number.map_or(ALL_IDS, |number| number.min(ALL_IDS))),
            "states" => Self::States(number.map_or(ALL_IDS, |number| number.min(ALL_IDS))),
            "unroll-states" => {
                let message = "`unroll-states` is no bound but says which repetitions are copied; give a number";
                Self::UnrollStates(number.ok_or(message)?)
            }
            "time-ms" => Self::Time(number.map(|number| Duration::from_millis(number as u64))),
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
    fn every_bound_can_be_lifted() {
        let settings: Vec<LimitSetting> = ["source-bytes=none", "nesting=none", "expressions=none", "states=none"]
            .iter()
            .map(|text| text.parse().expect("valid"))
            .collect();
        let limits = limits(&settings);
        assert_eq!((limits.source_bytes, limits.nesting), (usize::MAX, usize::MAX));
        assert_eq!((limits.expressions, limits.states), (ALL_IDS, ALL_IDS));
        assert!("unroll-states=none".parse::<LimitSetting>().is_err_and(|message| message.contains("give a number")));
    }

    #[test]
    fn faults_are_named() {
        for (text, message) in [
            ("states", "write it as NAME=VALUE"),
            ("states=x", "`x` is neither a number nor `none`"),
            ("heads=1", "there is no limit `heads`"),
        ] {
            assert_eq!(text.parse::<LimitSetting>(), Err(message.to_owned()));
        }
    }
}
