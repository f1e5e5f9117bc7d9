#!/usr/bin/env python3
"""Compiles kernels/*.cu (with the headers kernels/*.cuh) to the PTX that is committed beside them, and writes manifest.json.

    python3 ptx/compile.py            compile; rewrite kernels/*.ptx and manifest.json
    python3 ptx/compile.py --check    compile; fail unless that gives the committed files byte for byte

Both also assemble the PTX with ptxas for each of ASSEMBLED_TARGETS and fail if a kernel spills registers.

Needs Python 3.9 and pip on x86-64 Linux; no GPU, driver or CUDA toolkit. The compiler comes from the wheels of
requirements.txt, which pip checks against the hashes there and installs under target/ptx-toolchain.
"""

import argparse
import ctypes
import hashlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent
KERNELS = ROOT / "kernels"
MANIFEST = ROOT / "manifest.json"
REQUIREMENTS = ROOT / "requirements.txt"

OPTIONS = ["--gpu-architecture=compute_80", "--std=c++17"]
ASSEMBLED_TARGETS = ["sm_80", "sm_90", "sm_100"]


class CompileError(Exception):
    """What went wrong, for the reader of the terminal."""


def install_toolchain(directory):
    """Installs the wheels of requirements.txt into `directory`, unless these very wheels are there already."""
    requirements = REQUIREMENTS.read_bytes()
    stamp = directory / "installed-requirements.txt"
    if stamp.is_file() and stamp.read_bytes() == requirements:
        return
    shutil.rmtree(directory, ignore_errors=True)
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
    command += ["--only-binary=:all:", "--require-hashes", "--target", str(directory), "-r", str(REQUIREMENTS)]
    if subprocess.run(command).returncode != 0:
        raise CompileError(f"pip could not install {REQUIREMENTS}; it needs x86-64 Linux and a package index")
    stamp.write_bytes(requirements)


class Nvrtc:
    """The calls of libnvrtc that turn a CUDA C++ text into a PTX text."""

    def __init__(self, toolchain):
        library = toolchain / "nvidia" / "cuda_nvrtc" / "lib" / "libnvrtc.so.12"
        self.library = ctypes.CDLL(str(library))
        self.library.nvrtcGetErrorString.restype = ctypes.c_char_p
        self.include = toolchain / "nvidia" / "cuda_runtime" / "include"

    def call(self, function, *arguments):
        status = getattr(self.library, function)(*arguments)
        if status != 0:
            raise CompileError(f"{function}: {self.library.nvrtcGetErrorString(status).decode()}")

    def text(self, program, size_function, text_function):
        size = ctypes.c_size_t()
        self.call(size_function, program, ctypes.byref(size))
        text = ctypes.create_string_buffer(size.value)
        self.call(text_function, program, text)
        return text.value

    def compile(self, name, source):
        """The PTX of the CUDA C++ text `source`, both as bytes. Warnings are errors."""
        program = ctypes.c_void_p()
        self.call("nvrtcCreateProgram", ctypes.byref(program), source, name.encode(), 0, None, None)
        try:
            options = [*OPTIONS, f"--include-path={self.include}", f"--include-path={KERNELS}"]
            array = (ctypes.c_char_p * len(options))(*(option.encode() for option in options))
            status = self.library.nvrtcCompileProgram(program, len(options), array)
            log = self.text(program, "nvrtcGetProgramLogSize", "nvrtcGetProgramLog").decode().strip()
            if status != 0 or log:
                raise CompileError(f"{name} does not compile cleanly:\n{log}")
            return self.text(program, "nvrtcGetPTXSize", "nvrtcGetPTX")
        finally:
            self.library.nvrtcDestroyProgram(ctypes.byref(program))


def assemble(toolchain, name, ptx):
    """Assembles `ptx` for each target and prints what each kernel takes; a spill is an error."""
    ptxas = toolchain / "nvidia" / "cuda_nvcc" / "bin" / "ptxas"
    # Wheels do not always keep the executable bit.
    ptxas.chmod(0o755)
    with tempfile.TemporaryDirectory() as scratch:
        text = pathlib.Path(scratch, name)
        text.write_bytes(ptx)
        for target in ASSEMBLED_TARGETS:
            command = [str(ptxas), "--verbose", f"--gpu-name={target}", "--output-file", os.devnull, str(text)]
            result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            if result.returncode != 0:
                raise CompileError(f"ptxas refuses {name} for {target}:\n{result.stdout}")
            entries = re.findall(r"Compiling entry function '(\w+)'", result.stdout)
            spills = re.findall(r"(\d+) bytes spill stores, (\d+) bytes spill loads", result.stdout)
            registers = re.findall(r"Used (\d+) registers", result.stdout)
            if not entries or not len(entries) == len(spills) == len(registers):
                raise CompileError(f"ptxas says nothing that can be read about {name} for {target}:\n{result.stdout}")
            for entry, spill, count in zip(entries, spills, registers):
                if spill != ("0", "0"):
                    raise CompileError(f"{entry} spills for {target}: {spill[0]} bytes stored, {spill[1]} loaded")
                print(f"{target}: {entry}: {count} registers, no spills")


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def generate(toolchain):
    """The generated files: path to content. The last one is the manifest."""
    nvrtc = Nvrtc(toolchain)
    files = {}
    modules = []
    for source_path in sorted(KERNELS.glob("*.cu")):
        source = source_path.read_bytes()
        ptx_path = source_path.with_suffix(".ptx")
        ptx = nvrtc.compile(source_path.name, source)
        assemble(toolchain, ptx_path.name, ptx)
        files[ptx_path] = ptx
        modules.append(
            {
                "source": source_path.relative_to(ROOT).as_posix(),
                "source_sha256": sha256(source),
                "ptx": ptx_path.relative_to(ROOT).as_posix(),
                "ptx_sha256": sha256(ptx),
            }
        )
    pins = (line for line in REQUIREMENTS.read_text().splitlines() if line and not line.startswith("#"))
    headers = [
        {"header": path.relative_to(ROOT).as_posix(), "header_sha256": sha256(path.read_bytes())}
        for path in sorted(KERNELS.glob("*.cuh"))
    ]
    manifest = {
        "toolchain": dict(pin.split()[0].split("==") for pin in pins),
        "options": OPTIONS,
        "assembled_targets": ASSEMBLED_TARGETS,
        "headers": headers,
        "modules": modules,
    }
    files[MANIFEST] = (json.dumps(manifest, indent=2) + "\n").encode()
    return files


def check(files):
    """Fails unless the committed files are `files` and there is no PTX besides."""
    stale = [path for path, content in files.items() if not path.is_file() or path.read_bytes() != content]
    stale += [path for path in sorted(KERNELS.glob("*.ptx")) if path not in files]
    if stale:
        names = ", ".join(path.relative_to(ROOT).as_posix() for path in stale)
        raise CompileError(f"not what the sources compile to: {names}; run ptx/compile.py and commit what it writes")
    print(f"{len(files)} generated files are what the sources compile to")


def write(files):
    for path in KERNELS.glob("*.ptx"):
        if path not in files:
            path.unlink()
    for path, content in files.items():
        path.write_bytes(content)
        print(f"wrote {path.relative_to(ROOT).as_posix()}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="compare with the committed files, write nothing")
    parser.add_argument(
        "--toolchain",
        type=pathlib.Path,
        default=ROOT.parent / "target" / "ptx-toolchain",
        help="folder of the installed wheels (default: %(default)s)",
    )
    arguments = parser.parse_args()
    try:
        toolchain = arguments.toolchain.resolve()
        install_toolchain(toolchain)
        files = generate(toolchain)
        if arguments.check:
            check(files)
        else:
            write(files)
    except CompileError as error:
        sys.exit(f"compile.py: {error}")


if __name__ == "__main__":
    main()
