# Bitstream and device-tree overlay for boards with a Zynq UltraScale+: BOARD=kv260 or
# zcu104. Included by the Makefile.
RESERVED ?=# 1: the buffer is in memory that boards/zynqmp/reserved.dtsi sets aside
JOBS ?= 2
board_out := $B/boards/$(BOARD)
board_set = $(shell sed -n 's/^set=//p' boards/$(BOARD)/board.def)
# Sources of device trees go through the C preprocessor.
dts_cpp = cpp -P -undef -nostdinc -I. -x assembler-with-cpp $(if $(RESERVED),-DMX_RESERVED)

zynqmp_boards := kv260 zcu104
$(zynqmp_boards:%=bitstream-%): overlay
	@command -v vivado >/dev/null || { echo "vivado is missing: install AMD Vivado ML 2022.2 or later with the board's files, and put its bin folder on PATH" >&2; exit 1; }
	@$(MAKE) -s $B/gen/$(board_set)/mx_cfg.sv $B/gen/mx_pkg.sv $B/gen/fn_rom.sv
	vivado -mode batch -nojournal -log $(board_out)/vivado.log -source boards/zynqmp/build.tcl -tclargs $(BOARD) $(board_out) $(JOBS)
$(zynqmp_boards:%=synth-%): synth-%: $B/gen/large/mx_cfg.sv $B/gen/mx_pkg.sv $B/gen/fn_rom.sv
	@tests/deps.sh && boards/synth.sh --board $*
overlay: ## device-tree overlay of a Zynq UltraScale+ board: BOARD=, RESERVED=1 for memory set aside at boot
	@[ -e boards/$(BOARD)/board.def ] && grep -q '^board_part=' boards/$(BOARD)/board.def || { echo "BOARD=$(BOARD): expected kv260 or zcu104" >&2; exit 2; }
	$(Q)$(call need,dtc); mkdir -p $(board_out)
	$(Q)set -o pipefail; $(dts_cpp) boards/zynqmp/mxforge.dtso | dtc -@ -I dts -O dtb -o $(board_out)/mxforge.dtbo.tmp - && mv $(board_out)/mxforge.dtbo.tmp $(board_out)/mxforge.dtbo
	$(Q)cp boards/zynqmp/shell.json $(board_out)/
.PHONY: overlay $(zynqmp_boards:%=bitstream-%) $(zynqmp_boards:%=synth-%)
