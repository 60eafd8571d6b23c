// Signed product of a WeightBits (4 or 8) and an 8-bit number from adders
// alone: for lanes that shall leave the multiplier blocks to others.
// Combinational, three (4: two) adders deep.
`default_nettype none

module mx_dot_mul #(
  parameter int unsigned WeightBits = 8
) (
  input  wire logic signed [WeightBits-1:0] w_i,
  input  wire logic signed [7:0]            x_i,
  output      logic signed [15:0]           y_o
);

  localparam int unsigned Pairs = WeightBits / 2;

  // x times two bits of w; the topmost bit counts negative. Then x times
  // nibbles, which need 12 bits, and of these the upper counts sixteenfold.
  // The low bits of the lesser addend pass each adder by.
  wire logic [10*Pairs-1:0] pair;
  for (genvar p = 0; p < Pairs; p++) begin : g_pair
    mx_tree_add #(.Width(9), .Subtract(p == Pairs - 1 ? 1 : 0)) u_add (
      .a_i({x_i[7], x_i} & {9{w_i[2*p]}}),
      .b_i({x_i, 1'b0} & {9{w_i[2*p+1]}}),
      .y_o(pair[10*p +: 10])
    );
  end

  wire logic [12*Pairs/2-1:0] nibble;
  for (genvar n = 0; n < Pairs / 2; n++) begin : g_nibble
    wire logic [9:0]  low = pair[20*n +: 10];
    wire logic [10:0] sum;
    mx_tree_add #(.Width(10)) u_add (
      .a_i({{2{low[9]}}, low[9:2]}), .b_i(pair[20*n+10 +: 10]), .y_o(sum)
    );
    assign nibble[12*n +: 12] = {sum[9:0], low[1:0]};
    wire logic unused = sum[10];
  end

  if (WeightBits == 4) begin : g_four
    assign y_o = {{4{nibble[11]}}, nibble};
  end else begin : g_eight
    wire logic [12:0] sum;
    mx_tree_add #(.Width(12)) u_add (
      .a_i({{4{nibble[11]}}, nibble[11:4]}), .b_i(nibble[23:12]), .y_o(sum)
    );
    assign y_o = {sum[11:0], nibble[3:0]};
    wire logic unused = sum[12];
  end

endmodule

`default_nettype wire
