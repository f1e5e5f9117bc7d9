//! The tokenizer that comes with the library.

use super::{HuggingFaceFiles, Vocabulary};

/// The vocabulary of `tiny-tools`, a byte-level BPE of 1,024 tokens, so that nothing needs a download: examples,
/// tests, and a first try at the command line. Its stop tokens are `<|end_of_text|>` and `<|eot_id|>`.
///
/// ```
/// let vocabulary = mask_runtime::embedded_tiny();
/// assert_eq!(vocabulary.size(), 1024);
/// assert_eq!(vocabulary.stop_tokens(), [1009, 1012]);
/// ```
pub fn embedded_tiny() -> Vocabulary {
    Vocabulary::from_huggingface_files(HuggingFaceFiles {
        tokenizer: include_bytes!("../../data/tiny-tools/tokenizer.json"),
        generation_config: Some(include_bytes!("../../data/tiny-tools/generation_config.json")),
        config: Some(include_bytes!("../../data/tiny-tools/config.json")),
        tokenizer_config: Some(include_bytes!("../../data/tiny-tools/tokenizer_config.json")),
    })
    .expect("the embedded files do not change after the build, and the tests read them")
}
