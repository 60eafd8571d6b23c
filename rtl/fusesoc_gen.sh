#!/bin/bash
# FuseSoC's generator of mxforge.core: the generated packages of one parameter set, as a
# core in the current folder. Takes FuseSoC's YAML file with files_root, vlnv and the
# parameter `set`.
set -euo pipefail
value() { sed -nE "s/^ *$2: *['\"]?([^'\"]*)['\"]?$/\1/p" "$1" | head -n 1; }
root=$(value "$1" files_root)/..
vlnv=$(value "$1" vlnv)
set=$(value "$1" set)
grep -q "^SET($set," "$root/golden/params.def" || { echo "fusesoc_gen.sh: no parameter set '$set'" >&2; exit 1; }
files=(build/gen/mx_pkg.sv "build/gen/$set/mx_cfg.sv" build/gen/fn_rom.sv)
make -s -C "$root" "${files[@]}"
for file in "${files[@]}"; do cp "$root/$file" .; done
cat >"$(cut -d: -f3 <<<"$vlnv").core" <<CORE
CAPI=2:
name: $vlnv
filesets:
  rtl:
    file_type: systemVerilogSource
    files: [mx_pkg.sv, mx_cfg.sv, fn_rom.sv]
targets:
  default:
    filesets: [rtl]
CORE
