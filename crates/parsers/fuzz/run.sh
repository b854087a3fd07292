#!/usr/bin/env bash
# run.sh TARGET SECONDS [ARGS]: runs one fuzz target, seeded first. TARGET is `bundle`, `rules`, the name of a format,
# `any` (one run over all formats, the first byte of an input picks one) or `each` (every format, so long each).
# With cargo-fuzz and a nightly toolchain these build the targets; else the installed stable toolchain does with the flags
# that cargo-fuzz would give. Both without a sanitizer: no crate here has unsafe code.
# What goes wrong lies in artifacts/ afterwards, and so does an input that takes more than a second (slow-unit-*).
set -euo pipefail
cd "$(dirname "$0")"
target=$1 seconds=$2; shift 2
host=$(rustc -vV | sed -n 's/^host: //p')
bin=target/$host/release
mkdir -p artifacts
[ -d corpus ] || cargo run -q --example seed -- corpus

case $target in bundle | rules) program=$target ;; *) program=format ;; esac
if [ -z "${CORONER_BUILT:-}" ]; then
    if cargo fuzz --version > /dev/null 2>&1 && rustup run nightly rustc --version > /dev/null 2>&1; then
        cargo +nightly fuzz build --fuzz-dir . -s none "$program"
    else
        flags="-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 -Cllvm-args=-sanitizer-coverage-inline-8bit-counters"
        flags+=" -Cllvm-args=-sanitizer-coverage-pc-table -Cllvm-args=-sanitizer-coverage-trace-compares --cfg fuzzing -Ccodegen-units=4"
        RUSTFLAGS=$flags cargo build -q --release --target "$host" --bin "$program"
    fi
fi

run() {
    local name=$1 longest=16384; shift
    case $name in journal-binary | tsdb-*) longest=163840 ;; esac
    echo "== $name, $seconds s"
    export CORONER_FORMAT=$name
    case $name in bundle | rules | any) unset CORONER_FORMAT ;; esac
    "$bin/$program" "corpus/$name" -max_total_time="$seconds" -max_len=$longest -timeout=10 -report_slow_units=1 \
        -rss_limit_mb=1024 -artifact_prefix="artifacts/$name-" -print_final_stats=1 "$@"
}

if [ "$target" = each ]; then
    for folder in corpus/*/; do
        name=$(basename "$folder")
        case $name in any | bundle | rules) continue ;; esac
        run "$name" "$@" || echo "== $name: see artifacts/"
    done
else
    run "$target" "$@"
fi
