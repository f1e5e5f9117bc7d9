//! The cosines and sines of rotary position embedding, as a table.

use std::f32::consts::TAU;

use super::config::{Rope, RopeScaling};

impl Rope {
    /// The table for [`Device::rotate_and_store`](crate::Device::rotate_and_store): `[positions, head_dim]`, in each
    /// row the cosines of `head_dim / 2` angles, then their sines.
    ///
    /// Angles are computed in single precision, as models were trained with.
    pub fn table(&self, positions: usize, head_dim: usize) -> Vec<f32> {
        let frequencies: Vec<f32> = (0..head_dim / 2)
            .map(|index| self.scaling.scaled(self.theta.powf(-((2 * index) as f32) / head_dim as f32)))
            .collect();
        let mut table = Vec::with_capacity(positions * head_dim);
        for position in 0..positions {
            let angles = frequencies.iter().map(|frequency| position as f32 * frequency);
            table.extend(angles.clone().map(f32::cos));
            table.extend(angles.map(f32::sin));
        }
        table
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
