#!/bin/bash
# The test programs of the RTL on netlists made by yosys: each is synthesized,
# Verilated in place of the module, and run. One line each, then the count.
#   tests/netlist/run.sh [quick | PATTERN]    half a minute's worth, or those that match
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
quick=(fp_add.generic fp_max.generic fp_term.generic mx_fifo_16.generic mx_csr.ice40 mx_uart_16.ice40)
long=(fp_serial.ice40 mx_rv.ice40 fp_mul.generic fp_term_power.generic fp_fn.generic mx_fifo_256.ice40 mx_csr.generic
  mx_stream_32.generic mx_dot_tiny.generic mx_vec_1.ice40 mx_uart_bridge.ice40 mx_uart_bridge_64.generic
  mxforge_tiny.ice40 mx_flash_4.ice40 mx_flash_1_half.generic mx_rv_m_fast.generic)
for tool in yosys verilator make; do
  command -v $tool >/dev/null || { echo "$tool is missing: apt-get install $tool, or make deps" >&2; exit 1; }
done
names=("${quick[@]}" "${long[@]}")
pattern=
if [ "${1:-}" = quick ]; then names=("${quick[@]}"); else pattern=${1:-}; fi
programs=()
for name in "${names[@]}"; do [[ $name =~ $pattern ]] && programs+=("build/netlist/tb_$name"); done
[ ${#programs[@]} -gt 0 ] || { echo "no netlist matches $pattern" >&2; exit 1; }

# What does not build is missed, and told, when its turn comes.
log=$(mktemp)
trap 'rm -f "$log"' EXIT
make -s -k -j2 "${programs[@]}" >/dev/null 2>&1
passed=0
failed=0
for program in "${programs[@]}"; do
  start=$EPOCHREALTIME
  if make --no-print-directory "$program" >"$log" 2>&1 && "$program" >>"$log" 2>&1; then
    passed=$((passed + 1))
    tenths=$(((${EPOCHREALTIME/./} - ${start/./}) / 100000))
    printf 'ok    %-22s %3d.%d s  %s\n' "${program#*/tb_}" $((tenths / 10)) $((tenths % 10)) "$(tail -n 1 "$log" | sed 's/.*: ok, //')"
  else
    failed=$((failed + 1))
    printf 'FAIL  %s\n' "${program#*/tb_}"
    sed 's/^/      /' "$log" | tail -n 15
  fi
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
