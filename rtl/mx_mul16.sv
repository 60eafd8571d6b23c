// Multiply and add: y = a * b + c, unsigned, a cycle later. For iCE40
// boards/ice40/mx_mul16.v takes the place of this file: both are one SB_MAC16, of
// which yosys leaves some of the adders to LUTs. No reset.
`default_nettype none

module mx_mul16 (
  input  wire logic        clk_i,
  input  wire logic [15:0] a_i,
  input  wire logic [15:0] b_i,
  input  wire logic [31:0] c_i,
  output      logic [31:0] y_o
);

  always_ff @(posedge clk_i) y_o <= a_i * b_i + c_i;

endmodule

`default_nettype wire
