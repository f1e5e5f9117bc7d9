//! Grammars that were compiled before the server was started.

use std::sync::Arc;

use compilers::json_schema::{self, Options};
use grammar_ir::Limits;
use mask_runtime::artifact::{Artifact, ArtifactWriter, SectionKind, Tabulated, TabulatedStates};
use mask_runtime::{CompiledGrammar, Tokenizer, embedded_tiny};
use serde_json::{Value, json};
use server::{GrammarOptions, JsonStyle, Service, ServiceError, ServiceOptions};

use crate::client::{Server, assert_valid, chat_with, content};
use crate::texts::capital;

/// A file with the grammar of `schema`, as `grammarc compile` writes it.
fn file(schema: &Value, tokenizer: &Arc<Tokenizer>, options: &Options, about: &Value) -> Artifact {
    Artifact::from_bytes(&bytes_of(schema, tokenizer, options, about)).expect("it was just written")
}

fn bytes_of(schema: &Value, tokenizer: &Arc<Tokenizer>, options: &Options, about: &Value) -> Vec<u8> {
    let compiled = json_schema::compile(&schema.to_string(), options, &Limits::default()).expect("a schema");
    let grammar = CompiledGrammar::new(&compiled.grammar, tokenizer.clone(), &Limits::default()).expect("a grammar");
    let mut writer = ArtifactWriter::with_tables(tokenizer.clone());
    let tables = Tabulated::of(&grammar, TabulatedStates::All);
    writer.add_tables("capital", &tables, &about.to_string()).expect("the first one");
    let metadata = json!({"options": {"json_schema": options.to_json()}}).to_string();
    writer.finish(&metadata).expect("there is room")
}

fn about(schema: &Value) -> Value {
    json!({"kind": "json_schema", "source": schema.to_string()})
}

fn options(artifact: Artifact) -> ServiceOptions {
    let grammars = GrammarOptions { stored: vec![artifact], ..GrammarOptions::default() };
    ServiceOptions { grammars, ..ServiceOptions::default() }
}

#[test]
fn a_schema_that_was_compiled_before_is_not_compiled() {
    let schema = capital();
    let tokenizer = Tokenizer::new(embedded_tiny());
    let style = JsonStyle::default().options();
    let server = Server::start(options(file(&schema, &tokenizer, &style, &about(&schema))));
    let ask = |schema: &Value, members: Value| {
        let format = json!({"type": "json_schema", "json_schema": {"name": "capital", "schema": schema}});
        let mut body = chat_with("Tell me about the capital of France as JSON.", members);
        body["response_format"] = format;
        assert_valid(schema, content(&server.chat(body)));
    };
    ask(&schema, json!({}));
    assert_eq!(server.metric("grammar_stored_hits_total"), 1.0);
    assert_eq!(server.metric("grammar_compiles_total"), 0.0);
    // White space makes no other schema, another order of members does.
    let spaced = serde_json::to_string_pretty(&schema).expect("JSON");
    server.generate(&json!({"text": "x", "sampling_params": {"max_new_tokens": 4, "json_schema": spaced}}));
    assert_eq!(server.metric("grammar_stored_hits_total"), 2.0);
    let mut other = schema.clone();
    other["title"] = "Another".into();
    ask(&other, json!({}));
    // Other options make another grammar.
    ask(&schema, json!({"json_whitespace": "compact"}));
    assert_eq!(server.metric("grammar_stored_hits_total"), 2.0);
    assert_eq!(server.metric("grammar_compiles_total"), 2.0);
}

#[test]
fn grammars_that_no_plain_request_takes_are_counted() {
    let (schema, tokenizer) = (capital(), Tokenizer::new(embedded_tiny()));
    let unlike = |options: &Options, about: &Value| {
        server::grammars_unlike_requests(&file(&schema, &tokenizer, options, about)).expect("it is whole")
    };
    assert_eq!(unlike(&JsonStyle::default().options(), &about(&schema)), None);
    let one = Some((1, "capital".to_owned()));
    assert_eq!(unlike(&Options::default(), &about(&schema)), one);
    // Its own options come before those of its file.
    let mut own = about(&schema);
    own["options"] = json!({"json_schema": JsonStyle::default().options().to_json()});
    assert_eq!(unlike(&Options::default(), &own), None);
    own["kind"] = "regex".into();
    assert_eq!(unlike(&JsonStyle::default().options(), &own), one);
}

#[test]
fn files_that_cannot_be_used_are_refused() {
    let schema = capital();
    let refusal = |artifact: Artifact| {
        let files = gpu_runtime::ModelFiles::embedded_tiny().expect("the embedded model");
        let device = gpu_runtime::CpuDevice::new(1).expect("a device");
        match Service::load(&files, device, options(artifact)) {
            Err(ServiceError::StoredGrammars(message)) => message,
            other => panic!("{other:?}"),
        }
    };
    let style = JsonStyle::default().options();
    let wide = Tokenizer::new(embedded_tiny().with_size(1_100).expect("it is wider"));
    let message = refusal(file(&schema, &wide, &style, &about(&schema)));
    assert!(message.contains("fingerprint"), "{message}");
    let tokenizer = Tokenizer::new(embedded_tiny());
    // Automata without tables go with any tokenizer, unless they name tokens of another one.
    let ids = |tokenizer: &Arc<Tokenizer>| {
        let grammar = grammar_ir::text::parse("root = \"a\" %token(5) ;").expect("a grammar");
        let grammar = CompiledGrammar::new(&grammar, tokenizer.clone(), &Limits::default()).expect("it has the token");
        let mut writer = ArtifactWriter::automata();
        let about = json!({"kind": "gbnf", "source": "root ::= \"a\" <x>"}).to_string();
        let added = writer.add_with_token_ids("token", grammar.pda(), &about, tokenizer.fingerprint());
        added.expect("the first one");
        Artifact::from_bytes(&writer.finish("{}").expect("there is room")).expect("it was just written")
    };
    let message = refusal(ids(&wide));
    assert!(message.contains("names tokens by their ids in the tokenizer with fingerprint"), "{message}");
    Server::start(options(ids(&tokenizer)));
    // A byte of a state, which nobody would look at before an answer gets there.
    let mut bytes = bytes_of(&schema, &tokenizer, &style, &about(&schema));
    let infos = Artifact::from_bytes(&bytes).and_then(|artifact| artifact.section_infos()).expect("it is whole");
    let edges = infos.iter().find(|info| info.kind == SectionKind::ByteEdges).expect("there are some");
    bytes[(edges.offset + edges.length) as usize - 1] ^= 1;
    let message = refusal(Artifact::from_bytes(&bytes).expect("its preamble is whole"));
    assert!(message.contains("damaged") && message.contains("checksum"), "{message}");
    let message = refusal(file(&schema, &tokenizer, &style, &json!({"kind": "gir", "source": "root = \"a\" ;"})));
    assert!(message.contains("does not say which text"), "{message}");
    let none = server::BackendEntry { name: "other", version: "1", start: |_| Ok(Arc::new(Other)) };
    let files = gpu_runtime::ModelFiles::embedded_tiny().expect("the embedded model");
    let device = gpu_runtime::CpuDevice::new(1).expect("a device");
    let options = ServiceOptions { backend: Some(none), ..options(file(&schema, &tokenizer, &style, &about(&schema))) };
    let error = Service::load(&files, device, options).expect_err("it is another engine").to_string();
    assert!(error.contains("the backend grammarc can"), "{error}");
}

/// An engine that knows nothing of this project's files.
#[derive(Debug)]
struct Other;

impl server::Backend for Other {
    fn compile(
        &self,
        constraint: &server::Constraint,
        _: &server::CompileBudget,
    ) -> Result<Arc<dyn server::CompiledConstraint>, server::CompileError> {
        Err(server::CompileError::new(constraint.kind, "not in this test"))
    }
}
