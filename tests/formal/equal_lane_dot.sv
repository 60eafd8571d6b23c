// A chain of Booth steps, and the whole dot product made of chains, is the sum
// of products. Whole = 0: mx_lane_chain with Lanes lanes; 1: mx_lane_dot.
module equal_lane_dot #(
  parameter int unsigned Lanes = 2,
  parameter int unsigned Exact = 0,
  parameter int unsigned Whole = 0,
  parameter int unsigned Chain = 2
) (
  input wire logic [Lanes*4-1:0] w_i,
  input wire logic [Lanes*8-1:0] x_i
);
  localparam int unsigned SumBits = 12 + $clog2(Lanes);
  logic signed [SumBits-1:0] y, sum;
  logic                      carry;
  if (Whole != 0) begin : g_dot
    mx_lane_dot #(.Lanes(Lanes), .Chain(Chain)) u_dot (.w_i, .x_i, .y_o(y));
    assign carry = 1'b0;
  end else begin : g_chain
    mx_lane_chain #(.Lanes(Lanes), .Exact(Exact)) u_chain (.w_i, .x_i, .y_o(y), .carry_o(carry));
    if (Exact != 0) begin : g_exact
      always_comb assert (!carry);
    end
  end
  always_comb begin
    sum = '0;
    for (int i = 0; i < Lanes; i++)
      sum = sum + SumBits'($signed(w_i[4*i +: 4])) * SumBits'($signed(x_i[8*i +: 8]));
    assert (y + $signed({1'b0, carry}) == sum);
  end
endmodule
