#!/bin/bash
# Speed of the golden executor on the shipped model: tokens per second of
# `mxf eval`, and the ratios of one run: fast paths against the defining ones,
# two threads against one. Run it on an idle machine.
#   tests/bench.sh          TOKENS=4000   scored tokens per measurement
set -euo pipefail
cd "$(dirname "$0")/.."
mxf=build/mxf
tokens=${TOKENS:-4000}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

"$mxf" quantize tests/models/kjv.gguf --weights mxint4 --acts mxint8 -o "$dir/model.mxq" >/dev/null
"$mxf" compile "$dir/model.mxq" --target sim -o "$dir/model.mxp" >/dev/null

# rate TOKENS OPTIONS...: tokens per second of the wall clock and of processor
# time, start of the command included; of three runs the one with the least
# processor time
rate() {
  local n=$1
  shift
  TIMEFORMAT='%R %U %S'
  for _ in 1 2 3; do
    { time "$mxf" eval "$dir/model.mxp" --text tests/models/heldout.txt --split '<|end|>' --max-tokens "$n" "$@" >"$dir/out"; } 2>&1
  done | sort -k 2 -n | awk -v n="$n" 'NR == 1 {print n / $1, n / ($2 + $3)}'
}

plain=$(rate $((tokens / 20)) --threads 1 --plain)
one=$(rate "$tokens" --threads 1)
two=$(rate "$tokens" --threads 2)
compared=$(rate "$tokens" --threads 2 --reference tests/models/kjv.gguf)
awk -v p="$plain" -v a="$one" -v b="$two" -v c="$compared" '
function row(name, rates) {
  split(rates, r, " ")
  printf "%-28s %9.0f %14.0f\n", name, r[1], r[2]
}
function ratio(name, x, y, column) {
  split(x, r, " ")
  split(y, s, " ")
  printf "%-45s %7.2f\n", name, r[column] / s[column]
}
BEGIN {
  print "tokens per second of               wall clock processor time"
  row("defining paths, 1 thread", p)
  row("fast paths, 1 thread", a)
  row("fast paths, 2 threads", b)
  row("with --reference, 2 threads", c)
  ratio("fast / defining, processor time", a, p, 2)
  ratio("2 threads / 1, wall clock", b, a, 1)
  ratio("with --reference / without, processor time", c, b, 2)
}'
