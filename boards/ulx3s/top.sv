// mx_soc on a ULX3S: 25 MHz through the PLL, 32 MB of SDRAM, the configuration
// flash on four lines, the serial line of the FTDI chip. Button FIRE1: reset.
//
// The clock is 25 MHz * PllMultiplier / PllDivider, and times PllOutput the PLL's
// oscillator (400 to 800 MHz). The SDRAM's clock is ChipPhase / PllOutput of a
// cycle later. All pins of the SDRAM have their registers in the IO cells: a cycle
// on the way out, one on the way back, which SdramReadDelay counts.
`default_nettype none

module top #(
  parameter int unsigned PllDivider    = 1,
  parameter int unsigned PllMultiplier = 2,
  parameter int unsigned PllOutput     = 12,
  parameter int unsigned ChipPhase     = 3,
  parameter int unsigned BaudRate      = 115200
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

  localparam int unsigned ClockHz = 25000000 / PllDivider * PllMultiplier;

  // ---- clocks and reset ----
  logic clk, clk_chip, locked;
  ecp5_pll #(
    .Divider(PllDivider), .Multiplier(PllMultiplier), .Output(PllOutput), .Phase(ChipPhase)
  ) u_pll (
    .clk_i(clk25_i), .clk_o(clk), .late_o(clk_chip), .locked_o(locked)
  );
  ODDRX1F u_sdram_clk (.SCLK(clk_chip), .RST(1'b0), .D0(1'b1), .D1(1'b0), .Q(sdram_clk_o));

  // The button bounces: reset until it has been left alone for 2^20 cycles.
  logic [2:0]  sync_q;
  logic [20:0] quiet_q;
  logic        rst_nq;
  initial quiet_q = '0;
  always_ff @(posedge clk) begin
    sync_q <= {sync_q[1:0], button_i || !locked};
    if (sync_q[2])         quiet_q <= '0;
    else if (!quiet_q[20]) quiet_q <= quiet_q + 1'b1;
    rst_nq <= quiet_q[20];
  end

  // ---- system ----
  logic        cs_n, sck, cke, sdram_cs_n, ras_n, cas_n, we_n, dq_oe, begins;
  logic [3:0]  flash_out, flash_oe, flash_in;
  logic [1:0]  ba, dqm;
  logic [12:0] a;
  logic [15:0] dq_out, dq_in;
  logic [31:0] pc;
  mx_soc #(
    .ClockHz(ClockHz), .BaudRate(BaudRate), .SdramReadDelay(2), .Board(mx_soc_pkg::ULX3S_BOARD),
    .FlashBytes(mx_soc_pkg::ULX3S_FLASH_BYTES), .BitstreamBytes(mx_soc_pkg::ULX3S_BITSTREAM_BYTES)
  ) u_soc (
    .clk_i(clk), .rst_ni(rst_nq), .uart_rx_i(rx_i), .uart_tx_o(tx_o), .leds_o(leds_o),
    .flash_cs_no(cs_n), .flash_sck_o(sck), .flash_io_o(flash_out), .flash_io_oe_o(flash_oe), .flash_io_i(flash_in),
    .sdram_cke_o(cke), .sdram_cs_no(sdram_cs_n), .sdram_ras_no(ras_n), .sdram_cas_no(cas_n), .sdram_we_no(we_n),
    .sdram_ba_o(ba), .sdram_a_o(a), .sdram_dqm_o(dqm), .sdram_dq_o(dq_out), .sdram_dq_oe_o(dq_oe),
    .sdram_dq_i(dq_in), .obs_begin_o(begins), .obs_pc_o(pc)
  );
  assign wifi_gpio0_o = 1'b1;
  wire logic unused = ^{begins, pc};

  // ---- flash: its clock goes through the configuration's pin ----
  assign flash_cs_no = cs_n;
  USRMCLK u_flash_clk (.USRMCLKI(sck), .USRMCLKTS(1'b0), .USRMCLKO());
  for (genvar i = 0; i < 4; i++) begin : g_flash
    BB u_pin (.I(flash_out[i]), .T(!flash_oe[i]), .O(flash_in[i]), .B(flash_io[i]));
  end

  // ---- SDRAM ----
  io_out #(.Pins(22)) u_command (
    .clk_i(clk), .out_i({cke, sdram_cs_n, ras_n, cas_n, we_n, ba, dqm, a}),
    .pin_o({sdram_cke_o, sdram_cs_no, sdram_ras_no, sdram_cas_no, sdram_we_no, sdram_ba_o, sdram_dqm_o, sdram_a_o})
  );
  io_both #(.Pins(16)) u_data (
    .clk_i(clk), .out_i(dq_out), .oe_i(dq_oe), .in_o(dq_in), .pin_io(sdram_dq)
  );

endmodule

`default_nettype wire
