// Balanced adder tree: the exact sum of Inputs signed numbers, Inputs a power
// of two. Combinational; input i is x_i[Width*i +: Width].
`default_nettype none

module mx_tree_sum #(
  parameter int unsigned Inputs = 8,
  parameter int unsigned Width  = 16,
  localparam int unsigned Levels = $clog2(Inputs)
) (
  input  wire logic [Inputs*Width-1:0]        x_i,
  output      logic signed [Width+Levels-1:0] y_o
);

  // Level k holds Inputs / 2^k numbers of Width + k bits.
  for (genvar k = 0; k <= Levels; k++) begin : g_level
    localparam int unsigned Count = Inputs >> k;
    localparam int unsigned Bits  = Width + k;
    wire logic [Count*Bits-1:0] sum;
    if (k == 0) begin : g_in
      assign sum = x_i;
    end else begin : g_add
      for (genvar i = 0; i < Count; i++) begin : g_pair
        mx_tree_add #(.Width(Bits - 1)) u_add (
          .a_i(g_level[k-1].sum[(Bits-1)*(2*i)   +: Bits-1]),
          .b_i(g_level[k-1].sum[(Bits-1)*(2*i+1) +: Bits-1]),
          .y_o(sum[Bits*i +: Bits])
        );
      end
    end
  end

  assign y_o = g_level[Levels].sum;

endmodule

`default_nettype wire
