#!/bin/bash
# Runs test programs and scripts, prints a line for each and the output of those
# that fail, and closes with the count: of tests where a program counts them
# (cmocka, or a last line "N passed, N failed"), else of programs.
#   tests/run.sh PROGRAM...    a program, or in quotes with its arguments
#   JOBS=2         programs side by side
#   TIMEOUT=1200   seconds until a program counts as hung
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'kill $(jobs -p) 2>/dev/null; exit 130' INT TERM

# count LOG STATUS: "passed failed"
count() {
  local passed=0 failed=0
  if grep -q '^\[==========\]' "$1"; then
    passed=$(sed -n 's/^\[  PASSED  \] \([0-9]*\) test(s)\..*/\1/p' "$1" | awk '{n += $1} END {print n + 0}')
    failed=$(sed -n 's/^\[  FAILED  \] \([0-9]*\) test(s).*/\1/p' "$1" | awk '{n += $1} END {print n + 0}')
  elif tail -n 1 "$1" | grep -Eq '^[0-9]+ passed, [0-9]+ failed$'; then
    read -r passed _ failed _ < <(tail -n 1 "$1")
  elif [ "$2" -eq 0 ]; then
    passed=1
  fi
  # A crash, or a run without tests, is a failure too.
  if [ "$failed" -eq 0 ] && { [ "$2" -ne 0 ] || [ "$passed" -eq 0 ]; }; then failed=1; fi
  echo "$passed $failed"
}

# run INDEX PROGRAM: leaves INDEX.log and INDEX.count
run() {
  local start=$EPOCHREALTIME status passed failed tenths
  # shellcheck disable=SC2086  # a program may come with arguments
  { timeout "${TIMEOUT:-1200}" $2 >"$dir/$1.log" 2>&1 </dev/null; } 2>/dev/null
  status=$?
  tenths=$(((${EPOCHREALTIME/./} - ${start/./}) / 100000))
  read -r passed failed < <(count "$dir/$1.log" "$status")
  echo "$passed $failed" >"$dir/$1.count"
  printf '%s  %-32s %4d passed, %d failed  %4d.%d s\n' "$([ "$failed" -eq 0 ] && echo 'ok  ' || echo FAIL)" \
    "${2#build/}" "$passed" "$failed" $((tenths / 10)) $((tenths % 10))
  [ "$failed" -eq 0 ] || echo "$2 (exit code $status)" >"$dir/$1.failed"
}

index=0
for program in "$@"; do
  while [ "$(jobs -rp | wc -l)" -ge "${JOBS:-2}" ]; do wait -n; done
  index=$((index + 1))
  run "$index" "$program" &
done
wait
for failure in "$dir"/*.failed; do
  [ -e "$failure" ] || continue
  printf '\n---- %s\n' "$(cat "$failure")"
  grep -v '^\[ RUN\|^\[       OK' "${failure%.failed}.log" | tail -n 60
done
cat /dev/null "$dir"/*.count 2>/dev/null | awk '{p += $1; f += $2} END {printf "%d passed, %d failed\n", p, f; exit f > 0 || p == 0}'
