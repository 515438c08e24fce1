#!/usr/bin/env bash
# Lets a folder of models pass only if nothing in it can run and every byte is proven.
#
#     bash examples/ci-gate/gate.sh MODELS [RESULTS]
#
# Each folder directly in MODELS is a checkpoint. RESULTS (default: gate-results) receives scan.sarif, for GitHub's and
# other systems' lists of findings, and verify-NAME.json for each checkpoint. Exit code 0: all may be deployed.
set -uo pipefail
models=${1:?usage: gate.sh MODELS [RESULTS]}
results=${2:-gate-results}
llama_inspect=${LLAMA_INSPECT:-npx llama-inspect}
mkdir -p "$results"
status=0

# 0: clean, 1: findings, 2: something could not be looked into. Only 0 may pass.
$llama_inspect scan "$models" --sarif >"$results/scan.sarif" || status=1
$llama_inspect scan "$models"

for folder in "$models"/*/; do
  name=$(basename "$folder")
  report=$results/verify-$name.json
  $llama_inspect verify "$folder" --json >"$report" || status=1
  node -p 'const { verdict, error } = JSON.parse(require("fs").readFileSync(process.argv[1]));
    `${process.argv[2]}: ${verdict ?? error.message}`' "$report" "$name"
done

[ "$status" -eq 0 ] && echo 'gate: passed' || echo 'gate: CLOSED'
exit "$status"
