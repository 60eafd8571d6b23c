# Build, test and demonstrate mxforge. `make help` lists the targets.
.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SECONDARY:
MAKEFLAGS += --no-builtin-rules
SHELL := /bin/bash

B := build
V ?= 0
Q := $(if $(filter 1,$V),,@)
# A tool that a recipe needs.
need = command -v $1 >/dev/null || { echo "$1 is missing: make deps installs it" >&2; exit 1; }
say = $(if $(filter 1,$V),,@printf '  %-9s %s\n' $1 $2)

CFLAGS   ?= -O2 -g
CSTD     := -std=c17 -Wall -Wextra -Wconversion -Wshadow -Werror -ffp-contract=off
CPPFLAGS += -I. -I$B/gen -D_POSIX_C_SOURCE=200809L -D_FILE_OFFSET_BITS=64 -MMD -MP
LDLIBS   := -llapacke -lopenblas -ljansson -lz -lpthread -lm
SETS     := $(shell sed -n 's/^SET.\([a-z]*\),.*/\1/p' golden/params.def)
DEFS     := golden/isa.def golden/ucode.def golden/csr.def  # all that a build id depends on, but for the parameters

obj = $(patsubst %.c,$B/%.o,$1)
csources = $(sort $(shell find $1 -name '*.c'))

golden_src   := $(filter-out golden/gen%.c,$(call csources,golden))
compiler_src := $(filter-out compiler/main.c,$(call csources,compiler))
firmware_src := $(wildcard firmware/*.c firmware/linux/*.c)
sim_src      := $(filter-out %/soc_sim.c %/soc_board.c,$(wildcard sim/*.c sim/cycle/*.c sim/soc/*.c))
unit_helpers := $(filter-out tests/unit/test_% tests/unit/random_program.c tests/unit/fake_uio.c,$(wildcard tests/unit/*.c))
unit_tests   := $(patsubst tests/%.c,$B/%,$(wildcard tests/unit/test_*.c))

define archive
$B/lib$1.a: $$(call obj,$$($1_src))
	$$(call say,AR,$$@)
	$$(Q)rm -f $$@ && ar rcs $$@ $$^
endef
$(foreach l,golden compiler firmware sim,$(eval $(call archive,$l)))
libs := $(foreach l,sim compiler firmware golden,$(if $($l_src),$B/lib$l.a))

$B/golden/matmul_fast.o $B/golden/matmul_simd.o $B/golden/simd_avx2.o $B/golden/simd_avx512.o: CFLAGS += -O3


all: $B/mxf ## build the command build/mxf
$B/mxf: $B/compiler/main.o $(libs)
	$(call say,LD,$@)
	$(Q)$(CC) -rdynamic -o $@.tmp $< -Wl,--start-group $(libs) -Wl,--end-group -ldl $(LDLIBS) && mv $@.tmp $@
deps: ## install missing Debian packages, with the reason for each
	@tests/deps.sh
demo: ## quantize, compile and run the shipped model on the RTL: PROMPT="..." N=32
	@tests/deps.sh && $(MAKE) --no-print-directory $B/mxf $B/engines/rtl_sim.so && tests/demo.sh
.PHONY: deps demo
help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1|\2/p' $(MAKEFILE_LIST) | awk -F'|' '{printf "  %-14s %s\n", $$1, $$2}'
clean: ## remove build/
	$(Q)rm -rf $B
.PHONY: all help clean

# Generated from the definition files.
$B/golden-gen: golden/gen.c golden/isa.c golden/isa.h $(DEFS) golden/params.def
	$(call say,GEN,$@)
	$(Q)mkdir -p $(@D) && $(CC) $(CSTD) -I. -D_POSIX_C_SOURCE=200809L -O1 -o $@ golden/gen.c golden/isa.c && $@ check
$B/gen/build_id.h: $B/golden-gen
	$(Q)mkdir -p $(@D) && $< build-id $(DEFS) > $@
$B/gen/mx_pkg.sv: $B/golden-gen
	$(Q)mkdir -p $(@D) && $< pkg > $@
$B/gen/%/mx_cfg.sv: $B/golden-gen
	$(Q)mkdir -p $(@D) && $< cfg $* $(DEFS) > $@
$B/gen/fn_rom.sv: golden/gen_fn_rom.c golden/fn_table.def golden/fn.h
	$(Q)mkdir -p $(@D) && $(CC) $(CSTD) -I. -o $B/gen-fn-rom $< && $B/gen-fn-rom > $@
$B/gen/mx_frame_pkg.sv: rtl/soc/gen_frame.c firmware/mx_frame.def
	$(Q)mkdir -p $(@D) && $(CC) $(CSTD) -I. -o $B/gen-frame $< && $B/gen-frame > $@
$B/gen/%.md: $B/golden-gen
	$(Q)mkdir -p $(@D) && $< $* > $@
$B/gen/mxforge.svd: golden/gen_svd.c golden/csr.def
	$(Q)mkdir -p $(@D) && $(CC) $(CSTD) -I. -o $B/gen-svd $< && $B/gen-svd > $@
$B/gen-litex: rtl/soc/gen_litex.c golden/csr.def firmware/soc.def
	$(Q)mkdir -p $(@D) && $(CC) $(CSTD) -I. -o $@ $<
$B/gen/mxforge.csr.%: $B/gen-litex
	$(Q)mkdir -p $(@D) && $< $* 0 > $@
$B/gen/mxforge_soc.csr.%: $B/gen-litex
	$(Q)mkdir -p $(@D) && $< $* soc > $@
exports := $B/gen/mxforge.svd $(foreach f,csv json,$B/gen/mxforge.csr.$f $B/gen/mxforge_soc.csr.$f)
docs: $B/gen/isa.md $B/gen/csr.md $B/gen/params.md $(exports) ## reference tables, CMSIS-SVD and LiteX' lists of registers to build/gen
.PHONY: docs

# C objects and libraries.
cc_object = $(Q)mkdir -p $(@D) && $(CC) $(CPPFLAGS) $1 $(CFLAGS) $(SAN) $(CSTD) -c -o $@ $<
$B/%.o: %.c | $B/gen/build_id.h
	$(call say,CC,$<)
	$(call cc_object,)
# Unit tests.
$B/unit/test_%: $B/tests/unit/test_%.o $(call obj,$(unit_helpers)) $(libs)
	$(call say,LD,$@)
	$(Q)mkdir -p $(@D) && $(CXX) $(SAN) -o $@ $(filter %.o,$^) -Wl,--start-group $(libs) -Wl,--end-group -lcmocka $(LDLIBS)

# It stands in front of the system's open and mmap, so it goes into one program only.
$B/unit/test_uio: $B/tests/unit/fake_uio.o
$B/unit/test_cycle $B/unit/test_lockstep: $B/tests/unit/random_program.o $B/tests/rtl/top_program.o

# Verilated modules and their C test programs.
VERILATOR_ROOT := $(shell verilator --getenv VERILATOR_ROOT 2>/dev/null)
VFLAGS := --cc --prefix Vdut -Wall --assert +define+CHECKS -y rtl -y rtl/soc -y tests/rtl -y $B/gen -Irtl -O3 --x-assign fast --x-initial fast
VCXX := $(CXX) -std=c++17 -O2 -I$(VERILATOR_ROOT)/include -I$(VERILATOR_ROOT)/include/vltstd -I. -faligned-new -fcf-protection=none -DVL_TIME_CONTEXT
verilate = $(call say,VERILATE,$(@D))$(newline)	$(Q)$(call need,verilator); mkdir -p $1 && verilator $(VFLAGS) --Mdir $1 $(wildcard rtl/lint.vlt) $2 \
  && sed -nE 's/^ *VL_(IN|OUT|INOUT)[A-Z0-9]*\(&?([A-Za-z0-9_]+),([0-9]+),([0-9]+).*/TB_PORT(\2,\3,\4)/p' $1/Vdut.h > $1/Vdut.ports
define newline


endef
verilated_objects := $B/verilated.o $B/verilated_threads.o
$(verilated_objects): $B/%.o: $(VERILATOR_ROOT)/include/%.cpp
	$(call say,CXX,$<)
	$(Q)mkdir -p $(@D) && $(VCXX) -c -o $@ $<
tb_objects := $(call obj,$(filter-out tests/rtl/tb_%,$(wildcard tests/rtl/*.c)) tests/unit/toy_image.c)
tb_libs := $B/libsim.a $B/libcompiler.a $B/libfirmware.a $B/libgolden.a
tb_link = $(call say,LD,$@)$(newline)	$(Q)$(MAKE) -s -C $1 -f Vdut.mk Vdut__ALL.a VERILATOR_ROOT=$(VERILATOR_ROOT) OPT_FAST=-O1 OPT_SLOW=-O0 > /dev/null \
  && $(VCXX) -I$1 -o $@ tests/rtl/tb_shim.cpp $1/test.o $(tb_objects) $1/Vdut__ALL.a $(verilated_objects) $(tb_libs) -lz -lpthread -lm
$B/rtl_tests.mk: tests/rtl/rules.awk $(wildcard tests/rtl/tb_*.c)
	$(Q)mkdir -p $(@D) && awk -v B=$B -f tests/rtl/rules.awk $(wildcard tests/rtl/tb_*.c) > $@
-include $B/rtl_tests.mk

# What folders add.
include $(sort $(wildcard */rules.mk */*/rules.mk))

# The shipped model's trainer (tests/models/README.md tells how to run it). Its
# gradient test is built in double precision.
T := tests/models/train
trainer: $B/kjv-tokenizer $B/kjv-model ## the trainer of the shipped model
.PHONY: trainer
$B/kjv-tokenizer: $T/kjv_tokenizer.c $T/tokenizer.c $(wildcard $T/*.h)
	$(call say,LD,$@)
	$(Q)mkdir -p $(@D) && $(CC) $(filter-out -ffp-contract=off,$(CSTD)) -D_POSIX_C_SOURCE=200809L -O2 -o $@ $(filter %.c,$^)
kjv_model_src := $(addprefix $T/,kjv_model.c model.c layers.c attention.c optimizer.c checkpoint.c dataset.c tokenizer.c evaluate.c export_gguf.c export_llama2c.c)
$B/kjv-model: $(kjv_model_src) $(wildcard $T/*.h)
	$(call say,LD,$@)
	$(Q)mkdir -p $(@D) && $(CC) $(filter-out -ffp-contract=off,$(CSTD)) -D_POSIX_C_SOURCE=200809L -O3 -march=native -ffast-math -pthread -o $@ $(filter %.c,$^) -lopenblas -lm
$B/unit/test_gradients: $(addprefix $T/,test_gradients.c model.c layers.c attention.c) $(wildcard $T/*.h)
	$(call say,LD,$@)
	$(Q)mkdir -p $(@D) && $(CC) $(CSTD) -D_POSIX_C_SOURCE=200809L -DTRAIN_DOUBLE -O2 -o $@ $(filter %.c,$^) -lcmocka -lopenblas -lm

# Tests. `test` installs, builds and runs; the two inner targets are for machines
# that have everything.
# The RTL of medium is small's with more of everything: test-long has it.
engines := $(foreach s,$(filter-out medium,$(SETS)),$B/engines/rtl_$s.so) $B/engines/rtl_sim_fault.so
test_scripts := tests/lint.sh tests/gen.sh tests/boards.sh tests/boards/aarch64.sh tests/boards/zynqmp.sh tests/exports/core.sh tests/cli/run.sh \
  tests/soc/run.sh tests/systemc/run.sh
test: ## install what is missing, build, run all tests: closes with N passed, N failed
	@tests/deps.sh && $(MAKE) --no-print-directory -j2 test-build && $(MAKE) --no-print-directory test-run
unit_tests += $B/unit/test_gradients
# The device of test_uio handles the faults of x86-64 only.
unit_tests := $(filter-out $(if $(filter-out x86_64,$(shell uname -m)),%/test_uio),$(unit_tests))
$B/serial-board: $B/tests/tools/serial_board.o $B/tests/unit/serial_line.o $(libs)
	$(call say,LD,$@)
	$(Q)$(CC) $(SAN) -o $@.tmp $(filter %.o,$^) -Wl,--start-group $(libs) -Wl,--end-group -ldl $(LDLIBS) && mv $@.tmp $@
test-build: $B/mxf $B/serial-board $B/core-files $(engines) $(unit_tests) $(rtl_tests) $(foreach s,$(SETS),$B/gen/$s/mx_cfg.sv) $B/gen/mx_frame_pkg.sv \
  $B/soc-sim $B/soc/soc_test.bin $B/firmware/main.rv32im.bin $(systemc_tests)
# The longest first.
test-run: test-build
	@OPENBLAS_NUM_THREADS=1 tests/run.sh 'tests/boards/ice40.sh quick' tests/e2e/run.sh 'tests/netlist/run.sh quick' $(test_scripts) \
	  $(unit_tests) $(rtl_tests) $B/systemc/test_platform
# Unit tests that need neither engines nor the command. (With sanitizers GCC sees
# uninitialized values where there are none.)
sanitized := $(filter-out %/test_verify %/test_engine %/test_lockstep %/test_gradients %/test_isa,$(unit_tests))
sanitize: ## unit tests under AddressSanitizer and UndefinedBehaviorSanitizer
	@tests/deps.sh && $(MAKE) --no-print-directory -j2 B=$B/san SAN='-fsanitize=address,undefined -fno-sanitize-recover=all -Wno-maybe-uninitialized' $(patsubst $B/%,$B/san/%,$(sanitized))
	@OPENBLAS_NUM_THREADS=1 TIMEOUT=3600 tests/run.sh $(patsubst $B/%,$B/san/%,$(sanitized))
.PHONY: sanitize
test-long: test $B/engines/rtl_medium.so $B/soc-sim-i5 ## the tests, then all proofs, all netlists, the RTL of set medium, and functions over all 2^32 inputs
	@MX_EXHAUSTIVE=1 OPENBLAS_NUM_THREADS=1 TIMEOUT=7200 tests/run.sh $B/unit/test_fn $B/unit/test_simd tests/formal/run.sh tests/netlist/run.sh tests/boards/ice40.sh 'tests/soc/run.sh all' \
	  $B/unit/test_lockstep 'tests/e2e/run.sh ^medium'
$B/bench/matmul: $B/tests/bench/matmul.o $B/libgolden.a
	$(call say,LD,$@)
	$(Q)mkdir -p $(@D) && $(CC) -o $@.tmp $^ -lz -lpthread -lm && mv $@.tmp $@
$B/bench/cycle: $B/tests/bench/cycle.o $B/libsim.a $B/libfirmware.a $B/libcompiler.a $B/libgolden.a
	$(call say,LD,$@)
	$(Q)mkdir -p $(@D) && $(CC) -o $@.tmp $^ -lz -lpthread -lm && mv $@.tmp $@
bench: $(up5k_gen) ## all figures against their targets, to build/bench: about ten minutes
	@tests/deps.sh && $(MAKE) -s $B/mxf $B/mxvp $B/bench/matmul $B/bench/cycle $B/engines/rtl_sim.so $B/up5k.mxp $B/rtl/tb_mx_up5k && tests/bench.sh
density: ## area of 4 x 8 bit dot products by style and family (yosys)
	@tests/deps.sh && boards/density.sh
.PHONY: test test-build test-run test-long bench density

# Perplexity by method and format, on the golden engine (tests/accuracy/run.sh);
# gnuplot draws it and is asked for there.
$B/round-q4-0: $B/tests/accuracy/round_q4_0.o $(libs)
	$(call say,LD,$@)
	$(Q)$(CC) -o $@.tmp $< -Wl,--start-group $(libs) -Wl,--end-group $(LDLIBS) && mv $@.tmp $@
accuracy: $B/mxf $B/round-q4-0 ## perplexity of methods and formats to build/accuracy, and the targets: a quarter of an hour
	@tests/accuracy/run.sh && tests/accuracy/check.sh
accuracy-check: ## the targets again, from build/accuracy/accuracy.csv
	@tests/accuracy/check.sh
.PHONY: accuracy accuracy-check

-include $(shell find $B -name '*.d' -not -name 'Vdut*' 2>/dev/null)
