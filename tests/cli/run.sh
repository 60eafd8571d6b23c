#!/bin/sh
# Command lines and what they must say. A case is a folder here with
#   cmd           shell lines; $MXF is the command, $MODEL the shipped model,
#                 $SHARED a folder with kjv.mxq and kjv.mxp (sim, 16 positions) of it
#   stdout.exact  its standard output, or stdout.glob, a shell pattern for all of it
#   stderr.glob   the same for standard error
#   exit          its exit code, if not 0
# What is not given must be empty. Each case runs in a new folder.
#   tests/cli/run.sh [CASE...]
cd "$(dirname "$0")" || exit 1
cases=$PWD
MXF=$(cd ../.. && pwd)/build/mxf
MODEL=$(cd ../models && pwd)/kjv.gguf
top=$(mktemp -d) || exit 1
trap 'rm -rf "$top"' EXIT
SHARED=$top/shared
export MXF MODEL SHARED
passed=0
failed=0

fail() { # fail CASE WHAT: one line; the output follows it
  printf 'FAIL  %s: %s\n' "$1" "$2"
  sed 's/^/      /' "$top/stdout" "$top/stderr" | head -n 12
}

# matches FILE PATTERNFILE
matches() {
  pattern=$(cat "$2")
  case "$(cat "$1")" in
    $pattern) return 0 ;;
  esac
  return 1
}

# stream_fits CASE NAME: what the case says of stdout or stderr holds
stream_fits() {
  if [ -e "$cases/$1/$2.exact" ]; then cmp -s "$top/$2" "$cases/$1/$2.exact"
  elif [ -e "$cases/$1/$2.glob" ]; then matches "$top/$2" "$cases/$1/$2.glob"
  else [ ! -s "$top/$2" ]
  fi
}

run_case() {
  expected=0
  [ -e "$cases/$1/exit" ] && expected=$(cat "$cases/$1/exit")
  rm -rf "$top/work" && mkdir "$top/work"
  (cd "$top/work" && sh "$cases/$1/cmd") >"$top/stdout" 2>"$top/stderr" </dev/null
  status=$?
  if [ "$status" -ne "$expected" ]; then fail "$1" "exit code $status, expected $expected"
  elif ! stream_fits "$1" stdout; then fail "$1" "stdout differs"
  elif ! stream_fits "$1" stderr; then fail "$1" "stderr differs"
  else return 0
  fi
  return 1
}

mkdir "$SHARED"
if ! { "$MXF" quantize "$MODEL" -o "$SHARED/kjv.mxq" && "$MXF" compile "$SHARED/kjv.mxq" --context 16 -o "$SHARED/kjv.mxp"; } >"$top/stdout" 2>"$top/stderr"; then
  fail "shared files" "cannot make them"
  exit 1
fi
[ $# -gt 0 ] || set -- */
for case in "$@"; do
  if run_case "${case%/}"; then passed=$((passed + 1)); else failed=$((failed + 1)); fi
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
