#!/bin/bash
# Area of the device in the three families, and the checks that only synthesis
# makes. Run from the repository root, after `make` has generated build/gen:
#
#   boards/synth.sh [SET...]     default: tiny small large
#   boards/synth.sh --board BOARD
#
# With a board (a folder with a board.def): its set against what its FPGA has; fails
# beyond 85 % of anything, where routing becomes a matter of luck.
#
# tiny goes to iCE40, small and medium to ECP5, large to UltraScale+. Each set leaves
# build/synth/SET.log, SET.json (netlist) and SET.rpt (area by unit). Fails on a
# latch, a combinational loop, a wire without driver or with several, and on
# any warning that boards/yosys_warnings.allow does not explain.
set -eu -o pipefail

out=build/synth
allow=boards/yosys_warnings.allow

# Of a set: synthesis command, and what the device has in the order of the
# report's columns (a dash: counted with another column).
flow() {
  family=none
  case $1 in
    tiny)  synth="synth_ice40 -device u -dsp -spram"
           family=ice40
           device="UP5K 5280 5280 5280 - 8 30 4 -" ;;
    small) synth="synth_ecp5"
           device="LFE5U-25F 24288 24288 - - 28 56 - -" ;;
    medium) synth="synth_ecp5"
           device="LFE5U-85F 83640 83640 - - 156 208 - -" ;;
    large) synth="synth_xilinx -family xcup -flatten -noiopad"
           device="XCK26 117120 234240 14640 - 1248 288 - 57600" ;;
    *)     echo "synth.sh: no set '$1'; there are tiny, small, medium, large" >&2; exit 2 ;;
  esac
  device=${device_of_board:-$device}
}

# A module in boards/FAMILY takes the place of one in rtl: a box until the end.
boxes() { for file in boards/"$family"/*.v; do [ -e "$file" ] && echo "$file"; done; }
sources() {
  for file in rtl/*.sv; do
    name=${file##*/}
    [ -e "boards/$family/${name%.sv}.v" ] || printf '%s ' "$file"
  done
}

# First the checks, on the flattened design; then the synthesis, in which the
# units keep their boundaries, so that the report can name them.
script() {
  for file in $(boxes); do echo "read_verilog -lib $file"; done
  echo "read_verilog -sv -I rtl build/gen/mx_pkg.sv build/gen/$1/mx_cfg.sv build/gen/fn_rom.sv $(sources)"
  echo "hierarchy -check -top mxforge"
  echo "design -save start"
  echo "proc; flatten; opt_clean"
  echo "select -assert-none t:\$dlatch t:\$adlatch t:\$dlatchsr t:\$sr"
  echo "check -assert"
  echo "scc -expect 0"
  echo "design -load start"
  echo "setattr -set keep_hierarchy 1 mxforge/c:u_* mxforge/c:*.u_*"
  echo "$synth -top mxforge"
  for file in $(boxes); do echo "techmap -map $file"; done
  echo "write_json $out/$1.json"
  echo "tee -o $out/$1.stat stat"
}

# Warnings that no expression of the allow-list matches.
unexplained() {
  grep -E 'Warning:' "$out/$1.log" | sort -u | grep -v -E -f <(sed -e '/^#/d' -e '/^$/d' "$allow") || true
}

# One line per unit from yosys' stat, and the whole device's.
report() {
  awk -v set="$1" -v device="$device" -f boards/synth_report.awk "$out/$1.stat" > "$out/$1.rpt"
  cat "$out/$1.rpt"
}

run_set() {
  flow "$1"
  mkdir -p $out
  script "$1" > "$out/$1.ys"
  if ! nice yosys -q -l "$out/$1.log" -s "$out/$1.ys" > /dev/null 2> "$out/$1.err"; then
    echo "synth.sh: $1 fails: $(grep -m1 ERROR "$out/$1.log"); see $out/$1.log" >&2
    return 1
  fi
  left=$(unexplained "$1")
  if [ -n "$left" ]; then
    echo "synth.sh: $1: warnings that $allow does not explain:" >&2
    echo "$left" | head -20 >&2
    return 1
  fi
  report "$1"
}

# What a board's FPGA has, and how much of it the report's total takes.
budget() {
  awk -v most=85 -v device="$device" '
    BEGIN { split(device, have, " "); n = split("LUT FF carry mux DSP BRAM", names, " ") }
    $1 == "total" { for (i = 1; i <= n; i++) used[i] = $(i + 1) }
    END {
      for (i = 1; i <= n; i++) {
        if (have[i + 1] == "-") continue
        percent = 100 * used[i] / have[i + 1]
        printf "%-16s %7d of %7d %6.1f %%\n", names[i], used[i], have[i + 1], percent
        if (percent > most) { printf "more than %d %% of the %s\n", most, names[i]; bad = 1 }
      }
      exit bad
    }' "$out/$1.rpt"
}

run_board() {
  local def=boards/$1/board.def set
  [ -e "$def" ] || { echo "synth.sh: there is no $def" >&2; exit 2; }
  value() { sed -n "s/^$1=//p" "$def"; }
  set=$(value set)
  device_of_board="$1 $(value lut) $(value ff) - - $(value dsp) $(value bram18) - -"
  run_set "$set" && budget "$set"
}

if [ "${1:-}" = --board ]; then
  run_board "${2:-}"
  exit
fi
[ $# -gt 0 ] || set -- tiny small large
status=0
for set in "$@"; do run_set "$set" || status=1; done
exit $status
