#!/bin/bash
# verilator -Wall over the accelerator on every parameter set; waivers are in
# rtl/lint.vlt, by file, match and reason.
set -euo pipefail
cd "$(dirname "$0")/.."
for set in tiny small sim large; do
  verilator --lint-only -Wall -y rtl -y build/gen -Irtl rtl/lint.vlt build/gen/mx_pkg.sv "build/gen/$set/mx_cfg.sv" rtl/mxforge.sv
done
