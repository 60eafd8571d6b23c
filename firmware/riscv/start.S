// From the first instruction, and from traps, to C. Interrupts are not taken: WFI waits
// for them only.
  .section .text.start
  .option norelax  // gp is not there yet, and what it reaches moves while the linker shortens
  .option arch, +zicsr
  .globl _start
_start:
  la gp, __global_pointer$
  la sp, __stack_top
  la t0, trap
  csrw mtvec, t0
  la t0, __bss_begin
  la t1, __bss_end
1:
  bgeu t0, t1, 2f
  sw zero, 0(t0)
  addi t0, t0, 4
  j 1b
2:
  call program_main

  .balign 4
trap:  // what ran is lost, so its stack may go
  la sp, __stack_top
  csrr a0, mcause
  csrr a1, mepc
  csrr a2, mtval
  call program_trapped
