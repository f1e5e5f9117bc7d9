//! Masks and sampling as launches of kernels.

use ptx::Kernel;

use super::buffers::{KernelActivations, shape_error};
use super::device::{KernelDevice, grid, number};
use super::driver::{Argument, Driver};
use crate::device::{DeviceError, Draw, MaskRows};
use crate::logits::apply_bitmask;
use crate::sampler::{SampleError, SamplerScratch};

/// What the kernels write instead of a token: every logit is masked, or one is broken. In `ptx/kernels/rank.cuh`.
const NO_TOKEN: std::ops::RangeInclusive<u32> = u32::MAX - 1..=u32::MAX;
/// The widest row of logits whose sum of weights the sampling kernels can hold.
const MAX_SAMPLED_WIDTH: usize = 1 << 21;
/// As many columns as a thread of the mask kernel for f32 takes at once.
const COLUMNS_PER_THREAD: usize = 4;

/// The words of one row's sampling parameters, in the order of `ptx/kernels/sample.cu`.
fn parameter_words(draw: &Draw) -> [u32; 8] {
    let parameters = draw.sampler.parameters();
    [
        parameters.temperature.to_bits(),
        parameters.top_k,
        parameters.top_p.to_bits(),
        parameters.min_p.to_bits(),
        parameters.seed as u32,
        (parameters.seed >> 32) as u32,
        draw.step as u32,
        (draw.step >> 32) as u32,
    ]
}

/// The number of mask rows, if the masks fit themselves.
fn mask_row_count(operation: &'static str, masks: &MaskRows<'_>) -> Result<usize, DeviceError> {
    let rows = masks.words.len().checked_div(masks.words_per_row).unwrap_or(0);
    if rows * masks.words_per_row != masks.words.len() {
        let problem = format!("{} mask words are not whole rows of {}", masks.words.len(), masks.words_per_row);
        return Err(shape_error(operation, problem));
    }
    let missing = masks.row_indices.iter().find(|&&index| usize::try_from(index).is_ok_and(|index| index >= rows));
    match missing {
        Some(index) => Err(shape_error(operation, format!("mask row {index} is not one of {rows}"))),
        None => Ok(rows),
    }
}

impl<D: Driver> KernelDevice<D> {
    pub(super) fn launch_apply_bitmask(
        &mut self,
        logits: &KernelActivations<D::Buffer>,
        masks: MaskRows<'_>,
    ) -> Result<(), DeviceError> {
        const OPERATION: &str = "apply_bitmask";
        let rows = masks.row_indices.len();
        let mask_rows = mask_row_count(OPERATION, &masks)?;
        let arguments = [
            logits.rows(OPERATION, rows, logits.width)?,
            Argument::Buffer(self.masks.fill(&mut self.driver, masks.words)?, 0),
            Argument::Buffer(self.mask_indices.fill(&mut self.driver, masks.row_indices)?, 0),
            number(OPERATION, rows)?,
            number(OPERATION, logits.width)?,
            number(OPERATION, mask_rows)?,
            number(OPERATION, masks.words_per_row)?,
        ];
        let columns = Kernel::ApplyBitmaskF32.block_size() as usize * COLUMNS_PER_THREAD;
        self.driver.launch(Kernel::ApplyBitmaskF32, grid(logits.width.div_ceil(columns), rows)?, &arguments)
    }

    pub(super) fn launch_sample(
        &mut self,
        logits: &KernelActivations<D::Buffer>,
        masks: Option<MaskRows<'_>>,
        draws: &[Draw],
    ) -> Result<Vec<Result<u32, SampleError>>, DeviceError> {
        const OPERATION: &str = "sample";
        let (rows, width) = (draws.len(), logits.width);
        let source = logits.rows(OPERATION, rows, width)?;
        if width > MAX_SAMPLED_WIDTH {
            return Err(shape_error(OPERATION, format!("{width} logits are more than {MAX_SAMPLED_WIDTH}")));
        }
        if rows == 0 {
            return Ok(Vec::new());
        }
        let target = Argument::Buffer(&*self.sampled.reserve(&mut self.driver, rows * size_of::<u32>())?, 0);
        let grid = grid(rows, 1)?;
        if let Some(masks) = &masks {
            if masks.row_indices.len() != rows {
                let problem = format!("{} mask row indices for {rows} rows", masks.row_indices.len());
                return Err(shape_error(OPERATION, problem));
            }
            let mask_rows = mask_row_count(OPERATION, masks)?;
            let words: Vec<u32> = draws.iter().flat_map(parameter_words).collect();
            let arguments = [
                target,
                source,
                Argument::Buffer(self.sampling_parameters.fill(&mut self.driver, &words)?, 0),
                Argument::Buffer(self.masks.fill(&mut self.driver, masks.words)?, 0),
                Argument::Buffer(self.mask_indices.fill(&mut self.driver, masks.row_indices)?, 0),
                number(OPERATION, rows)?,
                number(OPERATION, width)?,
                number(OPERATION, mask_rows)?,
                number(OPERATION, masks.words_per_row)?,
            ];
            self.driver.launch(Kernel::MaskedSample, grid, &arguments)?;
        } else if draws.iter().all(|draw| draw.sampler.parameters().temperature == 0.0) {
            let arguments = [target, source, number(OPERATION, rows)?, number(OPERATION, width)?];
            self.driver.launch(Kernel::Argmax, grid, &arguments)?;
        } else {
            let words: Vec<u32> = draws.iter().flat_map(parameter_words).collect();
            let arguments = [
                target,
                source,
                Argument::Buffer(self.sampling_parameters.fill(&mut self.driver, &words)?, 0),
                number(OPERATION, rows)?,
                number(OPERATION, width)?,
            ];
            self.driver.launch(Kernel::Sample, grid, &arguments)?;
        }

        let mut tokens = vec![0_u32; rows];
        let sampled = self.sampled.reserve(&mut self.driver, rows * size_of::<u32>())?;
        self.driver.download(sampled, 0, bytemuck::cast_slice_mut(&mut tokens))?;
        tokens
            .into_iter()
            .enumerate()
            .map(
                |(row, token)| {
                    if NO_TOKEN.contains(&token) {
                        self.explain(logits, row, masks, &draws[row])
                    } else {
                        Ok(Ok(token))
                    }
                },
            )
            .collect()
    }

    /// What is wrong with a row that has no token to sample: the host looks at it, since the kernel says only that.
    fn explain(
        &mut self,
        logits: &KernelActivations<D::Buffer>,
        row: usize,
        masks: Option<MaskRows<'_>>,
        draw: &Draw,
    ) -> Result<Result<u32, SampleError>, DeviceError> {
        let mut values = vec![0.0_f32; logits.width];
        let offset = row * size_of_val(&*values);
        self.driver.download(&logits.buffer, offset, bytemuck::cast_slice_mut(&mut values))?;
        if let Some(masks) = masks
            && let Ok(index) = usize::try_from(masks.row_indices[row])
        {
            apply_bitmask(&mut values, &masks.words[index * masks.words_per_row..][..masks.words_per_row]);
        }
        Ok(draw.sampler.sample(&values, draw.step, &mut SamplerScratch::default()))
    }
}
