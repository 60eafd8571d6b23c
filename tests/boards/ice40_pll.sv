// The PLLs of iCE40, of which yosys knows the ports only: the clock passes as it is,
// `hz` is what it stands for on a board with 12 MHz, and LOCK comes after 15 edges.
`default_nettype none

module SB_PLL40_CORE #(
  parameter             FEEDBACK_PATH = "SIMPLE",
  parameter logic [3:0] DIVR          = 0,
  parameter logic [6:0] DIVF          = 0,
  parameter logic [2:0] DIVQ          = 0,
  parameter logic [2:0] FILTER_RANGE  = 0
) (
  input  wire logic REFERENCECLK,
  output wire logic PLLOUTGLOBAL,
  output wire logic LOCK,
  input  wire logic RESETB,
  input  wire logic BYPASS
);

  if (FEEDBACK_PATH != "SIMPLE") $error("SB_PLL40_CORE: another FEEDBACK_PATH than SIMPLE is not modelled");
  wire logic [31:0] hz = 12000000 / (32'(DIVR) + 1) * (32'(DIVF) + 1) >> DIVQ;
  logic [3:0] edges_q = 0;
  always_ff @(posedge REFERENCECLK) edges_q <= !RESETB ? '0 : edges_q + 4'(!LOCK);
  assign LOCK         = edges_q == '1;
  assign PLLOUTGLOBAL = REFERENCECLK;

endmodule

module SB_PLL40_PAD #(
  parameter             FEEDBACK_PATH = "SIMPLE",
  parameter logic [3:0] DIVR          = 0,
  parameter logic [6:0] DIVF          = 0,
  parameter logic [2:0] DIVQ          = 0,
  parameter logic [2:0] FILTER_RANGE  = 0
) (
  input  wire logic PACKAGEPIN,
  output wire logic PLLOUTGLOBAL,
  output wire logic LOCK,
  input  wire logic RESETB,
  input  wire logic BYPASS
);

  wire logic [31:0] hz = u_core.hz;
  SB_PLL40_CORE #(
    .FEEDBACK_PATH(FEEDBACK_PATH), .DIVR(DIVR), .DIVF(DIVF), .DIVQ(DIVQ), .FILTER_RANGE(FILTER_RANGE)
  ) u_core (
    .REFERENCECLK(PACKAGEPIN), .PLLOUTGLOBAL(PLLOUTGLOBAL), .LOCK(LOCK), .RESETB(RESETB), .BYPASS(BYPASS)
  );

endmodule

`default_nettype wire
