#!/bin/bash
# Speed of the golden executor on the shipped model: tokens per second of
# `mxf eval`, and the ratios of one run: fast paths against the defining ones,
# two threads against one. Times are CPU-bound: run it on an idle machine.
#   tests/bench.sh          TOKENS=4000   scored tokens per measurement
set -euo pipefail
cd "$(dirname "$0")/.."
mxf=build/mxf
tokens=${TOKENS:-4000}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

"$mxf" quantize tests/models/kjv.gguf --weights mxint4 --acts mxint8 -o "$dir/model.mxq" >/dev/null
"$mxf" compile "$dir/model.mxq" --target sim -o "$dir/model.mxp" >/dev/null

# rate TOKENS OPTIONS...: tokens per second by the wall clock, start of the
# command included, the best of three
rate() {
  local n=$1 best=0 begin rate
  shift
  for _ in 1 2 3; do
    begin=$EPOCHREALTIME
    "$mxf" eval "$dir/model.mxp" --text tests/models/heldout.txt --split '<|end|>' --max-tokens "$n" "$@" >"$dir/out"
    rate=$(awk -v n="$n" -v a="$begin" -v b="$EPOCHREALTIME" 'BEGIN {printf "%.0f", n / (b - a)}')
    [ "$rate" -le "$best" ] || best=$rate
  done
  echo "$best"
}

plain=$(rate $((tokens / 20)) --threads 1 --plain)
one=$(rate "$tokens" --threads 1)
two=$(rate "$tokens" --threads 2)
compared=$(rate "$tokens" --threads 2 --reference tests/models/kjv.gguf)
awk -v p="$plain" -v a="$one" -v b="$two" -v c="$compared" 'BEGIN {
  printf "defining paths, 1 thread    %8d tokens/s\n", p
  printf "fast paths, 1 thread        %8d tokens/s   %.1f times the defining paths\n", a, a / p
  printf "fast paths, 2 threads       %8d tokens/s   %.2f times 1 thread\n", b, b / a
  printf "with --reference, 2 threads %8d tokens/s   %.2f times without\n", c, c / b
}'
