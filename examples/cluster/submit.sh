#!/usr/bin/env bash
# Converts a checkpoint on several nodes of a Slurm cluster: one task for each part, then one that finishes.
#
#     SOURCE=/data/Llama-3.1-405B OUTPUT=/data/405b-hf PARTS=16 bash examples/cluster/submit.sh
#
# OPTIONS (default: --to safetensors) are those of convert, the same for all. A part that failed can be submitted
# alone: sbatch --array=3 convert.sbatch, with the same variables; then the last command once more.
set -euo pipefail
export SOURCE=${SOURCE:?the checkpoint} OUTPUT=${OUTPUT:?where to write}
export OPTIONS=${OPTIONS:---to safetensors} PARTS=${PARTS:-8}
here=$(dirname "$0")

array=$(sbatch --parsable --array="1-$PARTS" "$here/convert.sbatch")
sbatch --dependency="afterok:${array%%;*}" "$here/convert.sbatch"
