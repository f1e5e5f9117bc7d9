//! The judge of answers, and a few of them.

use gpu_runtime::ModelFiles;
use grammarc_fuzz::generations::{Demand, Generator, Outcome, with_random_weights};
use grammarc_fuzz::json_schema::dataset::Case;
use serde_json::{Value, json};

fn case(schema: Value) -> Case {
    Case { id: "a case".to_owned(), schema, tests: Vec::new() }
}

#[test]
fn outcomes() {
    let generator = Generator::new(&ModelFiles::embedded_tiny().expect("it is embedded"), 1).expect("an engine");
    let demand = Demand { answers: 3, temperature: 1.5, max_tokens: 60, seed: 4 };
    let schema = json!({"type": "object", "properties": {"on": {"format": "date"}, "by": {"enum": ["a", 1]}},
        "required": ["on", "by"], "additionalProperties": false});
    assert_eq!(generator.judge(&case(schema), &demand), vec![Outcome::Valid; 3]);
    let long = json!({"type": "string", "minLength": 1_000});
    assert_eq!(generator.judge(&case(long), &demand), vec![Outcome::CutOff; 3]);
    let [Outcome::Empty(_), Outcome::Empty(_), Outcome::Empty(_)] =
        &generator.judge(&case(json!({"type": "integer", "minimum": 2, "maximum": 1})), &demand)[..]
    else {
        panic!("there is no such integer");
    };
    let [Outcome::Wrong(reason), ..] = &generator.judge(&case(json!({"type": "strin"})), &demand)[..] else {
        panic!("a schema at fault is no refusal by name");
    };
    assert!(reason.starts_with("refused: ") && reason.contains("strin"), "{reason}");
    let elsewhere = json!({"$ref": "https://nowhere.example/schema.json"});
    assert!(
        generator.judge(&case(elsewhere), &demand).iter().all(|outcome| matches!(outcome, Outcome::Unsupported(_)))
    );
}

#[test]
fn random_weights_keep_the_header() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../gpu-runtime/data/tiny-tools/model.safetensors");
    let bytes = std::fs::read(folder).expect("it is committed");
    let random = with_random_weights(&bytes, 1).expect("it is of bfloat16");
    let begin = 8 + u64::from_le_bytes(bytes[..8].try_into().expect("eight bytes")) as usize;
    assert_eq!((random.len(), &random[..begin]), (bytes.len(), &bytes[..begin]));
    let weights = |bytes: &[u8]| -> Vec<f32> {
        let pairs = bytes[begin..].chunks_exact(2);
        pairs.map(|pair| f32::from_le_bytes([0, 0, pair[0], pair[1]])).collect()
    };
    let weights = weights(&random);
    assert!(weights.iter().all(|weight| weight.abs() <= 0.35));
    let mean_square = weights.iter().map(|weight| weight * weight).sum::<f32>() / weights.len() as f32;
    assert!((0.08..0.12).contains(&mean_square.sqrt()), "{mean_square}");
    assert_ne!(random, with_random_weights(&bytes, 2).expect("it is of bfloat16"));
    assert!(with_random_weights(b"no such file", 1).is_err());
}
