// mx_lane_add is the sum of two numbers and a bit.
module equal_lane_add #(
  parameter int unsigned Width = 16
) (
  input wire logic signed [Width-1:0] a_i, b_i,
  input wire logic                    carry_i
);
  logic signed [Width:0] y;
  mx_lane_add #(.Width(Width)) u_add (.a_i, .b_i, .carry_i, .y_o(y));
  wire logic signed [Width:0] a = a_i, b = b_i;
  always_comb assert (y == a + b + $signed({1'b0, carry_i}));
endmodule
