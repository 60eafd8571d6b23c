#!/bin/bash
# Netlist of one Verilated test: the module and the parameters of its `// tb:`
# line, through yosys to gates (generic) or iCE40 cells (ice40), as module `netlist`.
#   tests/netlist/synth.sh NAME generic|ice40 OUT.v
set -euo pipefail
cd "$(dirname "$0")/../.."
name=$1 kind=$2 out=$3
command -v yosys >/dev/null || { echo "yosys is missing: apt-get install yosys, or make deps" >&2; exit 1; }

# The test's line; its name defaults to the file's.
found=no
while IFS=: read -r file _ line; do
  this=${file##*/tb_} this=${this%.c}
  top=$this params='' dir=rtl set='' gen=''
  for field in $line; do
    case $field in
      name=*) this=${field#*=} ;;
      top=*) top=${field#*=} ;;
      params=*) params=${field#*=} ;;
      dir=*) dir=${field#*=} ;;
      set=*) set=${field#*=} ;;
      gen=*) gen=build/gen/${field#*=}.sv ;;
    esac
  done
  if [ "$this" = "$name" ]; then found=yes; break; fi
done < <(grep -H '^// tb:' tests/rtl/tb_*.c)
[ $found = yes ] || { echo "no test program has a line '// tb: name=$name'" >&2; exit 1; }

chparam=()
for p in ${params//,/ }; do chparam+=(-chparam "${p%%=*}" "${p#*=}"); done
case $kind in
  generic) synth="synth -flatten -top $top" ;;
  ice40) synth="synth_ice40 -device u -dsp -spram -top $top" ;;
  *) echo "$kind: expected generic or ice40" >&2; exit 1 ;;
esac
sources=(build/gen/mx_pkg.sv build/gen/fn_rom.sv $gen)
if [ -n "$set" ]; then
  make -s "build/gen/$set/mx_cfg.sv"
  sources+=("build/gen/$set/mx_cfg.sv" rtl/mxforge.sv)
fi
before='' after=''
for file in rtl/*.sv; do
  own=${file##*/} own=boards/$kind/${own%.sv}.v  # the family's in its place, put in at the end
  if [ -e "$own" ]; then
    before+="read_verilog -lib $own; " after+="techmap -map $own; "
  elif [ "$file" != rtl/mxforge.sv ]; then
    sources+=("$file")
  fi
done
if [ "$dir" != rtl ]; then
  sources+=("$dir/$top.sv")
  for part in "$dir/$top"_*.sv; do  # which bear its name, and are named in it
    own=${part##*/}
    if [ -e "$part" ] && grep -q "${own%.sv}" "$dir/$top.sv"; then sources+=("$part"); fi
  done
fi
yosys -q -p "$before read_verilog -sv -Irtl ${sources[*]}; hierarchy -libdir rtl/soc -top $top ${chparam[*]}; $synth; $after rename -top netlist; splitnets; write_verilog -noattr $out"
