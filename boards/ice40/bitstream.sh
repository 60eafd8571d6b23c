#!/bin/bash
# Bitstream of a board with an iCE40 UP5K: yosys, nextpnr, icepack. Run from the
# repository root by boards/BOARD/build.sh, after `make` has generated build/gen:
#
#   boards/ice40/bitstream.sh BOARD MULTIPLIER SEED SIMULATION
#
# The board's clock is 12 MHz * (MULTIPLIER + 1) / 32. Sources: boards/BOARD/top.sv,
# pins.pcf. Environment: SEED of the placer instead of the board's, BAUD of the line
# (115200), IMAGE (.mxp for this system): its tokens per second, by
# build/rtl/tb_SIMULATION, are printed too.
# Leaves build/BOARD/BOARD.bin and reports; prints
#
#   tiny_logic_cells, tiny_fmax_mhz, clock_mhz, and what else the device has
#
# Fails if it does not fit, is slower than its clock, or that is below 12 MHz.
set -eu -o pipefail

board=$1 multiplier=$2 seed=${SEED:-$3} simulation=$4
out=build/$board
for tool in yosys nextpnr-ice40 icepack; do
  command -v $tool >/dev/null || { echo "$tool is missing: apt-get install yosys nextpnr-ice40 fpga-icestorm, or make deps" >&2; exit 1; }
done
mkdir -p "$out"
clock_khz=$(((multiplier + 1) * 375))
fail() { echo "bitstream.sh: $board: $1" >&2; exit 1; }

sources=(build/gen/mx_pkg.sv build/gen/mx_frame_pkg.sv build/gen/tiny/mx_cfg.sv build/gen/fn_rom.sv)
for file in rtl/*.sv; do
  name=${file##*/}
  [ -e "boards/ice40/${name%.sv}.v" ] || sources+=("$file")
done
sources+=(rtl/soc/mx_{up5k,spram,flash,uart,uart_bridge}.sv boards/ice40/flash_pins.sv "boards/$board/top.sv")

# A module in boards/ice40 takes the place of one in rtl: a box until the end.
{
  echo "read_verilog -lib -D ICE40_U +/ice40/cells_sim.v"
  for box in boards/ice40/*.v; do echo "read_verilog -lib $box"; done
  echo "read_verilog -sv -I rtl ${sources[*]}"
  echo "hierarchy -check -top top -chparam PllMultiplier $multiplier -chparam Baud ${BAUD:-115200}"
  echo "scratchpad -set abc9.script $(<boards/ice40/abc9)"
  echo "synth_ice40 -device u -dsp -spram -abc9 -top top"
  for box in boards/ice40/*.v; do echo "techmap -map $box"; done
  echo "opt_clean; write_json $out/top.json; tee -o $out/top.stat stat"
  echo "splitnets; write_verilog -noattr $out/top.v"  # the same for simulators, which see loops through vectors
} > "$out/top.ys"
nice -n 5 yosys -q -l "$out/yosys.log" -s "$out/top.ys" > /dev/null 2>&1 || fail "$(grep -m1 ERROR "$out/yosys.log"); see $out/yosys.log"

used() { sed -n "s/.*$1: *\([0-9]*\)\/ *\([0-9]*\).*/\1${2:+ of \2}/p" "$out/nextpnr.log" | tail -n 1; }
placed=1
nice -n 5 nextpnr-ice40 --up5k --package sg48 --pcf "boards/$board/pins.pcf" --freq 24 --timing-allow-fail \
  --json "$out/top.json" --asc "$out/top.asc" --log "$out/nextpnr.log" --seed "$seed" > /dev/null 2>&1 || placed=0
echo "tiny_logic_cells $(used ICESTORM_LC)"
mhz=$(sed -n "s/.*Max frequency for clock.*: \([0-9.]*\) MHz.*/\1/p" "$out/nextpnr.log" | tail -n 1)
if [ $placed = 0 ]; then
  rm -f "$out/$board.bin"
  fail "$(grep -m1 ERROR "$out/nextpnr.log"); see $out/nextpnr.log"
fi
echo "tiny_fmax_mhz $mhz"
echo "clock_mhz $(awk -v k=$clock_khz 'BEGIN {print k / 1000}')"
for block in ICESTORM_LC ICESTORM_DSP ICESTORM_RAM ICESTORM_SPRAM; do echo "$block $(used $block of)"; done
if [ -n "${IMAGE:-}" ]; then
  cycles=$(MX_IMAGE=$IMAGE "build/rtl/tb_$simulation" | sed -n 's/^cycles_per_token //p') || true
  [ -n "$cycles" ] || fail "$IMAGE does not run on the simulated system"
  awk -v c="$cycles" -v k=$clock_khz 'BEGIN {printf "cycles_per_token %d\ntokens_per_s %.2f\n", c, 1000 * k / c}'
fi
if ! awk -v k=$clock_khz -v m="$mhz" 'BEGIN {exit !(k >= 12000 && m * 1000 >= k)}'; then
  rm -f "$out/$board.bin"
  fail "$mhz MHz do not reach the clock, or that is below 12 MHz; see $out/nextpnr.log"
fi
icepack "$out/top.asc" "$out/$board.tmp" && mv "$out/$board.tmp" "$out/$board.bin"
echo "$out/$board.bin"
