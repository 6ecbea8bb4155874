#!/usr/bin/env bash
# Opens reports of real and of made-up searches in a headless browser: see ../README.md. Needs the program, built in the profile `dev`.
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"
root="$(cd "$here/../../../.." && pwd)"
program="${CARGO_TARGET_DIR:-$root/target}/debug/luthier"

skip() {
    printf '\n!!!!!!!!!!!!!!!!!!!!\n!!! SKIPPED: the reports were not opened in a browser: %s\n!!!!!!!!!!!!!!!!!!!!\n' "$1"
    exit 0
}

# The command, or the packages of Debian that have it.
need() {
    command -v "$1" > /dev/null && return
    { [ "$(id -u)" = 0 ] && command -v apt-get > /dev/null; } || skip "$1 is missing and cannot be installed here"
    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "${@:2}" > /dev/null || skip "$1 cannot be installed"
}

need node nodejs npm
need npm npm
[ -n "${CHROMIUM:-}" ] || need chromium chromium
cd "$here"
npm ci --ignore-scripts --no-audit --no-fund --loglevel=error || skip "the packages of the checks cannot be installed"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT

node --test .
node ssr.mjs "$work/plots"
node fixture.mjs "$work/reports"
cd "$root"
for example in diabetes churn competing; do
    "$program" tune "examples/$example.toml" --quiet --out "$work/$example" --out-of-fold "$work/$example.csv" > "$work/$example.log"
    cp "$work/$example/report.html" "$work/reports/run-$example.html"
done
"$program" tune examples/diabetes.toml --quiet --parallelism 1 --out "$work/serial" > "$work/serial.log"
"$program" report "$work/diabetes" --compare "$work/serial" --out "$work/reports/run-compared.html"
node "$here/trace.mjs" "$work"/{diabetes,churn,competing,serial}/trace.json
node "$here/check.mjs" "$work"/reports/*.html
