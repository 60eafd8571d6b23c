#!/bin/bash
# What can be known of the Zynq UltraScale+ boards without Vivado and without a board:
# build.tcl runs through a stand-in for Vivado (vivado_stub.tcl) that refuses broken
# designs; the overlay compiles without a warning and goes into a base tree; widths,
# clocks, addresses, interrupt and names agree between board.def, design, overlay and
# driver; the accelerator's top lints. Needs tclsh, dtc, verilator.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
for tool in tclsh dtc fdtget fdtoverlay verilator; do
  command -v $tool >/dev/null || { echo "zynqmp.sh: $tool is missing: make deps installs it" >&2; exit 1; }
done
make -s build/gen/{sim,large}/mx_cfg.sv build/gen/mx_pkg.sv build/gen/fn_rom.sv || exit 1
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
mkdir "$dir/bin"
printf '#!/bin/sh\ncp mxforge.bit mxforge.bit.bin\n' >"$dir/bin/bootgen"
chmod +x "$dir/bin/bootgen"
export STUB_OUT=$dir/out STUB_SLACK=0.1
passed=0
failed=0

pass() { passed=$((passed + 1)); }
fail() { failed=$((failed + 1)); echo "FAIL  $*"; }
equal() { # equal WHAT GOT EXPECTED
  if [ "$2" = "$3" ]; then pass; else fail "$1: $2, expected $3"; fi
}
design() { PATH=$dir/bin:$PATH tclsh tests/boards/vivado_stub.tcl "$1" "$2" "$dir/out" >"$dir/design" 2>"$dir/message"; }
of_design() { sed -n "s|^$1 ||p" "$dir/design"; }
of_header() { sed -nE "s/^#define $2 \"?([^\" ]+)\"?.*/\1/p" "$1"; }
map() { of_header boards/zynqmp/address_map.h "MX_$1"; }
name() { of_header firmware/linux/mx_uio_names.h "MX_UIO_$1"; }

# ---- the design of each board ----
for board in kv260 zcu104; do
  value() { sed -n "s/^$1=//p" boards/$board/board.def; }
  design boards/zynqmp/build.tcl $board || { fail "$board: $(cat "$dir/message")"; continue; }
  pass
  if [ -s "$dir/out/mxforge.bit.bin" ] || [ -e "$dir/out/mxforge.bit.bin" ]; then pass; else fail "$board: no mxforge.bit.bin"; fi
  bits=$(sed -nE 's/.*int unsigned BUS_BITS = ([0-9]+);/\1/p' "build/gen/$(value set)/mx_cfg.sv")
  equal "$board: DATA_BITS" "$(of_design 'property accel,DATA_BITS')" "$bits"
  equal "$board: clock" "$(of_design 'property clocks,CLKOUT1_REQUESTED_OUT_FREQ')" "$(value clock_mhz)"
  # The port carries all that the accelerator takes, within what its clock may be (DS925).
  port=$(of_design 'property ps,PSU__SAXIGP2__DATA_WIDTH')
  if [ $((port * $(value memory_mhz))) -ge $((bits * $(value clock_mhz))) ] && [ "$(value memory_mhz)" -le 333 ]; then pass
  else fail "$board: $bits bits at $(value clock_mhz) MHz, $port at $(value memory_mhz)"; fi
  equal "$board: registers" "$(of_design 'address accel/s_axi/reg0')" "ps/Data $(($(map REGISTERS_BASE))) $(($(map REGISTERS_BYTES)))"
  for key in name fpga price_class set clock_mhz memory model profile family lut ff dsp bram18; do
    if [ -n "$(value $key)" ]; then pass; else fail "$board: board.def lacks $key"; fi
  done
done

# ---- broken designs ----
refuses() { # refuses WORDS SED-SCRIPT
  sed -E "$2" boards/zynqmp/build.tcl >"$dir/build.tcl"
  cp boards/zynqmp/address_map.h boards/zynqmp/system.bif boards/zynqmp/mxforge_axi.v "$dir"
  if cmp -s boards/zynqmp/build.tcl "$dir/build.tcl"; then fail "'$2' changes nothing"
  elif design "$dir/build.tcl" kv260; then fail "'$2' is accepted"
  elif ! grep -qF -- "$1" "$dir/message"; then fail "'$2': expected $1, got $(cat "$dir/message")"
  else pass
  fi
}
refuses 'accel/irqs' 's,connect accel/irq ,connect accel/irqs ,'
refuses 'memory/aclk1' 's,(CONFIG.NUM_CLKS) 2,\1 1,'
refuses 'ps/pl_ps_irq0 is not connected' '/connect accel.irq/d'
refuses 'is driven by' 's,connect clocks/clk_out2 memory/aclk1,connect clocks/clk_out2 memory/aclk,'
refuses 'runs at clocks/clk_out1' 's,connect clocks/clk_out1 memory/aclk$,connect clocks/clk_out2 memory/aclk,'
refuses 'released by a clock' 's,connect reset/peripheral_aresetn accel,connect memory_reset/peripheral_aresetn accel,'
refuses 'takes reset/mb_reset' 's,reset/peripheral_aresetn accel,reset/mb_reset accel,'
refuses 'one master and one slave' 's,connect_bus registers/M00_AXI accel/s_axi,connect_bus registers/M00_AXI accel/m_axi,'
refuses 'is connected already' 's,connect_bus accel/m_axi memory/S00_AXI,connect_bus accel/m_axi registers/S00_AXI,'
refuses 'has no address' '/exclude_bd_addr_seg/d'
refuses 'no segment accel/s_axi/reg' 's,s_axi/reg0,s_axi/reg,'
refuses 'outside of HPM0' 's,-offset \[dict get .defines MX_REGISTERS_BASE\],-offset 0x80000000,'
refuses 'no property CONFIG.PSU__USE__S_AXI_GP9' 's,S_AXI_GP2 1,S_AXI_GP9 1,'
refuses 'no pin ps/saxihp0_fpd_aclk' 's,S_AXI_GP2 1,S_AXI_GP2 0,'
refuses 'no IP xilinx.com:ip:smartconect' 's,add_ip smartconnect memory,add_ip smartconect memory,'
refuses 'there is no' 's,fn_rom.sv,fn_roms.sv,'
refuses 'has no option -jbos' 's,-jobs,-jbos,'
refuses 'no board files' 's,board board_part\]:\*,board name]:*,'
refuses 'no source holds the module' 's,-reference mxforge_axi,-reference mxforge,'
STUB_SLACK=-0.2 refuses 'timing is not met' 's,^# Fails,# fails,'

# ---- device tree ----
tree() { # tree FILE.dts OUT OPTION...: without a warning
  cpp -P -undef -nostdinc -I. -x assembler-with-cpp "${@:3}" "$1" | dtc -@ -I dts -O dtb -o "$2" - 2>"$dir/message"
  if [ $? -eq 0 ] && [ ! -s "$dir/message" ]; then pass; else fail "$1: $(cat "$dir/message")"; fi
}
tree tests/boards/base.dts "$dir/base.dtb"
node=/axi/mxforge@$(printf '%x' $(($(map REGISTERS_BASE))))
for option in -UMX_RESERVED -DMX_RESERVED; do
  tree boards/zynqmp/mxforge.dtso "$dir/mxforge.dtbo" $option
  if fdtoverlay -i "$dir/base.dtb" -o "$dir/all.dtb" "$dir/mxforge.dtbo" 2>"$dir/message"; then pass; else fail "overlay: $(cat "$dir/message")"; fi
  get() { fdtget "$@" 2>&1 | tr '\n' ' ' | sed 's/ $//'; }
  equal "overlay: reg" "$(get -t u "$dir/all.dtb" "$node" reg)" "0 $(($(map REGISTERS_BASE))) 0 $(($(map REGISTERS_BYTES)))"
  equal "overlay: interrupts" "$(get "$dir/all.dtb" "$node" interrupts)" "0 $(map INTERRUPT_SPI) 4"
  equal "overlay: name of the UIO device" "$(get "$dir/all.dtb" "$node" linux,uio-name)" "$(name NAME)"
  equal "overlay: compatible" "$(get "$dir/all.dtb" "$node" compatible)" "$(name COMPATIBLE) generic-uio"
  equal "overlay: name of the buffer" "$(get "$dir/all.dtb" /axi/mxforge-buffer device-name)" "$(name BUFFER)"
  equal "overlay: size of the buffer" "$(get "$dir/all.dtb" /axi/mxforge-buffer size)" "0 $(($(map BUFFER_BYTES)))"
  equal "overlay: clock" "$(get "$dir/all.dtb" /axi/mxforge-clock assigned-clock-rates)" "$(map PS_CLOCK_HZ)"
done
equal "overlay: memory set aside" "$(get "$dir/all.dtb" /axi/mxforge-buffer memory-region)" \
  "$(get "$dir/all.dtb" /reserved-memory/mxforge-reserved phandle)"
# All registers are in the window.
last=$(sed -nE 's/^CSR\([A-Z0-9_]+, *(0x[0-9a-f]+),.*/\1/p' golden/csr.def | sort | tail -n 1)
if [ $((last + 4)) -le $(($(map REGISTERS_BYTES))) ]; then pass; else fail "the register at $last is beyond MX_REGISTERS_BYTES"; fi

# ---- the top ----
for set in sim large; do
  bits=$(sed -nE 's/.*int unsigned BUS_BITS = ([0-9]+);/\1/p' build/gen/$set/mx_cfg.sv)
  if verilator --lint-only -Wall -y rtl -y build/gen -Irtl "-GDATA_BITS=$bits" rtl/lint.vlt boards/zynqmp/lint.vlt \
      build/gen/mx_pkg.sv build/gen/$set/mx_cfg.sv boards/zynqmp/mxforge_axi.v; then pass; else fail "lint of mxforge_axi.v, set $set"; fi
done
if verilator --lint-only -Wall -y rtl -y build/gen -Irtl -GDATA_BITS=128 rtl/lint.vlt boards/zynqmp/lint.vlt build/gen/mx_pkg.sv \
    build/gen/large/mx_cfg.sv boards/zynqmp/mxforge_axi.v 2>"$dir/message"; then fail "a wrong DATA_BITS passes lint"; else pass; fi

echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
