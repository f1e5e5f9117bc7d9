#!/usr/bin/env bash
# Everything about the GPU that CI cannot check, in two steps, because a machine with a GPU may have no Rust.
#
#   benches/gpu/check.sh build            on a machine with Rust: puts two programs and their data into target/gpu-check/
#   target/gpu-check/check.sh [RECORD]    on a machine with an NVIDIA driver for CUDA 12.9 or newer: runs them in under
#                                         8 minutes; the report goes to the terminal and to RECORD (default:
#                                         gpu-check.md beside the script)
#   target/gpu-check/check.sh rehearse    anywhere: all of it that needs no GPU, on the CPU, without a record
#
# The programs need glibc and nothing else: no toolkit, no Python. To keep a record, name it
# benches/record/DATE-gpu-NAME.md and commit it.
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"

if [ "${1:-}" = build ]; then
  root="$(cd "$here/../.." && pwd)"
  out="$root/target/gpu-check"
  (cd "$root" && cargo build --release --locked -p grammarc-benches --bin gpu_check && cargo build --release --locked -p grammarc)
  rm -rf "$out"
  mkdir -p "$out/data"
  cp "$root/target/release/gpu_check" "$root/target/release/grammarc" "$here/check.sh" "$out/"
  cp -r "$root/gpu-runtime/data/tiny-tools" "$root/gpu-runtime/data/stories260K" "$out/data/"
  cp "$root/examples/capital.schema.json" "$out/data/"
  (cd "$root" && git describe --always --dirty) > "$out/commit.txt"
  echo "copy $out to the machine with the GPU, and run check.sh there"
  exit
fi

if [ ! -x "$here/gpu_check" ]; then
  echo "there is no program beside this script; run \"$0 build\" where there is Rust" >&2
  exit 2
fi
if [ "${1:-}" = rehearse ]; then
  exec "$here/gpu_check" "$here/data" --grammarc "$here/grammarc" --rehearse
fi
record="${1:-$here/gpu-check.md}"
{
  echo "<!-- $(date -u +%Y-%m-%dT%H:%MZ), commit $(cat "$here/commit.txt"), $(uname -sr), $(nproc) CPUs -->"
  timeout 470 "$here/gpu_check" "$here/data" --grammarc "$here/grammarc"
} | tee "$record"
