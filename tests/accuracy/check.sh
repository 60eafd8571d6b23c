#!/bin/bash
# check.sh [CSV]: the project's targets, with what was measured; exit 1 on a miss
# or if the rows that a target needs are not there.
#   W4A8 is mxint4:32 weights, mxint8 activations and KV cache; rtn is round to
#   nearest; best is the least perplexity of all other methods. A twin's repaired
#   loss is (rtn - best) / (rtn - FP32).
set -euo pipefail
cd "$(dirname "$0")/../.."
awk -f tests/accuracy/csv.awk -f - "${1:-build/accuracy/accuracy.csv}" <<'AWK'
row(f) {
  fp32[f[1]] = f[9]
  if (f[2] == "q4_0") q4_0[f[1]] = f[8]
  if (f[2] != "mxint4" || f[5] != 32 || f[3] != "mxint8" || f[4] != "mxint8") next
  if (f[6] == "rtn") rtn[f[1]] = f[8]
  else if (f[7] <= 4.5 && (!(f[1] in best) || f[8] + 0 < best[f[1]] + 0)) { best[f[1]] = f[8]; by[f[1]] = f[6] }
}
# One line: what is asked, what was measured, whether its rows are there, whether it holds.
function target(name, text, there, holds) {
  if (!there) text = "rows are missing"
  printf "%-4s  %s: %s\n", there && holds ? "pass" : "MISS", name, text
  if (!there || !holds) missed++
}
function twin(m,    there, repaired) {
  there = (m in rtn) && (m in best) && rtn[m] > fp32[m]
  if (there) repaired = (rtn[m] - best[m]) / (rtn[m] - fp32[m])
  target("W4A8, twin " m ": at least 90 % of the loss repaired", sprintf("%.1f %% (FP32 %.4f, rtn %.4f, %s %.4f)", 100 * repaired, fp32[m], rtn[m], by[m], best[m]), there, repaired >= 0.9)
}
END {
  there = ("kjv" in best) && ("kjv" in rtn)
  if (there) { b = best["kjv"] / fp32["kjv"] - 1; r = rtn["kjv"] / fp32["kjv"] - 1 }
  target("W4A8, shipped model: within 1 % of FP32", sprintf("%+.2f %% (%s)", 100 * b, by["kjv"]), there, b <= 0.01)
  target("W4A8, shipped model: at most half the loss of rtn", sprintf("%+.2f %%, rtn %+.2f %%", 100 * b, 100 * r), there, 2 * b <= r)
  target("W4A8, shipped model: no worse than GGUF Q4_0 with FP32 activations", sprintf("%.4f, Q4_0 %.4f", best["kjv"], q4_0["kjv"]), there && ("kjv" in q4_0), best["kjv"] + 0 <= q4_0["kjv"] + 0)
  twin("channels")
  twin("tokens")
  exit missed > 0
}
AWK
