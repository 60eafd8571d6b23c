#!/bin/bash
# The table of boards in boards/README.md, between its two marks, from the flows of
# each board and the cycle model: `make boards`. Run from the repository root.
#
#   boards/table.sh [BOARD[:DEVICE]...]   default: all; of others the rows stay as they are
#
# Of each board, boards/BOARD/board.def, and of one more DEVICE that it comes with
# boards/BOARD/board_DEVICE.def, tells family, name, fpga, price_class, set,
# model, clock_mhz and, where the flow does not tell the speed, profile: what to give
# to mxf profile. Boards with an iCE40 are placed and routed, those with an ECP5 where
# nextpnr-ecp5 is on PATH; else figures of area are those of synthesis.
# FROM_LOGS=1: from what the flows left last time, without running them.
set -eu -o pipefail

readme=boards/README.md
work=build/boards
mkdir -p $work

device() { [[ $1 != *:* ]] || echo "${1#*:}"; }
get() {
  local device
  device=$(device "$1")
  sed -n "s/^$2=//p" "boards/${1%:*}/board${device:+_$device}.def"
}
# flow BOARD TARGET: runs `make TARGET`, leaves what it prints in $work/BOARD.log
flow() {
  [ -z "${FROM_LOGS:-}" ] || [ ! -s "$work/$1.log" ] || return 0
  echo "table.sh: $1: make $2" >&2
  make --no-print-directory "$2" BOARD="${1%:*}" DEVICE="$(device "$1")" > "$work/$1.log" || { tail -n 5 "$work/$1.log" >&2; exit 1; }
}
# share LOG NAME: of the line `NAME used of all`
share() { awk -v n="$2" '$1 == n {print $2 " of " $4}' "$1"; }
# field LOG NAME: the rest of the line that begins with NAME
field() { sed -n "s/^$2 *//p" "$1" | head -n 1; }

# Each leaves logic, dsp, ram, fmax and speed.
ice40() {
  flow "$1" bitstream
  local log=$work/$1.log
  logic="$(field "$log" ICESTORM_LC) cells (placed)" dsp=$(field "$log" ICESTORM_DSP)
  ram="$(field "$log" ICESTORM_RAM); SPRAM $(field "$log" ICESTORM_SPRAM)"
  fmax="$(field "$log" tiny_fmax_mhz) (routed)" clock=$(field "$log" clock_mhz)
  speed="$(field "$log" tokens_per_s) (computed: cycles of the simulated board)"
}
ecp5() {
  local step=synth
  command -v nextpnr-ecp5 ecppack > /dev/null && step=bitstream
  flow "$1" $step
  local log=$work/$1.log
  logic="$(share "$log" LUT4) LUT4 (synthesis)" dsp=$(share "$log" MULT18X18D) ram=$(share "$log" DP16KD)
  fmax=$(sed -n 's/.*Max frequency.*: \([0-9.]*\) MHz.*/\1 (routed)/p' "$log" | tail -n 1)
  profiled "$1"
}
zynqmp() {
  flow "$1" synth
  local log=$work/$1.log
  logic="$(share "$log" LUT) LUT (synthesis)" dsp=$(share "$log" DSP) ram="$(share "$log" BRAM) RAMB18"
  fmax=''
  profiled "$1"
}
# Tokens per second at the board's clock, by the cycle model.
profiled() {
  local json=$work/$1.json
  clock=$(get "$1" clock_mhz)
  # shellcheck disable=SC2046  # options
  build/mxf profile $(get "$1" profile) --json "$json" > /dev/null
  speed=$(jq -r --argjson mhz "$clock" '.phases.decode | 1e7 * $mhz * .tokens / .cycles | round / 10 | "\(.) (computed: cycle model)"' "$json")
}
row() {
  local logic='' dsp='' ram='' fmax='' clock='' speed=''
  "$(get "$1" family)" "$1"
  echo "| $(get "$1" name) | $(get "$1" fpga) | $(get "$1" price_class) | \`$(get "$1" set)\` | $logic | $dsp | $ram | ${fmax:-not routed here} | $clock | $(get "$1" model) | $speed |"
}

all=()
for file in boards/*/board*.def; do
  all+=("$(sed 's|^boards/||; s|/board\.def$||; s|/board_\(.*\)\.def$|:\1|' <<< "$file")")
done
{
  echo '| board | FPGA | price class | set | logic | multipliers | block RAM | reaches, MHz | clock, MHz | model | tokens per second |'
  echo '|---|---|---|---|---|---|---|---|---|---|---|'
  for board in "${all[@]}"; do
    if [ $# -eq 0 ] || [[ " $* " == *" $board "* ]]; then row "$board"; else awk -v row="| $(get "$board" name) |" 'index($0, row) == 1' $readme; fi
  done
} > $work/table.md
awk -v table=$work/table.md '
  /^<!-- boards -->$/ { print; while ((getline line < table) > 0) print line; skip = 1; next }
  /^<!-- end of boards -->$/ { skip = 0 }
  !skip' $readme > $work/README.tmp
cmp -s $work/README.tmp $readme || cp $work/README.tmp $readme
cat $work/table.md
