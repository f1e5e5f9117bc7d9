//! Conversations to prompts, by the template that comes with a model.

use std::collections::BTreeMap;

use minijinja::syntax::SyntaxConfig;
use minijinja::value::Value as TemplateValue;
use minijinja::{Environment, Error, ErrorKind};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::python_json;

/// The name under which the template is kept.
const NAME: &str = "chat_template";

/// What a template may do before it is stopped.
const FUEL: u64 = 20_000_000;

/// A chat template that cannot be used, or a conversation that it cannot render.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ChatTemplateError {
    /// `tokenizer_config.json` cannot be read.
    #[error("tokenizer_config.json: {0}")]
    Json(#[from] serde_json::Error),
    /// The template is not UTF-8.
    #[error("chat_template.jinja is not UTF-8")]
    NotText,
    /// The template has a mistake, or refuses the conversation.
    #[error("the chat template failed: {}", describe(.0))]
    Template(#[from] Error),
}

/// The message with that of its cause: `raise_exception` is one.
fn describe(error: &Error) -> String {
    match std::error::Error::source(error) {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}

/// What is rendered to a prompt.
#[derive(Debug, Clone, Copy, Default)]
pub struct Conversation<'a> {
    /// Objects with `role` and `content`, and whatever else the template knows.
    pub messages: &'a [Value],
    /// Tools in the form of OpenAI's API: objects with `type` and `function`.
    pub tools: &'a [Value],
    /// Further variables, for templates that know them. Those that are always there come first.
    pub arguments: Option<&'a Map<String, Value>>,
}

/// A model's chat template.
#[derive(Debug)]
pub struct ChatTemplate {
    environment: Environment<'static>,
    bos_token: String,
    eos_token: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct TokenizerConfig {
    chat_template: Option<Templates>,
    bos_token: Value,
    eos_token: Value,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Templates {
    One(String),
    Several(Vec<NamedTemplate>),
}

#[derive(Debug, Deserialize)]
struct NamedTemplate {
    name: String,
    template: String,
}

impl ChatTemplate {
    /// The template in the texts of `tokenizer_config.json` and `chat_template.jinja`, the latter first.
    ///
    /// # Errors
    /// A file or template with mistakes.
    pub fn from_files(
        tokenizer_config: Option<&[u8]>,
        chat_template: Option<&[u8]>,
    ) -> Result<Option<Self>, ChatTemplateError> {
        let config: TokenizerConfig = tokenizer_config.map(serde_json::from_slice).transpose()?.unwrap_or_default();
        let source = match (chat_template, config.chat_template) {
            (Some(bytes), _) => String::from_utf8(bytes.to_vec()).map_err(|_| ChatTemplateError::NotText)?,
            (None, Some(Templates::One(source))) => source,
            (None, Some(Templates::Several(templates))) => {
                match templates.into_iter().find(|named| named.name == "default") {
                    Some(named) => named.template,
                    None => return Ok(None),
                }
            }
            (None, None) => return Ok(None),
        };
        Self::new(source, token_text(&config.bos_token), token_text(&config.eos_token)).map(Some)
    }

    /// A template in Jinja2. It may use the texts of the tokens as `bos_token` and `eos_token`.
    ///
    /// # Errors
    /// A template with mistakes.
    pub fn new(
        source: impl Into<String>,
        bos_token: impl Into<String>,
        eos_token: impl Into<String>,
    ) -> Result<Self, ChatTemplateError> {
        let mut environment = Environment::new();
        // As `transformers` sets them.
        environment.set_syntax(SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build()?);
        environment.set_unknown_method_callback(minijinja_contrib::pycompat::unknown_method_callback);
        environment.add_filter("tojson", |value: TemplateValue, arguments| python_json::to_json(&value, arguments));
        environment.add_function("raise_exception", |message: String| -> Result<String, Error> {
            Err(Error::new(ErrorKind::InvalidOperation, message))
        });
        environment.set_fuel(Some(FUEL));
        environment.add_template_owned(NAME, source.into())?;
        Ok(Self { environment, bos_token: bos_token.into(), eos_token: eos_token.into() })
    }

    /// The prompt after which the model's answer follows.
    ///
    /// # Errors
    /// When the template refuses the conversation, or fails.
    pub fn render(&self, conversation: &Conversation<'_>) -> Result<String, ChatTemplateError> {
        let list = |values: &[Value]| values.iter().map(to_template_value).collect::<TemplateValue>();
        let tools = match conversation.tools {
            [] => TemplateValue::from(()),
            tools => list(tools),
        };
        let arguments = conversation.arguments.into_iter().flatten();
        let arguments: BTreeMap<String, TemplateValue> =
            arguments.map(|(name, value)| (name.clone(), to_template_value(value))).collect();
        Ok(self.environment.get_template(NAME)?.render(minijinja::context! {
            messages => list(conversation.messages),
            tools => tools,
            add_generation_prompt => true,
            bos_token => self.bos_token.as_str(),
            eos_token => self.eos_token.as_str(),
            ..TemplateValue::from(arguments)
        })?)
    }
}

/// The text of a token that is given as a string, or as an object with `content`.
fn token_text(token: &Value) -> &str {
    token.as_str().or_else(|| token["content"].as_str()).unwrap_or("")
}

/// The value for templates. Not by way of `serde`, through which numbers of arbitrary precision become objects.
fn to_template_value(value: &Value) -> TemplateValue {
    match value {
        Value::Null => TemplateValue::from(()),
        Value::Bool(value) => TemplateValue::from(*value),
        Value::Number(number) => match (number.as_i64(), number.as_u64(), number.as_f64()) {
            (Some(number), ..) => TemplateValue::from(number),
            (None, Some(number), _) => TemplateValue::from(number),
            (None, None, number) => TemplateValue::from(number.unwrap_or(f64::NAN)),
        },
        Value::String(text) => TemplateValue::from(text.as_str()),
        Value::Array(values) => values.iter().map(to_template_value).collect(),
        Value::Object(object) => to_template_map(object),
    }
}

fn to_template_map(object: &Map<String, Value>) -> TemplateValue {
    TemplateValue::from_pairs(object.iter().map(|(key, value)| (key.as_str(), to_template_value(value))))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn render(template: &str, messages: &[Value], tools: &[Value]) -> Result<String, ChatTemplateError> {
        ChatTemplate::new(template, "<s>", "</s>")?.render(&Conversation { messages, tools, arguments: None })
    }

    #[test]
    fn templates_written_for_python() {
        let messages = [json!({"role": "user", "content": "  Hi  "})];
        let template = "{{ bos_token }}{% for m in messages %}\n  {% if m['role'].startswith('us') %}\n[{{ m['content'].strip() }}]\n  {% endif %}\n{% endfor %}{% if not tools %}no tools{% endif %}{{ eos_token }}";
        assert_eq!(render(template, &messages, &[]).expect("it renders"), "<s>[Hi]\nno tools</s>");
    }

    #[test]
    fn json_is_written_as_python_writes_it() {
        let tool = json!({"name": "größe", "n": 1, "x": [1.5, true, null, "<&'>"], "z": {}, "a": 12345678901_u64});
        let found = render("{{ tools[0] | tojson }}", &[], std::slice::from_ref(&tool)).expect("it renders");
        let expected = r#"{"name": "größe", "n": 1, "x": [1.5, true, null, "<&'>"], "z": {}, "a": 12345678901}"#;
        assert_eq!(found, expected);
        let found = render("{{ tools[0].x | tojson(indent=2) }}", &[], &[tool]).expect("it renders");
        assert_eq!(found, "[\n  1.5,\n  true,\n  null,\n  \"<&'>\"\n]");
    }

    #[test]
    fn further_variables() {
        let template = ChatTemplate::new("{{ bos_token }}{{ enable_thinking }}", "<s>", "").expect("it is read");
        let arguments = json!({"enable_thinking": true, "bos_token": "mine"});
        let conversation = Conversation { arguments: arguments.as_object(), ..Conversation::default() };
        assert_eq!(template.render(&conversation).expect("it renders"), "<s>True");
    }

    #[test]
    fn refusals_and_mistakes_are_reported() {
        let template = "{{ raise_exception('roles must alternate') }}";
        let message = render(template, &[], &[]).expect_err("it refuses").to_string();
        assert!(message.contains("roles must alternate"), "{message}");
        assert!(render("{% if %}", &[], &[]).is_err());
        assert!(
            render("{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}", &[], &[]).is_err()
        );
    }

    #[test]
    fn where_templates_are_found() {
        let render = |config: &str, file: Option<&[u8]>| {
            let template = ChatTemplate::from_files(Some(config.as_bytes()), file).expect("it is read");
            template.map(|template| template.render(&Conversation::default()).expect("it renders"))
        };
        assert_eq!(render(r#"{"chat_template": "one", "bos_token": null}"#, None).as_deref(), Some("one"));
        let several = r#"{"chat_template": [{"name": "rag", "template": "a"}, {"name": "default", "template": "b"}]}"#;
        assert_eq!(render(several, None).as_deref(), Some("b"));
        assert_eq!(render(r#"{"chat_template": "one"}"#, Some(b"file")).as_deref(), Some("file"));
        assert_eq!(render(r#"{"bos_token": {"content": "<s>"}}"#, Some(b"{{ bos_token }}")).as_deref(), Some("<s>"));
        assert_eq!(render("{}", None), None);
    }
}
