#!/bin/bash
# row.sh 'model|weights|acts|kv|method': measures one row of the table into
# build/accuracy/rows/, unless it is there already for the same bytes of command,
# model and texts. run.sh calls it.
set -Eeuo pipefail
cd "$(dirname "$0")/../.."
out=build/accuracy calib=tests/models/calib.txt heldout=tests/models/heldout.txt
line=$1
IFS='|' read -r model weights acts kv method <<<"$line"
name=${line//|/_} name=${name//\//_}
row=$out/rows/$name.csv key=$out/rows/$name.key log=$out/rows/$name.log
gguf=$(bash tests/accuracy/model.sh "$model")

state() {
  echo "$line ${ACCURACY_CALIB_TOKENS:-65536} ${ACCURACY_EVAL_TOKENS:-all}"
  sha256sum build/mxf build/round-q4-0 "$gguf" "$calib" "$heldout"
}
now=$(state | sha256sum)
[ -s "$row" ] && [ "$now" = "$(cat "$key" 2>/dev/null)" ] && exit 0

work=$(mktemp -d "$out/work.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'echo "FAILED $line: $(tail -n 1 "$log")" >&2' ERR
rm -f "$row" "$key"

# Sets ppl, and fp32 over the same tokens: with a prefix fewer of a long document fit.
measure() {
  local reference=(--reference "$gguf") of=.reference.perplexity
  if [ "$weights" = q4_0 ]; then reference=() of="$(cat "$out/fp32/$model")"; fi
  build/mxf eval "$work/q" --text "$heldout" --split '<|end|>' "${reference[@]}" \
    ${ACCURACY_EVAL_TOKENS:+--max-tokens "$ACCURACY_EVAL_TOKENS"} --threads 1 --json >"$work/eval.json" 2>>"$log"
  ppl=$(jq -r .perplexity "$work/eval.json")
  fp32=$(jq -r "$of" "$work/eval.json")
}
quantized() { # FP32 weights rounded as Q4_0, or a program image for the golden engine
  if [ "$weights" = q4_0 ]; then
    build/round-q4-0 "$gguf" "$work/q" >>"$log" 2>&1
    bits=4.5
    return
  fi
  build/mxf quantize "$gguf" -o "$work/q.mxq" --weights "$weights" --acts "$acts" --kv "$kv" --method "$method" \
    --calib "$calib" --calib-split '<|end|>' --calib-tokens "${ACCURACY_CALIB_TOKENS:-65536}" --threads 1 >"$work/said" 2>>"$log"
  bits=$(sed -n 's/.*(\([0-9.]*\) bits each).*/\1/p' "$work/said")
  build/mxf compile "$work/q.mxq" --target sim -o "$work/q" >>"$log" 2>&1 \
    || build/mxf compile "$work/q.mxq" --target large -o "$work/q" >>"$log" 2>&1
}

: >"$log"
begin=$SECONDS
quantized
[ -n "$bits" ]
measure
block=${weights#*:}
case $weights in *:*) ;; q4_0) block=32 ;; *row) block=row ;; *) block=32 ;; esac
printf '%s,%s,%s,%s,%s,"%s",%s,%s,%s\n' "$model" "${weights%:*}" "$acts" "$kv" "$block" "$method" "$bits" "$ppl" "$fp32" >"$work/row"
mv "$work/row" "$row"
echo "$now" >"$key"
awk -v l="$line" -v p="$ppl" -v f="$fp32" -v s=$((SECONDS - begin)) 'BEGIN { printf "%-80s %9.4f  %+8.2f %%  %d s\n", l, p, 100 * (p / f - 1), s }'
