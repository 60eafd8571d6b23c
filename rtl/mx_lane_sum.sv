// Balanced adder tree that also adds a bit per adder: the sum of Inputs signed
// numbers and Inputs - 1 bits, Inputs a power of two, at least 2.
// Combinational; input i is x_i[Width*i +: Width]. The sum must fit the output:
// it does if each number and one bit fit Width bits together. Without such bits
// mx_tree_sum is the smaller: ECP5 spends a LUT4 more on an adder with a carry of 0.
`default_nettype none

module mx_lane_sum #(
  parameter int unsigned Inputs = 16,
  parameter int unsigned Width  = 13,
  localparam int unsigned Levels = $clog2(Inputs)
) (
  input  wire logic [Inputs*Width-1:0]        x_i,
  input  wire logic [Inputs-2:0]              carry_i,
  output      logic signed [Width+Levels-1:0] y_o
);

  // Level k holds Inputs / 2^k numbers of Width + k bits; the adders before it
  // have the bits from Inputs - 2 Count on.
  for (genvar k = 0; k <= Levels; k++) begin : g_level
    localparam int unsigned Count = Inputs >> k;
    localparam int unsigned Bits  = Width + k;
    wire logic [Count*Bits-1:0] sum;
    if (k == 0) begin : g_in
      assign sum = x_i;
    end else begin : g_add
      for (genvar i = 0; i < Count; i++) begin : g_pair
        mx_lane_add #(.Width(Bits - 1)) u_add (
          .a_i(g_level[k-1].sum[(Bits-1)*(2*i)   +: Bits-1]),
          .b_i(g_level[k-1].sum[(Bits-1)*(2*i+1) +: Bits-1]),
          .carry_i(carry_i[Inputs-2*Count+i]),
          .y_o(sum[Bits*i +: Bits])
        );
      end
    end
  end

  assign y_o = g_level[Levels].sum;

endmodule

`default_nettype wire
