// Two products of signed bytes: y = {a1 * b1, a0 * b0}, a cycle after en_i.
// For iCE40 boards/ice40/mx_dot_pair.v takes the place of this file: both are
// one SB_MAC16, which yosys does not see by itself. No reset.
`default_nettype none

module mx_dot_pair (
  input  wire logic        clk_i,
  input  wire logic        en_i,
  input  wire logic [15:0] a_i,
  input  wire logic [15:0] b_i,
  output      logic [31:0] y_o
);

  for (genvar i = 0; i < 2; i++) begin : g_product
    wire logic signed [7:0] a = a_i[8*i +: 8];
    wire logic signed [7:0] b = b_i[8*i +: 8];
    always_ff @(posedge clk_i) if (en_i) y_o[16*i +: 16] <= 16'(a) * 16'(b);
  end

endmodule

`default_nettype wire
