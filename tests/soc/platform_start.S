// From reset to main; RAM starts as zeros but for the program. When main is done, the
// processor sleeps for good.
  .section .text.start
  .globl _start
_start:
  .option push
  .option norelax
  la gp, __global_pointer$
  .option pop
  la sp, __stack_top
  call main
  .option push
  .option arch, +zicsr
  csrw mie, zero
  .option pop
1:
  wfi
  j 1b
