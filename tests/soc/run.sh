#!/bin/bash
# The system on chip in Verilator (build/soc-sim): firmware that tries everything it
# sees, on chips of three makers, and with a flash chip that is busy at power-on.
#   tests/soc/run.sh
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
passed=0
failed=0

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
    build/soc-sim --firmware build/soc/soc_test.bin --cycles 3000000 "$@" >"$dir/out" 2>"$dir/log" &&
    tr -d '\r' <"$dir/out" | diff - tests/soc/soc_test.txt >>"$dir/log" 2>&1
  tell "$name" $?
}

hardware 'is42s16160g-7'
hardware 'w9825g6kh-6' --sdram w9825g6kh-6
hardware 'as4c32m16sb-7' --sdram as4c32m16sb-7
hardware 'a busy flash chip' --flash-busy 3000

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
