//! Calls found in an answer as it comes.

use serde_json::{Value, json};

use super::arguments::{self, Look, look_for};
use super::parameters::{Parameters, Patience};
use super::written::Written;
use crate::answer::begun;
use crate::tool_format::ToolFormat;

/// A call of a tool.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Call {
    id: String,
    name: String,
    arguments: String,
}

impl Call {
    fn new(name: &str, arguments: String) -> Self {
        let id = uuid::Uuid::new_v4().simple().to_string();
        Self { id: format!("call_{}", &id[..24]), name: name.to_owned(), arguments }
    }

    /// In the form of OpenAI's API.
    pub(crate) fn json(&self, index: usize) -> Value {
        json!({
            "id": self.id,
            "index": index,
            "type": "function",
            "function": {"name": self.name, "arguments": self.arguments},
        })
    }
}

/// A piece of an answer.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Piece {
    /// Text outside of calls.
    Text(String),
    /// A whole call.
    Call(Call),
}

/// A tool that can be called.
#[derive(Debug)]
struct Tool {
    name: String,
    parameters: Parameters,
}

/// Finds the calls in an answer. A call that was cut off is text.
#[derive(Debug)]
pub(crate) struct CallReader {
    tools: Vec<Tool>,
    /// How calls are written; `None` if the whole answer is a JSON list of them.
    written: Option<Written>,
    /// Whether a block of calls has begun.
    in_block: bool,
    /// What has come and is in no piece yet.
    pending: String,
    /// How much of it was looked through in vain.
    seen: usize,
}

impl CallReader {
    pub(super) fn new(format: Option<ToolFormat>, tools: &[Value], patience: &Patience) -> Self {
        let written = format.and_then(Written::of);
        let tool = |tool: &Value| Tool {
            name: tool["function"]["name"].as_str().unwrap_or_default().to_owned(),
            parameters: Parameters::new(&tool["function"]["parameters"], patience.clone()),
        };
        Self { tools: tools.iter().map(tool).collect(), written, in_block: false, pending: String::new(), seen: 0 }
    }

    /// Whether reading on with `text` may take long: schemas are asked what a value is.
    pub(crate) fn takes_long(&self, text: &str) -> bool {
        text.contains('>') && self.written.is_some_and(|written| written.asks_schemas())
    }

    /// Adds text; answers the pieces that are certain now.
    pub(crate) fn push(&mut self, text: &str) -> Vec<Piece> {
        self.pending.push_str(text);
        let mut pieces = Vec::new();
        while let Some(written) = self.written {
            if !self.in_block && !self.pending.starts_with(written.trigger) {
                let at = self.pending.find(written.trigger);
                let end = at.unwrap_or_else(|| self.pending.len() - begun(&self.pending, written.trigger));
                if end > 0 {
                    pieces.push(Piece::Text(self.pending.drain(..end).collect()));
                }
                self.seen = 0;
                if at.is_none() {
                    break;
                }
            }
            // Nothing has an end that does not end like this.
            let last = written.end.chars().last().unwrap_or('>');
            let is_worth_a_look = self.pending[self.seen..].contains([last, '>']);
            self.seen = self.pending.len();
            if !is_worth_a_look {
                break;
            }
            match self.unit(&written) {
                Look::Found(found, rest) => {
                    let rest = self.pending.len() - rest.len();
                    self.pending.drain(..rest);
                    self.seen = 0;
                    match found {
                        Unit::BlockBegin => self.in_block = true,
                        Unit::BlockEnd => self.in_block = false,
                        Unit::Call(call) => pieces.push(Piece::Call(call)),
                    }
                }
                Look::Unfinished => break,
                Look::Other => {
                    // Not the beginning of a call after all: one character on, so that the search goes on behind it.
                    self.in_block = false;
                    let first = self.pending.chars().next().map_or(0, char::len_utf8);
                    pieces.push(Piece::Text(self.pending.drain(..first).collect()));
                    self.seen = 0;
                }
            }
            if self.pending.is_empty() {
                break;
            }
        }
        pieces
    }

    /// What is left at the end.
    pub(crate) fn finish(&mut self) -> Vec<Piece> {
        let rest = std::mem::take(&mut self.pending);
        if self.written.is_none()
            && let Ok(Value::Array(calls)) = serde_json::from_str(&rest)
        {
            let call = |call: &Value| {
                let name = call["name"].as_str().unwrap_or_default();
                Piece::Call(Call::new(name, call["parameters"].to_string()))
            };
            return calls.iter().map(call).collect();
        }
        if rest.is_empty() { Vec::new() } else { vec![Piece::Text(rest)] }
    }

    /// The next unit of what is pending.
    fn unit(&self, written: &Written) -> Look<'_, Unit> {
        let text = self.pending.as_str();
        if let Some((begin, end)) = written.block {
            let (marker, unit) = if self.in_block { (end, Unit::BlockEnd) } else { (begin, Unit::BlockBegin) };
            match look_for(text, marker) {
                Look::Found((), rest) => return Look::Found(unit, rest),
                Look::Unfinished if !self.in_block => return Look::Unfinished,
                Look::Unfinished | Look::Other => {}
            }
        }
        let mut is_unfinished = false;
        for tool in &self.tools {
            match call(text, written, tool) {
                Look::Found(call, rest) => return Look::Found(Unit::Call(call), rest),
                Look::Unfinished => is_unfinished = true,
                Look::Other => {}
            }
        }
        if is_unfinished || text.trim().is_empty() { Look::Unfinished } else { Look::Other }
    }
}

/// A part of an answer beside text.
enum Unit {
    BlockBegin,
    BlockEnd,
    Call(Call),
}

/// A call of `tool` at the beginning of `text`.
fn call<'t>(text: &'t str, written: &Written, Tool { name, parameters }: &Tool) -> Look<'t, Call> {
    let mut rest = match look_for(text, &format!("{}{name}", written.before_name)) {
        Look::Found((), rest) => rest,
        Look::Unfinished => return Look::Unfinished,
        Look::Other => return Look::Other,
    };
    // Kimi counts its calls.
    if let Some(number) = rest.strip_prefix(':') {
        rest = number.trim_start_matches(|character: char| character.is_ascii_digit());
    }
    match look_for(rest, written.after_name) {
        Look::Found((), after) => rest = after,
        Look::Unfinished => return Look::Unfinished,
        Look::Other => return Look::Other,
    }
    let (found, rest) = match arguments::read(rest, written.arguments, parameters, written.end) {
        Look::Found(arguments, rest) => (arguments, rest),
        Look::Unfinished => return Look::Unfinished,
        Look::Other => return Look::Other,
    };
    match look_for(rest, written.end) {
        Look::Found((), rest) => Look::Found(Call::new(name, found), rest),
        Look::Unfinished => Look::Unfinished,
        Look::Other => Look::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tools() -> Vec<Value> {
        let parameters = json!({"type": "object", "properties": {
            "city": {"type": "string"}, "days": {"type": "integer"},
        }});
        ["get", "get_more"].map(|name| json!({"function": {"name": name, "parameters": parameters}})).to_vec()
    }

    /// The text outside of calls, and the calls, when `text` comes in pieces of `size` characters.
    fn read(format: Option<&str>, text: &str, size: usize) -> (String, Vec<(String, Value)>) {
        let format = format.map(|name| ToolFormat::from_name(name).expect("a format"));
        let mut reader = CallReader::new(format, &tools(), &Patience::default());
        let characters: Vec<char> = text.chars().collect();
        let mut pieces: Vec<Piece> =
            characters.chunks(size).flat_map(|chunk| reader.push(&chunk.iter().collect::<String>())).collect();
        pieces.extend(reader.finish());
        let (mut outside, mut calls) = (String::new(), Vec::new());
        for piece in pieces {
            match piece {
                Piece::Text(text) => outside.push_str(&text),
                Piece::Call(call) => calls.push((call.name, serde_json::from_str(&call.arguments).expect("JSON"))),
            }
        }
        (outside, calls)
    }

    #[test]
    fn calls_of_every_format() {
        let arguments = r#"{"city": "</a> {Oslo}", "days": 2}"#;
        let elements = json!({"city": "Oslo", "days": 2});
        for (format, text, is_json) in [
            ("function_tag", format!("Hi <function=get_more>{arguments}</function>"), true),
            ("llama3", format!("Hi {{\"name\": \"get_more\", \"parameters\": {arguments}}}"), true),
            (
                "hermes",
                format!("Hi <tool_call>\n{{\"name\": \"get_more\", \"arguments\": {arguments}}}\n</tool_call>"),
                true,
            ),
            (
                "deepseekv3",
                format!(
                    "Hi <｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>get_more\n```json\n{arguments}\n\
                     ```<｜tool▁call▁end｜><｜tool▁calls▁end｜>"
                ),
                true,
            ),
            (
                "deepseekv31",
                format!(
                    "Hi <｜tool▁calls▁begin｜><｜tool▁call▁begin｜>get_more<｜tool▁sep｜>{arguments}<｜tool▁call▁end｜>\
                     <｜tool▁calls▁end｜>"
                ),
                true,
            ),
            (
                "kimi_k2",
                format!(
                    "Hi <|tool_calls_section_begin|><|tool_call_begin|>functions.get_more:0<|tool_call_argument_begin|>\
                     {arguments}<|tool_call_end|><|tool_calls_section_end|>"
                ),
                true,
            ),
            (
                "qwen3_coder",
                "Hi <tool_call>\n<function=get_more>\n<parameter=city>\nOslo\n</parameter>\n<parameter=days>2</parameter>\n\
                 </function>\n</tool_call>"
                    .to_owned(),
                false,
            ),
            (
                "deepseekv32",
                "Hi <｜DSML｜function_calls>\n<｜DSML｜invoke name=\"get_more\">\n<｜DSML｜parameter name=\"city\" \
                 string=\"true\">Oslo</｜DSML｜parameter><｜DSML｜parameter name=\"days\" string=\"false\">2\
                 </｜DSML｜parameter></｜DSML｜invoke>\n</｜DSML｜function_calls>"
                    .to_owned(),
                false,
            ),
            (
                "glm47",
                "Hi <tool_call>get_more<arg_key>city</arg_key><arg_value>Oslo</arg_value><arg_key>days</arg_key>\
                 <arg_value>2</arg_value></tool_call>"
                    .to_owned(),
                false,
            ),
            (
                "minimax-m2",
                "Hi <minimax:tool_call>\n<invoke name=\"get_more\">\n<parameter name=\"city\">Oslo</parameter>\
                 <parameter name=\"days\">2</parameter></invoke>\n</minimax:tool_call>"
                    .to_owned(),
                false,
            ),
        ] {
            let expected = if is_json { serde_json::from_str(arguments).expect("JSON") } else { elements.clone() };
            for size in [1, 3, 1_000] {
                let (outside, calls) = read(Some(format), &text, size);
                assert_eq!(calls, [("get_more".to_owned(), expected.clone())], "{format} by {size}: {outside}");
                assert_eq!(outside.trim_end(), "Hi", "{format} by {size}");
            }
            let cut = &text[..text.len() - 1];
            let (_, calls) = read(Some(format), cut, 1);
            // The end of a block says nothing that its calls have not said.
            assert_eq!(calls.len(), usize::from(Written::of(ToolFormat::from_name(format).unwrap()).unwrap().block.is_some()));
        }
    }

    #[test]
    fn several_calls_and_text_between_them() {
        let text = "<function=get>{}</function> and <function=get_more>{\"days\": 1}</function>.";
        let (outside, calls) = read(Some("function_tag"), text, 2);
        assert_eq!(outside, " and .");
        assert_eq!(calls.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["get", "get_more"]);
    }

    #[test]
    fn what_is_no_call_is_text() {
        for text in ["a < b", "<function=other>{}</function>", "<function=get>[1", "no calls at all", "<funct"] {
            let (outside, calls) = read(Some("function_tag"), text, 1);
            assert_eq!((outside.as_str(), calls.len()), (text, 0));
        }
    }

    #[test]
    fn a_list_of_calls() {
        let (outside, calls) = read(None, r#"[{"name": "get", "parameters": {"days": 1}}]"#, 5);
        assert_eq!((outside.as_str(), calls), ("", vec![("get".to_owned(), json!({"days": 1}))]));
        assert_eq!(read(None, r#"[{"name": "get", "#, 5).0, r#"[{"name": "get", "#);
    }
}
