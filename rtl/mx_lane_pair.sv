// Two products of signed 4-bit weights and signed 8-bit activations, each with
// its own activation, from one multiplier of at least 22 x 18 bits:
// y_o + carry_o = w[0] x[0] + w[1] x[1]. Combinational.
//
// (w0 2^13 + w1) (x1 2^13 + x0): the sum stands at bit 13, on top of w1 x0,
// which fits the 13 bits below and makes the sum 1 too small when negative.
// carry_o gives that back where an adder takes it for nothing.
`default_nettype none

module mx_lane_pair (
  input  wire logic [7:0]         w_i,
  input  wire logic [15:0]        x_i,
  output      logic signed [12:0] y_o,
  output      logic               carry_o
);

  wire logic signed [17:0] w;
  wire logic signed [21:0] x;
  mx_lane_word #(.Count(2), .Width(4), .Step(13)) u_w (.v_i({w_i[3:0], w_i[7:4]}), .y_o(w));
  mx_lane_word #(.Count(2), .Width(8), .Step(13)) u_x (.v_i(x_i), .y_o(x));

  wire logic signed [39:0] product = 40'(w) * 40'(x);
  assign y_o     = product[25:13];
  assign carry_o = product[12];
  wire logic unused = ^{product[39:26], product[11:0]};

endmodule

`default_nettype wire
