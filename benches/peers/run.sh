#!/usr/bin/env bash
# Luthier beside Spark and scikit-learn: see README.md. Needs Rust, Python 3.11 or later, and Java 17 for Spark.
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"
target="${CARGO_TARGET_DIR:-$here/../../target}"
venv="${LUTHIER_PEERS_VENV:-$target/peers/venv}"
if [ ! -x "$venv/bin/python" ]; then
    python3 -m venv "$venv"
fi
"$venv/bin/pip" install --quiet --disable-pip-version-check -r "$here/requirements.txt"
exec "$venv/bin/python" "$here/run.py" "$@"
