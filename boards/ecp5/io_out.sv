// Registers at output pins: IO cells of ECP5 with their output registers. A bit
// reaches its pin with the edge that samples it. No reset; high before the first.
`default_nettype none

module io_out #(
  parameter int unsigned Pins = 1
) (
  input  wire logic            clk_i,
  input  wire logic [Pins-1:0] out_i,
  output wire logic [Pins-1:0] pin_o
);

  for (genvar i = 0; i < Pins; i++) begin : g_pin
    OFS1P3BX u_out (.PD(1'b0), .D(out_i[i]), .SP(1'b1), .SCLK(clk_i), .Q(pin_o[i]));
  end

endmodule

`default_nettype wire
