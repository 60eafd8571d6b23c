#!/bin/bash
# The main job on the shipped model: quantize, compile, run on the Verilated RTL
# beside the golden model, measure perplexity. `make demo` calls it when all is
# built. PROMPT and N choose the text.
set -euo pipefail
cd "$(dirname "$0")/.."
mxf=build/mxf
model=tests/models/kjv.gguf
heldout=tests/models/heldout.txt
prompt=${PROMPT-And God said}
tokens=${N:-32}
work=build/demo
mkdir -p "$work"

say() { printf '\n== %s\n' "$*"; }
perplexity() { "$mxf" eval "$1" --text "$heldout" --split '<|end|>' --max-tokens 5000 --json | jq .perplexity; }

say "quantize and compile $model"
"$mxf" quantize "$model" -o "$work/kjv.mxq" --weights mxint4 --acts mxint8 --kv mxint8 \
  --method smoothquant=search,correct,gptq+order+refine,mse --calib tests/models/calib.txt --calib-split '<|end|>'
"$mxf" compile "$work/kjv.mxq" --target sim -o "$work/kjv.mxp"

say "RTL (parameter set sim, under Verilator) and golden model, every write compared"
status=0
"$mxf" verify "$work/kjv.mxp" --engine rtl --prompt "$prompt" -n "$tokens" --report "$work/verify.json" || status=$?

say "perplexity on held-out text (5,000 tokens of $heldout, documents apart)"
fp32=$(perplexity "$model")
quantized=$(perplexity "$work/kjv.mxq")
printf 'FP32                           %.4f\n' "$fp32"
printf 'MXINT4 weights, MXINT8 others  %.4f  (%+.2f %%), in the device arithmetic\n' "$quantized" \
  "$(awk -v a="$fp32" -v b="$quantized" 'BEGIN { print 100 * (b / a - 1) }')"

# Per generated token, or per token of the prompt where none was generated.
say "summary (build/demo.json)"
jq --argjson fp32 "$fp32" --argjson quantized "$quantized" '
  (if .counters.generation.programs > 0 then .counters.generation else .counters.prompt end) as $c |
  { tokens: (.counters.prompt.programs + .counters.generation.programs),
    mismatches: (if .equal then 0 else 1 end),
    words_compared: ([.writes[]] | add),
    cycles_per_token: ($c.CYCLES / $c.programs | round),
    bytes_per_token: (($c.READ_BEATS + $c.WRITE_BEATS) * .beat_bytes / $c.programs | round),
    ppl_fp32: $fp32, ppl_quantized: $quantized }' "$work/verify.json" | tee "$work/demo.json"
mv "$work/demo.json" build/demo.json
exit $status
