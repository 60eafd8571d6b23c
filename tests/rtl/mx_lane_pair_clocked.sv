// mx_lane_pair under the harness, which wants a clock.
`default_nettype none

module mx_lane_pair_clocked (
  input  wire logic               clk_i,
  input  wire logic [7:0]         w_i,
  input  wire logic [15:0]        x_i,
  output      logic signed [12:0] y_o,
  output      logic               carry_o
);
  mx_lane_pair u_pair (.w_i, .x_i, .y_o, .carry_o);
  wire logic unused = clk_i;
endmodule

`default_nettype wire
