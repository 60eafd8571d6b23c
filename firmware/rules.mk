# Programs for the processor of the system on chip (firmware/soc.def):
# build/firmware/boot.bin, the contents of its ROM, for RV32I; main.rv32i.bin and
# main.rv32im.bin, what mxf flash takes. Included by the Makefile; tests/soc/rules.mk
# has RVCC.
RVSIZE := riscv64-unknown-elf-size
fw_flags = --specs=picolibc.specs -march=$1 -mabi=ilp32 -Os -I. -std=c17 -ffreestanding -nostartfiles \
  -Wall -Wextra -Wconversion -Wshadow -Werror -ffunction-sections -fdata-sections -msave-restore -fno-tree-loop-distribute-patterns
fw_boot := $(addprefix firmware/,mx_frame.c riscv/start.S riscv/soc.c riscv/boot.c)
fw_main := $(addprefix firmware/,$(addprefix mx_,driver.c runtime.c sampler.c text.c console.c load.c frame.c serial_board.c) \
  riscv/start.S riscv/soc.c riscv/main.c)

# $(call fw_arch,arch)
define fw_arch
$B/firmware/$1/%.o: % | $B/gen/build_id.h
	$$(call say,RVCC,$$<)
	$$(Q)$$(call need,$$(RVCC)); mkdir -p $$(@D) && $$(RVCC) $$(call fw_flags,$1) $$(fw_fast) -MMD -MP -c -o $$@ $$<
# What runs for each logit several times a token, and for each byte of a frame.
$B/firmware/$1/firmware/mx_sampler.c.o $B/firmware/$1/firmware/mx_serial_board.c.o: fw_fast := -O2 -mno-save-restore
endef
$(foreach a,rv32i rv32im,$(eval $(call fw_arch,$a)))

$B/firmware/%.ld: firmware/riscv/%.ld.S firmware/soc.def
	$(Q)$(call need,$(RVCC)); mkdir -p $(@D) && $(RVCC) -E -P -x c -I. -o $@ $<

# $(call fw_program,name,arch,linker script,sources)
define fw_program
$B/firmware/$1.elf: $B/firmware/$3.ld $$(addprefix $B/firmware/$2/,$$(addsuffix .o,$4))
	$$(call say,RVLD,$$@)
	$$(Q)$$(RVCC) $$(call fw_flags,$2) -Wl,--gc-sections -Wl,--no-warn-rwx-segments -T $$< -o $$@ $$(filter %.o,$$^) && $$(RVSIZE) -A $$@ \
	  | awk '/^\.(text|ram|flash|bss)/ {s = s ", " substr($$$$1, 2) " " $$$$2} END {print "  $1: bytes of" substr(s, 2)}'
$B/firmware/$1.bin: $B/firmware/$1.elf
	$$(Q)riscv64-unknown-elf-objcopy -O binary $$< $$@
endef
$(eval $(call fw_program,boot,rv32i,boot,$(fw_boot)))
$(foreach a,rv32i rv32im,$(eval $(call fw_program,main.$a,$a,main,$(fw_main))))

firmware: $B/firmware/boot.bin $B/firmware/main.rv32i.bin $B/firmware/main.rv32im.bin ## programs of the system on chip's processor, to build/firmware
.PHONY: firmware
$B/unit/test_soc: $B/firmware/boot.bin $B/firmware/main.rv32i.bin $B/firmware/main.rv32im.bin
$B/tests/unit/test_soc.o: CPPFLAGS += -DFIRMWARE='"$B/firmware/"'
