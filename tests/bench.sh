#!/bin/bash
# The figures of the project, measured now: use of memory and multipliers, area,
# the cycle model against the RTL, speeds of golden executor and simulation. A
# table on stdout, the same as a list of objects in build/bench/bench.json, as
# Markdown in bench.md, and rooflines. About ten minutes; run it on an idle
# machine. A target of null is a figure without one; it fails only if something
# cannot be measured.
#   tests/bench.sh    TOKENS=4000   scored tokens per run of `mxf eval`
#                     WORDS=24      tokens that the RTL generates
set -euo pipefail
cd "$(dirname "$0")/.."
TIMEFORMAT='%R %U %S'
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

# ---- use of memory and multipliers, by the cycle model ----------------------------

# profile NAME OPTIONS...: to build/bench/NAME.json and .svg
profile() {
  local name=$1
  shift
  "$mxf" profile "$@" --clock 300 --json "$out/$name.json" --plot "$out/$name.svg" >/dev/null 2>&1
}
decode=".phases.decode | (.attainable_share * 100)"
for model_shape in llama2-7b smollm2-135m; do
  profile "$model_shape" --shape $model_shape --position 512 --memory ddr4-2400:16
done
method() {
  jq -r "\"$1, whole token at position 512, attention, embedding and head included, MXINT4 weights, set sim at 300 MHz: \\(.phases.$2 | .cycles) cycles, all bytes moved over \\(.machine.attainable * 1000 | round / 10) % of the pins; \\(.phases.$2 | .pin_share * 1000 | round / 10) % of the pins, \\(.phases.$2 | .useful_pin_share * 1000 | round / 10) % with useful bytes\"" "$out/$3.json"
}
entry decode_util_llama2_7b_ddr4 "$(jq "$decode" "$out/llama2-7b.json")" % 96 "$(method 'Llama-2-7B, 32 layers, DDR4-2400 x16' decode llama2-7b)"
entry decode_util_smollm2_135m_ddr4 "$(jq "$decode" "$out/smollm2-135m.json")" % 90 "$(method 'SmolLM2-135M, 30 layers, DDR4-2400 x16' decode smollm2-135m)"
of_prefill="of 256 multipliers, 128 prompt tokens in batches of 8, Llama-2-7B's shape with 4 layers and head, all operators, set sim at 300 MHz, DDR4-2400 x64"
for block in 64 32; do
  profile prefill-$block --shape llama2-7b --layers 4 --context 256 --weights mxint4:$block --prompt-tokens 128 --tokens 0 --memory ddr4-2400:64
done
share='.phases.prefill | (.multiplier_share * 100)'
entry prefill_mac_util "$(jq "$share" "$out/prefill-64.json")" % 90 "$of_prefill, MXINT4 in blocks of 64"
entry prefill_mac_util_blocks_of_32 "$(jq "$share" "$out/prefill-32.json")" % null "$of_prefill, MXINT4 in blocks of 32: scales take a cycle of 17"

# ---- area, by yosys ----------------------------------------------------------------

density() { boards/density.sh "${1/+/.} mx_lane_dot, chains of 2" | awk -v family="$1" '$1 == family {print $(NF - 1)}'; }
of_dot="32-long dot of INT4 x INT8 without DSP, registered in and out, yosys 0.23"
entry lut_per_mac_int4x8_xcup "$(density ultrascale+)" LUT 60 "$of_dot, synth_xilinx -family xcup; FP32 scaling and accumulation not in it"
entry lut4_per_mac_int4x8_ecp5 "$(density ecp5)" LUT4 110 "$of_dot, synth_ecp5; CCU2C counted as two; FP32 scaling and accumulation not in it"

# A device that is too small fails the script; its figures count all the same.
IMAGE=build/up5k.mxp boards/icebreaker/build.sh >"$dir/area" 2>"$dir/area.error" || true
placed() { awk -v name="$1" '$1 == name {print $2}' "$dir/area"; }
entry tiny_logic_cells "$(placed tiny_logic_cells)" cells "4300" "set tiny with flash reader, RAM, serial bridge, PLL and pins of the iCEBreaker, placed and routed on iCE40 UP5K by nextpnr-ice40, the board's seed; lower is better"
entry tiny_fmax_mhz "$(placed tiny_fmax_mhz)" MHz 12 "the same"
entry tiny_tokens_per_s "$(placed tokens_per_s)" tokens/s null "the same at its clock of $(placed clock_mhz) MHz, $(basename "$model"), context 48, $(placed cycles_per_token) cycles a token in simulation with a model of the flash chip; without what the serial line takes"

# ---- the cycle model against the RTL -----------------------------------------------

worst=0 compared=0
for options in '' '--memory ddr4-2400' '--memory ddr3-1066:32' '--latency 60 --bandwidth 1/3' '--memory ddr4-2400 --stall-percent 15 --stall-seed 7'; do
  # shellcheck disable=SC2086
  read -r cycles difference < <("$mxf" verify "$dir/model.mxp" --cycles -p 'In the beginning God created' -n 3 $options |
    sed -n 's/^cycle model equals rtl: \([0-9]*\) cycles compared, largest difference \([0-9]*\) cycles/\1 \2/p')
  compared=$((compared + cycles))
  if [ "$difference" -gt "$worst" ]; then worst=$difference; fi
done
entry cycle_model_max_error_cycles "$worst" cycles 0 "issue, busy, bus and end of every program, $compared cycles in lockstep with the Verilated RTL, $(basename "$model") on set sim with 5 memories, one with random stalls; lower is better"
build/bench/cycle sim ddr4-2400:16 300 4096 4096 200 rtl 3 >"$dir/cycle"
entry cycle_model_speedup "$(sed -n 's/.*model \/ rtl \([0-9.]*\);.*/\1/p' "$dir/cycle")" ratio 200 \
  "a stream of 4096 x 4096 MXINT4 matrices, set sim, DDR4-2400 x16: cycles per second of processor time, model ($(grep -o '[0-9.]* Mcycles/s' "$dir/cycle")) over Verilated RTL ($(grep -o '[0-9.]* kcycles/s' "$dir/cycle"))"
entry cycle_model_decode_mcycles_per_s "$( { time "$mxf" profile --shape llama2-7b --memory ddr4-2400:16 --json "$dir/token.json" >/dev/null 2>&1; } 2>&1 | awk -v c="$(jq .phases.decode.cycles "$out/llama2-7b.json")" '{print c / 1e6 / ($2 + $3)}')" Mcycles/s null \
  "mxf profile of a whole Llama-2-7B token, compiler and accounting included, processor time"

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

{ time "$mxf" run "$dir/model.mxp" --engine rtl --prompt 'In the beginning' -n "$words" --json >"$dir/run.json"; } 2>"$dir/time"
entry rtl_sim_kcycles_per_s "$(jq .cycles "$dir/run.json") / 1000 / $(awk 'END {print $2 + $3}' "$dir/time")" kcycles/s 200 \
  "Verilated set sim, $(basename "$model"), $words tokens generated, one thread, processor time, start included"

# ---- the SystemC model ---------------------------------------------------------------

# speed IMAGE TOKENS OPTIONS...: kcycles per second of processor time, start included
speed() {
  { time build/mxvp "$1" -n "$2" --json "${@:3}" >"$dir/run.json"; } 2>"$dir/time"
  jq -n "$(jq .cycles "$dir/run.json") / 1000 / $(awk 'END {print $2 + $3}' "$dir/time") | round"
}
# systemc NAME IMAGE TOKENS TOKENS_OF_RTL WHAT: both timings over the RTL behind the same sockets
systemc() {
  local rtl lt at
  rtl=$(speed "$2" "$4" --device rtl) lt=$(speed "$2" "$3") at=$(speed "$2" "$3" --timing at)
  local of="mxvp, $5, set sim: cycles per second of processor time over those with the Verilated RTL as its device, start included"
  entry "systemc_lt_speedup$1" "$lt / $rtl" ratio 50 "$of; loosely timed $lt kcycles/s, RTL $rtl kcycles/s"
  entry "systemc_at_speedup$1" "$at / $rtl" ratio null "$of; approximately timed, every burst on the bus with four phases, $at kcycles/s"
}
systemc "" "$dir/model.mxp" 200 10 "$(basename "$model")"
"$mxf" synth-model --shape smollm2-135m -o "$dir/s.gguf" >/dev/null
"$mxf" quantize "$dir/s.gguf" --weights mxint4 --acts mxint8 -o "$dir/s.mxq" >/dev/null
"$mxf" compile "$dir/s.mxq" --target sim --context 64 -o "$dir/s.mxp" >/dev/null
systemc _smollm2_135m "$dir/s.mxp" 20 1 "SmolLM2-135M's shape"

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
jq -r '"| figure | value | target | how |", "|---|---|---|---|", (.[] | "| \(.name) | \(.value) \(.unit) | \(.target // "") | \(.method) |")' "$out/bench.json" >"$out/bench.md"
jq -r '.[] | [.name, .value, .unit, (.target // "-"), .method] | @tsv' "$out/bench.json" |
  awk -F'\t' 'BEGIN {printf "%-40s %10s %-10s %8s  %s\n", "name", "value", "unit", "target", "method"}
    {printf "%-40s %10.2f %-10s %8s  %s\n", $1, $2, $3, $4, $5}'
