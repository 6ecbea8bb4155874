#!/bin/sh
# Makes echarts.js anew from the pinned packages of package-lock.json. Needs node, npm and the npm registry.
# `bundle.sh --check` makes it elsewhere and fails if the file in the tree is another one.
set -eu
cd "$(dirname "$0")"
out=echarts.js
[ "${1:-}" != --check ] || out=$(mktemp)

npm ci --ignore-scripts --no-audit --no-fund --silent
# esbuild's binary comes with its optional dependency: no install script is needed.
./node_modules/.bin/esbuild entry.js --bundle --minify --format=iife --target=es2020 --charset=ascii \
  --legal-comments=none --define:process.env.NODE_ENV='"production"' --log-level=warning \
  --banner:js='/*! Apache ECharts 6.1.0, zrender (BSD-3-Clause), tslib (0BSD): see LICENSE and NOTICE in crates/luthier-report/web/vendor */' \
  --outfile="$out"

# What would end the script element it is embedded in.
if grep -qi '</script\|<!--' "$out"; then
  echo "$out has text that would end a <script> element" >&2
  exit 1
fi
if [ "${1:-}" = --check ]; then
  cmp "$out" echarts.js
  rm "$out"
fi
cp node_modules/echarts/LICENSE LICENSE
{
  cat node_modules/echarts/NOTICE
  printf '\n\n== zrender ==\n\n'
  cat node_modules/zrender/LICENSE
  printf '\n== tslib ==\n\n'
  cat node_modules/tslib/LICENSE.txt
  printf '\n== d3, parts of which ECharts embeds ==\n\n'
  cat node_modules/echarts/licenses/LICENSE-d3
} > NOTICE
wc -c echarts.js
