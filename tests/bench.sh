#!/bin/bash
# Speeds of golden executor and Verilated RTL, measured now: a table on stdout
# and the same as a list of objects in build/bench/bench.json. Some minutes; run
# it on an idle machine. A target of null is a figure without one; it fails only
# if something cannot be measured.
#   tests/bench.sh    TOKENS=4000   scored tokens per run of `mxf eval`
#                     WORDS=24      tokens that the RTL generates
set -euo pipefail
cd "$(dirname "$0")/.."
mxf=build/mxf model=tests/models/kjv.gguf out=build/bench
tokens=${TOKENS:-4000} words=${WORDS:-24}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
mkdir -p "$out"

"$mxf" quantize "$model" --weights mxint4 --acts mxint8 -o "$dir/model.mxq" >/dev/null
"$mxf" compile "$dir/model.mxq" --target sim -o "$dir/model.mxp" >/dev/null
parameters=$("$mxf" info "$model" --json | jq .parameters)

# entry NAME VALUE UNIT TARGET METHOD: value and target may be expressions
entry() {
  jq -n --arg name "$1" --arg unit "$3" --arg method "$5" \
    "{name: \$name, value: (($2) * 1000 | round / 1000), unit: \$unit, target: ($4), method: \$method}" >>"$dir/entries"
}

# ---- MATMUL --------------------------------------------------------------------

# matmul NAME SET TOKENS SIZE TARGET: of the lines of build/bench/matmul
matmul() {
  local columns
  columns=$(build/bench/matmul "$2" mxint4 "$3" | awk -v size="$4" '$4 == size {print $5, $6}')
  entry "$1" "${columns#* }" GMAC/s "$5" \
    "MXINT4 x MXINT8, K 4096, tokens $3, set $2, $4 MiB of weight stream, ${columns% *}, one core, processor time, best of 5"
}
matmul golden_matmul_gmac_per_s sim 1 128.0 20
matmul golden_matmul_cached_gmac_per_s sim 1 0.5 null
matmul golden_matmul_2_tokens_gmac_per_s sim 2 128.0 null
matmul golden_matmul_large_gmac_per_s large 1 128.0 null
matmul golden_matmul_large_4_tokens_gmac_per_s large 4 128.0 null

# ---- the RTL -------------------------------------------------------------------

TIMEFORMAT='%R %U %S'
{ time "$mxf" run "$dir/model.mxp" --engine rtl --prompt 'In the beginning' -n "$words" --json >"$dir/run.json"; } 2>"$dir/time"
entry rtl_sim_kcycles_per_s "$(jq .cycles "$dir/run.json") / 1000 / $(awk 'END {print $2 + $3}' "$dir/time")" kcycles/s 200 \
  "Verilated set sim, $(basename "$model"), $words tokens generated, one thread, processor time, start included"

# ---- evaluation ----------------------------------------------------------------

# rate TOKENS OPTIONS...: tokens per second of the wall clock and of processor
# time, start of the command included; of three runs the one with the least
# processor time
rate() {
  local n=$1
  shift
  for _ in 1 2 3; do
    { time "$mxf" eval "$dir/model.mxp" --text tests/models/heldout.txt --split '<|end|>' --max-tokens "$n" "$@" >"$dir/out"; } 2>&1
  done | sort -k 2 -n | awk -v n="$n" 'NR == 1 {print n / $1, n / ($2 + $3)}'
}

read -r _ plain < <(rate $((tokens / 20)) --threads 1 --plain)
read -r one_wall one < <(rate "$tokens" --threads 1)
read -r two_wall two < <(rate "$tokens" --threads 2)
read -r _ compared < <(rate "$tokens" --threads 2 --reference "$model")
of="mxf eval, $(basename "$model"), set sim, $tokens tokens"
best="least processor time of 3 runs, start included"
entry eval_tokens_per_s "$two_wall" tokens/s "5000 * 1000000 / $parameters | round" \
  "$of, 2 threads, wall clock, $best; target 5000 x 1 M / $parameters parameters"
entry eval_tokens_per_processor_s "$one" tokens/s null "$of, 1 thread, processor time, $best"
entry eval_plain_tokens_per_processor_s "$plain" tokens/s null "the same on the defining paths, $((tokens / 20)) tokens"
entry eval_fast_over_defining "$one / $plain" ratio null "$of, fast paths to defining paths, 1 thread, processor time, $best"
entry eval_2_threads_over_1 "$two_wall / $one_wall" ratio null "$of, wall clock, $best"
entry eval_reference_over_without "$compared / $two" ratio null "$of, 2 threads, with --reference to without, processor time, $best"

# ---- results -------------------------------------------------------------------

jq -s . "$dir/entries" >"$dir/bench.json"
mv "$dir/bench.json" "$out/bench.json"
jq -r '.[] | [.name, .value, .unit, (.target // "-"), .method] | @tsv' "$out/bench.json" |
  awk -F'\t' 'BEGIN {printf "%-40s %10s %-10s %8s  %s\n", "name", "value", "unit", "target", "method"}
    {printf "%-40s %10.2f %-10s %8s  %s\n", $1, $2, $3, $4, $5}'
