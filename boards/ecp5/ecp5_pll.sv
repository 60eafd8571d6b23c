// PLL of ECP5 (EHXPLLL): clk_o = clk_i * Multiplier / Divider; fast_o, Rate times as
// fast, with an edge at each of clk_o; late_o, as fast_o but Phase cycles of the
// oscillator later. The oscillator runs at clk_o * Output, which must be 400 to
// 800 MHz and Output a multiple of Rate; clk_i / Divider must be at least 3.125 MHz.
`default_nettype none

module ecp5_pll #(
  parameter int unsigned Divider    = 1,
  parameter int unsigned Multiplier = 2,
  parameter int unsigned Output     = 12,
  parameter int unsigned Rate       = 1,
  parameter int unsigned Phase      = 3
) (
  input  wire logic clk_i,
  output wire logic clk_o,
  output wire logic fast_o,
  output wire logic late_o,
  output wire logic locked_o
);

  // A phase of Output / 2 - 1 is what puts the edge of clk_o on that of clk_i.
  localparam int unsigned Start = Output / 2 - 1;
  EHXPLLL #(
    .CLKI_DIV(Divider), .CLKFB_DIV(Multiplier), .FEEDBK_PATH("CLKOP"),
    .CLKOP_ENABLE("ENABLED"), .CLKOP_DIV(Output), .CLKOP_CPHASE(Start), .CLKOP_FPHASE(0),
    .CLKOS_ENABLE("ENABLED"), .CLKOS_DIV(Output / Rate), .CLKOS_CPHASE(Start), .CLKOS_FPHASE(0),
    .CLKOS2_ENABLE("ENABLED"), .CLKOS2_DIV(Output / Rate), .CLKOS2_CPHASE(Start + Phase), .CLKOS2_FPHASE(0),
    .CLKOS3_ENABLE("DISABLED"),
    .OUTDIVIDER_MUXA("DIVA"), .OUTDIVIDER_MUXB("DIVB"), .OUTDIVIDER_MUXC("DIVC"), .OUTDIVIDER_MUXD("DIVD"),
    .PLLRST_ENA("DISABLED"), .INTFB_WAKE("DISABLED"), .STDBY_ENABLE("DISABLED"), .DPHASE_SOURCE("DISABLED")
  ) u_pll (
    .CLKI(clk_i), .CLKFB(clk_o), .CLKOP(clk_o), .CLKOS(fast_o), .CLKOS2(late_o), .CLKOS3(), .CLKINTFB(),
    .RST(1'b0), .STDBY(1'b0), .PLLWAKESYNC(1'b0), .PHASESEL0(1'b0), .PHASESEL1(1'b0), .PHASEDIR(1'b1),
    .PHASESTEP(1'b1), .PHASELOADREG(1'b1), .ENCLKOP(1'b0), .ENCLKOS(1'b0), .ENCLKOS2(1'b0), .ENCLKOS3(1'b0),
    .LOCK(locked_o), .INTLOCK(), .REFCLK()
  );

endmodule

`default_nettype wire
