// One signed adder of a tree: y = a + b (Subtract: a - b), one bit wider.
// Combinational.
//
// A module of its own because yosys fuses neighbouring adders into compressor
// trees that waste carry chains; kept apart, each adder is one carry chain.
`default_nettype none

(* keep_hierarchy *)
module mx_tree_add #(
  parameter int unsigned Width    = 16,
  parameter int unsigned Subtract = 0
) (
  input  wire logic signed [Width-1:0] a_i,
  input  wire logic signed [Width-1:0] b_i,
  output      logic signed [Width:0]   y_o
);

  if (Subtract != 0) begin : g_sub
    assign y_o = (Width+1)'(a_i) - (Width+1)'(b_i);
  end else begin : g_add
    assign y_o = (Width+1)'(a_i) + (Width+1)'(b_i);
  end

endmodule

`default_nettype wire
