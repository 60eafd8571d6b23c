// Registers at bidirectional pins: IO cells of ECP5 with registers for output,
// output enable and input. out_i and oe_i reach the pin with the edge that samples
// them; in_o is what the pin was at the last edge. No reset; not driven before the
// first edge.
`default_nettype none

module io_both #(
  parameter int unsigned Pins = 1
) (
  input  wire logic            clk_i,
  input  wire logic [Pins-1:0] out_i,
  input  wire logic            oe_i,
  output      logic [Pins-1:0] in_o,
  inout  wire logic [Pins-1:0] pin_io
);

  for (genvar i = 0; i < Pins; i++) begin : g_pin
    wire logic out, off, in;
    OFS1P3DX u_out (.CD(1'b0), .D(out_i[i]), .SP(1'b1), .SCLK(clk_i), .Q(out));
    OFS1P3BX u_off (.PD(1'b0), .D(!oe_i), .SP(1'b1), .SCLK(clk_i), .Q(off));
    IFS1P3DX u_in (.CD(1'b0), .D(in), .SP(1'b1), .SCLK(clk_i), .Q(in_o[i]));
    BB u_pin (.I(out), .T(off), .O(in), .B(pin_io[i]));
  end

endmodule

`default_nettype wire
