# The system on chip in Verilator: build/soc-sim. Included by the Makefile.
SOC_CLOCK ?= 50000000
SOC_BAUD ?= 1562500# 32 clocks a bit: as quick as the firmware takes frames
BOOT ?= $B/firmware/boot.bin# program of the boot ROM

$B/gen/mx_soc_pkg.sv: rtl/soc/gen_soc.c firmware/soc.def
	$(Q)mkdir -p $(@D) && $(CC) $(CSTD) -I. -o $B/gen-soc $< && $B/gen-soc > $@
$B/gen/mx_boot_rom.sv: rtl/soc/gen_rom.c $(BOOT)
	$(Q)mkdir -p $(@D) && $(CC) $(CSTD) -I. -o $B/gen-rom $< && $B/gen-rom 1024 $(BOOT) > $@

soc_rtl := $B/gen/mx_pkg.sv $B/gen/mx_soc_pkg.sv $B/gen/small/mx_cfg.sv
# $(call soc_model,suffix,verilator flags,shim flags,runtime objects,board of firmware/soc.def)
define soc_model
$B/soc/model$1/Vmx_soc__ALL.a: $(soc_rtl) $B/gen/fn_rom.sv $B/gen/mx_boot_rom.sv $(wildcard rtl/*.sv rtl/*.svh rtl/soc/*.sv) sim/soc/rules.mk
	$$(call say,VERILATE,$$(@D))
	$$(Q)$$(call need,verilator); rm -rf $$(@D) && mkdir -p $$(@D)
	$$(Q)board=$$$$($B/gen-soc $5) && verilator --cc --prefix Vmx_soc --top-module mx_soc -O3 --x-assign fast --x-initial fast --no-timing \
	  -Wno-fatal -Wno-lint $2 -GClockHz=$(SOC_CLOCK) -GBaudRate=$(SOC_BAUD) $$$$board --Mdir $$(@D) \
	  -Irtl -y rtl -y rtl/soc -y $B/gen $(soc_rtl) rtl/soc/mx_soc.sv
	$$(Q)$$(MAKE) -s -C $$(@D) -f Vmx_soc.mk Vmx_soc__ALL.a VERILATOR_ROOT=$$(VERILATOR_ROOT) \
	  CXX="$$(CXX)" OPT_FAST="-O3" OPT_SLOW="-O1" > /dev/null
$B/soc/soc_shim$1.o: sim/soc/soc_shim.cpp sim/soc/soc_shim.h sim/soc/soc_ports.def $B/soc/model$1/Vmx_soc__ALL.a
	$$(call say,CXX,$$@)
	$$(Q)$$(engine_cxx) $3 -DMX_SOC_CLOCK_HZ=$(SOC_CLOCK) -DMX_SOC_BAUD=$(SOC_BAUD) -DMX_SOC_BOARD='"$5"' -I$B/soc/model$1 -c -o $$@ $$<
$B/soc-sim$1: $B/sim/soc/soc_sim.o $B/sim/soc/soc_board.o $B/soc/soc_shim$1.o $B/soc/model$1/Vmx_soc__ALL.a $(addprefix $B/engines/runtime/,$4) $(libs)
	$$(call say,LD,$$@)
	$$(Q)$$(CXX) -o $$@.tmp $$(filter %.o,$$^) $$(filter %__ALL.a,$$^) -Wl,--start-group $(libs) -Wl,--end-group -ldl $$(LDLIBS) \
	  && mv $$@.tmp $$@
endef
$(eval $(call soc_model,,,,$(plain_runtime),SIM))
$(eval $(call soc_model,-trace,--trace-fst,-DMX_SOC_TRACE,$(trace_runtime),SIM))
$(eval $(call soc_model,-i5,,,$(plain_runtime),COLORLIGHT_I5))

soc-sim: $B/soc-sim $B/soc-sim-i5 $B/mxf $B/firmware/main.rv32im.bin $B/soc/soc_test.bin ## the system on chip in Verilator: its tests, and the shipped model from flash to text
	@tests/soc/run.sh all
soc-sim-trace: $B/soc-sim-trace ## the same program with waveforms (--trace FILE)
.PHONY: soc-sim soc-sim-trace
