#!/bin/bash
# Set tiny on an iCE40 UP5K: yosys, then nextpnr places and routes it with few
# pins (area_top.sv). Run from the repository root after `make` has generated
# build/gen; prints what a board has left to know:
#
#   tiny_logic_cells, tiny_fmax_mhz, tiny_dsp, tiny_bram, tiny_spram
#
# Reports are left in build/ice40/. Fails if the device is too small or the clock
# slower than 12 MHz.
set -eu -o pipefail

out=build/ice40
command -v nextpnr-ice40 >/dev/null || { echo "nextpnr-ice40 is missing: apt-get install nextpnr-ice40" >&2; exit 1; }
least_mhz=12
mkdir -p $out

sources=()
for file in rtl/*.sv; do
  name=${file##*/}
  [ -e "boards/ice40/${name%.sv}.v" ] || sources+=("$file")
done
{
  for box in boards/ice40/*.v; do echo "read_verilog -lib $box"; done
  echo "read_verilog -sv -I rtl build/gen/mx_pkg.sv build/gen/tiny/mx_cfg.sv build/gen/fn_rom.sv ${sources[*]} boards/ice40/area_top.sv"
  echo "hierarchy -check -top area_top"
  echo "synth_ice40 -device u -dsp -spram -abc9 -top area_top ${SYNTH:-}"
  for box in boards/ice40/*.v; do echo "techmap -map $box"; done
  echo "opt_clean; write_json $out/tiny.json; tee -o $out/tiny.stat stat"
} > $out/tiny.ys
if ! nice -n 10 yosys -q -l $out/yosys.log -s $out/tiny.ys > /dev/null 2>&1; then
  echo "area.sh: $(grep -m1 ERROR $out/yosys.log); see $out/yosys.log" >&2
  exit 1
fi

placed=1
nice -n 10 nextpnr-ice40 --up5k --package sg48 --freq 24 --timing-allow-fail --json $out/tiny.json \
  --asc $out/tiny.asc --log $out/nextpnr.log --seed "${SEED:-1}" > /dev/null 2>&1 || placed=0
used() { sed -n "s/.*$1: *\([0-9]*\)\/.*/\1/p" $out/nextpnr.log | tail -n 1; }
echo "tiny_logic_cells $(used ICESTORM_LC)"
mhz=$(sed -n "s/.*Max frequency for clock.*: \([0-9.]*\) MHz.*/\1/p" $out/nextpnr.log | tail -n 1)
[ $placed = 1 ] && echo "tiny_fmax_mhz $mhz"
echo "tiny_dsp $(used ICESTORM_DSP)"
echo "tiny_bram $(used ICESTORM_RAM)"
echo "tiny_spram $(used ICESTORM_SPRAM)"
if [ $placed = 0 ]; then
  echo "area.sh: $(grep -m1 ERROR $out/nextpnr.log); see $out/nextpnr.log" >&2
  exit 1
fi
if [ "${mhz%.*}" -lt $least_mhz ]; then
  echo "area.sh: slower than $least_mhz MHz" >&2
  exit 1
fi
