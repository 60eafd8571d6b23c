// Signed product of a WeightBits (4 or 8) and an 8-bit number from adders
// alone: for lanes that shall leave the multiplier blocks to others. A Booth
// step (mx_lane_booth) per two bits of the weight; the lowest two bits of each
// sum pass the next step by. Combinational, WeightBits / 2 adders deep.
`default_nettype none

module mx_dot_mul #(
  parameter int unsigned WeightBits = 8
) (
  input  wire logic signed [WeightBits-1:0] w_i,
  input  wire logic signed [7:0]            x_i,
  output      logic signed [15:0]           y_o
);

  // A digit times x, and so a sum without the bits that pass, fits 10 bits:
  // 256 + 512 / 4 + 512 / 16 + ... in magnitude.
  localparam int unsigned Digits = WeightBits / 2;
  for (genvar d = 0; d < Digits; d++) begin : g_digit
    wire logic [9:0] sum;
    if (d == 0) begin : g_first
      mx_lane_booth #(.ABits(10), .YBits(10), .Lowest(1), .First(1)) u_step (
        .a_i(10'd0), .code_i({w_i[1:0], 1'b0}), .x_i(x_i), .y_o(sum)
      );
    end else begin : g_next
      mx_lane_booth #(.ABits(8), .YBits(10)) u_step (
        .a_i(g_digit[d-1].sum[9:2]), .code_i(w_i[2*d-1 +: 3]), .x_i(x_i), .y_o(sum)
      );
    end
    if (d < Digits - 1) begin : g_low
      assign y_o[2*d +: 2] = sum[1:0];
    end else begin : g_high
      assign y_o[15:2*d] = {{(6-2*d){sum[9]}}, sum};
    end
  end

endmodule

`default_nettype wire
