# Netlists under the test programs of the RTL: build/netlist/tb_NAME.KIND.
# Included by the Makefile after its rules for Verilated modules.
netlist-quick: ## netlists of small units under the tests of the RTL
	@tests/netlist/run.sh quick
netlist: ## all netlists under the tests of the RTL
	@tests/netlist/run.sh
.PHONY: netlist netlist-quick

# The cells of iCE40 as yosys describes them, without their timing.
yosys_data := $(shell yosys-config --datdir 2>/dev/null || echo /usr/share/yosys)
netlist_flags = $(if $(filter ice40,$1),-DNO_ICE40_DEFAULT_ASSIGNMENTS $(yosys_data)/ice40/cells_sim.v)

# $(call netlist_rules,kind)
define netlist_rules
$B/netlist/%.$1.v: tests/netlist/synth.sh $(wildcard rtl/*.sv rtl/*/*.sv boards/*/*.v tests/rtl/*.sv) $B/gen/mx_pkg.sv $B/gen/mx_frame_pkg.sv $B/gen/fn_rom.sv
	$$(call say,YOSYS,$$@)
	$$(Q)mkdir -p $$(@D) && tests/netlist/synth.sh $$* $1 $$@
$B/netlist/%.$1.dir/Vdut.mk: $B/netlist/%.$1.v
	$$(call verilate,$$(@D),-Wno-lint -Wno-UNOPTFLAT $(call netlist_flags,$1) $$< --top-module netlist)
$B/netlist/%.$1.dir/test.o: $B/rtl/%.dir/test.o | $B/netlist/%.$1.dir/Vdut.mk
	$$(Q)cp $$< $$@
$B/netlist/tb_%.$1: $B/netlist/%.$1.dir/Vdut.mk $B/netlist/%.$1.dir/test.o $(tb_objects) $(verilated_objects) $(tb_libs)
	$$(call tb_link,$$(<D))
endef
$(foreach k,generic ice40,$(eval $(call netlist_rules,$k)))
