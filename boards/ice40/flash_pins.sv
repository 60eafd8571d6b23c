// The pins of a serial flash on an iCE40, for mx_flash with Divide = 1: its clock is
// low in the first half of a cycle, and high in the second if sck_i.
`default_nettype none

module flash_pins #(
  parameter int unsigned Pins = 4  // of IO0..IO3 that are connected: 2 or 4
) (
  input  wire logic            clk_i,
  input  wire logic            cs_ni,
  input  wire logic            sck_i,
  input  wire logic [3:0]      out_i,
  input  wire logic [3:0]      oe_i,
  output      logic [3:0]      in_o,
  output wire logic            pin_cs_no,
  output wire logic            pin_sck_o,
  inout  wire logic [Pins-1:0] pin_io
);

  assign pin_cs_no = cs_ni;
  SB_IO #(.PIN_TYPE(6'b010001)) u_sck (
    .PACKAGE_PIN(pin_sck_o), .OUTPUT_CLK(clk_i), .D_OUT_0(1'b0), .D_OUT_1(sck_i)
  );
  for (genvar i = 0; i < 4; i++) begin : g_io
    if (i < Pins) begin : g_pin
      SB_IO #(.PIN_TYPE(6'b101001), .PULLUP(1'b1)) u_io (
        .PACKAGE_PIN(pin_io[i]), .OUTPUT_ENABLE(oe_i[i]), .D_OUT_0(out_i[i]), .D_IN_0(in_o[i])
      );
    end else begin : g_none
      assign in_o[i] = 1'b1;
    end
  end

endmodule

`default_nettype wire
