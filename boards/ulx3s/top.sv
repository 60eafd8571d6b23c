// mx_soc on a ULX3S: 25 MHz through the PLL, 32 MB of SDRAM at twice the clock, the
// configuration flash on four lines, the serial line of the FTDI chip. Button FIRE1: reset.
`default_nettype none

module top #(
  parameter int unsigned BaudRate = 115200
) (
  input  wire logic        clk25_i,
  input  wire logic        button_i,      // FIRE1: 1 when pressed
  input  wire logic        rx_i,
  output wire logic        tx_o,
  output wire logic [7:0]  leds_o,
  output wire logic        wifi_gpio0_o,  // 1: the ESP32 leaves the board alone

  output wire logic        flash_cs_no,
  inout  wire logic [3:0]  flash_io,      // DI, DO, WP, HOLD; the clock has a pin of its own

  output wire logic        sdram_clk_o,
  output wire logic        sdram_cke_o,
  output wire logic        sdram_cs_no,
  output wire logic        sdram_ras_no,
  output wire logic        sdram_cas_no,
  output wire logic        sdram_we_no,
  output wire logic [1:0]  sdram_ba_o,
  output wire logic [12:0] sdram_a_o,
  output wire logic [1:0]  sdram_dqm_o,
  inout  wire logic [15:0] sdram_dq
);

  ecp5_soc #(.BaudRate(BaudRate)) u_soc (
    .clk_i(clk25_i), .reset_i(button_i), .rx_i(rx_i), .tx_o(tx_o), .leds_o(leds_o), .flash_cs_no(flash_cs_no),
    .flash_io(flash_io), .sdram_clk_o(sdram_clk_o), .sdram_cke_o(sdram_cke_o), .sdram_cs_no(sdram_cs_no),
    .sdram_ras_no(sdram_ras_no), .sdram_cas_no(sdram_cas_no), .sdram_we_no(sdram_we_no), .sdram_ba_o(sdram_ba_o),
    .sdram_a_o(sdram_a_o), .sdram_dqm_o(sdram_dqm_o), .sdram_dq(sdram_dq)
  );
  assign wifi_gpio0_o = 1'b1;

endmodule

`default_nettype wire
