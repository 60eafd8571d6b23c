#!/bin/bash
# verilator -Wall over the accelerator on every parameter set, and over what is
# around it; waivers are in rtl/lint.vlt, by file, match and reason.
set -euo pipefail
cd "$(dirname "$0")/.."
for set in $(sed -n 's/^SET(\([a-z]*\),.*/\1/p' golden/params.def); do
  verilator --lint-only -Wall -y rtl -y build/gen -Irtl rtl/lint.vlt build/gen/mx_pkg.sv "build/gen/$set/mx_cfg.sv" rtl/mxforge.sv
done
for width in 32 64; do
  verilator --lint-only -Wall -y rtl -y rtl/soc -Irtl "-GBusBits=$width" "-GRxDepth=$((width / 32))" rtl/lint.vlt build/gen/mx_frame_pkg.sv rtl/soc/mx_uart_bridge.sv
done
for params in -GLines=4 '-GLines=2 -GDivide=2' -GLines=1; do
  # shellcheck disable=SC2086
  verilator --lint-only -Wall -y rtl/soc -Irtl $params rtl/lint.vlt rtl/soc/mx_flash.sv
done
verilator --lint-only -Wall -y rtl -y rtl/soc -y build/gen -Irtl rtl/lint.vlt build/gen/mx_pkg.sv build/gen/mx_frame_pkg.sv build/gen/tiny/mx_cfg.sv rtl/soc/mx_up5k.sv
for params in '' '-GFastShift=1 -GCycleBits=32' -GMulDiv=1 '-GMulDiv=1 -GFastMul=1 -GFastShift=1'; do
  # shellcheck disable=SC2086  # several parameters
  verilator --lint-only -Wall -y rtl/soc -Irtl $params rtl/soc/mx_rv.sv
done
for params in '' "$(build/gen-soc COLORLIGHT_I5)" '-GSdramRate=1 -GSdramCasLatency=3 -GFlashLines=1 -GFlashDivide=1 -GClockHz=100000000'; do
  # shellcheck disable=SC2086  # several parameters
  verilator --lint-only -Wall -y rtl -y rtl/soc -y build/gen -Irtl $params rtl/lint.vlt build/gen/mx_pkg.sv build/gen/mx_soc_pkg.sv build/gen/small/mx_cfg.sv rtl/soc/mx_soc.sv
done
