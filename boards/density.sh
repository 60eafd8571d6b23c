#!/bin/bash
# Area of 32-long dot products of signed 4-bit weights and 8-bit activations,
# registered in and out: styles of boards/density_top.sv, through yosys, no place
# and route. Run from the repository root:
#
#   boards/density.sh [PATTERN]     only lines whose family and name match
#
# LUT: LUTs of any size, without carry; of ECP5, LUT4 and two for each CCU2C.
# per MAC: LUT over lanes and rows. Reports are left in build/density/.
set -eu -o pipefail

out=build/density
lanes=32
pattern=${1:-}
mkdir -p $out

# area FAMILY STAT: LUTs and multipliers of the whole design, the last section.
area() {
  awk -v family="$1" '
    /^=== / { lut = dsp = 0 }
    NF == 2 && $1 ~ /^(SB_LUT4|LUT[1-6]|INV)$/ { lut += $2 }
    NF == 2 && $1 == "CCU2C" { lut += 2 * $2 }
    NF == 2 && $1 ~ /^(SB_MAC16|MULT18X18D|DSP48E2)$/ { dsp += $2 }
    END { print lut, dsp }' "$2"
}

# measure FAMILY NAME SYNTHESIS ROWS PARAMETERS...
measure() {
  local family=$1 name=$2 synth=$3 rows=$4 chparam="-chparam Rows $4" p lut dsp
  shift 4
  [[ "$family $name" =~ $pattern ]] || return 0
  local stem=$out/${family}_${name//[^a-z0-9]/_}
  for p in "$@"; do chparam+=" -chparam ${p%=*} ${p#*=}"; done
  if ! nice yosys -q -l "$stem.log" -p "
    read_verilog -sv $(echo rtl/mx_tree_*.sv rtl/mx_dot_mul.sv rtl/mx_lane_*.sv) boards/density_top.sv
    hierarchy -check -top density_top $chparam
    $synth -top density_top; check -assert; tee -o $stem.stat stat" >/dev/null 2>&1; then
    echo "density.sh: $family, $name: $(grep -m1 ERROR "$stem.log")" >&2
    return 1
  fi
  read -r lut dsp < <(area "$family" "$stem.stat")
  printf '%-12s %-34s %4d %7d %8s %5d\n' "$family" "$name" "$rows" "$lut" \
    "$((lut * 10 / (lanes * rows) / 10)).$((lut * 10 / (lanes * rows) % 10))" "$dsp"
}

printf '%-12s %-34s %4s %7s %8s %5s\n' family style rows LUT "per MAC" DSP
for family in ultrascale+ ecp5 ice40; do
  case $family in
    ultrascale+) soft="synth_xilinx -family xcup -flatten -noiopad -nodsp" hard="synth_xilinx -family xcup -flatten -noiopad" ;;
    ecp5)        soft="synth_ecp5 -nodsp" hard="synth_ecp5" ;;
    ice40)       soft="synth_ice40" hard="" ;;
  esac
  measure $family "loop" "$soft" 1 Variant=0
  measure $family "* and tree" "$soft" 1 Variant=1
  measure $family "mx_dot_mul and tree" "$soft" 1 Variant=2
  for chain in 1 2 4 8; do
    measure $family "mx_lane_dot, chains of $chain" "$soft" 1 Variant=3 Chain=$chain
  done
  [ -n "$hard" ] || continue
  measure $family "* and tree, DSP" "$hard" 1 Variant=1
  measure $family "mx_lane_share, 2 rows" "$hard" 2 Variant=4 Step=12
  if [ $family = ultrascale+ ]; then
    measure $family "mx_lane_share, 3 rows" "$hard" 3 Variant=4 Step=11
    measure $family "mx_lane_pair" "$hard" 1 Variant=5
  fi
done
