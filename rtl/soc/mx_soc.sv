// System on chip: processor, boot ROM, RAM, serial line, reader of the flash chip,
// SDRAM, accelerator. firmware/soc.def says what software sees; the parameter set
// of the accelerator is package mx_cfg.
//
// Everything runs on clk_i; rst_ni is synchronous and starts all over, the chips
// included. The processor begins at address 0, in mx_boot_rom. No pin depends
// combinationally on another; bidirectional pins come as _o, _oe_o and _i.
// sdram_*: see mx_sdram for the phase of the chip's clock, which the board makes.
// flash_*: see mx_flash.
// uart_rx_i needs no synchronizer. obs_pc_o: of the instruction that begins.
`default_nettype none

module mx_soc #(
  parameter  int unsigned ClockHz         = 50000000,
  parameter  int unsigned BaudRate        = 115200,
  parameter  int unsigned UartDepth       = 256,  // bytes that may wait for the processor
  parameter  logic [31:0] Board           = mx_soc_pkg::SIM_BOARD,  // as the next two: of firmware/soc.def
  parameter  int unsigned FlashBytes      = mx_soc_pkg::SIM_FLASH_BYTES,
  parameter  int unsigned BitstreamBytes  = mx_soc_pkg::SIM_BITSTREAM_BYTES,
  parameter  int unsigned MulDiv          = 1,  // of mx_rv, as the next two
  parameter  int unsigned FastShift       = 1,
  parameter  int unsigned FastMul         = 0,
  parameter  int unsigned FlashLines      = mx_soc_pkg::SIM_FLASH_LINES,
  parameter  int unsigned FlashDivide     = 2,
  parameter  int unsigned SdramRate       = mx_soc_pkg::SIM_SDRAM_RATE,  // of mx_sdram, as what follows
  parameter  int unsigned SdramDataBits   = mx_soc_pkg::SIM_SDRAM_PINS * SdramRate,
  parameter  int unsigned SdramMasked     = mx_soc_pkg::SIM_SDRAM_MASKED,
  parameter  int unsigned SdramColumnBits = mx_soc_pkg::SIM_SDRAM_COLUMN_BITS,
  parameter  int unsigned SdramRowBits    = mx_soc_pkg::SIM_SDRAM_ROW_BITS,
  parameter  int unsigned SdramCasLatency = 2,
  parameter  int unsigned SdramReadDelay  = 1,
  parameter  int unsigned SdramPowerUpUs  = 200
) (
  input  wire logic                    clk_i,
  input  wire logic                    rst_ni,

  input  wire logic                    uart_rx_i,
  output      logic                    uart_tx_o,
  output      logic [7:0]              leds_o,

  output      logic                    flash_cs_no,
  output      logic                    flash_sck_o,
  output      logic [3:0]              flash_io_o,
  output      logic [3:0]              flash_io_oe_o,
  input  wire logic [3:0]              flash_io_i,

  output      logic                    sdram_cke_o,
  output      logic                    sdram_cs_no,
  output      logic                    sdram_ras_no,
  output      logic                    sdram_cas_no,
  output      logic                    sdram_we_no,
  output      logic [1:0]              sdram_ba_o,
  output      logic [SdramRowBits-1:0] sdram_a_o,
  output      logic [SdramDataBits/8-1:0] sdram_dqm_o,
  output      logic [SdramDataBits-1:0] sdram_dq_o,
  output      logic                    sdram_dq_oe_o,
  input  wire logic [SdramDataBits-1:0] sdram_dq_i,

  output      logic                    obs_begin_o,  // for verification: an instruction begins
  output      logic [31:0]             obs_pc_o
);

  localparam int unsigned BusBits     = mx_cfg::BUS_BITS;
  localparam int unsigned MemoryBytes = SdramDataBits / (2 * SdramRate) << (SdramColumnBits + SdramRowBits);
  if (MemoryBytes > mx_soc_pkg::MEMORY_BYTES) $error("mx_soc: more SDRAM than region MEMORY holds");

  // ---- processor ----
  logic        bus_valid, bus_ready, bus_fetch, bus_error, irq_external, irq_timer, obs_irq, obs_write;
  logic [31:0] bus_addr, bus_wdata, bus_rdata, obs_insn, obs_data;
  logic [3:0]  bus_wstrb;
  logic [5:0]  obs_addr;
  mx_rv #(
    .ResetPc(mx_soc_pkg::ROM_BASE), .MulDiv(MulDiv), .FastShift(FastShift), .FastMul(FastMul), .CycleBits(32)
  ) u_rv (
    .clk_i(clk_i), .rst_ni(rst_ni), .bus_valid_o(bus_valid), .bus_ready_i(bus_ready), .bus_fetch_o(bus_fetch),
    .bus_addr_o(bus_addr), .bus_wstrb_o(bus_wstrb), .bus_wdata_o(bus_wdata), .bus_rdata_i(bus_rdata),
    .bus_error_i(bus_error), .irq_external_i(irq_external), .irq_timer_i(irq_timer), .irq_software_i(1'b0),
    .obs_begin_o(obs_begin_o), .obs_irq_o(obs_irq), .obs_pc_o(obs_pc_o), .obs_insn_o(obs_insn),
    .obs_write_o(obs_write), .obs_addr_o(obs_addr), .obs_data_o(obs_data)
  );

  logic [31:0] rom_rdata, ram_rdata, sys_rdata, slow_addr, slow_wdata;
  logic [3:0]  ram_wstrb, slow_wstrb;
  logic        sys_valid, sys_ready, sys_error;
  logic [2:0]  slow_valid, slow_ready, slow_error;  // flash, accelerator, memory
  logic [95:0] slow_rdata;
  mx_soc_bus u_bus (
    .clk_i(clk_i), .rst_ni(rst_ni), .bus_valid_i(bus_valid), .bus_ready_o(bus_ready), .bus_addr_i(bus_addr),
    .bus_wstrb_i(bus_wstrb), .bus_wdata_i(bus_wdata), .bus_rdata_o(bus_rdata), .bus_error_o(bus_error),
    .rom_rdata_i(rom_rdata), .ram_wstrb_o(ram_wstrb), .ram_rdata_i(ram_rdata), .sys_valid_o(sys_valid),
    .sys_ready_i(sys_ready), .sys_rdata_i(sys_rdata), .sys_error_i(sys_error), .slow_valid_o(slow_valid),
    .slow_addr_o(slow_addr), .slow_wstrb_o(slow_wstrb), .slow_wdata_o(slow_wdata), .slow_ready_i(slow_ready),
    .slow_rdata_i(slow_rdata), .slow_error_i(slow_error)
  );

  mx_boot_rom u_rom (.clk_i(clk_i), .addr_i(bus_addr[31:2]), .data_o(rom_rdata));
  localparam int unsigned RamWords = mx_soc_pkg::RAM_BYTES / 4;
  mx_soc_ram #(.Words(RamWords)) u_ram (
    .clk_i(clk_i), .addr_i(bus_addr[2 +: $clog2(RamWords)]), .wstrb_i(ram_wstrb), .wdata_i(bus_wdata),
    .rdata_o(ram_rdata)
  );

  logic       accel_irq, memory_ready, flash_ready, flash_missing;
  logic [7:0] flash_id;
  logic        copy_from_we, copy_to_we, copy_crc_we, copy_start, copy_done, copy_error;
  logic [31:0] copy_crc;
  mx_soc_system #(
    .ClockHz(ClockHz), .BaudRate(BaudRate), .UartDepth(UartDepth), .Board(Board), .MemoryBytes(MemoryBytes),
    .FlashBytes(FlashBytes - BitstreamBytes)
  ) u_system (
    .clk_i(clk_i), .rst_ni(rst_ni), .valid_i(sys_valid), .ready_o(sys_ready), .addr_i(bus_addr[11:0]),
    .wstrb_i(bus_wstrb), .wdata_i(bus_wdata), .rdata_o(sys_rdata), .error_o(sys_error),
    .accel_irq_i(accel_irq), .irq_external_o(irq_external), .irq_timer_o(irq_timer),
    .memory_ready_i(memory_ready), .flash_ready_i(flash_ready), .flash_missing_i(flash_missing),
    .flash_id_i(flash_id), .copy_from_we_o(copy_from_we), .copy_to_we_o(copy_to_we), .copy_crc_we_o(copy_crc_we),
    .copy_crc_i(copy_crc), .copy_start_o(copy_start), .copy_done_i(copy_done), .copy_error_i(copy_error),
    .rx_i(uart_rx_i), .tx_o(uart_tx_o), .leds_o(leds_o)
  );

  // While the copier works, the processor waits for it, and is not at flash and memory.
  logic        flash_valid, memory_valid, copy_flash, copy_memory;
  logic [31:0] flash_addr, memory_addr, copy_from, copy_to, memory_wdata, copy_data;
  logic [3:0]  memory_wstrb;
  mx_soc_copy u_copy (
    .clk_i(clk_i), .rst_ni(rst_ni), .wdata_i(bus_wdata), .from_we_i(copy_from_we), .to_we_i(copy_to_we),
    .crc_we_i(copy_crc_we), .crc_o(copy_crc), .start_i(copy_start), .done_o(copy_done), .error_o(copy_error),
    .flash_valid_o(copy_flash), .flash_ready_i(slow_ready[0]), .flash_addr_o(copy_from),
    .flash_rdata_i(slow_rdata[31:0]), .flash_error_i(slow_error[0]), .memory_valid_o(copy_memory),
    .memory_ready_i(slow_ready[2]), .memory_addr_o(copy_to), .memory_wdata_o(copy_data), .memory_error_i(slow_error[2])
  );
  assign flash_valid  = slow_valid[0] || copy_flash;
  assign flash_addr   = copy_flash ? copy_from : slow_addr;
  assign memory_valid = slow_valid[2] || copy_memory;
  assign memory_addr  = copy_memory ? copy_to : slow_addr;
  assign memory_wdata = copy_memory ? copy_data : slow_wdata;
  assign memory_wstrb = copy_memory ? 4'hf : slow_wstrb;

  // ---- flash: seen from behind the bitstream on; deselected for 50 ns ----
  localparam int unsigned BlockBytes = 65536;
  if (FlashBytes > mx_soc_pkg::FLASH_BYTES || FlashBytes <= BitstreamBytes || FlashBytes % BlockBytes != 0
      || BitstreamBytes % BlockBytes != 0)
    $error("mx_soc: FlashBytes and BitstreamBytes are those of no chip");
  localparam int unsigned DeselectCycles = ClockHz <= 40000000 ? 2 : (ClockHz + 19999999) / 20000000;
  logic       flash_asked_q, flash_arvalid_q, flash_arready, flash_rlast, flash_beyond_q;
  logic [1:0] flash_rresp;
  always_ff @(posedge clk_i) begin
    flash_asked_q   <= rst_ni && flash_valid && !slow_ready[0];
    flash_arvalid_q <= rst_ni && ((flash_valid && !flash_asked_q) || (flash_arvalid_q && !flash_arready));
    flash_beyond_q  <= {1'b0, flash_addr[23:16]} >= 9'((FlashBytes - BitstreamBytes) / BlockBytes);
  end
  assign slow_error[0] = flash_rresp[1] || flash_beyond_q;
  mx_flash #(
    .Lines(FlashLines), .Divide(FlashDivide), .DeselectCycles(DeselectCycles), .LenBits(8)
  ) u_flash (
    .clk_i(clk_i), .rst_ni(rst_ni), .ready_o(flash_ready), .missing_o(flash_missing), .id_o(flash_id),
    .arvalid_i(flash_arvalid_q), .arready_o(flash_arready), .arlen_i(8'd0),
    .araddr_i({flash_addr[23:16] + 8'(BitstreamBytes / BlockBytes), flash_addr[15:0]}),
    .rvalid_o(slow_ready[0]), .rready_i(1'b1), .rdata_o(slow_rdata[31:0]), .rresp_o(flash_rresp),
    .rlast_o(flash_rlast), .cs_no(flash_cs_no), .sck_o(flash_sck_o), .io_o(flash_io_o), .io_oe_o(flash_io_oe_o),
    .io_i(flash_io_i)
  );

  // ---- accelerator ----
  logic        s_awvalid, s_awready, s_wvalid, s_wready, s_bvalid, s_arvalid, s_arready, s_rvalid;
  logic [1:0]  s_bresp, s_rresp;
  mx_soc_accel u_accel (
    .clk_i(clk_i), .rst_ni(rst_ni), .valid_i(slow_valid[1]), .ready_o(slow_ready[1]),
    .write_i(slow_wstrb != '0), .error_o(slow_error[1]), .awvalid_o(s_awvalid), .awready_i(s_awready),
    .wvalid_o(s_wvalid), .wready_i(s_wready), .bvalid_i(s_bvalid), .bresp_i(s_bresp), .arvalid_o(s_arvalid),
    .arready_i(s_arready), .rvalid_i(s_rvalid), .rresp_i(s_rresp)
  );

  logic                 m_arvalid, m_arready, m_rvalid, m_rready, m_awvalid, m_awready, m_wvalid, m_wready, m_wlast;
  logic                 m_bvalid, m_bready, m_arid, m_awid;
  logic [39:0]          m_araddr, m_awaddr;
  logic [7:0]           m_arlen, m_awlen;
  logic [2:0]           m_arsize, m_awsize, m_arprot, m_awprot;
  logic [1:0]           m_arburst, m_awburst;
  logic [3:0]           m_arcache, m_awcache;
  logic [BusBits-1:0]   m_wdata;
  logic [BusBits/8-1:0] m_wstrb;
  logic                 arvalid, arready, arid, rvalid, rlast, rid, awvalid, awready, awid, wvalid, wready, bvalid, bid;
  logic [39:0]          araddr, awaddr;
  logic [7:0]           arlen;
  logic [1:0]           rresp, bresp;
  logic [BusBits-1:0]   rdata, wdata;
  logic [BusBits/8-1:0] wstrb;
  mxforge u_mxforge (
    .clk_i(clk_i), .rst_ni(rst_ni), .irq_o(accel_irq),
    .s_axi_awvalid_i(s_awvalid), .s_axi_awready_o(s_awready), .s_axi_awaddr_i(slow_addr[11:0]),
    .s_axi_wvalid_i(s_wvalid), .s_axi_wready_o(s_wready), .s_axi_wdata_i(slow_wdata), .s_axi_wstrb_i(slow_wstrb),
    .s_axi_bvalid_o(s_bvalid), .s_axi_bready_i(1'b1), .s_axi_bresp_o(s_bresp),
    .s_axi_arvalid_i(s_arvalid), .s_axi_arready_o(s_arready), .s_axi_araddr_i(slow_addr[11:0]),
    .s_axi_rvalid_o(s_rvalid), .s_axi_rready_i(1'b1), .s_axi_rdata_o(slow_rdata[63:32]), .s_axi_rresp_o(s_rresp),
    .m_axi_arvalid_o(m_arvalid), .m_axi_arready_i(m_arready), .m_axi_araddr_o(m_araddr), .m_axi_arlen_o(m_arlen),
    .m_axi_arsize_o(m_arsize), .m_axi_arburst_o(m_arburst), .m_axi_arid_o(m_arid), .m_axi_arcache_o(m_arcache),
    .m_axi_arprot_o(m_arprot), .m_axi_rvalid_i(m_rvalid), .m_axi_rready_o(m_rready), .m_axi_rdata_i(rdata),
    .m_axi_rresp_i(rresp), .m_axi_rlast_i(rlast), .m_axi_rid_i(1'b0),
    .m_axi_awvalid_o(m_awvalid), .m_axi_awready_i(m_awready), .m_axi_awaddr_o(m_awaddr), .m_axi_awlen_o(m_awlen),
    .m_axi_awsize_o(m_awsize), .m_axi_awburst_o(m_awburst), .m_axi_awid_o(m_awid), .m_axi_awcache_o(m_awcache),
    .m_axi_awprot_o(m_awprot), .m_axi_wvalid_o(m_wvalid), .m_axi_wready_i(m_wready), .m_axi_wdata_o(m_wdata),
    .m_axi_wstrb_o(m_wstrb), .m_axi_wlast_o(m_wlast), .m_axi_bvalid_i(m_bvalid), .m_axi_bready_o(m_bready),
    .m_axi_bresp_i(bresp), .m_axi_bid_i(1'b0),
    .obs_issue_valid_o(), .obs_issue_pc_o(), .obs_busy_o(), .obs_vmem_valid_o(), .obs_vmem_unit_o(),
    .obs_vmem_addr_o(), .obs_vmem_mask_o(), .obs_vmem_data_o(), .obs_xmem_valid_o(), .obs_xmem_bank_o(),
    .obs_xmem_addr_o(), .obs_xmem_mask_o(), .obs_xmem_data_o(), .obs_xexp_valid_o(), .obs_xexp_bank_o(),
    .obs_xexp_addr_o(), .obs_xexp_data_o(), .obs_ucode_valid_o(), .obs_ucode_addr_o(), .obs_ucode_data_o()
  );

  // ---- memory ----
  mx_soc_memory #(.BusBits(BusBits)) u_memory (
    .clk_i(clk_i), .rst_ni(rst_ni), .cpu_valid_i(memory_valid), .cpu_ready_o(slow_ready[2]),
    .cpu_addr_i(memory_addr), .cpu_wstrb_i(memory_wstrb), .cpu_wdata_i(memory_wdata), .cpu_rdata_o(slow_rdata[95:64]),
    .cpu_error_o(slow_error[2]),
    .acc_arvalid_i(m_arvalid), .acc_arready_o(m_arready), .acc_araddr_i(m_araddr), .acc_arlen_i(m_arlen),
    .acc_rvalid_o(m_rvalid), .acc_awvalid_i(m_awvalid), .acc_awready_o(m_awready), .acc_awaddr_i(m_awaddr),
    .acc_wvalid_i(m_wvalid), .acc_wready_o(m_wready), .acc_wdata_i(m_wdata), .acc_wstrb_i(m_wstrb),
    .acc_bvalid_o(m_bvalid),
    .arvalid_o(arvalid), .arready_i(arready), .araddr_o(araddr), .arlen_o(arlen), .arid_o(arid),
    .rvalid_i(rvalid), .rdata_i(rdata), .rresp_i(rresp), .rid_i(rid), .awvalid_o(awvalid), .awready_i(awready),
    .awaddr_o(awaddr), .awid_o(awid), .wvalid_o(wvalid), .wready_i(wready), .wdata_o(wdata), .wstrb_o(wstrb),
    .bvalid_i(bvalid), .bresp_i(bresp), .bid_i(bid)
  );
  mx_sdram #(
    .ClockHz(ClockHz), .BusBits(BusBits), .DataBits(SdramDataBits), .Rate(SdramRate), .Masked(SdramMasked),
    .Base({8'd0, mx_soc_pkg::MEMORY_BASE}), .ColumnBits(SdramColumnBits), .RowBits(SdramRowBits),
    .CasLatency(SdramCasLatency), .ReadDelay(SdramReadDelay), .TPowerUpUs(SdramPowerUpUs)
  ) u_sdram (
    .clk_i(clk_i), .rst_ni(rst_ni), .ready_o(memory_ready), .arvalid_i(arvalid), .arready_o(arready),
    .araddr_i(araddr), .arlen_i(arlen), .arid_i(arid), .rvalid_o(rvalid), .rdata_o(rdata), .rresp_o(rresp),
    .rlast_o(rlast), .rid_o(rid), .awvalid_i(awvalid), .awready_o(awready), .awaddr_i(awaddr), .awid_i(awid),
    .wvalid_i(wvalid), .wready_o(wready), .wdata_i(wdata), .wstrb_i(wstrb), .bvalid_o(bvalid), .bresp_o(bresp),
    .bid_o(bid), .sdram_cke_o(sdram_cke_o), .sdram_cs_no(sdram_cs_no), .sdram_ras_no(sdram_ras_no),
    .sdram_cas_no(sdram_cas_no), .sdram_we_no(sdram_we_no), .sdram_ba_o(sdram_ba_o), .sdram_a_o(sdram_a_o),
    .sdram_dqm_o(sdram_dqm_o), .sdram_dq_o(sdram_dq_o), .sdram_dq_oe_o(sdram_dq_oe_o), .sdram_dq_i(sdram_dq_i)
  );

  wire logic unused = &{1'b0, flash_rresp[0], flash_addr[31:24], bus_fetch, obs_irq, obs_write, obs_insn, obs_data, obs_addr, flash_rlast, m_rready,
                        m_bready, m_arid, m_awid, m_awlen, m_arsize, m_awsize, m_arburst, m_awburst, m_arcache,
                        m_awcache, m_arprot, m_awprot, m_wlast};

endmodule

`default_nettype wire
