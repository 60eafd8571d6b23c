#!/bin/bash
# plot.sh CSV FILE: loss of each method, a panel per model, a mark per format;
# FILE ends in .svg or .png.
set -euo pipefail
cd "$(dirname "$0")/../.."
csv=$1 out=$2
case $out in
  *.svg) terminal='svg dynamic' ;;
  *.png) terminal=pngcairo ;;
  *) echo "$out: expected .svg or .png" >&2; exit 1 ;;
esac
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# One file per model and format: place of the method, loss; methods in the order
# in which the table has them, and their names for the axis.
awk -v dir="$work" -v terminal="$terminal" -f tests/accuracy/csv.awk -f - "$csv" <<'AWK'
row(f) {
  model = f[1]; method = f[6]; format = short(f) (f[5] == 32 && f[2] ~ /^(mxint|q4_0)/ ? "" : " " f[2] ":" f[5])
  if (!((model, method) in at)) { at[model, method] = ++methods[model]; tics[model] = tics[model] (methods[model] > 1 ? ", " : "") "\"" method "\" " methods[model] }
  if (!(model in seen)) { seen[model] = 1; models[++n_models] = model }
  if (!((model, format) in known)) { known[model, format] = 1; formats[model] = formats[model] "|" format }
  v = loss(f)
  file = dir "/" model "_" format
  gsub(/ /, "~", file)
  print (v < 0.01 ? 0.01 : v), at[model, method] >file
}
END {
  for (i = 1; i <= n_models; i++) height += pixels(i)
  script = dir "/script"
  printf "set terminal %s size 1200, %d font 'sans,10'\nset multiplot\n", terminal, height >script
  printf "set logscale x\nset grid\nset key outside right\nset pointsize 0.8\n" >script
  printf "set xlabel 'perplexity above FP32, %% (0.01 also for less)'\n" >script
  printf "set lmargin at screen 0.47\nset rmargin at screen 0.82\n" >script
  for (i = 1; i <= n_models; i++) {
    top += pixels(i)
    plot(models[i], 1 - top / height, pixels(i) / height)
  }
}
function pixels(i) { return 90 + 19 * methods[models[i]] }
function plot(m, bottom, size,    list, count, k, file) {
  printf "set origin 0, %.5f\nset size 1, %.5f\nset title '%s'\n", bottom, size, m >script
  printf "set yrange [%d : 0]\nset ytics (%s) noenhanced\nplot ", methods[m] + 1, tics[m] >script
  count = split(substr(formats[m], 2), list, "|")
  for (k = 1; k <= count; k++) {
    file = dir "/" m "_" list[k]
    gsub(/ /, "~", file)
    printf "%s'%s' with points pointtype %d title '%s' noenhanced", (k > 1 ? ", " : ""), file, 4 + (k - 1) % 12, list[k] >script
  }
  printf "\n" >script
}
AWK
gnuplot "$work/script" >"$work/plot"
mv "$work/plot" "$out"
