"""Runs the code cells of notebooks about structured outputs in SGLang against `grammarc serve`.

    pip install openai requests pydantic
    python examples/run_documents.py target/release/grammarc structured_outputs.ipynb …

The notebooks are docs/advanced_features/structured_outputs.ipynb and structured_outputs_for_reasoning_models.ipynb of
https://github.com/sgl-project/sglang. Where they start a server of their own, or load a model in their process, this
starts `grammarc serve` with the built-in model; where they render a chat template, this renders the built-in model's.
The names of models in their requests stay as they are, and so does all else. A request of `requests` that is refused counts as
a failed cell, though the notebooks do not look at the status. The exit code says whether every cell ran.
"""

import json
import pathlib
import re
import subprocess
import sys
import time
import traceback
import types

import requests

PROGRAM = sys.argv[1]

post = requests.post


def post_and_check(*args, **options):
    response = post(*args, **options)
    response.raise_for_status()
    return response


requests.post = post_and_check


class Server:
    """A running `grammarc serve`."""

    def __init__(self, *options):
        command = [PROGRAM, "serve", "--port", "0", *options]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        found = re.search(r"http://[^:]*:(\d+)", line)
        if found is None:
            raise RuntimeError(f"the server has not started: {line!r}")
        self.port = int(found[1])

    def stop(self):
        self.process.terminate()
        self.process.wait()


def launch_server_cmd(command, **_):
    parser = re.search(r"--reasoning-parser[ =](\S+)", command)
    server = Server(*(["--reasoning-parser", parser[1]] if parser else []))
    return server, server.port


def wait_for_server(url, **_):
    for _ in range(100):
        if requests.get(f"{url}/health", timeout=10).status_code == 200:
            return
        time.sleep(0.1)
    raise RuntimeError(f"no server at {url}")


class Engine:
    """The engine in the process, by way of `/generate`."""

    def __init__(self, **_):
        self.server = Server()

    def generate(self, prompts, sampling_params):
        body = {"text": prompts, "sampling_params": sampling_params}
        return requests.post(f"http://127.0.0.1:{self.server.port}/generate", json=body, timeout=600).json()

    def shutdown(self):
        self.server.stop()


class AutoTokenizer:
    """The chat template of the built-in model."""

    @classmethod
    def from_pretrained(cls, *_, **__):
        return cls()

    @staticmethod
    def apply_chat_template(messages, **_):
        def turn(role, content):
            return f"<|start_header_id|>{role}<|end_header_id|>\n\n{content}"

        turns = [turn(message["role"], message["content"].strip()) + "<|eot_id|>" for message in messages]
        return "<|begin_of_text|>" + "".join(turns) + turn("assistant", "")


def module(name, **members):
    made = types.ModuleType(name)
    made.__dict__.update(members)
    sys.modules[name] = made


module("sglang", Engine=Engine)
module("sglang.test")
module("sglang.test.doc_patch", launch_server_cmd=launch_server_cmd)
module(
    "sglang.utils",
    wait_for_server=wait_for_server,
    terminate_process=Server.stop,
    print_highlight=lambda text: print(f"  {text}"),
)
module("transformers", AutoTokenizer=AutoTokenizer)

failed = 0
for path in sys.argv[2:]:
    names = {}
    cells = [cell for cell in json.loads(pathlib.Path(path).read_text())["cells"] if cell["cell_type"] == "code"]
    for number, cell in enumerate(cells, 1):
        print(f"{path}: cell {number} of {len(cells)}")
        try:
            exec("".join(cell["source"]), names)
        except Exception:
            failed += 1
            traceback.print_exc()
    for value in names.values():
        if isinstance(value, Engine):
            value.shutdown()
        elif isinstance(value, Server) and value.process.poll() is None:
            value.stop()
print(f"{failed} cells failed")
sys.exit(failed > 0)
