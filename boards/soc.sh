#!/bin/bash
# Area and clock of mx_rv by parameters: iCE40 UP5K placed and routed, ECP5 as
# yosys counts. The figures of rtl/soc/README.md. Run from the repository root.
set -eu -o pipefail
for tool in yosys nextpnr-ice40; do
  command -v $tool >/dev/null || { echo "soc.sh: $tool is missing: apt-get install yosys nextpnr-ice40" >&2; exit 1; }
done
out=build/soc-area
mkdir -p $out
around=107  # logic cells and flip-flops of soc_top around the core
shifted=70  # of them with a LUT

# synth NAME COMMAND "P V"...: build/soc-area/NAME.json and .stat; no warnings allowed
synth() {
  local name=$1 command=$2 set=''
  shift 2
  for p in "$@"; do set+=" -chparam $p"; done
  yosys -q -l "$out/$name.log" -p "read_verilog -sv -Irtl rtl/soc/mx_rv*.sv boards/soc_top.sv;
    hierarchy -check -top soc_top $set;
    $command -top soc_top -json $out/$name.json; check -assert; tee -o $out/$name.stat stat" > /dev/null
  if grep '^Warning:' "$out/$name.log" >&2; then exit 1; fi
}
cells() { awk -v cell="$1" '$1 == cell {n = $2} END {print n + 0}' "$out/$2.stat"; }

ice40() {
  synth "$1" "synth_ice40 -device u" "${@:2}"
  # Placement is chance: the best clock of three seeds.
  local best=0 lc=0 mhz
  for seed in 1 2 3; do
    nextpnr-ice40 --up5k --package sg48 --pcf-allow-unconstrained --freq 24 --timing-allow-fail --seed $seed \
      --json "$out/$1.json" > "$out/$1.pnr" 2>&1
    lc=$(sed -n 's/.*ICESTORM_LC: *\([0-9]*\)\/.*/\1/p' "$out/$1.pnr" | head -1)
    mhz=$(sed -n 's/.*Max frequency for clock[^:]*: \([0-9.]*\) MHz.*/\1/p' "$out/$1.pnr" | tail -1)
    best=$(awk -v a="$best" -v b="$mhz" 'BEGIN {print (a + 0 > b + 0 ? a : b)}')
  done
  printf '%-14s UP5K  %5d logic cells, %d EBR, %s MHz\n' "$1" $((lc - around)) "$(cells SB_RAM40_4K "$1")" "$best"
}
ecp5() {
  synth "$1" "synth_ecp5 -nowidelut" "${@:2}"
  printf '%-14s ECP5  %5d LUT4 and two for each of %d CCU2C, %d flip-flops, %d block RAM, %d DSP\n' \
    "$1" $(($(cells LUT4 "$1") - shifted)) "$(cells CCU2C "$1")" $(($(cells TRELLIS_FF "$1") - around)) "$(cells DP16KD "$1")" \
    "$(cells MULT18X18D "$1")"
}

ice40 ice40_i
ice40 ice40_shift "FastShift 1"
ice40 ice40_m "MulDiv 1"
ecp5 ecp5_i
ecp5 ecp5_fast "MulDiv 1" "FastShift 1" "FastMul 1" "CycleBits 64"
