//! Percentiles of a list of times.

/// The percentiles that are reported.
pub(crate) const QUANTILES: [(&str, f64); 4] = [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p99.9", 0.999)];

/// A list in ascending order.
#[derive(Debug, Default)]
pub(crate) struct Distribution {
    ascending: Vec<f64>,
}

impl FromIterator<f64> for Distribution {
    fn from_iter<I: IntoIterator<Item = f64>>(values: I) -> Self {
        let mut ascending: Vec<f64> = values.into_iter().collect();
        ascending.sort_by(f64::total_cmp);
        Self { ascending }
    }
}

impl Distribution {
    pub(crate) fn len(&self) -> usize {
        self.ascending.len()
    }

    /// The value at position ⌊n·q⌋, without interpolation; NaN of nothing.
    pub(crate) fn quantile(&self, quantile: f64) -> f64 {
        let position = (self.ascending.len() as f64 * quantile) as usize;
        self.ascending.get(position).or(self.ascending.last()).copied().unwrap_or(f64::NAN)
    }

    pub(crate) fn mean(&self) -> f64 {
        self.ascending.iter().sum::<f64>() / self.ascending.len() as f64
    }

    pub(crate) fn max(&self) -> f64 {
        self.ascending.last().copied().unwrap_or(f64::NAN)
    }

    /// Mean, [`QUANTILES`], largest.
    pub(crate) fn figures(&self) -> Vec<f64> {
        let mut figures = vec![self.mean()];
        figures.extend(QUANTILES.map(|(_, quantile)| self.quantile(quantile)));
        figures.push(self.max());
        figures
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_without_interpolation() {
        let hundred: Distribution = (1..=100).rev().map(f64::from).collect();
        assert_eq!(hundred.figures(), [50.5, 51.0, 91.0, 100.0, 100.0, 100.0]);
        let nothing: Distribution = [].into_iter().collect();
        assert!(nothing.figures().iter().all(|figure| figure.is_nan()));
    }
}
