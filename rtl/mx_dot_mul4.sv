// Signed 4 x 8 bit product from three adders, for lanes that only ever see
// 4-bit codes: cheap in LUTs, so that multiplier blocks are left to others.
// Combinational.
`default_nettype none

module mx_dot_mul4 (
  input  wire logic signed [3:0]  w_i,
  input  wire logic signed [7:0]  x_i,
  output      logic signed [15:0] y_o
);

  // w = (w0 + 2 w1) + 4 (w2 - 2 w3)
  wire logic [8:0] minus_x = 9'd0 - {x_i[7], x_i};
  wire logic [9:0] low, high;
  mx_tree_add #(.Width(9)) u_low (
    .a_i({x_i[7], x_i} & {9{w_i[0]}}),
    .b_i({x_i, 1'b0} & {9{w_i[1]}}),
    .y_o(low)
  );
  // -2 x3 needs ten bits when x is -128: minus_x has nine, one is appended.
  wire logic [10:0] high_sum;
  mx_tree_add #(.Width(10)) u_high (
    .a_i({{2{x_i[7]}}, x_i} & {10{w_i[2]}}),
    .b_i({minus_x, 1'b0} & {10{w_i[3]}}),
    .y_o(high_sum)
  );
  assign high = high_sum[9:0];  // |x * (w2 - 2 w3)| <= 256
  wire logic [12:0] sum;
  mx_tree_add #(.Width(12)) u_sum (
    .a_i({{2{low[9]}}, low}),
    .b_i({high, 2'b00}),
    .y_o(sum)
  );
  assign y_o = {{4{sum[11]}}, sum[11:0]};

  wire logic unused = high_sum[10] ^ sum[12];

endmodule

`default_nettype wire
