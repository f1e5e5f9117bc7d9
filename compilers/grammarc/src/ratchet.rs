//! Ratchets: the verdict on each case of a corpus, committed, so that a case that gets worse is noticed.
//!
//! A ratchet file has one line per case, `VERDICT NAME`, and lines that begin with `#`, which say what the cases are and
//! how the file is renewed. A verdict may only get better: [`Ratchet::compare`] lists the cases that got worse, and
//! writing the verdicts found is an explicit act.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::path::Path;

/// How a case came out, the better the less.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// As it should.
    Pass,
    /// Not as the corpus has it, on purpose: written into a ratchet by hand, in place of [`Wrong`](Self::Wrong), with the
    /// reason in `docs/corpus-differences.md`.
    Differs,
    /// Refused by name.
    Refused,
    /// Not as it should, and nothing said so.
    Wrong,
    /// Crashed, hung, or took more than it may.
    Crashed,
}

impl Verdict {
    /// All verdicts, the best first.
    pub const ALL: [Self; 5] = [Self::Pass, Self::Differs, Self::Refused, Self::Wrong, Self::Crashed];

    /// Its name in files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Differs => "differs",
            Self::Refused => "refused",
            Self::Wrong => "wrong",
            Self::Crashed => "crashed",
        }
    }

    /// The verdict that counts, where a ratchet has `before`: what differs on purpose is not found to be wrong.
    fn beside(self, before: Self) -> Self {
        if (before, self) == (Self::Differs, Self::Wrong) { before } else { self }
    }

    fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|verdict| verdict.name() == name)
    }
}

/// Verdicts by the names of cases, in the order of the corpus.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ratchet {
    comments: Vec<String>,
    cases: Vec<(String, Verdict)>,
    index: BTreeMap<String, usize>,
}

/// A line of a ratchet file that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {message}")]
pub struct ParseError {
    line: usize,
    message: String,
}

/// Where a run differs from its ratchet.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Comparison {
    /// Cases that came out worse: name, before, now.
    pub worse: Vec<(String, Verdict, Verdict)>,
    /// Cases that came out better: name, before, now.
    pub better: Vec<(String, Verdict, Verdict)>,
    /// Cases that the ratchet does not have.
    pub new: Vec<(String, Verdict)>,
    /// Cases of the ratchet that did not run.
    pub missing: usize,
}

impl Ratchet {
    /// Adds the next case. A name that is taken gets a number.
    pub fn push(&mut self, name: &str, verdict: Verdict) {
        // A name is one line, whatever the corpus calls its cases.
        let plain = name.split_whitespace().collect::<Vec<_>>().join(" ");
        let mut unique = plain.clone();
        let mut number = 1;
        while self.index.contains_key(&unique) {
            number += 1;
            unique = format!("{plain} ({number})");
        }
        self.index.insert(unique.clone(), self.cases.len());
        self.cases.push((unique, verdict));
    }

    /// The cases, in order.
    pub fn cases(&self) -> impl Iterator<Item = (&str, Verdict)> {
        self.cases.iter().map(|(name, verdict)| (name.as_str(), *verdict))
    }

    /// The verdict on the case called `name`.
    pub fn get(&self, name: &str) -> Option<Verdict> {
        self.index.get(name).map(|&index| self.cases[index].1)
    }

    /// The number of cases with this verdict.
    pub fn count(&self, verdict: Verdict) -> usize {
        self.cases.iter().filter(|(_, found)| *found == verdict).count()
    }

    /// Reads the text of a ratchet file.
    ///
    /// # Errors
    /// The first line that is neither a comment nor a verdict with the name of another case.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        let mut ratchet = Self::default();
        for (index, line) in text.lines().enumerate() {
            let fault = |message: String| ParseError { line: index + 1, message };
            if line.trim().is_empty() {
                continue;
            }
            if let Some(comment) = line.strip_prefix('#') {
                ratchet.comments.push(comment.trim().to_owned());
                continue;
            }
            let (verdict, name) = line.split_once(' ').ok_or_else(|| fault("a verdict and a name expected".into()))?;
            let verdict = Verdict::from_name(verdict).ok_or_else(|| {
                fault(format!("`{verdict}` is no verdict; these are {}", Verdict::ALL.map(Verdict::name).join(", ")))
            })?;
            if ratchet.index.contains_key(name.trim()) {
                return Err(fault(format!("the case `{}` is there twice", name.trim())));
            }
            ratchet.push(name, verdict);
        }
        Ok(ratchet)
    }

    /// Reads a ratchet file.
    ///
    /// # Errors
    /// When it cannot be read; a file that is no ratchet is [`io::ErrorKind::InvalidData`].
    pub fn read(path: &Path) -> io::Result<Self> {
        let text = std::fs::read_to_string(path)?;
        Self::parse(&text).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
    }

    /// Compares `found` with this ratchet.
    pub fn compare(&self, found: &Self) -> Comparison {
        let mut comparison = Comparison::default();
        for (name, now) in found.cases() {
            let before = self.get(name);
            let now = before.map_or(now, |before| now.beside(before));
            match before {
                None => comparison.new.push((name.to_owned(), now)),
                Some(before) if now > before => comparison.worse.push((name.to_owned(), before, now)),
                Some(before) if now < before => comparison.better.push((name.to_owned(), before, now)),
                Some(_) => {}
            }
        }
        comparison.missing = self.cases().filter(|(name, _)| !found.index.contains_key(*name)).count();
        comparison
    }

    /// This ratchet with the verdicts that were found: those of its cases that did not run stay, the comments too.
    #[must_use]
    pub fn updated(&self, found: &Self) -> Self {
        let all_ran = self.cases().all(|(name, _)| found.index.contains_key(name));
        // The order of the corpus, where it is known.
        let mut updated = Self { comments: self.comments.clone(), ..if all_ran { found } else { self }.clone() };
        for (name, verdict) in found.cases() {
            match updated.index.get(name) {
                Some(&index) => {
                    updated.cases[index].1 = self.get(name).map_or(verdict, |before| verdict.beside(before))
                }
                None => updated.push(name, verdict),
            }
        }
        updated
    }
}

impl fmt::Display for Ratchet {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for comment in &self.comments {
            writeln!(formatter, "{}", format!("# {comment}").trim_end())?;
        }
        for (name, verdict) in self.cases() {
            writeln!(formatter, "{} {name}", verdict.name())?;
        }
        Ok(())
    }
}

impl Comparison {
    /// Whether no case got worse, and none that is new is wrong.
    pub fn holds(&self) -> bool {
        self.worse.is_empty() && self.new.iter().all(|(_, verdict)| *verdict <= Verdict::Refused)
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, before, now) in &self.worse {
            writeln!(formatter, "worse: {name}: {} before, {} now", before.name(), now.name())?;
        }
        for (name, verdict) in self.new.iter().filter(|(_, verdict)| *verdict > Verdict::Refused) {
            writeln!(formatter, "new: {name}: {}", verdict.name())?;
        }
        writeln!(
            formatter,
            "ratchet: {} worse, {} better, {} new, {} not run",
            self.worse.len(),
            self.better.len(),
            self.new.len(),
            self.missing
        )
    }
}

/// Holds `found` against the ratchet file at `path`, which is written with what was found if `update` says so (and made
/// if it is not there).
///
/// # Errors
/// When the file cannot be read or written.
pub fn check(path: &Path, found: &Ratchet, update: bool) -> io::Result<Comparison> {
    let committed = match Ratchet::read(path) {
        Err(error) if update && error.kind() == io::ErrorKind::NotFound => Ratchet::default(),
        other => other?,
    };
    let comparison = committed.compare(found);
    if update {
        std::fs::write(path, committed.updated(found).to_string())?;
    }
    Ok(comparison)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# what\n#\npass a b\nrefused c\nwrong d\n";

    fn found(cases: &[(&str, Verdict)]) -> Ratchet {
        let mut ratchet = Ratchet::default();
        cases.iter().for_each(|&(name, verdict)| ratchet.push(name, verdict));
        ratchet
    }

    #[test]
    fn files_read_as_they_are_written() {
        let ratchet = Ratchet::parse(TEXT).unwrap();
        assert_eq!(ratchet.to_string(), TEXT);
        assert_eq!((ratchet.get("a b"), ratchet.count(Verdict::Wrong)), (Some(Verdict::Pass), 1));
        for (text, message) in [
            ("pass a\npass a\n", "line 2: the case `a` is there twice"),
            ("pass\n", "line 1: a verdict and a name expected"),
            ("good a\n", "line 1: `good` is no verdict; these are pass, differs, refused, wrong, crashed"),
        ] {
            assert_eq!(Ratchet::parse(text).unwrap_err().to_string(), message);
        }
    }

    #[test]
    fn names_are_one_line_each() {
        let ratchet = found(&[("a\n b", Verdict::Pass), ("a b", Verdict::Wrong)]);
        assert_eq!(ratchet.to_string(), "pass a b\nwrong a b (2)\n");
    }

    #[test]
    fn what_got_worse_is_found() {
        let ratchet = Ratchet::parse(TEXT).unwrap();
        let now = found(&[("a b", Verdict::Refused), ("d", Verdict::Pass), ("e", Verdict::Pass)]);
        let comparison = ratchet.compare(&now);
        assert_eq!(comparison.worse, [("a b".to_owned(), Verdict::Pass, Verdict::Refused)]);
        assert_eq!(comparison.better, [("d".to_owned(), Verdict::Wrong, Verdict::Pass)]);
        assert_eq!((comparison.new.len(), comparison.missing), (1, 1));
        assert!(!comparison.holds());
        assert!(ratchet.compare(&found(&[("d", Verdict::Pass), ("e", Verdict::Refused)])).holds());
        assert!(!ratchet.compare(&found(&[("e", Verdict::Wrong)])).holds());
    }

    #[test]
    fn what_differs_on_purpose_is_not_wrong() {
        let ratchet = Ratchet::parse("differs a\n").unwrap();
        let wrong = found(&[("a", Verdict::Wrong)]);
        assert!(ratchet.compare(&wrong).worse.is_empty());
        assert_eq!(ratchet.updated(&wrong), ratchet);
        let passing = found(&[("a", Verdict::Pass)]);
        assert_eq!(ratchet.compare(&passing).better.len(), 1);
        assert_eq!(ratchet.updated(&passing).get("a"), Some(Verdict::Pass));
        assert!(!ratchet.compare(&found(&[("a", Verdict::Crashed)])).holds());
    }

    #[test]
    fn a_partial_run_updates_what_it_ran() {
        let ratchet = Ratchet::parse(TEXT).unwrap();
        let updated = ratchet.updated(&found(&[("d", Verdict::Pass), ("e", Verdict::Pass)]));
        assert_eq!(updated.to_string(), "# what\n#\npass a b\nrefused c\npass d\npass e\n");
        let all = found(&[("d", Verdict::Pass), ("c", Verdict::Pass), ("a b", Verdict::Pass)]);
        assert_eq!(ratchet.updated(&all).to_string(), "# what\n#\npass d\npass c\npass a b\n");
    }
}
