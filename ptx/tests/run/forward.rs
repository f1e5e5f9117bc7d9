//! The kernels of a forward pass, run by the interpreter and compared with their definitions in double precision, on
//! random shapes with the edges among them: one element, a block and one more, rows that are not aligned, any grid.

use crate::device::{Pass, Random, assert_close, brain, launch, wide};
use ptx::Kernel;

/// Few threads do the work of many, or many that of few.
const GRIDS: [[u32; 3]; 3] = [[1, 1, 1], [3, 2, 1], [9, 9, 1]];

#[test]
fn embedding_copies_rows_and_marks_unknown_tokens() {
    let mut random = Random(1);
    for (tokens, width, vocabulary) in [(1, 1, 1), (3, 255, 4), (7, 257, 1000), (5, 64, 17)] {
        let mut table = random.brains(vocabulary * width);
        let mut ids: Vec<u32> = (0..tokens).map(|_| random.below(vocabulary as u32)).collect();
        ids[tokens - 1] = vocabulary as u32 + random.below(2) * 1000;
        let mut output = vec![0.0; tokens * width];
        for grid in [[1, 1, 1], [tokens as u32 + 1, 1, 1]] {
            output.fill(0.0);
            let mut passed = [
                Pass::F32s(&mut output),
                Pass::Bf16s(&mut table),
                Pass::U32s(&mut ids),
                Pass::U32(tokens as u32),
                Pass::U32(width as u32),
                Pass::U32(vocabulary as u32),
            ];
            launch(Kernel::Embedding, grid, &mut passed).unwrap();
            for (row, id) in ids.iter().enumerate() {
                for column in 0..width {
                    let found = output[row * width + column];
                    match table.get(*id as usize * width + column) {
                        Some(expected) => assert_eq!(found, wide(*expected)),
                        None => assert!(found.is_nan()),
                    }
                }
            }
        }
    }
}

#[test]
fn select_rows_copies_rows_and_marks_unknown_ones() {
    let mut random = Random(2);
    for (rows, width, input_rows) in [(1, 1, 1), (4, 300, 3), (2, 256, 9)] {
        let mut input = random.floats(input_rows * width);
        let mut chosen: Vec<u32> = (0..rows).map(|_| random.below(input_rows as u32 + 1)).collect();
        let mut output = vec![0.0; rows * width];
        for grid in GRIDS {
            output.fill(0.0);
            let mut passed = [
                Pass::F32s(&mut output),
                Pass::F32s(&mut input),
                Pass::U32s(&mut chosen),
                Pass::U32(rows as u32),
                Pass::U32(width as u32),
                Pass::U32(input_rows as u32),
            ];
            launch(Kernel::SelectRows, grid, &mut passed).unwrap();
            for (row, chosen) in chosen.iter().enumerate() {
                for column in 0..width {
                    let found = output[row * width + column];
                    match input.get(*chosen as usize * width + column) {
                        Some(expected) => assert_eq!(found, *expected),
                        None => assert!(found.is_nan()),
                    }
                }
            }
        }
    }
}

#[test]
fn rmsnorm_is_its_definition() {
    let mut random = Random(3);
    for (rows, width) in [(1, 1), (3, 128), (2, 255), (5, 257), (1, 1100)] {
        let mut input = random.floats(rows * width);
        // A row of zeros must not divide by 0.
        input[..width].fill(0.0);
        let mut weight = random.floats(width);
        let epsilon = 1e-5_f32;
        let expected: Vec<f64> = input
            .chunks(width)
            .flat_map(|row| {
                let mean = row.iter().map(|value| f64::from(*value).powi(2)).sum::<f64>() / width as f64;
                let scale = 1.0 / (mean + f64::from(epsilon)).sqrt();
                row.iter().zip(&weight).map(move |(value, weight)| f64::from(*value) * scale * f64::from(*weight))
            })
            .collect();
        for grid in GRIDS {
            let mut output = vec![0.0; rows * width];
            let mut passed = [
                Pass::F32s(&mut output),
                Pass::F32s(&mut input),
                Pass::F32s(&mut weight),
                Pass::U32(rows as u32),
                Pass::U32(width as u32),
                Pass::F32(epsilon),
            ];
            launch(Kernel::Rmsnorm, grid, &mut passed).unwrap();
            assert_close(&output, &expected, 1e-6, &format!("{rows} rows of {width}"));
        }
    }
}

#[test]
fn rope_rotates_halves_and_leaves_the_rest_of_the_row() {
    let mut random = Random(4);
    for (tokens, heads, half, extra) in [(1, 1, 1, 0), (3, 5, 16, 7), (2, 3, 64, 1), (4, 1, 33, 2)] {
        let positions_known = 10;
        let row = heads * 2 * half + extra;
        let before = random.floats(tokens * row);
        let mut table = random.floats(positions_known * 2 * half);
        let mut positions: Vec<u32> = (0..tokens).map(|_| random.below(positions_known as u32)).collect();
        positions[0] = positions_known as u32 - 1;
        for grid in [[1, 1, 1], [3, 1, 1]] {
            let mut values = before.clone();
            let mut passed = [
                Pass::F32s(&mut values),
                Pass::F32s(&mut table),
                Pass::U32s(&mut positions),
                Pass::U32(tokens as u32),
                Pass::U32(heads as u32),
                Pass::U32(half as u32),
                Pass::U32(row as u32),
                Pass::U32(positions_known as u32),
            ];
            launch(Kernel::Rope, grid, &mut passed).unwrap();
            let mut expected: Vec<f64> = before.iter().map(|value| f64::from(*value)).collect();
            for token in 0..tokens {
                let angles = &table[positions[token] as usize * 2 * half..][..2 * half];
                for pair in 0..heads * half {
                    let (head, column) = (pair / half, pair % half);
                    let first = token * row + head * 2 * half + column;
                    let second = first + half;
                    let (cosine, sine) = (f64::from(angles[column]), f64::from(angles[half + column]));
                    let (left, right) = (expected[first], expected[second]);
                    expected[first] = left * cosine - right * sine;
                    expected[second] = right * cosine + left * sine;
                }
            }
            assert_close(&values, &expected, 1e-6, &format!("{tokens} tokens, {heads} heads of {half} pairs"));
        }
    }
}

#[test]
fn rope_marks_positions_beyond_the_table() {
    let mut values = [1.0_f32; 4];
    let mut passed = [
        Pass::F32s(&mut values),
        Pass::F32s(&mut [1.0, 0.0]),
        Pass::U32s(&mut [0, 1]),
        Pass::U32(2),
        Pass::U32(1),
        Pass::U32(1),
        Pass::U32(2),
        Pass::U32(1),
    ];
    launch(Kernel::Rope, [1, 1, 1], &mut passed).unwrap();
    assert_eq!(values[..2], [1.0, 1.0]);
    assert!(values[2..].iter().all(|value| value.is_nan()));
}

#[test]
fn swiglu_is_its_definition_at_both_ends_too() {
    let mut random = Random(5);
    for (rows, width) in [(1, 1), (2, 255), (3, 352), (2, 257)] {
        let mut gate_up: Vec<f32> = random.floats(rows * 2 * width).iter().map(|value| value * 20.0).collect();
        gate_up[0] = -200.0;
        let expected: Vec<f64> = gate_up
            .chunks(2 * width)
            .flat_map(|row| {
                let (gate, up) = row.split_at(width);
                gate.iter().zip(up).map(|(gate, up)| {
                    let gate = f64::from(*gate);
                    gate / (1.0 + (-gate).exp()) * f64::from(*up)
                })
            })
            .collect();
        // The interpreter has one buffer per pointer, so the halves of the rows are passed apart here.
        let mut gate = gate_up.clone();
        let mut up = gate_up[width..].to_vec();
        for grid in GRIDS {
            let mut output = vec![0.0; rows * width];
            let mut passed = [
                Pass::F32s(&mut output),
                Pass::F32s(&mut gate),
                Pass::F32s(&mut up),
                Pass::U32(rows as u32),
                Pass::U32(width as u32),
                Pass::U32(2 * width as u32),
            ];
            launch(Kernel::Swiglu, grid, &mut passed).unwrap();
            assert_close(&output, &expected, 1e-6, &format!("{rows} rows of {width}"));
        }
    }
}

#[test]
fn products_are_their_definition() {
    let mut random = Random(6);
    // Vectors, rows, columns: with and without 16-byte loads, with and without whole tiles and groups of four.
    let shapes =
        [(1, 1, 1), (1, 9, 8), (2, 17, 264), (5, 3, 31), (4, 64, 16), (65, 66, 17), (7, 130, 40), (1, 5, 2056)];
    for (tokens, rows, columns) in shapes {
        let mut weight = random.brains(rows * columns);
        let mut input = random.floats(tokens * columns);
        let before = random.floats(tokens * rows);
        for kernel in [Kernel::Matvec1, Kernel::Matvec4, Kernel::Matmul] {
            for (accumulate, grid) in [(0, [1, 1, 1]), (1, [3, 2, 1]), (0, [9, 9, 1])] {
                let mut output = before.clone();
                let mut passed = [
                    Pass::F32s(&mut output),
                    Pass::Bf16s(&mut weight),
                    Pass::F32s(&mut input),
                    Pass::U32(tokens as u32),
                    Pass::U32(rows as u32),
                    Pass::U32(columns as u32),
                    Pass::U32(accumulate),
                ];
                launch(kernel, grid, &mut passed).unwrap();
                let expected: Vec<f64> = (0..tokens * rows)
                    .map(|index| {
                        let (token, row) = (index / rows, index % rows);
                        let product: f64 = (0..columns)
                            .map(|column| {
                                f64::from(wide(weight[row * columns + column]))
                                    * f64::from(input[token * columns + column])
                            })
                            .sum();
                        product + f64::from(accumulate) * f64::from(before[index])
                    })
                    .collect();
                assert_close(&output, &expected, 1e-5, &format!("{kernel:?} {tokens} {rows} {columns}"));
            }
        }
    }
}

/// A cache with pages in random order, and the tokens of one step.
struct Cache {
    page_size: usize,
    pages_per_sequence: usize,
    kv_heads: usize,
    head_width: usize,
    keys: Vec<u16>,
    values: Vec<u16>,
    page_tables: Vec<u32>,
    sequences: Vec<u32>,
    positions: Vec<u32>,
}

impl Cache {
    fn new(random: &mut Random, page_size: usize, lengths: &[usize], kv_heads: usize, head_width: usize) -> Self {
        let pages_per_sequence = lengths.iter().max().map_or(1, |length| length.div_ceil(page_size));
        let page_count = pages_per_sequence * lengths.len();
        let mut page_tables: Vec<u32> = (0..page_count as u32).collect();
        for end in (1..page_count).rev() {
            page_tables.swap(end, random.below(end as u32 + 1) as usize);
        }
        let elements = page_count * page_size * kv_heads * head_width;
        Self {
            page_size,
            pages_per_sequence,
            kv_heads,
            head_width,
            keys: random.brains(elements),
            values: random.brains(elements),
            page_tables,
            sequences: (0..lengths.len() as u32).collect(),
            positions: lengths.iter().map(|length| *length as u32 - 1).collect(),
        }
    }

    /// Where a head's key and value begin.
    fn offset(&self, sequence: u32, position: usize, kv_head: usize) -> usize {
        let page = self.page_tables[sequence as usize * self.pages_per_sequence + position / self.page_size] as usize;
        ((page * self.page_size + position % self.page_size) * self.kv_heads + kv_head) * self.head_width
    }
}

#[test]
fn attention_is_its_definition() {
    let mut random = Random(7);
    // Page size, lengths, query heads, key and value heads, head width.
    let shapes: [(usize, &[usize], usize, usize, usize); 6] = [
        (16, &[1], 1, 1, 2),
        (4, &[5, 1, 33], 4, 2, 32),
        (512, &[40], 6, 2, 64),
        (3, &[4, 3], 3, 3, 66),
        (8, &[100], 2, 1, 128),
        (16, &[17, 2], 2, 2, 256),
    ];
    for (page_size, lengths, heads, kv_heads, head_width) in shapes {
        let mut cache = Cache::new(&mut random, page_size, lengths, kv_heads, head_width);
        let tokens = lengths.len();
        let row = heads * head_width + 5;
        let mut queries = random.floats(tokens * row);
        let scale = 1.0 / (head_width as f32).sqrt();
        let expected: Vec<f64> = (0..tokens * heads)
            .flat_map(|index| {
                let (token, head) = (index / heads, index % heads);
                let kv_head = head / (heads / kv_heads);
                let query = &queries[token * row + head * head_width..][..head_width];
                let at = |position| cache.offset(cache.sequences[token], position, kv_head);
                let scores: Vec<f64> = (0..lengths[token])
                    .map(|position| {
                        let key = &cache.keys[at(position)..][..head_width];
                        let product: f64 =
                            query.iter().zip(key).map(|(query, key)| f64::from(*query) * f64::from(wide(*key))).sum();
                        (product * f64::from(scale)).exp()
                    })
                    .collect();
                let total: f64 = scores.iter().sum();
                (0..head_width)
                    .map(|column| {
                        let sum: f64 = scores
                            .iter()
                            .enumerate()
                            .map(|(position, score)| score * f64::from(wide(cache.values[at(position) + column])))
                            .sum();
                        sum / total
                    })
                    .collect::<Vec<_>>()
            })
            .collect();
        let mut output = vec![0.0; tokens * heads * head_width];
        let mut passed = [
            Pass::F32s(&mut output),
            Pass::F32s(&mut queries),
            Pass::Bf16s(&mut cache.keys),
            Pass::Bf16s(&mut cache.values),
            Pass::U32s(&mut cache.page_tables),
            Pass::U32s(&mut cache.sequences),
            Pass::U32s(&mut cache.positions),
            Pass::U32(heads as u32),
            Pass::U32(kv_heads as u32),
            Pass::U32(head_width as u32),
            Pass::U32(row as u32),
            Pass::U32(page_size as u32),
            Pass::U32(cache.pages_per_sequence as u32),
            Pass::F32(scale),
        ];
        launch(Kernel::Attention, [tokens as u32, heads as u32, 1], &mut passed).unwrap();
        assert_close(&output, &expected, 1e-5, &format!("lengths {lengths:?}, {heads} heads of {head_width}"));
    }
}

#[test]
fn append_cache_rounds_and_touches_nothing_else() {
    let mut random = Random(8);
    for (page_size, lengths, kv_heads, head_width) in
        [(1, vec![1], 1, 1), (4, vec![5, 1, 4], 2, 32), (16, vec![40], 3, 50)]
    {
        let cache = Cache::new(&mut random, page_size, &lengths, kv_heads, head_width);
        let width = kv_heads * head_width;
        let row = width + 3;
        let mut new_keys = random.floats(lengths.len() * row);
        let mut new_values = random.floats(lengths.len() * row);
        let (mut keys, mut values) = (cache.keys.clone(), cache.values.clone());
        for token in 0..lengths.len() {
            let offset = cache.offset(cache.sequences[token], cache.positions[token] as usize, 0);
            for column in 0..width {
                keys[offset + column] = brain(new_keys[token * row + column]);
                values[offset + column] = brain(new_values[token * row + column]);
            }
        }
        for grid in GRIDS {
            let (mut found_keys, mut found_values) = (cache.keys.clone(), cache.values.clone());
            let mut passed = [
                Pass::Bf16s(&mut found_keys),
                Pass::Bf16s(&mut found_values),
                Pass::F32s(&mut new_keys),
                Pass::F32s(&mut new_values),
                Pass::U32s(&mut cache.page_tables.clone()),
                Pass::U32s(&mut cache.sequences.clone()),
                Pass::U32s(&mut cache.positions.clone()),
                Pass::U32(lengths.len() as u32),
                Pass::U32(kv_heads as u32),
                Pass::U32(head_width as u32),
                Pass::U32(row as u32),
                Pass::U32(page_size as u32),
                Pass::U32(cache.pages_per_sequence as u32),
            ];
            launch(Kernel::AppendCache, grid, &mut passed).unwrap();
            assert_eq!(found_keys, keys);
            assert_eq!(found_values, values);
        }
    }
}
