//! The committed models: logits and greedy tokens are those of their reference.

use std::path::Path;

use gpu_runtime::engine::{Engine, EngineOptions, Request};
use gpu_runtime::{Device, Llama, LlamaOptions, ModelFiles, RowPlacement, SamplingParameters};
use mask_runtime::Tokenizer;
use safetensors::SafeTensors;
use serde::Deserialize;

use super::report::{Failure, Report};

/// How far logits may be from those of the reference, as a share of the largest: weights and the cache of a GPU are
/// bfloat16, with 8 bits, and the reference is f32.
const TOLERANCE: f32 = 0.02;

const PAGE_LENGTH: usize = 16;
const PAGES: usize = 32;

/// How much of the golden files is looked at.
#[derive(Debug, Clone, Copy)]
pub struct Extent {
    /// Cases of each model.
    pub cases: usize,
    /// Greedy tokens of each case; none leaves out the engine.
    pub tokens: usize,
}

impl Extent {
    /// Everything.
    pub const ALL: Self = Self { cases: usize::MAX, tokens: usize::MAX };
}

#[derive(Deserialize)]
struct Golden {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    prompt_ids: Vec<u32>,
    /// With the stop token, if one came.
    greedy_ids: Vec<u32>,
    stop_ids: Vec<u32>,
}

impl Case {
    /// The greedy tokens without the stop token.
    fn text_ids(&self) -> &[u32] {
        match self.greedy_ids.split_last() {
            Some((last, before)) if self.stop_ids.contains(last) => before,
            _ => &self.greedy_ids,
        }
    }
}

/// Compares the models under `data` on a device with their golden files.
///
/// # Errors
/// When a file is missing or the device fails.
pub fn golden<D: Device>(
    report: &mut Report<'_>,
    open: impl Fn() -> Result<D, Failure>,
    data: &Path,
    extent: &Extent,
) -> Result<(), Failure> {
    for folder in ["tiny-tools", "stories260K"] {
        let path = data.join(folder);
        let files = ModelFiles::open(&path)?;
        let golden: Golden = serde_json::from_slice(&std::fs::read(path.join("golden.json"))?)?;
        let expected = std::fs::read(path.join("golden_logits.safetensors"))?;
        let expected = SafeTensors::deserialize(&expected)?;
        let cases = &golden.cases[..extent.cases.min(golden.cases.len())];
        let mut model = load(open()?, &files, 64)?;
        for (index, case) in cases.iter().enumerate() {
            let found = last_logits(&mut model, &[&case.prompt_ids[..], &case.greedy_ids[..2]].concat())?;
            let expected = numbers(expected.tensor(&format!("case.{index}"))?.data());
            let largest = expected.iter().fold(0.0_f32, |largest, logit| largest.max(logit.abs()));
            let worst = worst_distance(&found, &expected) / largest;
            let what = format!("{folder}, case {index}: logits differ by {worst:.1e} of the largest");
            report.check(worst <= TOLERANCE, &what);
        }
        if extent.tokens > 0 {
            greedy(report, load(open()?, &files, 64)?, &files, folder, cases, extent.tokens)?;
        }
    }
    Ok(())
}

fn load<D: Device>(device: D, files: &ModelFiles, max_rows: usize) -> Result<Llama<D>, Failure> {
    let options =
        LlamaOptions { max_rows, max_logits: 16, max_positions: 512, pages: 16 * PAGES, page_length: PAGE_LENGTH };
    Ok(Llama::load(device, files.config()?, files.checkpoint(), options)?)
}

/// The logits after each of the last three tokens of `tokens`, computed in one step.
fn last_logits<D: Device>(model: &mut Llama<D>, tokens: &[u32]) -> Result<Vec<f32>, Failure> {
    let positions: Vec<u32> = (0..tokens.len() as u32).collect();
    let first = tokens.len().checked_sub(3).ok_or("a case has at least three tokens")?;
    // In no order, so that pages are found through the table.
    let page_table: Vec<u32> = (0..PAGES as u32).rev().collect();
    let placement = RowPlacement {
        positions: &positions,
        sequences: &vec![0; tokens.len()],
        page_table: &page_table,
        pages_per_sequence: PAGES,
    };
    model.forward(tokens, placement, &positions[first..])?;
    let (device, logits) = model.device_and_logits();
    Ok(device.read(3, logits)?)
}

fn numbers(bytes: &[u8]) -> Vec<f32> {
    bytes.chunks_exact(4).map(|four| f32::from_le_bytes(std::array::from_fn(|index| four[index]))).collect()
}

/// The greatest distance of two numbers at the same place; infinite where one is no number or there is none.
fn worst_distance(found: &[f32], expected: &[f32]) -> f32 {
    if found.len() != expected.len() {
        return f32::INFINITY;
    }
    let distances = found.iter().zip(expected).map(|(found, expected)| (found - expected).abs());
    distances.fold(0.0, |worst, distance| if distance.is_nan() { f32::INFINITY } else { worst.max(distance) })
}

/// All cases at a time, by the engine.
fn greedy<D: Device>(
    report: &mut Report<'_>,
    model: Llama<D>,
    files: &ModelFiles,
    folder: &str,
    cases: &[Case],
    most: usize,
) -> Result<(), Failure> {
    let tokenizer = Tokenizer::new(files.vocabulary()?);
    let mut engine = Engine::new(model, tokenizer, files.encoder()?, EngineOptions::default())?;
    let sampling = SamplingParameters { temperature: 0.0, ..SamplingParameters::default() };
    let mut found = Vec::new();
    for case in cases {
        let tokens = case.text_ids().len().min(most).max(1);
        let id = engine.submit(Request { sampling, ..Request::new(case.prompt_ids.clone(), tokens) })?;
        found.push((id, Vec::new()));
    }
    while !engine.is_idle() {
        for event in engine.step()?.events {
            let answer = found.iter_mut().find(|(id, _)| *id == event.sequence);
            answer.ok_or("an event of no sequence")?.1.extend(event.tokens);
        }
    }
    for (index, (case, (_, found))) in cases.iter().zip(found).enumerate() {
        let expected = case.text_ids();
        let expected = &expected[..expected.len().min(most)];
        let same = found.iter().zip(expected).take_while(|(found, expected)| found == expected).count();
        let what = format!("{folder}, case {index}: {same} of {} greedy tokens", expected.len());
        report.check(found == expected, &what);
    }
    Ok(())
}
