//! Norms, rotations and activations.

/// See [`Device::rms_norm`](crate::Device::rms_norm).
#[inline(always)]
pub(super) fn rms_norm(input: &[f32], weight: &[f32], epsilon: f32, output: &mut [f32]) {
    let width = weight.len().max(1);
    for (input, output) in input.chunks_exact(width).zip(output.chunks_exact_mut(width)) {
        let mean_square = super::dot::dot(input, input) / width as f32;
        let scale = 1.0 / (mean_square + epsilon).sqrt();
        for ((output, input), weight) in output.iter_mut().zip(input).zip(weight) {
            *output = input * scale * weight;
        }
    }
}

/// Rotates one head's vector; `rotation` holds the cosines and then the sines.
#[inline(always)]
pub(super) fn rotate(head: &mut [f32], rotation: &[f32]) {
    let (first, second) = head.split_at_mut(rotation.len() / 2);
    let (cosines, sines) = rotation.split_at(rotation.len() / 2);
    for (((first, second), cosine), sine) in first.iter_mut().zip(second).zip(cosines).zip(sines) {
        (*first, *second) = (*first * cosine - *second * sine, *second * cosine + *first * sine);
    }
}

/// See [`Device::swiglu`](crate::Device::swiglu).
#[inline(always)]
pub(super) fn swiglu(gate_up: &[f32], width: usize, output: &mut [f32]) {
    let width = width.max(1);
    for (gate_up, output) in gate_up.chunks_exact(2 * width).zip(output.chunks_exact_mut(width)) {
        let (gate, up) = gate_up.split_at(width);
        for ((output, gate), up) in output.iter_mut().zip(gate).zip(up) {
            *output = gate / (1.0 + (-gate).exp()) * up;
        }
    }
}
