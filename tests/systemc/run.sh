#!/bin/bash
# The virtual platform as a command, with the shipped model: the same tokens and cycles as
# other engines, the processor's program, traces, commands at stops, wrong arguments. One
# line per case, then the count.
#   tests/systemc/run.sh [PATTERN]    only cases whose name matches
set -uo pipefail
cd "$(dirname "$0")/../.."
mxf=build/mxf mxvp=build/mxvp image= prompt='In the beginning'
. tests/check.sh

image=$dir/model.mxp
"$mxf" quantize tests/models/kjv.gguf --weights mxint4 --acts mxint8 -o "$dir/model.mxq" >/dev/null &&
  "$mxf" compile "$dir/model.mxq" --target sim -o "$image" >/dev/null || exit 1

# ---- the same tokens and cycles ------------------------------------------------------

result() { jq -c '[.tokens, .cycles, .counters]' "$dir/$1"; }
same() { [ "$(result expected)" = "$(result got)" ] || { result expected; result got; return 1; }; }
expect() { "$mxf" run "$image" --engine "$1" -p "$prompt" -n 3 --json "${@:2}" >"$dir/expected"; }
platform() { "$mxvp" "$image" -p "$prompt" -n 3 --json "$@" >"$dir/got" && same; }
engine() { "$mxf" run "$image" --engine "$1" -p "$prompt" -n 3 --json "${@:2}" >"$dir/got" && same; }

check "cycle model alone" expect cycle
check "mxvp, loosely timed" platform
check "mxvp, approximately timed" platform --timing at
check "mxvp, without DMI" platform --no-dmi
check "mxvp, RTL in the model's place" platform --device rtl
check "mxf run --engine systemc" engine systemc
check "mxf run --engine systemc:at" engine systemc:at
golden() { "$mxf" run "$image" -p "$prompt" -n 3 --json >"$dir/golden" && [ "$(jq -c .tokens "$dir/golden")" = "$(jq -c .tokens "$dir/got")" ]; }
check "golden's tokens" golden
check "mxf verify --engine systemc" "$mxf" verify "$image" --engine systemc -p "$prompt" -n 1
check "a chip's timing alone" expect cycle --memory ddr3-1066 --clock 125
check "a chip's timing" platform --memory ddr3-1066 --clock 125
check "a chip's timing, approximately timed" engine systemc:at --memory ddr3-1066 --clock 125

# ---- the processor --------------------------------------------------------------------

firmware=build/soc/platform.bin
rv() { printf '1 is the first\n' | timeout 60 "$mxvp" "$1" --cpu rv --firmware $firmware "${@:2}" >"$dir/printed"; }
# What the program must print: the tokens and cycles of the same four on the host.
rv_expected() {
  "$mxf" run "$1" --engine cycle -n 4 --json >"$dir/four" || return 1
  printf 'clock 100000000\nerrors 22389\ntimer 1\n1 is the first\n'
  jq -r '.tokens[1:5][] | "token \(.)"' "$dir/four"
  echo 'status 0'
}
# rv_prints IMAGE OPTIONS...
rv_prints() {
  rv "$@" && rv_expected "$1" >"$dir/wanted" && diff "$dir/wanted" <(grep -v '^cycles' "$dir/printed") &&
    [ "$(awk '/^cycles/ {n += $2} END {print n}' "$dir/printed")" = "$(jq .counters.generation.CYCLES+.counters.prompt.CYCLES "$dir/four")" ]
}
small_image() {
  "$mxf" synth-model --shape tiny-test -o "$dir/small.gguf" && "$mxf" quantize "$dir/small.gguf" -o "$dir/small.mxq" &&
    "$mxf" compile "$dir/small.mxq" --target sim --context 16 -o "$dir/small.mxp"
}
check "RISC-V program" rv_prints "$image"
check "RISC-V program, approximately timed, long quantum" rv_prints "$image" --timing at --quantum 100000
check "RISC-V program, short quantum" rv_prints "$image" --quantum 1
check "a small image" small_image
check "RISC-V program, RTL in the model's place" rv_prints "$dir/small.mxp" --device rtl
booted() {
  printf 'In the beginning\n' | timeout 60 "$mxvp" "$image" --cpu rv --rom build/firmware/boot.bin \
    --firmware build/firmware/main.rv32im.bin --until "$text" "$@" >"$dir/printed" && grep -q "> In the beginning" "$dir/printed" &&
    tail -c ${#text} "$dir/printed" | grep -qF "$text"
}
text=$("$mxf" run "$image" --engine golden -p "$prompt" -n 3 --json | jq -r .text)
check "boot ROM and firmware" booted
check "boot ROM and firmware, approximately timed" booted --timing at
terminal() {
  timeout 60 "$mxvp" "$image" --cpu rv --firmware $firmware --uart pty 2>"$dir/name" &
  local pid=$! line
  for _ in $(seq 100); do [ -s "$dir/name" ] && break; sleep 0.1; done
  line=$(sed -n 's/^UART at //p' "$dir/name")
  exec 5<>"$line" && printf '1\n' >&5 && timeout 30 sed '/^status/q' <&5 | grep -q '^status 0'
  local result=$?
  exec 5>&-
  wait $pid || true
  return $result
}
check "UART on a pseudo-terminal" terminal

# ---- traces and stops -------------------------------------------------------------------

trace() { "$mxvp" "$image" -n 1 --trace "$dir/trace" --trace-format "$@" >/dev/null; }
trace_json() { trace json --timing at && [ "$(jq '[.[] | select(.phase == "BEGIN_REQ" and .what == "read")] | length' "$dir/trace")" -gt 1000 ] &&
  [ "$(jq '[.[] | select(.phase == "ISSUE")] | length' "$dir/trace")" -eq "$("$mxvp" "$image" -n 1 --json | jq '[.counters[].INSTRUCTIONS] | add')" ]; }
trace_csv() { trace csv && awk -F'"' '{n = gsub(",", "", $1) + gsub(",", "", $3)} NR > 1 && n != 8 {exit 1}' "$dir/trace" &&
  grep -q 'host,ACCEL,TRANSPORT,"write",0x50000008' "$dir/trace"; }
trace_text() { trace text && grep -q 'host .*ACCEL .*TRANSPORT .*read .*0x50000000 .*4 4d584631 OK' "$dir/trace"; }
waveform() { "$mxvp" "$image" -n 1 --vcd "$dir/wave.vcd" >/dev/null && grep -q '\$var wire.*irq' "$dir/wave.vcd" && grep -q '^1' "$dir/wave.vcd"; }
check "trace as JSON" trace_json
check "trace as CSV" trace_csv
check "trace as text" trace_text
check "waveform" waveform
# stop NAME BREAK COMMANDS: what mxvp prints at stops
stop() { printf '%b' "$2" >"$dir/commands" && "$mxvp" "$image" -n 2 --break "$1" --commands "$dir/commands" "${@:3}"; }
stop_address() { stop 0x110 'registers\nmemory 0x100 16\nlist\nquit\n' >"$dir/out" && grep -q '^cycle .*0x000110 .*STREAM' "$dir/out" &&
  grep -q '^STATUS  *0x00000001' "$dir/out" && grep -q '^0x000100  01 00 00 00' "$dir/out" && [ "$(grep -c '^0x0001.0  [a-z]' "$dir/out")" -eq 8 ]; }
stop_operator() { stop 'layer 1 ffn_norm:1,layer 1 ffn_up:2' 'continue\nstep\ns 2\nbreak\ndelete 1\nd 2\nc\n' >"$dir/out" &&
  [ "$(grep -c '^cycle' "$dir/out")" -eq 4 ] && grep -q '^2: layer 1 ffn_up:2' "$dir/out" && grep -q ' generated ' "$dir/log"; }
stop_rtl() { stop 0x110 'registers\nmemory 0x100 16\nquit\n' --device rtl >"$dir/out" && grep -q 'only in time' "$dir/out" && grep -q '^0x000100  01' "$dir/out"; }
stop_wrong() { stop 0x110 'nothing\nmemory\nmemory 0xffffff00 16\ndelete 7\nstep x\nlist x\nbreak 0x3\nhelp\n' >"$dir/out" &&
  [ "$(grep -Ec "no command|expected|no memory|multiples of 16" "$dir/out")" -eq 7 ]; }
check "stop at an address" stop_address
check "stop at operators" stop_operator
check "stop of the RTL" stop_rtl
check "wrong commands" stop_wrong

example() { build/systemc/example | grep -q '^MXF1 after [0-9]* ns$'; }
check "the platform of the README" example

# ---- wrong arguments ---------------------------------------------------------------------

# refuses WORDS ARGUMENTS...: exit code 1 or 2, and an error with these words
refuses() {
  "$mxvp" "${@:2}" >"$dir/out" 2>"$dir/error" </dev/null
  local code=$?
  cat "$dir/error"
  { [ $code -eq 1 ] || [ $code -eq 2 ]; } && grep -q "error: .*$1" "$dir/error"
}
check "no image" refuses IMAGE
check "not an image" refuses "" tests/models/heldout.txt
check "unknown device" refuses "expected cycle or rtl" "$image" --device board
check "unknown timing" refuses "expected lt or at" "$image" --timing exact
check "no firmware" refuses "needs --firmware" "$image" --cpu rv
check "firmware that is none" refuses "" "$image" --cpu rv --rom build/firmware/boot.bin --firmware tests/models/heldout.txt
check "firmware too large" refuses "do not fit" "$image" --cpu rv --firmware "$image"
check "missing firmware" refuses "" "$image" --cpu rv --firmware "$dir/none"
check "unknown format" refuses "text, csv or json" "$image" --trace "$dir/t" --trace-format xml
check "trace that cannot be written" refuses "cannot write" "$image" --trace "$dir/none/t"
check "unknown operator" refuses "no operator" "$image" --break nonsense:1
check "missing commands" refuses "cannot read" "$image" --break 0x110 --commands "$dir/none"
check "RTL that is not built" refuses "make rtl" "$image" --device rtl --engines "$dir"
check "waveform without .vcd" refuses "ends in .vcd" "$image" --vcd "$dir/wave"
check "--help" bash -c "$mxvp --help | grep -q -- --timing"
unknown_mode() { ! "$mxf" run "$image" --engine systemc:fast 2>"$dir/error" && grep -q "systemc:fast" "$dir/error"; }
check "unknown mode of the engine" unknown_mode
not_built() { ! "$mxf" run "$image" --engine systemc --engines "$dir" 2>"$dir/error" && grep -q "make systemc" "$dir/error"; }
check "engine that is not built" not_built

finish
