// Shift by 0 to 31 places at once.
//
// Combinational: one row of right shifts; a left shift reverses the bits
// before and after.
`default_nettype none

module mx_rv_shift (
  input  wire logic [31:0] data_i,
  input  wire logic [4:0]  places_i,
  input  wire logic        right_i,
  input  wire logic        arithmetic_i,
  output      logic [31:0] data_o
);

  logic [31:0] in, out;
  wire logic   fill = arithmetic_i && data_i[31];
  wire logic [62:0] wide = {{31{fill}}, in};
  assign out = 32'(wide >> places_i);
  for (genvar i = 0; i < 32; i++) begin : g_bit
    assign in[i]     = right_i ? data_i[i] : data_i[31-i];
    assign data_o[i] = right_i ? out[i] : out[31-i];
  end

endmodule

`default_nettype wire
