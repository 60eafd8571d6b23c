#!/bin/bash
# check.sh [CSV]: the project's targets, with what was measured; exit 1 on a miss
# or if the rows that a target needs are not there.
#   W4A8 is mxint4:32 weights, mxint8 activations and KV cache; rtn is round to
#   nearest; best is the least loss of all other methods, loss being perplexity over
#   FP32's on the same tokens. A twin's repaired loss is 1 - loss of best / loss of rtn.
set -euo pipefail
cd "$(dirname "$0")/../.."
awk -f tests/accuracy/csv.awk -f - "${1:-build/accuracy/accuracy.csv}" <<'AWK'
row(f) {
  if (f[2] == "q4_0") q4_0[f[1]] = loss(f)
  if (f[2] != "mxint4" || f[5] != 32 || f[3] != "mxint8" || f[4] != "mxint8") next
  if (f[6] == "rtn") rtn[f[1]] = loss(f)
  else if (f[7] <= 4.5 && (!(f[1] in best) || loss(f) < best[f[1]])) { best[f[1]] = loss(f); by[f[1]] = f[6] }
}
# One line: what is asked, what was measured, whether its rows are there, whether it holds.
function target(name, text, there, holds) {
  if (!there) text = "rows are missing"
  printf "%-4s  %s: %s\n", there && holds ? "pass" : "MISS", name, text
  if (!there || !holds) missed++
}
function twin(m,    there, repaired) {
  there = (m in rtn) && (m in best) && rtn[m] > 0
  if (there) repaired = 1 - best[m] / rtn[m]
  target("W4A8, twin " m ": at least 90 % of the loss repaired", sprintf("%.1f %% (rtn %+.2f %%, %s %+.2f %%)", 100 * repaired, rtn[m], by[m], best[m]), there, repaired >= 0.9)
}
END {
  there = ("kjv" in best) && ("kjv" in rtn)
  b = best["kjv"]; r = rtn["kjv"]; q = q4_0["kjv"]
  target("W4A8, shipped model: within 1 % of FP32", sprintf("%+.2f %% (%s)", b, by["kjv"]), there, b <= 1)
  target("W4A8, shipped model: at most half the loss of rtn", sprintf("%+.2f %%, rtn %+.2f %%", b, r), there, 2 * b <= r)
  target("W4A8, shipped model: no worse than GGUF Q4_0 with FP32 activations", sprintf("%+.2f %%, Q4_0 %+.2f %%", b, q), there && ("kjv" in q4_0), b <= q)
  twin("channels")
  twin("tokens")
  exit missed > 0
}
AWK
