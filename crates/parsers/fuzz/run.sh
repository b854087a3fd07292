#!/usr/bin/env bash
# run.sh TARGET SECONDS [ARGS]: builds the fuzz targets with the installed stable toolchain and runs one of them, with the
# flags that `cargo fuzz` would give, but for a sanitizer: no crate here has unsafe code.
set -euo pipefail
cd "$(dirname "$0")"
target=$1 seconds=$2; shift 2
flags="-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 -Cllvm-args=-sanitizer-coverage-inline-8bit-counters"
flags+=" -Cllvm-args=-sanitizer-coverage-pc-table -Cllvm-args=-sanitizer-coverage-trace-compares --cfg fuzzing -Ccodegen-units=4"
RUSTFLAGS=$flags cargo build -q --release --target "$(rustc -vV | sed -n 's/^host: //p')" --bin "$target"
bin=$(echo target/*/release)
# without the flags, which want the fuzzer linked in
cargo run -q --release --bin seed -- corpus ${CORONER_FORMAT:+"$CORONER_FORMAT"}
corpus=corpus/${CORONER_FORMAT:-$target}
mkdir -p artifacts
"$bin/$target" "$corpus" -max_total_time="$seconds" -max_len=16384 -timeout=20 -rss_limit_mb=2048 -artifact_prefix=artifacts/ "$@"
