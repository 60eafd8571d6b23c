// From reset to main: the image was loaded whole, so .data is in place, and
// memory that is not in the image is 0. main's result goes to the exit port.
  .section .text.start
  .globl _start
_start:
  .option push
  .option norelax
  la gp, __global_pointer$
  .option pop
  la sp, __stack_top
  la tp, __tls_base
  call main
  li t0, 0x10000004
  sw a0, 0(t0)
1:
  j 1b
