//! Models that are whole in other ways than the committed ones, and models that are not.

mod common;

use std::path::{Path, PathBuf};

use common::{OPTIONS, data};
use gpu_runtime::{
    Checkpoint, CpuDevice, Device, HostTensor, Llama, LlamaConfig, ModelFiles, RowPlacement, WeightType,
};
use half::{bf16, f16};
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};
use serde_json::{Value, json};

/// A copy of `tiny-tools` in a folder of its own.
fn copy(name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("the folder can be made");
    for file in
        ["config.json", "tokenizer.json", "tokenizer_config.json", "generation_config.json", "model.safetensors"]
    {
        std::fs::copy(data("tiny-tools").join(file), folder.join(file)).expect("the file can be copied");
    }
    folder
}

fn config(folder: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(folder.join("config.json")).expect("it is there")).expect("JSON")
}

fn load(folder: &Path) -> Result<Llama<CpuDevice>, String> {
    let files = ModelFiles::open(folder).map_err(|error| error.to_string())?;
    let config = files.config().map_err(|error| error.to_string())?;
    let device = CpuDevice::new(1).map_err(|error| error.to_string())?;
    Llama::load(device, config, files.checkpoint(), OPTIONS).map_err(|error| error.to_string())
}

/// The logits after a prompt of four tokens.
fn logits(model: &mut Llama<CpuDevice>) -> Vec<f32> {
    let placement =
        RowPlacement { positions: &[0, 1, 2, 3], sequences: &[0, 0, 0, 0], page_table: &[0], pages_per_sequence: 1 };
    model.forward(&[1008, 40, 41, 42], placement, &[3]).expect("the device works");
    let (device, logits) = model.device_and_logits();
    device.read(1, logits).expect("the device works")
}

/// The tensors of `tiny-tools`, converted.
fn converted(dtype: Dtype, convert: impl Fn(f32) -> Vec<u8>) -> Vec<(String, Dtype, Vec<usize>, Vec<u8>)> {
    let bytes = std::fs::read(data("tiny-tools").join("model.safetensors")).expect("it is committed");
    let tensors = SafeTensors::deserialize(&bytes).expect("safetensors");
    let convert_all = |data: &[u8]| -> Vec<u8> {
        data.chunks_exact(2).flat_map(|pair| convert(bf16::from_le_bytes([pair[0], pair[1]]).to_f32())).collect()
    };
    let one = |(name, view): (String, TensorView<'_>)| (name, dtype, view.shape().to_vec(), convert_all(view.data()));
    tensors.tensors().into_iter().map(one).collect()
}

fn write(path: &Path, tensors: &[(String, Dtype, Vec<usize>, Vec<u8>)]) {
    let views = tensors.iter().map(|(name, dtype, shape, data)| {
        (name.clone(), TensorView::new(*dtype, shape.clone(), data).expect("the shape fits"))
    });
    let bytes = safetensors::serialize(views, None).expect("it can be written");
    std::fs::write(path, bytes).expect("it can be written");
}

#[test]
fn element_types_and_shards() {
    let expected = logits(&mut load(&data("tiny-tools")).expect("a whole model"));
    let single = copy("f32");
    write(&single.join("model.safetensors"), &converted(Dtype::F32, |value| value.to_le_bytes().to_vec()));
    assert_eq!(logits(&mut load(&single).expect("a whole model")), expected, "f32 holds what bfloat16 does");

    let half = copy("f16");
    write(&half.join("model.safetensors"), &converted(Dtype::F16, |value| f16::from_f32(value).to_le_bytes().to_vec()));
    let found = logits(&mut load(&half).expect("a whole model"));
    let worst = found.iter().zip(&expected).map(|(found, expected)| (found - expected).abs()).fold(0.0, f32::max);
    assert!(worst < 1e-2, "{worst}");

    let sharded = copy("sharded");
    std::fs::remove_file(sharded.join("model.safetensors")).expect("it is there");
    let tensors = converted(Dtype::BF16, |value| bf16::from_f32(value).to_le_bytes().to_vec());
    let (first, second) = tensors.split_at(tensors.len() / 2);
    let mut map = serde_json::Map::new();
    for (file, part) in [("a.safetensors", first), ("b.safetensors", second)] {
        write(&sharded.join(file), part);
        map.extend(part.iter().map(|tensor| (tensor.0.clone(), Value::from(file))));
    }
    let index = json!({"metadata": {}, "weight_map": map}).to_string();
    std::fs::write(sharded.join("model.safetensors.index.json"), index).expect("it can be written");
    assert_eq!(logits(&mut load(&sharded).expect("a whole model")), expected);
    std::fs::remove_file(sharded.join("b.safetensors")).expect("it is there");
    assert!(load(&sharded).is_err_and(|message| message.contains("b.safetensors")));
}

#[test]
fn files_that_are_at_fault() {
    let folder = copy("fault");
    let weights = folder.join("model.safetensors");
    let whole = std::fs::read(&weights).expect("it is there");
    for length in [0, 7, 8, 100, 5_000, whole.len() - 1] {
        std::fs::write(&weights, &whole[..length]).expect("it can be written");
        let message = load(&folder).err().expect("it is cut off");
        assert!(message.contains("is not a whole safetensors file") || message.contains("cannot read"), "{message}");
    }
    std::fs::write(&weights, &whole).expect("it can be written");
    let original = config(&folder);
    for (field, value, expected) in [
        ("architectures", json!(["MistralForCausalLM"]), "supported: LlamaForCausalLM"),
        ("hidden_act", json!("gelu"), "hidden_act is \"gelu\""),
        ("attention_bias", json!(true), "attention_bias is true"),
        ("quantization_config", json!({"quant_method": "gptq"}), "gptq"),
        ("rope_scaling", json!({"rope_type": "yarn", "factor": 2.0}), "\"yarn\""),
        ("rope_scaling", json!({"rope_type": "llama3", "factor": 2.0}), "low_freq_factor is missing"),
        ("num_key_value_heads", json!(3), "a divisor of num_attention_heads, 4"),
        ("head_dim", json!(31), "even"),
        ("head_dim", json!(0), "from 1 to"),
        ("vocab_size", json!(-1), "config.json"),
        ("hidden_size", json!(256), "has the shape [1024, 128]; config.json asks for [1024, 256]"),
        ("num_hidden_layers", json!(5), "no tensor model.layers.4."),
        ("num_hidden_layers", json!(1_u64 << 40), "from 1 to"),
        ("rms_norm_eps", json!(-1.0), "a positive number"),
    ] {
        let mut changed = original.clone();
        changed[field] = value;
        std::fs::write(folder.join("config.json"), changed.to_string()).expect("it can be written");
        let message = load(&folder).err().unwrap_or_else(|| panic!("{field} is refused"));
        assert!(message.contains(expected), "{field}: {message}");
    }
    for index in [r#"{"weight_map": {}}"#, r#"{"weight_map": {"a": "../model.safetensors"}}"#, "[]"] {
        std::fs::write(folder.join("model.safetensors.index.json"), index).expect("it can be written");
        let message = load(&folder).err().expect("it is at fault");
        assert!(message.contains("model.safetensors.index.json"), "{message}");
    }
}

/// Whether `config.json` says so or not.
#[test]
fn biases_are_refused() {
    let folder = copy("bias");
    let mut tensors = converted(Dtype::F32, |value| value.to_le_bytes().to_vec());
    tensors.push(("model.layers.0.self_attn.q_proj.bias".to_owned(), Dtype::F32, vec![1], vec![0; 4]));
    write(&folder.join("model.safetensors"), &tensors);
    let message = load(&folder).err().expect("it is refused");
    assert!(message.contains("model.layers.0.self_attn.q_proj.bias: biases are not supported"), "{message}");
}

#[test]
fn other_element_types_are_named() {
    let data = [0_u8; 4];
    let view = TensorView::new(Dtype::I8, vec![2, 2], &data).expect("the shape fits");
    let bytes = safetensors::serialize([("weight", view)], None).expect("it can be written");
    let checkpoint = Checkpoint::from_bytes(bytes).expect("a whole file");
    let message = checkpoint.matrix("weight", 2, 2).expect_err("not a float").to_string();
    assert!(message.contains("I8") && message.contains("BF16"), "{message}");
}

#[test]
fn defaults_of_config_json() {
    let json =
        br#"{"architectures": ["LlamaForCausalLM"], "vocab_size": 32000, "hidden_size": 64, "intermediate_size": 9,
        "num_hidden_layers": 1, "num_attention_heads": 4}"#;
    let config = LlamaConfig::parse(json).expect("a configuration");
    assert_eq!((config.heads.kv_heads, config.heads.head_dim), (4, 16));
    assert_eq!((config.rope.theta, config.norm_epsilon, config.max_positions), (10_000.0, 1e-6, 2048));
    assert!(!config.tied_embeddings);
    let json = br#"{"architectures": ["LlamaForCausalLM"], "vocab_size": 32000, "hidden_size": 64, "intermediate_size": 9,
        "num_hidden_layers": 1, "num_attention_heads": 4, "rope_parameters": {"rope_theta": 500000, "rope_type": "default"}}"#;
    assert_eq!(LlamaConfig::parse(json).expect("a configuration").rope.theta, 500_000.0);
}

#[test]
fn products_by_rows_and_by_gemm_agree() {
    let mut device = CpuDevice::new(2).expect("threads start");
    // Odd sizes, and one that is worth threads.
    for (rows, inputs, outputs) in [(1, 33, 5), (3, 70, 131), (7, 1, 1), (9, 70, 131), (40, 300, 257), (2, 700, 801)] {
        let value = |index: usize| ((index * 7919 % 1000) as f32 - 500.0) / 500.0;
        let weights: Vec<f32> = (0..inputs * outputs).map(|index| bf16::from_f32(value(index)).to_f32()).collect();
        let wide: Vec<u8> = weights.iter().flat_map(|weight| weight.to_le_bytes()).collect();
        let narrow: Vec<u8> = weights.iter().flat_map(|weight| bf16::from_f32(*weight).to_le_bytes()).collect();
        for (element, bytes) in [(WeightType::F32, &wide), (WeightType::Bf16, &narrow)] {
            let tensor = HostTensor { element, rows: outputs, columns: inputs, bytes };
            let matrix = device.matrix(&[tensor]).expect("it fits");
            // The table of embeddings is the way to bring values in.
            let inputs_table: Vec<u8> = (0..rows * inputs).flat_map(|index| value(index + 3).to_le_bytes()).collect();
            let table = HostTensor { element: WeightType::F32, rows, columns: inputs, bytes: &inputs_table };
            let table = device.matrix(&[table]).expect("it fits");
            let mut input = device.activations(rows, inputs).expect("it fits");
            let mut output = device.activations(rows, outputs).expect("it fits");
            let ids: Vec<u32> = (0..rows as u32).collect();
            device.embed(&table, &ids, &mut input).expect("it fits");
            device.multiply(rows, &input, &matrix, &mut output).expect("it fits");
            device.multiply_add(rows, &input, &matrix, &mut output).expect("it fits");
            let found = device.read(rows, &output).expect("it fits");
            for row in 0..rows {
                for column in 0..outputs {
                    let product = |index| {
                        f64::from(value(row * inputs + index + 3)) * f64::from(weights[column * inputs + index])
                    };
                    let expected = 2.0 * (0..inputs).map(product).sum::<f64>();
                    let found = f64::from(found[row * outputs + column]);
                    assert!((found - expected).abs() < 1e-3, "{rows} {inputs} {outputs}: {found} {expected}");
                }
            }
        }
    }
}
