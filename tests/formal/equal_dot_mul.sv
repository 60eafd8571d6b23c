// mx_dot_mul is the product.
module equal_dot_mul #(
  parameter int unsigned WeightBits = 8
) (
  input wire logic signed [WeightBits-1:0] w_i,
  input wire logic signed [7:0]            x_i
);
  logic signed [15:0] y;
  mx_dot_mul #(.WeightBits(WeightBits)) u_mul (.w_i, .x_i, .y_o(y));
  wire logic signed [15:0] w = w_i, x = x_i;
  always_comb assert (y == w * x);
endmodule
