#!/bin/bash
# A board with an ECP5: synthesis with its checks, or on to the bitstream. Run from
# the repository root by the rules of boards/rules.mk, after build/gen is there:
#
#   boards/ecp5/build.sh synth|bitstream BOARD DEVICE
#
# DEVICE: 12f, 25f, 45f or 85f. Of the board, boards/BOARD holds top.sv, pins.lpf and
# board.def, or board_DEVICE.def for one device: the accelerator's parameter set, clock_mhz
# (of top.sv), package, and multipliers and block_rams, which yosys must find.
# Everything goes to build/boards/BOARD-DEVICE. Synthesis fails on a
# latch, a combinational loop, a wire without driver or with several, a warning that
# boards/yosys_warnings.allow does not explain, a cell that is not in cells.list,
# other multipliers or block RAMs than the board's file expects, and when more than
# most_percent of the device's LUTs, multipliers or block RAMs are used.
#
# The bitstream fails where the clock is not met, or a path between two clocks takes longer
# than a cycle of the faster one.
#
# SEED= of the placer; if not set, 1 to 4 are tried until the clock is met.
set -eu -o pipefail

most_percent=85
step=$1 board=$2 device=$3
here=boards/ecp5
def=boards/$board/board_$device.def
[ -e "$def" ] || def=boards/$board/board.def
get() { sed -n "s/^$1=//p" "$def"; }
grep -q '^family=ecp5$' "$def" 2> /dev/null || { echo "build.sh: no board '$board' with an ECP5" >&2; exit 2; }
set=$(get set) clock_mhz=$(get clock_mhz)
# LUT4, multipliers, block RAMs. A 12F is a 25F by another name.
case $device in
  12f | 25f) have="24288 28 56" ;;
  45f) have="43848 72 108" ;;
  85f) have="83640 156 208" ;;
  *) echo "build.sh: DEVICE=$device: expected 12f, 25f, 45f or 85f" >&2; exit 2 ;;
esac
out=build/boards/$board-$device
mkdir -p "$out"

sources() {
  echo build/gen/mx_pkg.sv build/gen/mx_soc_pkg.sv "build/gen/$set/mx_cfg.sv" build/gen/fn_rom.sv build/gen/mx_boot_rom.sv
  ls rtl/*.sv rtl/soc/*.sv $here/*.sv "boards/$board/top.sv"
}

# First the checks, on the flattened design; then the synthesis.
script() {
  echo "read_verilog -sv -defer -I rtl $(sources | tr '\n' ' ')"
  echo "design -save start"
  echo "read_verilog -lib +/ecp5/cells_sim.v +/ecp5/cells_bb.v"
  echo "hierarchy -check -top top"
  echo "proc; flatten; opt_clean"
  echo "select -assert-none t:\$dlatch t:\$adlatch t:\$dlatchsr t:\$sr"
  echo "check -assert"
  echo "scc -expect 0"
  echo "design -load start"
  echo "synth_ecp5 -top top ${SYNTH:-}"
  echo "setattr -mod -unset keep_hierarchy A:keep_hierarchy; flatten; opt_clean"
  echo "write_json $out/top.json.tmp"
  echo "tee -o $out/stat stat"
}

fail() { echo "build.sh: $board $device: $*" >&2; exit 1; }

synth() {
  script > "$out/top.ys"
  nice yosys -q -l "$out/yosys.log" -s "$out/top.ys" > /dev/null 2> "$out/yosys.err" ||
    fail "$(grep -m1 ERROR "$out/yosys.log" || tail -n 1 "$out/yosys.err"); see $out/yosys.log"
  local left
  left=$(grep -E 'Warning:' "$out/yosys.log" | sort -u |
    grep -v -E -f <(sed -e '/^#/d' -e '/^$/d' boards/yosys_warnings.allow) || true)
  [ -z "$left" ] || { echo "$left" | head -20 >&2; fail "warnings that boards/yosys_warnings.allow does not explain"; }
  awk -v have="$have" -v most="$most_percent" -v multipliers="$(get multipliers)" -v block_rams="$(get block_rams)" \
    -f $here/check.awk $here/cells.list "$out/stat" || fail "see $out/stat"
  mv "$out/top.json.tmp" "$out/top.json"
}

place() {
  nice nextpnr-ecp5 "--${device%f}k" --package "$(get package)" --speed 6 --json "$out/top.json" --lpf "boards/$board/pins.lpf" \
    --freq "$clock_mhz" --seed "$1" --textcfg "$out/top.config" --report "$out/report.json" > "$out/nextpnr.log" 2>&1
}

# The system's clock after routing.
reached() { grep -E "Max frequency.*at $clock_mhz[.]" "$out/nextpnr.log" | tail -n 1 | sed 's/^[A-Za-z]*: *//'; }

bitstream() {
  local tool
  for tool in nextpnr-ecp5 ecppack; do
    command -v $tool > /dev/null ||
      fail "$tool is missing: put the bin folder of an oss-cad-suite release on PATH, or build nextpnr (ARCH=ecp5) and prjtrellis"
  done
  synth
  local seed
  for seed in ${SEED:-1 2 3 4}; do
    place "$seed" && break
    grep -q '^ERROR: Max frequency' "$out/nextpnr.log" || fail "$(grep -m1 ERROR "$out/nextpnr.log"); see $out/nextpnr.log"
    echo "build.sh: seed $seed: $(reached)" >&2
    [ "$seed" != "${SEED:-4}" ] || fail "the clock is not met; see $out/nextpnr.log"
  done
  awk -f $here/cross.awk "$out/nextpnr.log" || fail "paths between clocks are too long; see $out/nextpnr.log"
  ecppack --input "$out/top.config" --compress --bit "$out/top.bit.tmp"
  mv "$out/top.bit.tmp" "$out/top.bit"
  echo "seed $seed: $(reached)"
  echo "$out/top.bit"
}

case $step in
  synth | bitstream) $step ;;
  *) echo "build.sh: $step: expected synth or bitstream" >&2; exit 2 ;;
esac
