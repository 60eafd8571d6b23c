#!/bin/bash
# rtl/mxforge.core, as FuseSoC would read it: valid keys and references, every file of
# rtl/ in each target, and those files, with the packages that the generator makes, are
# all that verilator's lint and yosys need.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
for tool in verilator yosys; do
  command -v $tool >/dev/null || { echo "core.sh: $tool is missing: make deps installs it" >&2; exit 1; }
done
make -s build/core-files || exit 1
core=rtl/mxforge.core
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
passed=0
failed=0
pass() { passed=$((passed + 1)); }
fail() { failed=$((failed + 1)); echo "FAIL  $*"; }

# collect TARGET: what FuseSoC would hand to a tool, generated files first: $dir/list
collect() {
  local set
  build/core-files $core "$1" >"$dir/target" || return 1
  set=$(sed -n 's/^generate fusesoc_gen.sh set=//p' "$dir/target")
  rm -rf "$dir/generated" && mkdir "$dir/generated"
  cat >"$dir/input.yml" <<YAML
files_root: $PWD/rtl
gapi: '1.0'
parameters:
  set: $set
vlnv: mxforge:ip:mxforge-$set:1.0.0
YAML
  (cd "$dir/generated" && bash "$OLDPWD/rtl/fusesoc_gen.sh" "$dir/input.yml") || return 1
  build/core-files "$dir/generated/mxforge-$set.core" default | sed "s|^\(file [^ ]*\) |\1 $dir/generated/|" >"$dir/list" || return 1
  sed "s|^\(file [^ ]*\) |\1 rtl/|" "$dir/target" >>"$dir/list"
}
files() { sed -nE "s/^file ($1) //p" "$dir/list"; }

for target in default lint sim synth_ice40 synth_ecp5 synth_xilinx; do
  collect $target || { fail "$target"; continue; }
  if [ "$(sed -n 's/^toplevel //p' "$dir/target")" = mxforge ]; then pass; else fail "$target: toplevel"; fi
  if diff <(sed -n 's/^file \(include\|systemVerilogSource\) //p' "$dir/target" | sort) <(cd rtl && ls ./*.sv ./*.svh | sed 's|^\./||' | sort) >"$dir/diff"; then pass
  else fail "$target: files of the core (<) are not those of rtl/ (>):"; cat "$dir/diff"; fi
  mapfile -t sources < <(files systemVerilogSource)
  case $target in
    lint)
      mapfile -t waivers < <(files vlt)
      verilator --lint-only -Wall -Irtl --top-module mxforge "${waivers[@]}" "${sources[@]}" >"$dir/log" 2>&1 ;;
    synth_ice40) yosys -q -p "read_verilog -sv -I rtl ${sources[*]}; hierarchy -check -top mxforge" >"$dir/log" 2>&1 ;;
    *) continue ;;
  esac
  if [ $? -eq 0 ]; then pass; else fail "$target: $(head -n 5 "$dir/log")"; fi
done

# ---- broken cores ----
refuses() { # refuses WORDS SED-SCRIPT
  rm -rf "$dir/rtl" && mkdir "$dir/rtl" && cp rtl/*.sv rtl/*.svh rtl/*.sh rtl/*.vlt "$dir/rtl"
  sed -E "$2" $core >"$dir/rtl/mxforge.core"
  if cmp -s $core "$dir/rtl/mxforge.core"; then fail "'$2' changes nothing"
  elif build/core-files "$dir/rtl/mxforge.core" lint >"$dir/log" 2>&1; then fail "'$2' is accepted"
  elif ! grep -qF -- "$1" "$dir/log"; then fail "'$2': expected $1, got $(cat "$dir/log")"
  else pass
  fi
}
refuses 'first line' '1d'
refuses 'unknown key filesset' 's/^filesets:/filesset:/'
refuses 'no file mx_secq.sv' 's/- mx_seq.sv/- mx_secq.sv/'
refuses 'outside of the core' 's,- mx_seq.sv,- ../rtl/mx_seq.sv,'
refuses 'names rtls' 's/\[waivers, rtl\]/[waivers, rtls]/'
refuses 'names simm' 's/generate: \[sim\]/generate: [simm]/'
refuses 'no paramtype vlogparm' 's/vlogparam/vlogparm/'
refuses 'no tool veriltor' 's/^      verilator:/      veriltor:/'
refuses 'key default twice' 's/^  lint:/  default:/'
refuses 'line ' 's/^  lint:/  lint: [/'
if sed 's/set: sim/set: huge/' "$dir/input.yml" >"$dir/bad.yml" && sed -i 's/set: .*/set: huge/' "$dir/bad.yml" \
    && (cd "$dir/generated" && bash "$OLDPWD/rtl/fusesoc_gen.sh" "$dir/bad.yml") 2>"$dir/log"; then fail "the generator takes a set that there is not"
elif grep -q "no parameter set 'huge'" "$dir/log"; then pass
else fail "the generator: $(cat "$dir/log")"
fi

echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
