// One radix-4 Booth step: y = a + d * x, where d = code[0] + code[1] - 2 code[2]
// (Booth, MacSorley) is a digit of a weight. Combinational, one carry chain.
//
// Six inputs decide a bit of the chain (a, code, two bits of x) and the chain's
// bypass is a itself, so on families with LUT6 a step takes one LUT per bit, the
// choice of the multiple included. y is exact if it fits YBits.
// A module of its own for the reason that mx_tree_add is one.
//   Lowest  code[0] is taken as 0, as for the lowest digit
//   First   a is taken as 0
`default_nettype none

(* keep_hierarchy *)
module mx_lane_booth #(
  parameter int unsigned ABits  = 12,
  parameter int unsigned YBits  = 12,
  parameter int unsigned Lowest = 0,
  parameter int unsigned First  = 0
) (
  input  wire logic signed [ABits-1:0] a_i,
  input  wire logic [2:0]              code_i,
  input  wire logic signed [7:0]       x_i,
  output      logic signed [YBits-1:0] y_o
);

  wire logic signed [8:0] multiple;
  mx_lane_digit #(.Lowest(Lowest)) u_digit (.code_i, .x_i, .y_o(multiple));

  // The 1 that a negative multiple lacks enters through a position below the
  // lowest, which needs no LUT. Written as a - ~multiple: yosys may exchange the
  // operands of a sum, and then the choice would stand in the bypass.
  wire logic signed [YBits-1:0] a = First != 0 ? '0 : YBits'(a_i);
  wire logic signed [YBits-1:0] b = YBits'(multiple);
  wire logic [YBits-1:0] inverse = ~b;
  wire logic [YBits:0] sum = {a, code_i[2]} - {inverse, 1'b1};
  assign y_o = sum[YBits:1];
  wire logic unused = ^{a_i, sum[0]};

endmodule

`default_nettype wire
