// mx_up5k on an UPduino 3: 12 MHz on gpio_20 (jumper OSC closed) through the PLL; the
// flash on two lines, as IO2 and IO3 are not connected unless the qSPI jumpers are
// closed, of which one shares gpio_20; a serial adapter on gpio_25 and gpio_26,
// since the board's own has its lines in common with the flash. Green: a program
// runs; red: the flash does not answer.
`default_nettype none

module top #(
  parameter logic [6:0]  PllMultiplier = 7'd53,  // the clock is 12 MHz * (this + 1) / 32
  parameter int unsigned Baud          = 115200
) (
  input  wire logic       clk12_i,
  input  wire logic       rx_i,
  output      logic       tx_o,
  output      logic       led_red_no,
  output      logic       led_green_no,
  output wire logic       flash_cs_no,
  output wire logic       flash_sck_o,
  inout  wire logic [1:0] flash_io
);

  localparam int unsigned ClockHz = 12000000 / 32 * (32'(PllMultiplier) + 1);

  logic clk, locked;
  SB_PLL40_CORE #(
    .FEEDBACK_PATH("SIMPLE"), .DIVR(4'd0), .DIVF(PllMultiplier), .DIVQ(3'd5), .FILTER_RANGE(3'd1)
  ) u_pll (
    .REFERENCECLK(clk12_i), .PLLOUTGLOBAL(clk), .LOCK(locked), .RESETB(1'b1), .BYPASS(1'b0)
  );

  logic [1:0] sync_q;
  logic       rst_nq;
  always_ff @(posedge clk) {rst_nq, sync_q} <= {sync_q, locked};

  logic       cs_n, sck, busy, missing;
  logic [3:0] out, oe, in;
  mx_up5k #(.ClockHz(ClockHz), .ClocksPerBit((ClockHz + Baud / 2) / Baud), .Lines(2)) u_system (
    .clk_i(clk), .rst_ni(rst_nq), .rx_i(rx_i), .tx_o(tx_o), .busy_o(busy), .missing_o(missing),
    .cs_no(cs_n), .sck_o(sck), .io_o(out), .io_oe_o(oe), .io_i(in)
  );
  flash_pins #(.Pins(2)) u_pins (
    .clk_i(clk), .cs_ni(cs_n), .sck_i(sck), .out_i(out), .oe_i(oe), .in_o(in),
    .pin_cs_no(flash_cs_no), .pin_sck_o(flash_sck_o), .pin_io(flash_io)
  );
  assign {led_red_no, led_green_no} = ~{missing, busy};

endmodule

`default_nettype wire
