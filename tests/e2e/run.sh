#!/bin/bash
# End to end: the shipped model through quantizer, compiler, golden model and
# Verilated RTL, compared write by write. One line per case, then the count.
#   tests/e2e/run.sh [PATTERN]    only cases whose name matches
set -uo pipefail
cd "$(dirname "$0")/../.."
mxf=build/mxf
model=tests/models/kjv.gguf
heldout=tests/models/heldout.txt
calibrated=(--calib tests/models/calib.txt --calib-split '<|end|>')
. tests/check.sh

# build_image SET CONTEXT FORMATS...: $dir/SET.mxp
build_image() {
  local set=$1 context=$2
  shift 2
  "$mxf" quantize "$model" -o "$dir/model.mxq" "$@" &&
    "$mxf" compile "$dir/model.mxq" --target "$set" --context "$context" -o "$dir/$set.mxp"
}

# verify SET CONTEXT TOKENS STALL FORMATS...: results and, with --cycles, times
verify() {
  local set=$1 context=$2 tokens=$3 stall=$4
  shift 4
  build_image "$set" "$context" "$@" &&
    "$mxf" verify "$dir/$set.mxp" --cycles --prompt "${PROMPT-In the beginning}" -n "$tokens" -P "$stall" -S 11
}

for set in sim small; do
  check "$set: shipped text, no stalls" verify "$set" 256 24 0
  check "$set: shipped text, random stalls" verify "$set" 256 12 25
  check "$set: MXINT8 weights" verify "$set" 64 2 10 --weights mxint8
  check "$set: MXINT6 weights and activations, blocks of 64" verify "$set" 64 2 10 --weights mxint6:64 --acts mxint6
  check "$set: MXINT4 everywhere, blocks of 16" verify "$set" 64 2 10 --weights mxint4:16 --acts mxint4 --kv mxint4
  check "$set: group INT4 of 128, KV in MXINT4" verify "$set" 64 2 10 --weights int4:128 --kv mxint4
  check "$set: group INT4 with zero points" verify "$set" 64 2 10 --weights int4z:32
  check "$set: MXFP4 through the decode table" verify "$set" 64 2 10 --weights mxfp4
done

# Every method's image on the RTL; few calibration tokens do to get one.
small=("${calibrated[@]}" --calib-tokens 1024)
method() { check "sim: $1" verify sim 64 2 10 --method "$2" "${small[@]}" "${@:3}"; }
method "SmoothQuant, AWQ and GPTQ" smoothquant,awq,gptq
method "W4A4, KV in MXINT4" gptq,mse --acts mxint4 --kv mxint4
method "rotation, transforms at run time, weighed tokens" rotate+down+qk,rsq,gptq --kv mxint4
method "prefix in the cache, one static step per input" prefix=2,static --kv mxint4
method "step migration: INT4 by row, static INT8 per channel" qsm+all,gptq --weights int4row
method "step migration: INT8 by row, static INT4 per channel" qsm+clip --weights int8row --acts mxint4
method "mixed precision by matrix" mixed=4.6+trace
method "mixed precision by matrix and by channels, W4A4" mixed=4.8+trace+channels --acts mxint4
method "codebooks fitted to each matrix" gptq --weights codebook
PROMPT=A check "tiny: shipped text, random stalls" verify tiny 128 2 10  # slow: fewer tokens
if [ -n "${MX_EXHAUSTIVE:-}" ]; then  # make test-long, which builds the engine
  check "medium: shipped text, no stalls" verify medium 256 24 0
  check "medium: shipped text, random stalls" verify medium 256 12 25
  check "medium: MXINT6 weights and activations, blocks of 64" verify medium 64 2 10 --weights mxint6:64 --acts mxint6
  check "medium: group INT4 with zero points, KV in MXINT4" verify medium 64 2 10 --weights int4z:32 --kv mxint4
  check "medium: MXFP4 through the decode table" verify medium 64 2 10 --weights mxfp4
fi
check "large: shipped text, random stalls" verify large 256 3 10
check "large: two rows side by side, KV in MXINT4" verify large 64 2 0 --weights mxint6:16 --kv mxint4

# Norms of query and key heads; the logits of small come in tiles.
qwen3() {
  "$mxf" synth-model --shape tiny-qwen3 -o "$dir/q.gguf" && "$mxf" quantize "$dir/q.gguf" -o "$dir/q.mxq" "${@:2}" &&
    "$mxf" compile "$dir/q.mxq" --target "$1" -o "$dir/q.mxp" &&
    "$mxf" verify "$dir/q.mxp" --prompt "In the beginning" -n 3 -P 10 -S 11
}
for set in sim small; do check "$set: tiny-qwen3" qwen3 "$set"; done
check "sim: tiny-qwen3, rotation, transforms at run time, prefix" qwen3 sim --method rotate+qk,prefix=2,gptq --kv mxint4 "${small[@]}"

# A board behind a serial line that loses, flips and doubles bytes: its text is golden's.
serial_line() {
  build_image tiny 64 || return 1
  local board line
  coproc board { build/serial-board tiny 2000000 "$1"; }
  read -r line <&"${board[0]}" || return 1
  "$mxf" run "$dir/tiny.mxp" --engine golden --prompt "In the beginning" -n 4 >"$dir/golden.txt" &&
    "$mxf" run "$dir/tiny.mxp" --engine "uart:$line" --baud 3000000 --prompt "In the beginning" -n 4 --stats >"$dir/uart.txt"
  local status=$?
  exec {board[1]}>&-
  wait
  [ $status -eq 0 ] && cmp "$dir/golden.txt" "$dir/uart.txt"
}
check "tiny: text over a noisy serial line" serial_line 5

slow_memory() {
  build_image sim 64 && "$mxf" verify "$dir/sim.mxp" --prompt A -n 2 --latency 200 --bandwidth 1/3 --outstanding 2
}
check "sim: slow memory, two bursts at a time" slow_memory

# The cycle engine prints what the RTL does, but for the seconds.
same_cycles() {
  local engine
  for engine in rtl cycle; do
    "$mxf" run "$dir/$1.mxp" --engine "$engine" --prompt A -n 1 --json "${@:2}" | jq 'del(.seconds, .engine)' >"$dir/$engine.json" || return 1
  done
  jq .cycles "$dir/cycle.json" && cmp "$dir/rtl.json" "$dir/cycle.json"
}
for set in small sim large; do
  build_image "$set" 64 >/dev/null
  chips=(ddr4-2400:16 sdram-133)
  [ "$set" = sim ] && chips=(ddr4-2400:16 ddr4-2400:32 ddr4-2400:64 ddr3-1066:16 ddr3-1066:32 ddr3-1066:64 sdram-133 qspi-48)
  for chip in "${chips[@]}"; do
    clock=150
    [ "$chip" = qspi-48 ] && clock=30  # else most cycles are waits
    check "$set: the engine cycle counts as the RTL, $chip" same_cycles "$set" --memory "$chip" --clock $clock
  done
  check "$set: the engine cycle counts as the RTL, random stalls" same_cycles "$set" -P 35 -S 5
  check "$set: the engine cycle counts as the RTL, bandwidth" same_cycles "$set" --latency 70 --bandwidth 2/5 --outstanding 3
done

same_logits() {
  local set
  for set in tiny medium large; do
    build_image $set 64 && "$mxf" run "$dir/$set.mxp" --prompt "And God said" -n 20 >"$dir/$set.txt" || return 1
    cmp "$dir/tiny.txt" "$dir/$set.txt" || return 1
  done
}
check "the same text on tiny, medium and large" same_logits

# Prompts go in batches of two on small, of eight on medium and sim: that must not draw.
same_draws() {
  local set
  for set in small medium sim; do
    build_image $set 64 && "$mxf" run "$dir/$set.mxp" --temperature 1 --seed 3 --prompt "And" -n 20 >"$dir/$set.txt" || return 1
    cmp "$dir/small.txt" "$dir/$set.txt" || return 1
  done
}
check "the same draws on small, medium and sim" same_draws

repeatable() {
  build_image sim 64 && cp "$dir/model.mxq" "$dir/again.mxq" && cp "$dir/sim.mxp" "$dir/again.mxp" && build_image sim 64 &&
    cmp "$dir/model.mxq" "$dir/again.mxq" && cmp "$dir/sim.mxp" "$dir/again.mxp"
}
check "the same input gives the same bytes" repeatable

round_trip() {
  build_image sim 64 && "$mxf" dis "$dir/sim.mxp" >"$dir/sim.s" &&
    "$mxf" as "$dir/sim.s" --into "$dir/sim.mxp" -o "$dir/back.mxp" && cmp "$dir/sim.mxp" "$dir/back.mxp"
}
check "disassembled and assembled again" round_trip

# Perplexity of the golden model on part of the held-out text stays near FP32.
perplexity() { "$mxf" eval "$1" --text "$heldout" --split '<|end|>' --max-tokens 1500 --json | jq .perplexity; }
near() {
  "$mxf" quantize "$model" -o "$dir/model.mxq" "${@:2}" || return 1
  local fp32 quantized
  fp32=$(perplexity "$model") && quantized=$(perplexity "$dir/model.mxq") || return 1
  echo "FP32 $fp32, quantized $quantized, allowed ratio $1"
  awk -v a="$fp32" -v b="$quantized" -v r="$1" 'BEGIN { exit !(a > 1 && b > 1 && b < a * r && a < b * r) }'
}
check "perplexity: MXINT8 within 0.5 %" near 1.005 --weights mxint8
check "perplexity: MXINT4 within 8 %" near 1.08
check "perplexity: MXINT4 within 2 % with calibration" near 1.02 \
  --method smoothquant=search,correct,gptq+order+refine,mse "${calibrated[@]}"

# A fault planted in the RTL must be found and placed.
planted() {
  build_image sim 64 || return 1
  "$mxf" verify "$dir/sim.mxp" --variant fault --prompt A -n 1 >"$dir/report" 2>&1
  local status=$?
  cat "$dir/report"
  [ $status -eq 1 ] || { echo "exit code $status, expected 1"; return 1; }
  for word in 'layer 0' instruction MATMUL expected got cycle --trace; do
    grep -q -e "$word" "$dir/report" || { echo "the report does not say '$word'"; return 1; }
  done
}
check "a planted fault is found and placed" planted

finish
