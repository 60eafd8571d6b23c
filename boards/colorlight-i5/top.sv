// mx_soc on a Colorlight i5, version 7.0, in its extension board: 25 MHz through the
// PLL, 8 MB of SDRAM on 32 pins whose CKE, CS and byte masks the board ties, 2 MB of
// configuration flash on two lines, the serial line of the extension board's probe.
`default_nettype none

module top #(
  parameter int unsigned BaudRate = 115200
) (
  input  wire logic        clk25_i,
  input  wire logic        button_ni,
  input  wire logic        rx_i,
  output wire logic        tx_o,
  output wire logic        led_no,

  output wire logic        flash_cs_no,
  inout  wire logic [1:0]  flash_io,      // DI, DO; the clock has a pin of its own

  output wire logic        sdram_clk_o,
  output wire logic        sdram_ras_no,
  output wire logic        sdram_cas_no,
  output wire logic        sdram_we_no,
  output wire logic [1:0]  sdram_ba_o,
  output wire logic [10:0] sdram_a_o,
  inout  wire logic [31:0] sdram_dq
);

  logic       cke, cs_n;
  logic [3:0] mask;
  logic [7:0] leds;
  ecp5_soc #(
    .BaudRate(BaudRate), .Board(mx_soc_pkg::COLORLIGHT_I5_BOARD),
    .FlashBytes(mx_soc_pkg::COLORLIGHT_I5_FLASH_BYTES), .BitstreamBytes(mx_soc_pkg::COLORLIGHT_I5_BITSTREAM_BYTES),
    .FlashLines(mx_soc_pkg::COLORLIGHT_I5_FLASH_LINES), .SdramPins(mx_soc_pkg::COLORLIGHT_I5_SDRAM_PINS),
    .SdramRate(mx_soc_pkg::COLORLIGHT_I5_SDRAM_RATE), .SdramMasked(mx_soc_pkg::COLORLIGHT_I5_SDRAM_MASKED),
    .SdramColumnBits(mx_soc_pkg::COLORLIGHT_I5_SDRAM_COLUMN_BITS), .SdramRowBits(mx_soc_pkg::COLORLIGHT_I5_SDRAM_ROW_BITS)
  ) u_soc (
    .clk_i(clk25_i), .reset_i(!button_ni), .rx_i(rx_i), .tx_o(tx_o), .leds_o(leds), .flash_cs_no(flash_cs_no),
    .flash_io(flash_io), .sdram_clk_o(sdram_clk_o), .sdram_cke_o(cke), .sdram_cs_no(cs_n),
    .sdram_ras_no(sdram_ras_no), .sdram_cas_no(sdram_cas_no), .sdram_we_no(sdram_we_no), .sdram_ba_o(sdram_ba_o),
    .sdram_a_o(sdram_a_o), .sdram_dqm_o(mask), .sdram_dq(sdram_dq)
  );
  assign led_no = !leds[0];
  wire logic unused = ^{cke, cs_n, mask, leds[7:1]};

endmodule

`default_nettype wire
