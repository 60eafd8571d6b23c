#!/bin/bash
# The system on chip in Verilator (build/soc-sim): firmware that tries everything it
# sees, on chips of three makers, with a flash chip that is busy, and without; texts
# of the console, equal to the golden model's.
#   tests/soc/run.sh [all]    all: the shipped model too, also on a Colorlight i5
#                             (build/soc-sim-i5), and a model that a host brings over
#                             the serial line
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
passed=0
failed=0
sim=build/soc-sim
facts=''  # of the board, in soc_test's text: a script for sed

# tell NAME STATUS: counts; a failure is told with the log
tell() {
  if [ "$2" -eq 0 ]; then
    passed=$((passed + 1))
    return
  fi
  failed=$((failed + 1))
  echo "FAIL  $1"
  sed 's/^/      /' "$dir/log" | tail -n 15
}

# hardware NAME [OPTION...]: soc_test's text is as it should be
hardware() {
  local name=$1
  shift
  { echo hello; printf '%0300d\n' 0; } |
    $sim --firmware build/soc/soc_test.bin --cycles 3000000 "$@" >"$dir/out" 2>"$dir/log" &&
    tr -d '\r' <"$dir/out" | diff - <(sed "$facts" tests/soc/soc_test.txt) >>"$dir/log" 2>&1
  tell "$name" $?
}

# model NAME MODEL [OPTION...]: image $dir/NAME.mxp for set small, compiled with the options
model() {
  build/mxf quantize "$2" -o "$dir/$1.mxq" && build/mxf compile "$dir/$1.mxq" --target small -o "$dir/$1.mxp" "${@:3}"
}

# text NAME IMAGE N PROMPT [FLASH]: the console's last text is that of the golden model; FLASH:
# a file of mxf flash for the whole chip
text() {
  local chip=(--firmware build/firmware/main.rv32im.bin --image "$2")
  [ $# -lt 5 ] || chip=(--flash "$5" --offset 0)
  { printf '> %s\n' "$4" && build/mxf run "$2" --engine golden -n "$3" --prompt "$4" 2>"$dir/log"; } |
    sed 's/$/\r/' >"$dir/expected" && printf '> ' >>"$dir/expected"
  printf '/n %s\n%s\n' "$3" "$4" |
    $sim "${chip[@]}" --cycles 100000000 --stats >"$dir/out" 2>>"$dir/log" &&
    tail -c "$(stat -c %s "$dir/expected")" "$dir/out" | cmp - "$dir/expected" >>"$dir/log" 2>&1
  tell "$1" $?
}

# says NAME SENTENCE OPTION...: so the console begins, with what the options say of the board
says() {
  local name=$1 sentence=$2
  shift 2
  build/soc-sim --cycles 20000000 --expect "$sentence" "$@" </dev/null >"$dir/out" 2>"$dir/log"
  tell "$name" $?
}

# shellcheck disable=SC2154  # coproc sets board and board_PID
# host NAME IMAGE [OPTION...]: the console's firmware hands the line to a host, which loads the
# model and runs it. --baud: what the simulated line has in real time, or less.
host() {
  coproc board { build/soc-sim --firmware build/firmware/main.rv32im.bin --pty --stats "${@:3}" 2>"$dir/board"; }
  local line status
  read -r line <&"${board[0]}" &&
    build/mxf run "$2" --engine golden -n 4 --prompt ab >"$dir/expected" 2>"$dir/log" &&
    build/mxf run "$2" --engine "uart:$line" --baud 9600 -n 4 --prompt ab --stats >"$dir/out" 2>"$dir/log" &&
    cmp "$dir/out" "$dir/expected" >>"$dir/log" 2>&1
  status=$?
  eval "exec ${board[1]}>&-"
  wait "$board_PID" || status=1
  cat "$dir/board" >>"$dir/log"
  tell "$1" $status
}

hardware 'is42s16160g-7'
hardware 'w9825g6kh-6' --sdram w9825g6kh-6
hardware 'as4c32m16sb-7' --sdram as4c32m16sb-7
hardware 'a busy flash chip' --flash-busy 3000

says 'no flash chip' 'the flash chip does not answer; a key tries again' --no-flash
says 'an empty flash chip' 'no firmware in the flash chip; a key tries again'
says 'no image' 'there is no program image in the flash chip' --firmware build/firmware/main.rv32im.bin
build/mxf synth-model --shape tiny-test -o "$dir/tiny.gguf" >"$dir/log" 2>&1 && model tiny "$dir/tiny.gguf" >"$dir/log" 2>&1
tell 'model tiny-test' $?
text 'tiny-test' "$dir/tiny.mxp" 12 ab

# A broken rule ends the run.
! build/soc-sim --firmware build/soc/soc_test.bin --baud 1000000 --cycles 3000000 </dev/null >"$dir/out" 2>"$dir/log" &&
  grep -q 'serial line' "$dir/log"
tell 'a wrong baud rate' $?

if [ "${1:-}" = all ]; then
  model kjv tests/models/kjv.gguf >"$dir/log" 2>&1
  tell 'shipped model' $?
  text 'shipped model' "$dir/kjv.mxp" 16 'In the beginning'
  cat "$dir/log"

  # A chip that the bitstream's place, the firmware and the shipped model fill.
  sim=build/soc-sim-i5 facts='s/^board sim/board CLI/; s/^memory .* status/memory 8388608 bytes, flash 1572864 bytes, status/; s/16 cycles/32 cycles/'
  hardware 'em638325-6, without masks'
  head -c 524288 /dev/urandom >"$dir/bitstream" &&
    build/mxf flash --board colorlight-i5 --bitstream "$dir/bitstream" --firmware build/firmware/main.rv32im.bin \
      --image "$dir/kjv.mxp" -o "$dir/flash.bin" >"$dir/log" 2>&1
  tell 'flash chip of a Colorlight i5' $?
  text 'shipped model on a Colorlight i5' "$dir/kjv.mxp" 16 'In the beginning' "$dir/flash.bin"
  cat "$dir/log"
  sim=build/soc-sim facts=

  build/mxf synth-model --shape tiny-test --layers 1 -o "$dir/one.gguf" >"$dir/log" 2>&1 &&
    model one "$dir/one.gguf" --context 8 >>"$dir/log" 2>&1
  tell 'model of one layer' $?
  host 'a host on the serial line' "$dir/one.mxp"
  host 'a host on a noisy line' "$dir/one.mxp" --noise 100
  cat "$dir/log"
fi

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
