#!/usr/bin/env bash
# Makes the pictures of the README from real runs. Needs Chromium for the picture of the report.
set -euo pipefail
cd "$(dirname "$0")/../.."
cargo run --release -p luthier --features pictures --example model_parallelism docs/pictures
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
cargo run --release -p luthier-cli -- tune examples/churn.toml --quiet --out "$work/run" --out-of-fold "$work/held-out.csv"
"${CHROMIUM:-chromium}" --headless --no-sandbox --hide-scrollbars --window-size=1100,1500 \
    --screenshot=docs/pictures/report.png "file://$work/run/report.html" 2> /dev/null
