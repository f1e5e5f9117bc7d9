//! Coverage and percentiles, side by side.

use std::collections::BTreeMap;
use std::fmt;

use super::job::Measured;
use super::measure::Steps;
use super::percentile::{Distribution, QUANTILES};
use super::plot::{Panel, Plot};
use super::row::{Outcome, Row};

/// All results of a run. Prints as the report.
pub(super) struct Report {
    engines: Vec<Results>,
    inexact: usize,
    steps: Steps,
}

struct Results {
    name: String,
    version: String,
    /// One per case, in the same order for all engines.
    measured: Vec<Measured>,
}

const FIRST_MASK: &str = "compile + first mask";
const MASK_AND_ACCEPT: &str = "mask + accept";

/// How many of the slowest and largest cases are listed.
const LISTED: usize = 10;

impl Report {
    /// Engines by name and version.
    pub(super) fn new(engines: Vec<(String, String)>, steps: Steps) -> Self {
        let results = |(name, version)| Results { name, version, measured: Vec::new() };
        Self { engines: engines.into_iter().map(results).collect(), inexact: 0, steps }
    }

    /// Adds the result of the engine at `position`.
    pub(super) fn add(&mut self, position: usize, measured: Measured) {
        self.engines[position].measured.push(measured);
    }

    /// Counts instances that the tokenizer does not spell exactly.
    pub(super) fn count_inexact(&mut self, instances: usize) {
        self.inexact += instances;
    }

    /// The curves of the percentiles in the report.
    pub(super) fn plot(&self) -> Plot {
        let engines: Vec<&Results> = self.engines.iter().collect();
        let shared = shared(&engines);
        let panel = |title: &str, distribution: &dyn Fn(&Results) -> Distribution| Panel {
            title: title.to_owned(),
            curves: self.engines.iter().map(|results| (results.title(), distribution(results))).collect(),
        };
        Plot {
            title: format!("MaskBench, {}", self.scope(&engines, &shared)),
            panels: vec![
                panel(MASK_AND_ACCEPT, &|results| results.mask_and_accept(&shared)),
                panel(FIRST_MASK, &|results| results.first_mask(&shared)),
            ],
        }
    }

    /// What the times are of.
    fn scope(&self, engines: &[&Results], shared: &[bool]) -> String {
        let files = shared.iter().filter(|shared| **shared).count();
        let takers = match (engines, self.engines.len()) {
            ([first, other], 3..) => format!("{} and {} both took", first.name, other.name),
            _ => "every engine took".to_owned(),
        };
        let pass = if self.steps == Steps::WarmMaskAndAccept { ", masks on the second pass" } else { "" };
        format!("on the {files} files that {takers}{pass}")
    }
}

impl Results {
    fn rows(&self) -> impl Iterator<Item = &Row> {
        self.measured.iter().map(|measured| &measured.row)
    }

    fn count(&self, outcome: Outcome) -> usize {
        self.rows().filter(|row| row.outcome() == outcome).count()
    }

    fn distribution<'a, I: IntoIterator<Item = f64>>(
        &'a self,
        shared: &[bool],
        times: impl Fn(&'a Row) -> I,
    ) -> Distribution {
        self.rows().zip(shared).filter(|(_, shared)| **shared).flat_map(|(row, _)| times(row)).collect()
    }

    fn first_mask(&self, shared: &[bool]) -> Distribution {
        self.distribution(shared, |row| row.ttfm_us)
    }

    fn mask_and_accept(&self, shared: &[bool]) -> Distribution {
        self.distribution(shared, |row| row.mask_us.iter().copied())
    }

    fn title(&self) -> String {
        format!("{} {}", self.name, self.version)
    }

    fn causes(&self) -> Vec<(&str, usize)> {
        let mut counts = BTreeMap::new();
        for cause in self.measured.iter().flat_map(|measured| &measured.causes) {
            *counts.entry(cause.as_str()).or_insert(0) += 1;
        }
        let mut counts: Vec<(&str, usize)> = counts.into_iter().collect();
        counts.sort_by_key(|&(_, count)| std::cmp::Reverse(count));
        counts
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.coverage(f)?;
        let engines: Vec<&Results> = self.engines.iter().collect();
        self.table(f, &engines)?;
        // An engine that refuses much leaves few files to all of them.
        if let [first, others @ ..] = &*engines
            && others.len() > 1
        {
            others.iter().try_for_each(|other| self.table(f, &[first, other]))?;
        }
        engines.iter().try_for_each(|results| results.details(f))
    }
}

impl Report {
    fn coverage(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{:<22}{:>7}{:>9}{:>8}{:>9}{:>9}{:>7}{:>16}{:>18}",
            "coverage", "files", "passing", "", "refused", "crashed", "wrong", "valid rejected", "invalid accepted"
        )?;
        for engine in &self.engines {
            let files = engine.measured.len();
            let passing = engine.count(Outcome::Passing);
            writeln!(
                f,
                "{:<22}{:>7}{:>9}{:>7.1}%{:>9}{:>9}{:>7}{:>16}{:>18}",
                engine.title(),
                files,
                passing,
                100.0 * passing as f64 / files.max(1) as f64,
                engine.count(Outcome::Refused),
                engine.count(Outcome::Crashed),
                engine.count(Outcome::Wrong),
                engine.rows().map(|row| row.validation_errors.len()).sum::<usize>(),
                engine.rows().map(|row| row.invalidation_errors.len()).sum::<usize>(),
            )?;
        }
        if self.inexact > 0 {
            writeln!(f, "{} instances are changed by the tokenizer before an engine sees them", self.inexact)?;
        }
        Ok(())
    }

    /// The times of some engines, on the files that all of these took.
    fn table(&self, f: &mut fmt::Formatter<'_>, engines: &[&Results]) -> fmt::Result {
        let shared = shared(engines);
        writeln!(f, "\nTimes in µs, {}", self.scope(engines, &shared))?;
        times(f, engines, FIRST_MASK, |results| results.first_mask(&shared))?;
        times(f, engines, MASK_AND_ACCEPT, |results| results.mask_and_accept(&shared))?;
        times(f, engines, "reset", |results| results.distribution(&shared, |row| row.reset_us.iter().copied()))
    }
}

/// Which cases every one of the engines took.
fn shared(engines: &[&Results]) -> Vec<bool> {
    let cases = engines.iter().map(|engine| engine.measured.len()).min().unwrap_or(0);
    (0..cases).map(|case| engines.iter().all(|engine| engine.measured[case].row.is_timed())).collect()
}

fn times(
    f: &mut fmt::Formatter<'_>,
    engines: &[&Results],
    title: &str,
    distribution: impl Fn(&Results) -> Distribution,
) -> fmt::Result {
    write!(f, "{title:<22}{:>9}{:>11}", "n", "mean")?;
    for (name, _) in QUANTILES {
        write!(f, "{name:>11}")?;
    }
    writeln!(f, "{:>12}", "max")?;
    let mut first: Option<Vec<f64>> = None;
    for engine in engines {
        let distribution = distribution(engine);
        let figures = distribution.figures();
        write!(f, "{:<22}{:>9}", engine.name, distribution.len())?;
        figures.iter().try_for_each(|figure| write!(f, "{figure:>11.2}"))?;
        writeln!(f)?;
        match &first {
            None => first = Some(figures),
            Some(first) => {
                write!(f, "{:<22}{:>9}", "  × the first", "")?;
                figures.iter().zip(first).try_for_each(|(figure, first)| write!(f, "{:>11.2}", figure / first))?;
                writeln!(f)?;
            }
        }
    }
    writeln!(f)
}

impl Results {
    fn details(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}: causes of refusals (a file may have several)", self.name)?;
        for (cause, count) in self.causes() {
            writeln!(f, "{count:>7}  {cause}")?;
        }
        for row in self.rows() {
            if let Some(crash) = &row.crash {
                writeln!(f, "{}: crashed: {}: {}", self.name, row.id, crash.lines().last().unwrap_or_default())?;
            }
            for (test, error) in &row.validation_errors {
                writeln!(f, "{}: valid rejected: {} test {test}: {error}", self.name, row.id)?;
            }
            for (test, error) in &row.invalidation_errors {
                writeln!(f, "{}: invalid accepted: {} test {test}: {error}", self.name, row.id)?;
            }
        }
        self.largest(f, "slowest compile + first mask", "ms", |measured| measured.row.ttfm_us.unwrap_or(0.0) / 1e3)?;
        self.largest(f, "slowest mask + accept", "µs", |measured| {
            measured.row.mask_us.iter().copied().fold(0.0, f64::max)
        })?;
        self.largest(f, "largest growth of memory", "MB", |measured| measured.growth as f64 / 1e6)
    }

    fn largest(
        &self,
        f: &mut fmt::Formatter<'_>,
        title: &str,
        unit: &str,
        figure: impl Fn(&Measured) -> f64,
    ) -> fmt::Result {
        let mut figures: Vec<(f64, &str)> =
            self.measured.iter().map(|measured| (figure(measured), measured.row.id.as_str())).collect();
        figures.sort_by(|left, right| right.0.total_cmp(&left.0));
        writeln!(f, "{}: {title}", self.name)?;
        figures.iter().take(LISTED).try_for_each(|(figure, id)| writeln!(f, "{figure:>11.2} {unit}  {id}"))
    }
}
