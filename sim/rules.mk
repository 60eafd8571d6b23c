# The RTL as loadable engines: build/engines/rtl_SET[_fault][_trace].so.
# Included by the Makefile, whose B, Q, say and VERILATOR_ROOT it uses.
SET ?= sim
FAULT_CYCLE ?= 3000# from which the planted fault acts

rtl: $B/engines/rtl_$(SET).so ## the RTL engine of one parameter set: make rtl SET=sim
rtl-trace: $B/engines/rtl_$(SET)_trace.so ## the same with waveforms, slower
rtl-fault: $B/engines/rtl_$(SET)_fault.so ## the same with a planted fault, to test mxf verify
.PHONY: rtl rtl-trace rtl-fault

# Verilator's runtime, position independent.
engine_runtime := verilated verilated_threads
engine_cxx = $(CXX) -std=c++17 -O3 -fPIC -fvisibility=hidden -faligned-new -fcf-protection=none -DVL_TIME_CONTEXT \
  -I$(VERILATOR_ROOT)/include -I$(VERILATOR_ROOT)/include/vltstd -I.
$B/engines/runtime/%.o: $(VERILATOR_ROOT)/include/%.cpp
	$(call say,CXX,$@)
	$(Q)mkdir -p $(@D) && $(engine_cxx) -c -o $@ $<

# $(call engine,set,suffix,top,verilator flags,shim flags,runtime objects)
define engine
$B/engines/$1$2/Vmxforge__ALL.a: $B/gen/mx_pkg.sv $B/gen/fn_rom.sv $B/gen/$1/mx_cfg.sv $3 $(wildcard rtl/*.sv rtl/*.svh)
	$$(call say,VERILATE,$$(@D))
	$$(Q)$$(call need,verilator); rm -rf $$(@D) && mkdir -p $$(@D)
	$$(Q)verilator --cc --prefix Vmxforge --top-module mxforge -O3 --x-assign fast --x-initial fast --no-timing \
	  -Wno-fatal -Wno-lint $4 --Mdir $$(@D) -Irtl -y rtl -y $B/gen $B/gen/mx_pkg.sv $B/gen/$1/mx_cfg.sv $3
	$$(Q)$$(MAKE) -s -C $$(@D) -f Vmxforge.mk Vmxforge__ALL.a VERILATOR_ROOT=$$(VERILATOR_ROOT) \
	  CXX="$$(CXX)" OPT_FAST="$(if $2,-O1,-O3) -fPIC -fvisibility=hidden" OPT_SLOW="-O1 -fPIC -fvisibility=hidden" > /dev/null
$B/engines/rtl_$1$2.so: $B/engines/$1$2/Vmxforge__ALL.a sim/rtl_shim.cpp sim/rtl_shim.h sim/rtl_ports.def \
    $(addprefix $B/engines/runtime/,$6)
	$$(call say,LD,$$@)
	$$(Q)$$(engine_cxx) $5 -I$B/engines/$1$2 -shared -o $$@.tmp sim/rtl_shim.cpp $$< \
	  $(addprefix $B/engines/runtime/,$6) -lpthread -lz && mv $$@.tmp $$@
endef
plain_runtime := $(engine_runtime:=.o)
trace_runtime := $(plain_runtime) verilated_fst_c.o
$(foreach s,$(SETS),$(eval $(call engine,$s,,rtl/mxforge.sv,,,$(plain_runtime))))
$(foreach s,$(SETS),$(eval $(call engine,$s,_trace,rtl/mxforge.sv,--trace-fst,-DMX_RTL_TRACE,$(trace_runtime))))
$(foreach s,$(SETS),$(eval $(call engine,$s,_fault,rtl/mxforge.sv,-GFaultCycle=$(FAULT_CYCLE),,$(plain_runtime))))
$(foreach s,$(SETS),$(eval $(call engine,$s,_fault_trace,rtl/mxforge.sv,--trace-fst -GFaultCycle=$(FAULT_CYCLE),-DMX_RTL_TRACE,$(trace_runtime))))
