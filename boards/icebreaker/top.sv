// mx_up5k on an iCEBreaker: its 12 MHz through the PLL, the flash on four lines, the
// serial line of its USB adapter. Button: reset. Green LED: a program runs; red: the
// flash does not answer.
`default_nettype none

module top #(
  parameter logic [6:0]  PllMultiplier = 7'd53,  // the clock is 12 MHz * (this + 1) / 32
  parameter int unsigned Baud          = 115200
) (
  input  wire logic       clk12_i,
  input  wire logic       button_ni,
  input  wire logic       rx_i,
  output      logic       tx_o,
  output      logic       led_red_no,
  output      logic       led_green_no,
  output wire logic       flash_cs_no,
  output wire logic       flash_sck_o,
  inout  wire logic [3:0] flash_io
);

  localparam int unsigned ClockHz = 12000000 / 32 * (32'(PllMultiplier) + 1);

  logic clk, locked;
  SB_PLL40_PAD #(
    .FEEDBACK_PATH("SIMPLE"), .DIVR(4'd0), .DIVF(PllMultiplier), .DIVQ(3'd5), .FILTER_RANGE(3'd1)
  ) u_pll (
    .PACKAGEPIN(clk12_i), .PLLOUTGLOBAL(clk), .LOCK(locked), .RESETB(1'b1), .BYPASS(1'b0)
  );

  logic [1:0] sync_q;
  logic       rst_nq;
  always_ff @(posedge clk) {rst_nq, sync_q} <= {sync_q, button_ni && locked};

  logic       cs_n, sck, busy, missing;
  logic [3:0] out, oe, in;
  mx_up5k #(.ClockHz(ClockHz), .ClocksPerBit((ClockHz + Baud / 2) / Baud), .Lines(4)) u_system (
    .clk_i(clk), .rst_ni(rst_nq), .rx_i(rx_i), .tx_o(tx_o), .busy_o(busy), .missing_o(missing),
    .cs_no(cs_n), .sck_o(sck), .io_o(out), .io_oe_o(oe), .io_i(in)
  );
  flash_pins #(.Pins(4)) u_pins (
    .clk_i(clk), .cs_ni(cs_n), .sck_i(sck), .out_i(out), .oe_i(oe), .in_o(in),
    .pin_cs_no(flash_cs_no), .pin_sck_o(flash_sck_o), .pin_io(flash_io)
  );
  assign {led_red_no, led_green_no} = ~{missing, busy};

endmodule

`default_nettype wire
