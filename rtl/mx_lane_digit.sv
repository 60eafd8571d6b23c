// A Booth digit times x, less 1 if the digit is negative: y = d * x - code[2]
// with d = code[0] + code[1] - 2 code[2]. Combinational, one LUT deep.
// Lowest: code[0] is taken as 0.
`default_nettype none

module mx_lane_digit #(
  parameter int unsigned Lowest = 0
) (
  input  wire logic [2:0]        code_i,
  input  wire logic signed [7:0] x_i,
  output      logic signed [8:0] y_o
);

  wire logic below = Lowest != 0 ? 1'b0 : code_i[0];
  wire logic one = below ^ code_i[1];
  wire logic two = below == code_i[1] && code_i[1] != code_i[2];
  assign y_o = (({x_i[7], x_i} & {9{one}}) | ({x_i, 1'b0} & {9{two}})) ^ {9{code_i[2]}};
  wire logic unused = code_i[0];

endmodule

`default_nettype wire
