// mx_lane_share gives the product of each weight with the activation.
module equal_lane_share #(
  parameter int unsigned Rows = 2,
  parameter int unsigned Step = 12
) (
  input wire logic [Rows*4-1:0] w_i,
  input wire logic signed [7:0] x_i
);
  logic [Rows*12-1:0] y;
  logic [Rows-1:0]    carry;
  mx_lane_share #(.Rows(Rows), .Step(Step)) u_share (.w_i, .x_i, .y_o(y), .carry_o(carry));
  for (genvar k = 0; k < Rows; k++) begin : g_row
    wire logic signed [11:0] w = {{8{w_i[4*k+3]}}, w_i[4*k +: 4]}, x = {{4{x_i[7]}}, x_i};
    wire logic signed [11:0] product = w * x;
    always_comb assert (y[12*k +: 12] + {11'd0, carry[k]} == product);
  end
endmodule
