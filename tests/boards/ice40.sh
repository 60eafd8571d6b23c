#!/bin/bash
# Bitstreams of the boards with an iCE40: each must fit, meet its clock, and be there
# in the end; and the netlist that was placed, simulated with its board, must say the
# golden engine's tokens: of the shipped model on the iCEBreaker, of a toy on the UPduino.
#   tests/boards/ice40.sh [quick]    quick: the iCEBreaker's bitstream only
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
passed=0 failed=0
check() { # NAME COMMAND...
  local log
  if log=$("${@:2}" 2>&1); then
    passed=$((passed + 1))
    echo "ok    $1: $(echo "$log" | tr '\n' ',')"
  else
    failed=$((failed + 1))
    echo "FAIL  $1"
    echo "$log" | tail -n 15
  fi
}
whole() { rm -f "build/$1/$1.bin" && "boards/$1/build.sh" && [ -s "build/$1/$1.bin" ]; }
# BOARD [IMAGE]
placed() {
  [ -s "build/$1/$1.bin" ] && make -s "build/placed/tb_$1" ${2:+"$2"} >/dev/null && ${2:+env MX_IMAGE="$2"} "build/placed/tb_$1"
}
# A clock that nobody meets must fail, and leave no bitstream.
slow() {
  rm -f "build/$1/$1.bin"
  ! boards/ice40/bitstream.sh "$1" 87 1 mx_up5k && [ ! -e "build/$1/$1.bin" ]
}
if [ "${1:-}" = quick ]; then
  check icebreaker whole icebreaker
else
  check "a clock that is not met" slow icebreaker
  for board in icebreaker upduino; do check $board whole $board; done
  check "icebreaker's netlist" placed icebreaker build/up5k.mxp
  check "upduino's netlist" placed upduino
fi
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
