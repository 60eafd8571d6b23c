#!/bin/bash
# The test programs of the RTL on netlists made by yosys: each is synthesized,
# Verilated in place of the module, and run. One line each, then the count.
#   tests/netlist/run.sh [quick | PATTERN]    a minute's worth, or those that match
set -uo pipefail
cd "$(dirname "$0")/../.."
quick=(fp_add.generic fp_max.generic fp_mul.generic fp_mul_split.ice40 fp_term.generic mx_fifo_16.generic mx_csr.ice40)
long=(fp_mul_split.generic fp_term_power.generic fp_fn.generic fp_fn_split.ice40 mx_csr.generic mx_fifo_64.generic
  mx_fifo_256.ice40 mx_stream_32.generic mx_dot_tiny.generic mx_dot_soft.generic mx_vec_1s.ice40)
for tool in yosys verilator make; do
  command -v $tool >/dev/null || { echo "$tool is missing: apt-get install $tool, or make deps" >&2; exit 1; }
done
names=("${quick[@]}" "${long[@]}")
pattern=
case ${1:-} in quick) names=("${quick[@]}") ;; *) pattern=${1:-} ;; esac

log=$(mktemp)
trap 'rm -f "$log"' EXIT
passed=0
failed=0
for name in "${names[@]}"; do
  [[ $name =~ $pattern ]] || continue
  begin=$SECONDS
  if make --no-print-directory "build/netlist/tb_$name" >"$log" 2>&1 && "build/netlist/tb_$name" >>"$log" 2>&1; then
    passed=$((passed + 1))
    printf 'ok    %-24s %4d s  %s\n' "$name" $((SECONDS - begin)) "$(tail -n 1 "$log")"
  else
    failed=$((failed + 1))
    printf 'FAIL  %s\n' "$name"
    sed 's/^/      /' "$log" | tail -n 15
  fi
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
