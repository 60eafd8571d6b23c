// Multiply and accumulate: in cycles with en_i, y = y + a * b, or 0 with clear_i.
// For iCE40 boards/ice40/mx_mac16.v takes the place of this file: both are one
// SB_MAC16, of which yosys leaves the clearing to 32 LUTs. No reset.
`default_nettype none

module mx_mac16 (
  input  wire logic        clk_i,
  input  wire logic        en_i,
  input  wire logic        clear_i,
  input  wire logic [15:0] a_i,      // signed
  input  wire logic [15:0] b_i,      // signed
  output      logic [31:0] y_o
);

  wire logic signed [15:0] a = a_i;
  wire logic signed [15:0] b = b_i;
  always_ff @(posedge clk_i) begin
    if (en_i) y_o <= clear_i ? '0 : y_o + 32'(a) * 32'(b);
  end

endmodule

`default_nettype wire
