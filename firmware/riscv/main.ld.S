/* The firmware as it lies in the flash chip: the words of SOCHEAD (the checksum is set by
   mxf flash), what the boot ROM copies to RAM, what is used where it lies. */
#define SOCREGION(name, base, bytes, text) soc_##name = base; soc_##name##_bytes = bytes;
#include "firmware/soc.def"
#define SOCFLASH(name, offset, bytes, text) soc_flash_##name = offset; soc_flash_##name##_bytes = bytes;
#include "firmware/soc.def"
#define SOCHEAD(name, offset, text) soc_head_##name = offset;
#include "firmware/soc.def"
ENTRY(_start)
__stack_bytes = 2048;  /* at least; tests/unit/test_soc.c measures what is used */
SECTIONS
{
  __firmware = soc_FLASH + soc_flash_FIRMWARE;
  .head __firmware : { LONG(0x5746584d) LONG(SIZEOF(.ram) + SIZEOF(.flash)) LONG(SIZEOF(.ram)) LONG(0) LONG(0) }
  .flash (__firmware + soc_head_END + SIZEOF(.ram)) : AT(__firmware + soc_head_END + SIZEOF(.ram))
  {
    *mx_console.c.o(.text .text.*)
    *(.text.unlikely .text.unlikely.*)
    *(EXCLUDE_FILE(*mx_frame.c.o *mx_sampler.c.o) .rodata EXCLUDE_FILE(*mx_frame.c.o *mx_sampler.c.o) .rodata.* .srodata .srodata.*)
    . = ALIGN(4);
  }
  .ram soc_RAM : AT(__firmware + soc_head_END)
  {
    KEEP(*(.text.start))
    *(.text .text.*)
    *(.rodata .rodata.*)
    . = ALIGN(4);
    __global_pointer$ = . + 0x800;
    *(.data .data.* .sdata .sdata.*)
    . = ALIGN(4);
  }
  .bss (soc_RAM + SIZEOF(.ram)) (NOLOAD) : { __bss_begin = .; *(.sbss .sbss.* .bss .bss.* COMMON) . = ALIGN(4); __bss_end = .; }
  __stack_top = soc_RAM + soc_RAM_bytes;
  ASSERT(__bss_end + __stack_bytes <= __stack_top, "the firmware does not fit the RAM of firmware/soc.def with its data and its stack")
  ASSERT(soc_head_END + SIZEOF(.ram) + SIZEOF(.flash) <= soc_flash_FIRMWARE_bytes,
    "the firmware does not fit its place in the flash chip of firmware/soc.def")
}
