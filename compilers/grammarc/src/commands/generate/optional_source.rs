//! The source of a grammar, where there need not be one.

use clap::{ArgMatches, Args, Command, Error, FromArgMatches};

use crate::args::SourceArgs;

/// [`SourceArgs`], all of which may be left away. Deriving it from an `Option` would leave their group required.
#[derive(Debug)]
pub(super) struct OptionalSource(pub(super) Option<SourceArgs>);

/// The group of arguments that `clap` makes of [`SourceArgs`].
fn group() -> clap::Id {
    SourceArgs::group_id().unwrap_or_else(|| "SourceArgs".into())
}

impl Args for OptionalSource {
    fn augment_args(command: Command) -> Command {
        SourceArgs::augment_args(command).mut_group(group(), |group| group.required(false))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for OptionalSource {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        let is_given = matches.contains_id(group().as_str());
        is_given.then(|| SourceArgs::from_arg_matches(matches)).transpose().map(Self)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}
