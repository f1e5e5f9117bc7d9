"""Structured outputs with the openai package: start `grammarc serve`, `pip install openai`, run this."""

import json
import sys

import openai

client = openai.Client(base_url=(sys.argv[1:] or ["http://127.0.0.1:30000"])[0] + "/v1", api_key="none")
model = client.models.list().data[0].id
question = [{"role": "user", "content": "What is the capital of France?"}]
schema = {
    "type": "object",
    "properties": {"name": {"type": "string", "pattern": "^\\w+$"}, "population": {"type": "integer"}},
    "required": ["name", "population"],
}

answer = client.chat.completions.create(
    model=model,
    messages=[{"role": "user", "content": "Please give me information about the capital of France in the JSON format."}],
    temperature=0,
    max_tokens=128,
    response_format={"type": "json_schema", "json_schema": {"name": "capital", "schema": schema}},
)
capital = json.loads(answer.choices[0].message.content)
assert capital.keys() >= {"name", "population"}
print("json_schema:", capital)

answer = client.chat.completions.create(
    model=model, messages=question, temperature=0, extra_body={"regex": "(Paris|London)"}
)
assert answer.choices[0].message.content in ("Paris", "London")
print("regex:", answer.choices[0].message.content)

stream = client.chat.completions.create(
    model=model, messages=question, temperature=0, stream=True, extra_body={"ebnf": 'root ::= "Paris" | "London"'}
)
text = "".join(chunk.choices[0].delta.content or "" for chunk in stream)
assert text in ("Paris", "London")
print("ebnf, streamed:", text)

try:
    client.chat.completions.create(model=model, messages=question, extra_body={"regex": "("})
    sys.exit("a pattern at fault was served")
except openai.BadRequestError as error:
    print("refused:", error.message)
