/* The boot ROM: all of it in ROM, its stack at the end of RAM. */
#define SOCREGION(name, base, bytes, text) soc_##name = base; soc_##name##_bytes = bytes;
#include "firmware/soc.def"
ENTRY(_start)
SECTIONS
{
  .text soc_ROM : { KEEP(*(.text.start)) *(.text .text.*) *(.rodata .rodata.* .srodata .srodata.*) }
  __global_pointer$ = soc_RAM;
  .ram soc_RAM (NOLOAD) : { __bss_begin = .; *(.data .data.* .sdata .sdata.* .sbss .sbss.* .bss .bss.* COMMON) __bss_end = .; }
  __stack_top = soc_RAM + soc_RAM_bytes;
  ASSERT(SIZEOF(.text) <= soc_ROM_bytes, "the boot program does not fit the ROM of firmware/soc.def")
  ASSERT(SIZEOF(.ram) == 0, "the boot program may have no variables: RAM is for the firmware")
}
