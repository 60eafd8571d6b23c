// Unsigned comparison a > b, or a >= b with or_equal_i. Combinational.
// Two bits for each place of one carry chain: half the chain of a subtraction,
// and no inverted operand, which costs iCE40 a LUT per bit.
`default_nettype none

module mag_gt (
  input  wire logic [30:0] a_i,
  input  wire logic [30:0] b_i,
  input  wire logic        or_equal_i,
  output      logic        gt_o
);

  wire logic [31:0] a = {1'b0, a_i};
  wire logic [31:0] b = {1'b0, b_i};

  // A pair that is greater generates a carry, one that is equal passes it on.
  logic [15:0] above, not_below;
  for (genvar i = 0; i < 16; i++) begin : g_pair
    assign above[i]     = a[2*i +: 2] > b[2*i +: 2];
    assign not_below[i] = a[2*i +: 2] >= b[2*i +: 2];
  end
  wire logic [17:0] chain = {1'b0, above, or_equal_i} + {1'b0, not_below, or_equal_i};
  assign gt_o = chain[17];
  wire logic unused = |chain[16:0];

endmodule

`default_nettype wire
