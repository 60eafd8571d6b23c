#!/bin/bash
# Perplexity of methods and formats: every line of configs.txt, measured on the
# golden engine, to build/accuracy/accuracy.csv, .md and .svg. Rows that are there
# for the same bytes of command, model and texts are not measured again, so an
# interrupted run goes on.
#   ACCURACY_CONFIGS=FILE       other lines than tests/accuracy/configs.txt
#   ACCURACY_CALIB_TOKENS=N     calibration tokens (65536)
#   ACCURACY_EVAL_TOKENS=N      tokens scored (all)
#   ACCURACY_JOBS=N             rows at a time (2)
set -euo pipefail
cd "$(dirname "$0")/../.."
here=tests/accuracy out=build/accuracy
configs=${ACCURACY_CONFIGS:-$here/configs.txt}
export OPENBLAS_NUM_THREADS=1
for tool in jq gnuplot; do
  command -v $tool >/dev/null || { echo "make accuracy needs $tool: apt-get install ${tool/gnuplot/gnuplot-nox}" >&2; exit 1; }
done
mkdir -p $out/rows $out/models $out/fp32
mapfile -t lines < <(grep -v '^ *\(#\|$\)' "$configs")
[ ${#lines[@]} -gt 0 ] || { echo "$configs has no line" >&2; exit 1; }
if printf '%s\n' "${lines[@]}" | sort | uniq -d | grep .; then echo "$configs has a line twice" >&2; exit 1; fi

# The twins, and each model's perplexity in FP32.
while read -r model; do
  file=$(bash $here/model.sh "$model")
  case $model in
    channels | tokens)
      build/mxf stress-model tests/models/kjv.gguf --kind "$model" -o "$file.new" >/dev/null
      if cmp -s "$file" "$file.new"; then rm "$file.new"; else mv "$file.new" "$file"; fi ;;
  esac
  build/mxf eval "$file" --text tests/models/heldout.txt --split '<|end|>' ${ACCURACY_EVAL_TOKENS:+--max-tokens "$ACCURACY_EVAL_TOKENS"} --json 2>/dev/null \
    | jq -r .perplexity >"$out/fp32/$model.new"
  mv "$out/fp32/$model.new" "$out/fp32/$model"
  echo "$model in FP32: $(cat "$out/fp32/$model")"
done < <(printf '%s\n' "${lines[@]}" | cut -d'|' -f1 | sort -u)

failed=0
printf '%s\0' "${lines[@]}" | xargs -0 -n 1 -P "${ACCURACY_JOBS:-2}" bash $here/row.sh || failed=1

# The table, in the order of the lines.
echo 'model,weights,acts,kv,block,method,bits_per_weight,ppl,ppl_fp32' >$out/accuracy.csv.new
for line in "${lines[@]}"; do
  name=${line//|/_}
  if [ -s "$out/rows/${name//\//_}.csv" ]; then cat "$out/rows/${name//\//_}.csv" >>$out/accuracy.csv.new
  else echo "no result: $line" >&2; failed=1
  fi
done
mv $out/accuracy.csv.new $out/accuracy.csv
awk -f $here/csv.awk -f $here/table.awk $out/accuracy.csv >$out/accuracy.md
bash $here/plot.sh $out/accuracy.csv $out/accuracy.svg
echo "$out/accuracy.csv, .md, .svg: $(($(wc -l <$out/accuracy.csv) - 1)) of ${#lines[@]} rows"
exit $failed
