#!/usr/bin/env bash
# Fuzzes every target: fuzz/run.sh [SECONDS for each, 60 unless told] [TARGET…]
#
# Needs a nightly toolchain. What is found is in fuzz/artifacts/TARGET, what was tried in fuzz/corpus/TARGET. Set
# FUZZ_SANITIZER=address to look for faults of memory in dependencies as well; the workspace itself has no `unsafe`.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:-60}
[ $# -gt 0 ] && shift
targets=${*:-configuration csv journal model parquet results summaries}
sanitizer=${FUZZ_SANITIZER:-none}
command -v cargo-fuzz >/dev/null || cargo install cargo-fuzz --locked

fuzz() { cargo +nightly fuzz "$1" --sanitizer "$sanitizer" "${@:2}"; }

fuzz build
failed=
for target in $targets; do
    printf '\n== %s\n' "$target"
    mkdir -p "fuzz/corpus/$target" "fuzz/seeds/$target"
    # Panics are told by libFuzzer itself; what the program prints would only hide them.
    fuzz run "$target" "fuzz/corpus/$target" "fuzz/seeds/$target" -- -max_total_time="$seconds" -timeout=20 \
        -rss_limit_mb=4096 -max_len=65536 -close_fd_mask=1 -print_final_stats=1 || failed="$failed $target"
done
if [ -n "$failed" ]; then
    printf '\nfound something:%s\n' "$failed" >&2
    exit 1
fi
