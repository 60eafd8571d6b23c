#!/bin/bash
# What can be told of the boards without placing them: pins against ports, the
# checks of boards/ecp5/check.awk, and that a missing tool is named.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
passed=0
failed=0

# expect STATUS WORDS COMMAND...: the command's status, and what it must say
expect() {
  local want=$1 words=$2 status=0
  shift 2
  "$@" >"$dir/log" 2>&1 || status=$?
  if [ "$status" = "$want" ] && grep -q -F -e "$words" "$dir/log"; then
    passed=$((passed + 1))
  else
    echo "FAIL  $*: status $status, expected $want and '$words':"
    cat "$dir/log"
    failed=$((failed + 1))
  fi
}
# changed FILE SED-SCRIPT: prints the name of a changed copy
changed() {
  sed "$2" "$1" >"$dir/changed"
  cmp -s "$1" "$dir/changed" && echo "tests/boards.sh: '$2' changes nothing in $1" >&2
  echo "$dir/changed"
}

for pins in boards/*/pins.lpf; do
  top=${pins%/*}/top.sv
  lpf() { expect "$1" "$2" awk -f boards/ecp5/pins.awk "$top" "$3"; }
  lpf 0 " pins" "$pins"
  lpf 1 "sdram_dq[0] has no LOCATE" "$(changed "$pins" '/LOCATE COMP "sdram_dq\[0\]"/d')"
  lpf 1 "tx_o has no IOBUF" "$(changed "$pins" '/IOBUF PORT "tx_o"/d')"
  lpf 1 "tx has no port" "$(changed "$pins" 's/"tx_o"/"tx"/')"
  lpf 1 "two ports at" "$(changed "$pins" '/LOCATE COMP "rx_i"/s/SITE "[A-Z0-9]*"/SITE "'"$(sed -n 's/LOCATE COMP "tx_o" SITE "\(.*\)";/\1/p' "$pins")"'"/')"
  lpf 1 "has no FREQUENCY" "$(changed "$pins" '/^FREQUENCY/d')"
done

check() { expect "$1" "$2" awk -v have="100 10 10" -v most=85 -v multipliers=2 -v block_rams=1 -f boards/ecp5/check.awk boards/ecp5/cells.list "$3"; }
printf '   Number of cells: 9\n     LUT4 45\n     CCU2C 10\n     TRELLIS_DPR16X4 3\n     MULT18X18D 2\n     DP16KD 1\n' >"$dir/stat"
check 0 "LUT4               83 of    100   83.0 %" "$dir/stat"
check 1 "LUT4: more than 85 %" "$(changed "$dir/stat" 's/LUT4 45/LUT4 48/')"
check 1 "cell TRELLIS_ECLKBUF is not in cells.list" "$(changed "$dir/stat" 's/CCU2C/TRELLIS_ECLKBUF/')"
check 1 "MULT18X18D: 2 are expected" "$(changed "$dir/stat" 's/MULT18X18D 2/MULT18X18D 1/')"
check 1 "DP16KD: 1 are expected" "$(changed "$dir/stat" '/DP16KD/d')"
check 1 "no cells" /dev/null

cross() { expect "$1" "$2" awk -f boards/ecp5/cross.awk "$3"; }
report() {
  printf "Info: Max frequency for clock '%s': %s MHz (PASS at %s MHz)\n" fast 229.20 100.00 slow 53.59 50.00
  printf 'Info: Max delay %s: %s ns\n' '<async>      -> posedge slow' 18.85 "posedge slow -> posedge fast" "$1" 'posedge fast -> posedge slow' 1.72
}
report 14.82 >"$dir/early" && report 9.82 >"$dir/late"
cat "$dir/early" "$dir/late" >"$dir/twice"
cross 0 "posedge slow -> posedge fast: 9.82 of 10.00 ns" "$dir/twice"
cross 1 "posedge slow -> posedge fast takes 14.82 ns" "$dir/early"
cross 1 "no clock" /dev/null

# The tools in place of which these stand: yosys leaves what the board should take,
# nextpnr meets the clock from seed $MEETS on, or fails otherwise.
mkdir "$dir/fake"
cat >"$dir/fake/yosys" <<'END'
#!/bin/bash
out=$(dirname "${@: -1}")
touch "$out/yosys.log" "$out/top.json.tmp"
printf '   Number of cells: 3\n     LUT4 45\n     MULT18X18D 22\n     DP16KD 40\n' >"$out/stat"
END
cat >"$dir/fake/nextpnr-ecp5" <<'END'
#!/bin/bash
while [ "$1" != --seed ]; do shift; done
echo "Info: Max frequency for clock 'clk': 40.00 MHz (FAIL at 50.00 MHz)"
[ -n "$MEETS" ] || { echo "ERROR: no such pin"; exit 1; }
[ "$2" -lt "$MEETS" ] || { echo "Info: Max frequency for clock 'clk': 51.$2 MHz (PASS at 50.00 MHz)"; exit 0; }
echo "ERROR: Max frequency for clock 'clk': 49.$2 MHz (FAIL at 50.00 MHz)"
exit 1
END
cat >"$dir/fake/ecppack" <<'END'
#!/bin/bash
touch "${@: -1}"
END
chmod +x "$dir"/fake/*
mkdir -p "$dir/tree" && cp -r boards "$dir/tree"
placed() { (cd "$dir/tree" && PATH="$dir/fake:$PATH" boards/ecp5/build.sh bitstream ulx3s 25f); }
MEETS=1 expect 0 "seed 1: Max frequency for clock 'clk': 51.1 MHz" placed
MEETS=3 expect 0 "build.sh: seed 2: Max frequency for clock 'clk': 49.2 MHz" placed
MEETS=3 expect 0 "seed 3: Max frequency for clock 'clk': 51.3 MHz" placed
MEETS=5 expect 1 "the clock is not met" placed
MEETS=3 SEED=2 expect 1 "the clock is not met" placed
MEETS='' expect 1 "ERROR: no such pin" placed

# With nothing on PATH but what the script itself needs.
mkdir "$dir/bin"
ln -s "$(command -v mkdir)" "$(command -v bash)" "$(command -v sed)" "$(command -v grep)" "$dir/bin"
expect 1 "nextpnr-ecp5 is missing: " env PATH="$dir/bin" boards/ecp5/build.sh bitstream ulx3s 25f
expect 2 "DEVICE=26f: expected 12f, 25f, 45f or 85f" boards/ecp5/build.sh bitstream ulx3s 26f
expect 2 "no board 'icebreaker'" boards/ecp5/build.sh synth icebreaker 25f
expect 2 "BOARD= is missing: one of colorlight-i5 icebreaker" make --no-print-directory bitstream BOARD=

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
