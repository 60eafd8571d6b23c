// mx_soc on an ECP5: PLL, reset, registers at the SDRAM's pins, the flash's clock.
//
// The clock is clk_i (ClockInHz) * PllMultiplier / PllDivider, and times PllOutput the
// PLL's oscillator (400 to 800 MHz). The SDRAM has SdramRate times our clock, ChipPhase
// cycles of the oscillator later. All its pins have their registers in the IO cells: a
// cycle of its clock on the way out, one on the way back.
// reset_i: a button, 1 when pressed. Other parameters: see mx_soc; a board has its own in
// mx_soc_pkg (firmware/soc.def), here are those of the ULX3S.
`default_nettype none

module ecp5_soc #(
  parameter int unsigned ClockInHz       = 25000000,
  parameter int unsigned PllDivider      = 1,
  parameter int unsigned PllMultiplier   = 2,
  parameter int unsigned PllOutput       = 12,
  parameter int unsigned ChipPhase       = 3,
  parameter int unsigned BaudRate        = 115200,
  parameter logic [31:0] Board           = mx_soc_pkg::ULX3S_BOARD,
  parameter int unsigned FlashBytes      = mx_soc_pkg::ULX3S_FLASH_BYTES,
  parameter int unsigned BitstreamBytes  = mx_soc_pkg::ULX3S_BITSTREAM_BYTES,
  parameter int unsigned FlashLines      = mx_soc_pkg::ULX3S_FLASH_LINES,
  parameter int unsigned SdramPins       = mx_soc_pkg::ULX3S_SDRAM_PINS,
  parameter int unsigned SdramRate       = mx_soc_pkg::ULX3S_SDRAM_RATE,
  parameter int unsigned SdramMasked     = mx_soc_pkg::ULX3S_SDRAM_MASKED,
  parameter int unsigned SdramColumnBits = mx_soc_pkg::ULX3S_SDRAM_COLUMN_BITS,
  parameter int unsigned SdramRowBits    = mx_soc_pkg::ULX3S_SDRAM_ROW_BITS
) (
  input  wire logic                    clk_i,
  input  wire logic                    reset_i,
  input  wire logic                    rx_i,
  output wire logic                    tx_o,
  output wire logic [7:0]              leds_o,

  output wire logic                    flash_cs_no,
  inout  wire logic [FlashLines-1:0]   flash_io,

  output wire logic                    sdram_clk_o,
  output wire logic                    sdram_cke_o,
  output wire logic                    sdram_cs_no,
  output wire logic                    sdram_ras_no,
  output wire logic                    sdram_cas_no,
  output wire logic                    sdram_we_no,
  output wire logic [1:0]              sdram_ba_o,
  output wire logic [SdramRowBits-1:0] sdram_a_o,
  output wire logic [SdramPins/8-1:0]  sdram_dqm_o,
  inout  wire logic [SdramPins-1:0]    sdram_dq
);

  localparam int unsigned ClockHz  = ClockInHz / PllDivider * PllMultiplier;
  localparam int unsigned DataBits = SdramPins * SdramRate;

  // ---- clocks and reset ----
  logic clk, clk_fast, clk_chip, locked;
  ecp5_pll #(
    .Divider(PllDivider), .Multiplier(PllMultiplier), .Output(PllOutput), .Rate(SdramRate), .Phase(ChipPhase)
  ) u_pll (
    .clk_i(clk_i), .clk_o(clk), .fast_o(clk_fast), .late_o(clk_chip), .locked_o(locked)
  );
  ODDRX1F u_sdram_clk (.SCLK(clk_chip), .RST(1'b0), .D0(1'b1), .D1(1'b0), .Q(sdram_clk_o));

  // The button bounces: reset until it has been left alone for 2^20 cycles.
  logic [2:0]  sync_q;
  logic [20:0] quiet_q;
  logic        rst_nq;
  initial quiet_q = '0;
  always_ff @(posedge clk) begin
    sync_q <= {sync_q[1:0], reset_i || !locked};
    if (sync_q[2])         quiet_q <= '0;
    else if (!quiet_q[20]) quiet_q <= quiet_q + 1'b1;
    rst_nq <= quiet_q[20];
  end

  // ---- system ----
  logic                    sck, cke, cs_n, ras_n, cas_n, we_n, dq_oe, begins;
  logic [3:0]              flash_out, flash_oe, flash_in;
  logic [1:0]              ba;
  logic [SdramRowBits-1:0] a;
  logic [DataBits/8-1:0]   mask;
  logic [DataBits-1:0]     dq_out, dq_in;
  logic [31:0]             pc;
  mx_soc #(
    .ClockHz(ClockHz), .BaudRate(BaudRate), .Board(Board), .FlashBytes(FlashBytes), .BitstreamBytes(BitstreamBytes),
    .FlashLines(FlashLines), .SdramRate(SdramRate), .SdramDataBits(DataBits), .SdramMasked(SdramMasked),
    .SdramColumnBits(SdramColumnBits), .SdramRowBits(SdramRowBits), .SdramReadDelay(2)
  ) u_soc (
    .clk_i(clk), .rst_ni(rst_nq), .uart_rx_i(rx_i), .uart_tx_o(tx_o), .leds_o(leds_o),
    .flash_cs_no(flash_cs_no), .flash_sck_o(sck), .flash_io_o(flash_out), .flash_io_oe_o(flash_oe),
    .flash_io_i(flash_in), .sdram_cke_o(cke), .sdram_cs_no(cs_n), .sdram_ras_no(ras_n), .sdram_cas_no(cas_n),
    .sdram_we_no(we_n), .sdram_ba_o(ba), .sdram_a_o(a), .sdram_dqm_o(mask), .sdram_dq_o(dq_out),
    .sdram_dq_oe_o(dq_oe), .sdram_dq_i(dq_in), .obs_begin_o(begins), .obs_pc_o(pc)
  );
  wire logic unused = ^{begins, pc, flash_oe, flash_out};

  // ---- flash: its clock goes through the configuration's pin ----
  USRMCLK u_flash_clk (.USRMCLKI(sck), .USRMCLKTS(1'b0), .USRMCLKO());
  for (genvar i = 0; i < 4; i++) begin : g_flash
    if (i < FlashLines) BB u_pin (.I(flash_out[i]), .T(!flash_oe[i]), .O(flash_in[i]), .B(flash_io[i]));
    else assign flash_in[i] = 1'b1;
  end

  // ---- SDRAM ----
  logic                   pin_cs_n, clk_pins;
  logic [SdramPins/8-1:0] pin_mask;
  logic [SdramPins-1:0]   pin_out, pin_in;
  if (SdramRate == 2) begin : g_double
    assign clk_pins = clk_fast;
    mx_sdram_double #(.Pins(SdramPins)) u_double (
      .clk_i(clk), .fast_i(clk_fast), .cs_ni(cs_n), .mask_i(mask), .out_i(dq_out), .cs_no(pin_cs_n),
      .mask_o(pin_mask), .out_o(pin_out), .in_i(pin_in), .word_o(dq_in)
    );
  end else begin : g_single
    assign clk_pins = clk;
    assign {pin_cs_n, pin_mask, pin_out, dq_in} = {cs_n, mask, dq_out, pin_in};
    wire logic unused_fast = clk_fast;
  end
  io_out #(.Pins(7 + SdramRowBits + SdramPins / 8)) u_command (
    .clk_i(clk_pins), .out_i({cke, pin_cs_n, ras_n, cas_n, we_n, ba, a, pin_mask}),
    .pin_o({sdram_cke_o, sdram_cs_no, sdram_ras_no, sdram_cas_no, sdram_we_no, sdram_ba_o, sdram_a_o, sdram_dqm_o})
  );
  io_both #(.Pins(SdramPins)) u_data (
    .clk_i(clk_pins), .out_i(pin_out), .oe_i(dq_oe), .in_o(pin_in), .pin_io(sdram_dq)
  );

endmodule

`default_nettype wire
