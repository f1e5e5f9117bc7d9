"""What hostile requests make `grammarc serve` take of the memory, one kind of them after the other.

    python3 benches/server_memory.py target/release/grammarc [options of serve…]

For each kind: how many requests of what size came together, how long they took, the resident size before them, the greatest
meanwhile and that after them in MB, and the statuses of the answers. Linux only, as it asks the system for these sizes.
"""

import collections
import json
import pathlib
import re
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request

MB = 16_000_000 - 100_000  # nearly the greatest body


def native(**parameters):
    return json.dumps({"text": "a", "sampling_params": {"max_new_tokens": 20, **parameters}}).encode()


def ignored(value, unit, length=MB):
    """A body whose constraint is small, and a member that is not read large."""
    count = length // (len(unit) + 1)
    return b'{"text":"hi","sampling_params":{"regex":"a"},"x":[' + (unit + b",") * count + value + b"]}"


def schema(value):
    return native(json_schema=json.dumps(value))


def many_properties(index):
    inner = {"type": "object", "properties": {f"m{k}": {"enum": list(range(50))} for k in range(20)}}
    return schema({"type": "object", "properties": {f"k{index}_{j}": inner for j in range(300)}})


def many_rules(index):
    rules = [f'r{j} ::= r{(j * 7 + index) % 3000}? "x{j}" r{(j * 13 + 1) % 3000}*' for j in range(3000)]
    return native(ebnf="\n".join(["root ::= (" + " | ".join(f"r{j}" for j in range(3000)) + ")*", *rules]))


def many_tags(index):
    content = {"type": "object", "properties": {f"q{k}": {"type": "integer"} for k in range(30)}}
    content = {"type": "json_schema", "json_schema": content}
    tags = [{"begin": f"<f{j}_{index}>", "content": content, "end": "</f>"} for j in range(1000)]
    tag = {"type": "triggered_tags", "triggers": ["<f"], "tags": tags}
    return native(structural_tag=json.dumps({"type": "structural_tag", "format": tag}))


def many_messages(count):
    messages = [{"role": "user", "content": "a"}] * count
    return json.dumps({"messages": messages}).encode()


def probabilities(_):
    message = {"role": "user", "content": "hi"}
    limits = {"n": 20, "max_tokens": 450, "ignore_eos": True, "logprobs": True, "top_logprobs": 20}
    return json.dumps({"messages": [message], **limits}).encode()


CHAT = "/v1/chat/completions"
NATIVE = "/generate"
KINDS = [
    ("8 million numbers", 10, NATIVE, lambda _: ignored(b"0", b"0")),
    ("157,000 strings", 10, NATIVE, lambda _: ignored(b"0", b'"' + b"a" * 100 + b'"')),
    ("a prompt of 16 MB", 16, NATIVE, lambda _: b'{"text":"' + b"a" * MB + b'"}'),
    ("120,000 objects", 6, NATIVE, lambda _: ignored(b"0", b'{"a":{}}', 540_000)),
    ("170 kB of objects", 60, NATIVE, lambda _: ignored(b"0", b'{"":0}', 170_000)),
    ("40,000 messages", 4, CHAT, lambda _: many_messages(40_000)),
    ("one regex, quadratic", 4, NATIVE, lambda _: native(regex="a?" * 99_000)),
    ("regexes, quadratic", 4, NATIVE, lambda index: native(regex=f"{index}" + "a?" * 99_000)),
    ("smaller ones", 8, NATIVE, lambda index: native(regex=f"{index}" + "a?" * 19_000)),
    ("long literals", 8, NATIVE, lambda index: native(ebnf=f'root ::= "{index}' + "ab" * 199_000 + '"')),
    ("enums of 100,000", 8, NATIVE, lambda index: schema({"enum": [f"{index}", *range(100_000)]})),
    ("6,000 properties", 4, NATIVE, many_properties),
    ("3,000 rules", 4, NATIVE, many_rules),
    ("1,000 tags", 4, NATIVE, many_tags),
    ("400 open ends", 2, NATIVE, lambda index: native(regex="|".join(f".*{k + index}[a-z]{{0,40}}" for k in range(400)))),
    ("probabilities", 8, CHAT, probabilities),
    ("different texts", 16, NATIVE, lambda index: ignored(b'"%d"' % index, b'"' + b"a" * (MB - 10) + b'"')),
]


class Server:
    """A running `grammarc serve`."""

    def __init__(self, command):
        self.process = subprocess.Popen([*command, "--port", "0"], stdout=subprocess.PIPE, text=True)
        self.address = re.search(r"http://\S+", self.process.stdout.readline())[0]
        self.system = pathlib.Path(f"/proc/{self.process.pid}")

    def sizes(self):
        """The greatest resident size since `forget`, and that of now, in MB."""
        lines = (line.split() for line in (self.system / "status").read_text().splitlines())
        sizes = {words[0]: int(words[1]) // 1024 for words in lines if words[0] in ("VmHWM:", "VmRSS:")}
        return sizes["VmHWM:"], sizes["VmRSS:"]

    def forget(self):
        (self.system / "clear_refs").write_text("5")

    def health(self):
        with urllib.request.urlopen(f"{self.address}/health", timeout=60) as response:
            return response.status

    def status(self, path, body):
        request = urllib.request.Request(self.address + path, body, {"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=300) as response:
                response.read()
                return response.status
        except urllib.error.HTTPError as error:
            return error.code
        except OSError as error:
            return type(error).__name__


def main():
    server = Server([sys.argv[1], "serve", *sys.argv[2:]])
    print(f"{'kind':22} {'requests':>8} {'MB each':>8} {'s':>6} {'before':>7} {'peak':>6} {'after':>6}  statuses")
    greatest = 0
    for name, count, path, body in KINDS:
        bodies = [body(index) for index in range(count)]
        statuses = []
        threads = [threading.Thread(target=lambda b=b: statuses.append(server.status(path, b))) for b in bodies]
        server.forget()
        before = server.sizes()[1]
        begin = time.monotonic()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        took = time.monotonic() - begin
        time.sleep(0.5)
        peak, after = server.sizes()
        greatest = max(greatest, peak)
        counts = ", ".join(f"{count} × {status}" for status, count in sorted(collections.Counter(statuses).items(), key=str))
        size = len(bodies[0]) / 1e6
        print(f"{name:22} {count:8} {size:8.2f} {took:6.1f} {before:7} {peak:6} {after:6}  {counts}", flush=True)
    print(f"greatest size: {greatest} MB; at the end: {server.sizes()[1]} MB; /health: {server.health()}")
    server.process.terminate()
    server.process.wait()


if __name__ == "__main__":
    main()
