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
  wire logic [9:0]  low, high;
  wire logic [12:0] sum;
  mx_tree_add #(.Width(9)) u_low (
    .a_i({x_i[7], x_i} & {9{w_i[0]}}),
    .b_i({x_i, 1'b0} & {9{w_i[1]}}),
    .y_o(low)
  );
  mx_tree_add #(.Width(9), .Subtract(1)) u_high (
    .a_i({x_i[7], x_i} & {9{w_i[2]}}),
    .b_i({x_i, 1'b0} & {9{w_i[3]}}),
    .y_o(high)
  );
  mx_tree_add #(.Width(12)) u_sum (
    .a_i({{2{low[9]}}, low}),
    .b_i({high, 2'b00}),
    .y_o(sum)
  );
  assign y_o = {{3{sum[12]}}, sum};

endmodule

`default_nettype wire
