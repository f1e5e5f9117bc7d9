//! The cosines and sines of rotary position embedding, as a table.

use std::f32::consts::TAU;

use super::config::{Rope, RopeScaling};

impl Rope {
    /// The table for [`Device::rotate_and_store`](crate::Device::rotate_and_store): `[positions, head_dim]`, in each
    /// row the cosines of `head_dim / 2` angles, then their sines.
    ///
    /// Angles are computed in single precision, as models were trained with. `None` if there is no memory for it.
    pub fn table(&self, positions: usize, head_dim: usize) -> Option<Vec<f32>> {
        let frequencies: Vec<f32> = (0..head_dim / 2)
            .map(|index| self.scaling.scaled(self.theta.powf(-((2 * index) as f32) / head_dim as f32)))
            .collect();
        let mut table = Vec::new();
        table.try_reserve_exact(positions.checked_mul(head_dim)?).ok()?;
        for position in 0..positions {
            let angles = frequencies.iter().map(|frequency| position as f32 * frequency);
            table.extend(angles.clone().map(f32::cos));
            table.extend(angles.map(f32::sin));
        }
        Some(table)
    }
}

impl RopeScaling {
    fn scaled(&self, frequency: f32) -> f32 {
        match *self {
            Self::None => frequency,
            Self::Linear { factor } => frequency / factor,
            Self::Llama3 { factor, low, high, original_positions } => {
                let wavelength = TAU / frequency;
                if wavelength < original_positions / high {
                    frequency
                } else if wavelength > original_positions / low {
                    frequency / factor
                } else {
                    let smooth = (original_positions / wavelength - low) / (high - low);
                    (1.0 - smooth) * frequency / factor + smooth * frequency
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Frequencies of Llama 3.1 (theta 500000, heads of 128), by the formula of its release, in double precision.
    #[test]
    fn llama3_frequencies() {
        let scaling = RopeScaling::Llama3 { factor: 8.0, low: 1.0, high: 4.0, original_positions: 8192.0 };
        let frequency = |index: usize| 500_000_f64.powf(-((2 * index) as f64) / 128.0);
        for (index, expected) in [
            // High frequencies stay, those in between are blended, low ones are divided.
            (0, 1.0),
            (20, frequency(20)),
            (63, frequency(63) / 8.0),
            (40, frequency(40) / 8.0),
        ] {
            let found = f64::from(scaling.scaled(frequency(index) as f32));
            assert!((found / expected - 1.0).abs() < 1e-5, "{index}: {found} {expected}");
        }
        let blended = f64::from(scaling.scaled(frequency(32) as f32)) / frequency(32);
        let smooth = (8192.0 / (std::f64::consts::TAU / frequency(32)) - 1.0) / 3.0;
        assert!(smooth > 0.0 && smooth < 1.0, "{smooth}");
        assert!((blended - ((1.0 - smooth) / 8.0 + smooth)).abs() < 1e-4, "{blended}");
    }

    #[test]
    fn the_table_has_cosines_and_then_sines() {
        let rope = Rope { theta: 10_000.0, scaling: RopeScaling::Linear { factor: 2.0 } };
        let table = rope.table(3, 4).expect("it is small");
        let angle = |position: f32, frequency: f32| position * frequency / 2.0;
        let (first, second) = (angle(2.0, 1.0), angle(2.0, 0.01));
        assert_eq!(table.len(), 12);
        assert_eq!(table[..4], [1.0, 1.0, 0.0, 0.0]);
        for (found, expected) in table[8..].iter().zip([first.cos(), second.cos(), first.sin(), second.sin()]) {
            assert!((found - expected).abs() < 1e-6);
        }
    }
}
