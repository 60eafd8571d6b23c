# Programs for mx_rv, compiled for the RISC-V core: build/soc/NAME.ARCH.bin.
# Included by the Makefile.
RVCC := riscv64-unknown-elf-gcc
rv_flags = --specs=picolibc.specs -march=$1 -mabi=ilp32 -Os -nostartfiles -T tests/soc/link.ld \
  -DPICOLIBC_INTEGER_PRINTF_SCANF -std=gnu17 -Wall -Wextra -Wconversion -Wshadow -Werror \
  -ffunction-sections -fdata-sections -Wl,--no-warn-rwx-segments

# $(call rv_program,arch)
define rv_program
$B/soc/%.$1.elf: tests/soc/%.c tests/soc/start.S tests/soc/link.ld
	$$(call say,RVCC,$$@)
	$$(Q)$$(call need,$$(RVCC)); mkdir -p $$(@D) && $$(RVCC) $$(call rv_flags,$1) -o $$@ $$(filter %.S %.c,$$^)
$B/soc/%.$1.bin: $B/soc/%.$1.elf
	$$(Q)riscv64-unknown-elf-objcopy -O binary $$< $$@
endef
$(foreach a,rv32i rv32im,$(eval $(call rv_program,$a)))
$B/rtl/tb_mx_rv_run: $B/soc/demo.rv32i.bin
$B/rtl/tb_mx_rv_run_m: $B/soc/demo.rv32im.bin

# Firmware that tries the system on chip, for build/soc-sim.
$B/soc/soc_test.elf: tests/soc/soc_test.c tests/soc/soc_test.ld firmware/soc.def golden/csr.def
	$(call say,RVCC,$@)
	$(Q)$(call need,$(RVCC)); mkdir -p $(@D) && $(RVCC) $(filter-out -T tests/soc/link.ld,$(call rv_flags,rv32im)) -I. \
	  -T tests/soc/soc_test.ld -o $@ $<
$B/soc/soc_test.bin: $B/soc/soc_test.elf
	$(Q)riscv64-unknown-elf-objcopy -O binary $< $@

# For the virtual platform: the driver in 16 KB of RAM.
$B/soc/platform.elf: tests/soc/platform.c tests/soc/platform_start.S tests/soc/platform.ld $(addprefix firmware/mx_,driver.c runtime.c sampler.c) $B/gen/build_id.h
	$(call say,RVCC,$@)
	$(Q)$(call need,$(RVCC)); mkdir -p $(@D) && $(RVCC) --specs=picolibc.specs -march=rv32im -mabi=ilp32 -Os -fno-delete-null-pointer-checks -nostartfiles -T tests/soc/platform.ld \
	  -I. -I$B/gen -std=gnu17 -Wall -Wextra -Wconversion -Wshadow -Werror -ffunction-sections -fdata-sections \
	  -Wl,--gc-sections -Wl,--no-warn-rwx-segments -o $@ $(filter %.S %.c,$^)
$B/soc/platform.bin: $B/soc/platform.elf
	$(Q)riscv64-unknown-elf-objcopy -O binary $< $@
