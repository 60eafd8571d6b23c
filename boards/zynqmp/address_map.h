#ifndef MX_ZYNQMP_ADDRESS_MAP_H
#define MX_ZYNQMP_ADDRESS_MAP_H
/* Where a Zynq UltraScale+ finds the accelerator: read by build.tcl, by the device tree
   (mxforge.dtso) and by tests, so it holds nothing but macros with plain numbers. */
#define MX_REGISTERS_BASE 0xa0000000   /* in M_AXI_HPM0_FPD's window */
#define MX_REGISTERS_BYTES 0x1000      /* all of csr.def's offsets, and a page */
#define MX_INTERRUPT_SPI 89            /* pl_ps_irq0[0]; GIC interrupt 121 */
#define MX_PS_CLOCK_HZ 100000000       /* pl_clk0, from which the clocks of the design are made */
#define MX_BUFFER_BYTES 0x40000000     /* of contiguous memory for image, caches and results */
#endif
