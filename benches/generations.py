"""Answers of a model at a high temperature, over the schemas of a MaskBench file: each is valid, or says it was cut off.

    pip install 'jsonschema[format-nongpl]'
    python benches/generations.py requests MASKBENCH.jsonl 200 5 > requests.jsonl
    grammarc batch requests.jsonl --max-context 2048 > answers.jsonl
    python benches/generations.py judge requests.jsonl answers.jsonl

`--random-weights FROM TO` makes a copy of a model's folder with random weights, for a model that knows nothing.
"""

import collections
import json
import pathlib
import random
import shutil
import struct
import sys

import jsonschema


def requests(path, schemas, seeds):
    lines = pathlib.Path(path).read_text().splitlines()
    for line in lines[:: max(1, len(lines) // int(schemas))][: int(schemas)]:
        case = json.loads(line)
        for seed in range(int(seeds)):
            parameters = {
                "json_schema": json.dumps(case["schema"]),
                "temperature": 1.5,
                "sampling_seed": seed,
                "max_new_tokens": 400,
            }
            body = {"text": "<|begin_of_text|>Give me an example as JSON.", "sampling_params": parameters}
            print(json.dumps({"custom_id": f"{case['id']}#{seed}", "url": "/generate", "body": body}))


def judge(requests_path, answers_path):
    counts, wrong = collections.Counter(), []
    requests_text = pathlib.Path(requests_path).read_text().splitlines()
    answers_text = pathlib.Path(answers_path).read_text().splitlines()
    assert len(requests_text) == len(answers_text), "an answer for each request"
    for request, answer in zip(map(json.loads, requests_text), map(json.loads, answers_text)):
        assert request["custom_id"] == answer["custom_id"]
        response = answer["response"]
        if response["status_code"] != 200:
            counts["refused"] += 1
            continue
        body = response["body"]
        if body["meta_info"]["finish_reason"]["type"] == "length":
            counts["cut off and said so"] += 1
            continue
        schema = json.loads(request["body"]["sampling_params"]["json_schema"])
        try:
            value = json.loads(body["text"])
            jsonschema.validators.validator_for(schema, jsonschema.Draft202012Validator)(schema).validate(value)
            counts["valid"] += 1
        except (ValueError, jsonschema.ValidationError) as error:
            counts["wrong"] += 1
            wrong.append(f"{request['custom_id']}: {str(error).splitlines()[0]}: {body['text'][:300]}")
    print(", ".join(f"{name} {count}" for name, count in sorted(counts.items())))
    print("\n".join(wrong))
    sys.exit(bool(wrong))


def random_weights(source, target):
    shutil.copytree(source, target)
    path = pathlib.Path(target) / "model.safetensors"
    data = path.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    tensors = json.loads(data[8 : 8 + length])
    assert all(tensor["dtype"] == "BF16" for name, tensor in tensors.items() if name != "__metadata__")
    generator = random.Random(1)
    count = (len(data) - 8 - length) // 2
    # The upper half of a float's bits is the bfloat16.
    values = (struct.pack("<f", generator.gauss(0, 0.1))[2:] for _ in range(count))
    path.write_bytes(data[: 8 + length] + b"".join(values))


{"requests": requests, "judge": judge, "--random-weights": random_weights}[sys.argv[1]](*sys.argv[2:])
