#!/bin/sh
# SPDX-License-Identifier: MIT
# `make demo`: converts the demo model and lets it answer two prompts.
set -eu
anemone=$1
root=$(dirname "$0")/..
out=${DEMO_OUT:-demo-out}

echo "== anemone convert $root/models/demo -o $out --overwrite"
"$anemone" convert "$root/models/demo" -o "$out" --overwrite
echo
echo "== what was written"
du -sh "$out"/* | sed 's/^/  /'
for prompt in "Who are you?" "Tell me a story about a fox."; do
    echo
    echo "== anemone run $out \"$prompt\""
    "$anemone" run "$out" "$prompt" --stats
done
echo
echo "Chat on:     $anemone chat $out"
echo "Look inside: $anemone inspect $out/qwen_FFN_PF_chunk_01of01.mlpackage"
