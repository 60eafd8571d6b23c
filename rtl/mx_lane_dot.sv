// Dot product of Lanes signed 4-bit weights and signed 8-bit activations from
// LUTs and carry chains alone: chains of Chain lanes and a tree that takes their
// carries. Combinational; Lanes and Chain are powers of two, Chain < Lanes.
`default_nettype none

module mx_lane_dot #(
  parameter int unsigned Lanes = 32,
  parameter int unsigned Chain = 2,
  localparam int unsigned YBits = 12 + $clog2(Lanes)
) (
  input  wire logic [Lanes*4-1:0]      w_i,
  input  wire logic [Lanes*8-1:0]      x_i,
  output      logic signed [YBits-1:0] y_o
);

  localparam int unsigned Chains = Lanes / Chain;
  localparam int unsigned Bits   = 12 + $clog2(Chain);

  // The tree has an adder less than there are chains, so one chain is exact.
  wire logic [Chains*Bits-1:0] part;
  wire logic [Chains-1:0]      carry;
  for (genvar i = 0; i < Chains; i++) begin : g_chain
    mx_lane_chain #(.Lanes(Chain), .Exact(i == Chains - 1 ? 1 : 0)) u_chain (
      .w_i(w_i[4*Chain*i +: 4*Chain]), .x_i(x_i[8*Chain*i +: 8*Chain]),
      .y_o(part[Bits*i +: Bits]), .carry_o(carry[i])
    );
  end

  mx_lane_sum #(.Inputs(Chains), .Width(Bits)) u_sum (
    .x_i(part), .carry_i(carry[Chains-2:0]), .y_o(y_o)
  );
  wire logic unused = carry[Chains-1];

endmodule

`default_nettype wire
