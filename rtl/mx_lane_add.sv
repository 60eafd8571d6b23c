// One signed adder with carry in: y = a + b + carry, one bit wider, modulo
// 2^(Width+1). Combinational, one carry chain.
// A module of its own for the reason that mx_tree_add is one.
`default_nettype none

(* keep_hierarchy *)
module mx_lane_add #(
  parameter int unsigned Width = 16
) (
  input  wire logic signed [Width-1:0] a_i,
  input  wire logic signed [Width-1:0] b_i,
  input  wire logic                    carry_i,
  output      logic signed [Width:0]   y_o
);

  wire logic [Width+1:0] sum = {a_i[Width-1], a_i, carry_i} + {b_i[Width-1], b_i, carry_i};
  assign y_o = sum[Width+1:1];
  wire logic unused = sum[0];

endmodule

`default_nettype wire
