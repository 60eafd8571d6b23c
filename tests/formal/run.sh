#!/bin/bash
# Proofs with yosys and z3: NAME.svh is read inside rtl/NAME.sv, before its
# endmodule; equal_NAME.sv is a top of its own. Each proof is repeated with a
# planted fault, which must be found. One line per proof, then the count.
#   tests/formal/run.sh [PATTERN]    only proofs whose name matches
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
passed=0
failed=0
pattern=${1:-}
for tool in yosys yosys-smtbmc z3; do
  command -v "$tool" >/dev/null || { echo "$tool is missing: apt-get install yosys z3, or make deps" >&2; exit 1; }
done
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# model TOP PARAMETERS ASSERTIONS SOURCES [FILE SED]: $work/model.smt2, of the
# RTL as it is or with one file changed. As many assertions must have survived.
model() {
  local top=$1 parameters=$2 assertions=$3 sources=$4 faulty=${5:-} fault=${6:-} name p files=() chparam=()
  for name in $sources; do
    local file=$work/$name.sv inside=tests/formal/$name.svh
    if [ -e "$inside" ]; then sed "/^endmodule/e cat $inside" "rtl/$name.sv"; else cat "rtl/$name.sv"; fi >"$file"
    if [ "$name" = "$faulty" ]; then
      cp "$file" "$work/before"
      sed -i "$fault" "$file"
      if cmp -s "$file" "$work/before"; then echo "rtl/$name.sv: nothing to change for $fault"; return 1; fi
    fi
    files+=("$file")
  done
  [ "$name" = "$top" ] || files+=("tests/formal/$top.sv")
  for p in $parameters; do chparam+=(-chparam "${p%=*}" "${p#*=}"); done
  yosys -q -p "read_verilog -sv -formal -Irtl build/gen/mx_pkg.sv ${files[*]}
    hierarchy -top $top ${chparam[*]}; prep -flatten -nordff
    select -assert-count $assertions t:\$assert; write_smt2 -wires $work/model.smt2" >"$work/log" 2>&1
}

# solve SMTBMC-OPTIONS...: 0 proven, 1 refuted, 2 neither.
solve() {
  yosys-smtbmc --noprogress --noincr --unroll -s z3 "$@" "$work/model.smt2" >>"$work/log" 2>&1
  case $(tail -n 1 "$work/log") in
    *"Status: PASSED"*) return 0 ;;
    *"Status: FAILED"*) return 1 ;;
    *) return 2 ;;
  esac
}
holds() { solve -t "$1" && { [ "$2" = - ] || solve -i -t "$2"; }; }
refuted() {
  solve -t "$1"
  [ $? = 1 ] || { echo "the planted fault is not found" >>"$work/log"; return 1; }
}

# prove NAME TOP PARAMETERS ASSERTIONS STEPS INDUCTION SOURCES FILE SED...
#   STEPS      of the bounded proof, from reset; 1 for what has no state
#   INDUCTION  steps of the proof for all time, - for none
prove() {
  local name=$1 top=$2 parameters=$3 assertions=$4 steps=$5 induction=$6 sources=$7 faults=0
  shift 7
  [[ $name =~ $pattern ]] || return 0
  local start=$EPOCHREALTIME result=ok
  if model "$top" "$parameters" "$assertions" "$sources" && holds "$steps" "$induction"; then
    while [ $# -gt 0 ] && model "$top" "$parameters" "$assertions" "$sources" "$1" "$2" && refuted "$steps"; do
      faults=$((faults + 1))
      shift 2
    done
    [ $# = 0 ] || result=FAIL
  else
    result=FAIL
  fi
  local tenths=$(((${EPOCHREALTIME/./} - ${start/./}) / 100000)) extent="all inputs"
  if [ "$steps" != 1 ]; then extent="$steps steps$([ "$induction" = - ] || echo ", induction $induction")"; fi
  printf '%-5s %-58s %-22s %2d assertions, %d faults found %4d.%d s\n' \
    "$result" "$name" "$extent" "$assertions" "$faults" $((tenths / 10)) $((tenths % 10))
  if [ "$result" = ok ]; then passed=$((passed + 1)); else failed=$((failed + 1)); sed 's/^/      /' "$work/log" | tail -n 15; fi
}

for depth in 2 8 64; do
  prove "mx_fifo, $depth words: in order, none lost, steady" mx_fifo "Width=4 Depth=$depth" 11 8 3 mx_fifo \
    mx_fifo 's/fetch    = write_q != read_q/fetch    = count_q != 0/' \
    mx_fifo "s/(!fetched_q || take_fetched)/1'b1/"
done
for parameters in "BusBits=128 BurstBeats=16 CountBits=24" "BusBits=32 BurstBeats=8 CountBits=30"; do
  prove "mx_burst, ${parameters#*CountBits=} bits: exactly the range, no window crossed" mx_burst "$parameters" 9 5 2 mx_burst \
    mx_burst "s/end_beat == '0 ? next_window_q == end_window :/1'b0 ? 1'b0 :/"
done
prove "mx_stream_run: room for every beat requested" mx_stream_run "BusBits=32 BurstBeats=8 FifoBeats=32 CountBits=24" 25 6 3 \
  "mx_burst mx_fifo mx_stream_run" \
  mx_stream_run 's/? ~more :/? -more :/'
prove "mx_write: each word once on AW and W, held" mx_write "" 8 12 2 mx_write \
  mx_write 's/ && (!wvalid_q || m_axi_wready_i)//'
prove "mx_csr: one answer per access, held" mx_csr "" 7 8 2 mx_csr \
  mx_csr 's/else if (s_axi_bready_i)  s_axi_bvalid_o/else s_axi_bvalid_o/' \
  mx_csr 's/if (read_now) s_axi_rdata_o/s_axi_rdata_o/'
for bits in 4 8; do
  prove "mx_dot_mul, $bits bits: the product" equal_dot_mul "WeightBits=$bits" 1 1 - "mx_lane_digit mx_lane_booth mx_dot_mul" \
    mx_dot_mul "s/sum\[9:2\]/sum[8:1]/"
done
prove "mx_tree_sum, 32 numbers of 16 bits: the sum" equal_tree_sum "Inputs=32 Width=16" 1 1 - "mx_tree_add mx_tree_sum" \
  mx_tree_sum 's/Width(Bits - 1)/Width(Bits - 2)/'
chain="mx_lane_digit mx_lane_booth mx_lane_chain"
for lanes in 1 2; do
  prove "mx_lane_chain, $lanes lanes: the sum of products" equal_lane_dot "Lanes=$lanes Exact=0" 1 1 - "$chain" \
    mx_lane_digit 's/code_i\[1\] != code_i\[2\]/1/' \
    mx_lane_booth "s/{inverse, 1'b1}/{inverse, 1'b0}/" \
    mx_lane_chain 's/assign carry_o = code\[2\]/assign carry_o = code[1]/'
done
prove "mx_lane_chain, 1 lanes, exact: the product" equal_lane_dot "Lanes=1 Exact=1" 2 1 - "$chain" \
  mx_lane_booth "s/First != 0 ? '0/First != 0 ? '1/"
prove "mx_lane_add, 16 bits: the sum with carry" equal_lane_add "Width=16" 1 1 - mx_lane_add \
  mx_lane_add 's/b_i, carry_i}/b_i, 1'"'"'b0}/'
prove "mx_lane_sum, 4 numbers of 12 bits, 3 bits: the sum" equal_lane_sum "Inputs=4 Width=12" 1 1 - mx_lane_sum \
  mx_lane_sum 's/Inputs-2\*Count+i/Inputs-2*Count/'
prove "mx_lane_share, 2 rows 12 bits apart: the products" equal_lane_share "Rows=2 Step=12" 2 1 - "mx_lane_word mx_lane_share" \
  mx_lane_word 's/v\[i-1:0\] == /v[0] == /' \
  mx_lane_share "s/assign carry_o\[k\] = g_row.*/assign carry_o[k] = 1'b0;/"
prove "mx_lane_share, 3 rows 11 bits apart: the products" equal_lane_share "Rows=3 Step=11" 3 1 - "mx_lane_word mx_lane_share" \
  mx_lane_word "s/ || (v == '0 \&\& below)//" \
  mx_lane_share "s/ \&\& field\[9:0\] != '0//"
prove "fp_max: the definition in golden/fp32.c" equal_fp_max "" 2 1 - "mag_gt fp_max" \
  fp_max 's/ && !(a_zero && b_zero)//' \
  mag_gt "s/above, or_equal_i}/above, 1'b0}/"

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
