#!/bin/sh
# Builds the console into the folder $1: modules for browsers, and beside them what is served as it is.
set -eu
console=$(cd "$(dirname "$0")" && pwd)
root=$console/../..
"$root/node_modules/.bin/tsc" -p "$console/tsconfig.json" --noEmit false --outDir "$1"
cp "$console"/*.html "$console"/*.css "$console"/*.svg "$1"
mkdir -p "$1/vendor"
cp "$root/node_modules/uplot/dist/uPlot.esm.js" "$1/vendor/uPlot.js"
cp "$root/node_modules/uplot/dist/uPlot.min.css" "$1/vendor/uPlot.css"
cp "$root/node_modules/uplot/LICENSE" "$1/vendor/uPlot.LICENSE"
