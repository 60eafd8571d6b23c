// A system for devices of the size of an iCE40 UP5K: the accelerator (a set with
// SERIAL = 1), a serial flash that holds the constant part of an image, 64 KB of RAM
// for what it writes, and the serial bridge through which a host drives it.
//
// Bus addresses: bit 24 = 0 is the flash, 16 MB, read only: a write changes nothing
// and is answered with SLVERR; 1 is the RAM. MEM_BASE is 0x1000000 less the constant
// bytes of the image, a multiple of 4096. The flash's pins are those of mx_flash,
// the line is that of mx_uart_bridge. Either master has the bus for a transaction;
// the accelerator goes first. RAM: 2 cycles a word.
// Reset: synchronous, active low.
`default_nettype none

module mx_up5k #(
  parameter int unsigned ClockHz       = 12000000,
  parameter int unsigned ClocksPerBit  = 104,
  parameter int unsigned Lines         = 4,
  parameter int unsigned PowerUpCycles = 512
) (
  input  wire logic       clk_i,
  input  wire logic       rst_ni,
  input  wire logic       rx_i,
  output      logic       tx_o,
  output      logic       busy_o,     // a program runs
  output      logic       missing_o,  // the flash does not answer
  output      logic       cs_no,
  output      logic       sck_o,
  output      logic [3:0] io_o,
  output      logic [3:0] io_oe_o,
  input  wire logic [3:0] io_i
);

  localparam int unsigned FlashBytes = 1 << 24;
  localparam int unsigned RamWords   = 16384;
  localparam int unsigned LenBits    = 3;  // bursts of the accelerator: up to 8 beats
  if (mx_cfg::SERIAL == 0 || mx_cfg::BURST_BEATS > 1 << LenBits) $error("mx_up5k: not for this parameter set");

  // ---- masters ----
  logic        irq, c_awvalid, c_awready, c_wvalid, c_wready, c_bvalid, c_bready, c_arvalid, c_arready, c_rvalid, c_rready;
  logic [11:0] c_awaddr, c_araddr;
  logic [31:0] c_wdata, c_rdata;
  logic [3:0]  c_wstrb;
  logic [1:0]  c_bresp, c_rresp;
  logic        h_awvalid, h_wvalid, h_bready, h_arvalid, h_rready, h_ready, h_reply;  // the host's way to memory
  logic [39:0] h_awaddr, h_araddr;
  logic [31:0] h_wdata, rdata;
  logic [3:0]  h_wstrb;
  logic        error;
  mx_uart_bridge #(
    .ClocksPerBit(ClocksPerBit), .ClockHz(ClockHz), .FlashBytes(FlashBytes), .MemBytes(FlashBytes + 4 * RamWords)
  ) u_bridge (
    .clk_i(clk_i), .rst_ni(rst_ni), .rx_i(rx_i), .tx_o(tx_o), .irq_i(irq),
    .csr_axi_awvalid_o(c_awvalid), .csr_axi_awready_i(c_awready), .csr_axi_awaddr_o(c_awaddr),
    .csr_axi_wvalid_o(c_wvalid), .csr_axi_wready_i(c_wready), .csr_axi_wdata_o(c_wdata), .csr_axi_wstrb_o(c_wstrb),
    .csr_axi_bvalid_i(c_bvalid), .csr_axi_bready_o(c_bready), .csr_axi_bresp_i(c_bresp),
    .csr_axi_arvalid_o(c_arvalid), .csr_axi_arready_i(c_arready), .csr_axi_araddr_o(c_araddr),
    .csr_axi_rvalid_i(c_rvalid), .csr_axi_rready_o(c_rready), .csr_axi_rdata_i(c_rdata), .csr_axi_rresp_i(c_rresp),
    .mem_axi_awvalid_o(h_awvalid), .mem_axi_awready_i(h_ready), .mem_axi_awaddr_o(h_awaddr),
    .mem_axi_wvalid_o(h_wvalid), .mem_axi_wready_i(h_ready), .mem_axi_wdata_o(h_wdata), .mem_axi_wstrb_o(h_wstrb),
    .mem_axi_bvalid_i(h_reply), .mem_axi_bready_o(h_bready), .mem_axi_bresp_i({error, 1'b0}),
    .mem_axi_arvalid_o(h_arvalid), .mem_axi_arready_i(h_ready), .mem_axi_araddr_o(h_araddr),
    .mem_axi_rvalid_i(h_reply), .mem_axi_rready_o(h_rready), .mem_axi_rdata_i(rdata), .mem_axi_rresp_i({error, 1'b0})
  );

  logic        d_arvalid, d_awvalid, d_wvalid, d_rready, d_bready, d_ready, d_rvalid, d_bvalid;  // the device's
  logic [39:0] d_araddr, d_awaddr;
  logic [7:0]  d_arlen;
  logic [31:0] d_wdata;
  logic [3:0]  d_wstrb, d_busy;
  logic        last;
  mxforge u_mxforge (
    .clk_i(clk_i), .rst_ni(rst_ni), .irq_o(irq),
    .s_axi_awvalid_i(c_awvalid), .s_axi_awready_o(c_awready), .s_axi_awaddr_i(c_awaddr),
    .s_axi_wvalid_i(c_wvalid), .s_axi_wready_o(c_wready), .s_axi_wdata_i(c_wdata), .s_axi_wstrb_i(c_wstrb),
    .s_axi_bvalid_o(c_bvalid), .s_axi_bready_i(c_bready), .s_axi_bresp_o(c_bresp),
    .s_axi_arvalid_i(c_arvalid), .s_axi_arready_o(c_arready), .s_axi_araddr_i(c_araddr),
    .s_axi_rvalid_o(c_rvalid), .s_axi_rready_i(c_rready), .s_axi_rdata_o(c_rdata), .s_axi_rresp_o(c_rresp),
    .m_axi_arvalid_o(d_arvalid), .m_axi_arready_i(d_ready), .m_axi_araddr_o(d_araddr), .m_axi_arlen_o(d_arlen),
    .m_axi_arsize_o(), .m_axi_arburst_o(), .m_axi_arid_o(), .m_axi_arcache_o(), .m_axi_arprot_o(),
    .m_axi_rvalid_i(d_rvalid), .m_axi_rready_o(d_rready), .m_axi_rdata_i(rdata), .m_axi_rresp_i({error, 1'b0}),
    .m_axi_rlast_i(last), .m_axi_rid_i(1'b0),
    .m_axi_awvalid_o(d_awvalid), .m_axi_awready_i(d_ready), .m_axi_awaddr_o(d_awaddr), .m_axi_awlen_o(),
    .m_axi_awsize_o(), .m_axi_awburst_o(), .m_axi_awid_o(), .m_axi_awcache_o(), .m_axi_awprot_o(),
    .m_axi_wvalid_o(d_wvalid), .m_axi_wready_i(d_ready), .m_axi_wdata_o(d_wdata), .m_axi_wstrb_o(d_wstrb),
    .m_axi_wlast_o(), .m_axi_bvalid_i(d_bvalid), .m_axi_bready_o(d_bready), .m_axi_bresp_i({error, 1'b0}),
    .m_axi_bid_i(1'b0),
    .obs_issue_valid_o(), .obs_issue_pc_o(), .obs_busy_o(d_busy), .obs_vmem_valid_o(), .obs_vmem_unit_o(),
    .obs_vmem_addr_o(), .obs_vmem_mask_o(), .obs_vmem_data_o(), .obs_xmem_valid_o(), .obs_xmem_bank_o(),
    .obs_xmem_addr_o(), .obs_xmem_mask_o(), .obs_xmem_data_o(), .obs_xexp_valid_o(), .obs_xexp_bank_o(),
    .obs_xexp_addr_o(), .obs_xexp_data_o(), .obs_ucode_valid_o(), .obs_ucode_addr_o(), .obs_ucode_data_o()
  );
  assign busy_o = |d_busy;

  // ---- one transaction at a time ----
  // Both masters always take an answer, give address and data of a write together,
  // and keep them until it ends. While both rest, the device has the bus.
  typedef enum logic [1:0] {Ask, Flash, Ram, Answer} state_e;
  state_e state_q, state_d;
  logic   host_q, write_q;  // it is the host's; it is a write
  logic [LenBits-1:0] beat_q;
  wire logic device_asks = d_arvalid || (d_awvalid && d_wvalid);
  wire logic host_asks   = h_arvalid || (h_awvalid && h_wvalid);
  wire logic asks        = state_q == Ask && (host_q ? host_asks : device_asks);
  wire logic writes      = host_q ? h_awvalid : d_awvalid;
  wire logic [24:0] addr = host_q ? h_araddr[24:0] : d_araddr[24:0];
  wire logic [LenBits-1:0] len = host_q ? '0 : d_arlen[LenBits-1:0];

  logic        f_arready, f_rvalid, f_rlast;
  logic [1:0]  f_rresp;
  logic [31:0] f_rdata, ram_rdata;
  wire logic   to_flash = !addr[24] && !writes;
  wire logic   accept   = asks && (!to_flash || f_arready);
  wire logic   answers  = state_q == Answer || (state_q == Flash && f_rvalid);
  assign last     = state_q == Flash ? f_rlast : beat_q == '0;
  assign error    = state_q == Flash ? f_rresp[1] : !addr[24];
  assign d_ready  = accept && !host_q;
  assign h_ready  = accept && host_q;
  assign d_rvalid = answers && !host_q && !write_q;
  assign d_bvalid = answers && !host_q && write_q;
  assign h_reply  = answers && host_q;
  always_comb
    case (state_q)
      Ask:     state_d = !accept ? Ask : to_flash ? Flash : Ram;
      Flash:   state_d = f_rvalid && f_rlast ? Ask : Flash;
      Ram:     state_d = Answer;
      default: state_d = last ? Ask : Ram;
    endcase
  always_ff @(posedge clk_i) begin
    state_q <= rst_ni ? state_d : Ask;
    if (state_q == Ask) write_q <= writes;
    if (state_q == Ask && !accept) host_q <= host_asks && !device_asks;
    if (state_q == Ask)         beat_q <= writes ? '0 : len;
    else if (state_q == Answer) beat_q <= beat_q - 1'b1;
  end

  // A burst is aligned to its size, a power of two: of its addresses, low bits are
  // those of the beat. The beats count down.
  wire logic [LenBits-1:0] low = addr[2 +: LenBits] | (len & ~beat_q & {LenBits{!write_q}});
  mx_spram #(.Words(RamWords)) u_ram (
    .clk_i(clk_i), .en_i(state_q == Ram && addr[24]), .wstrb_i({4{write_q}} & (host_q ? h_wstrb : d_wstrb)),
    .addr_i({addr[15:2+LenBits], low}), .wdata_i(host_q ? h_wdata : d_wdata), .rdata_o(ram_rdata)
  );
  assign rdata = state_q == Flash ? f_rdata : ram_rdata;

  // ---- flash ----
  logic       ready;
  logic [7:0] id;
  mx_flash #(.Lines(Lines), .Divide(1), .PowerUpCycles(PowerUpCycles), .LenBits(LenBits)) u_flash (
    .clk_i(clk_i), .rst_ni(rst_ni), .ready_o(ready), .missing_o(missing_o), .id_o(id),
    .arvalid_i(asks && to_flash), .arready_o(f_arready), .araddr_i(addr[23:0]), .arlen_i(8'(len)),
    .rvalid_o(f_rvalid), .rready_i(1'b1), .rdata_o(f_rdata), .rresp_o(f_rresp), .rlast_o(f_rlast),
    .cs_no(cs_no), .sck_o(sck_o), .io_o(io_o), .io_oe_o(io_oe_o), .io_i(io_i)
  );

  wire logic unused = ^{ready, id, f_rresp[0], h_awaddr, h_araddr[39:25], d_awaddr, d_araddr[39:25], d_arlen, d_rready, d_bready,
                        h_rready, h_bready, c_rresp, c_bresp};

endmodule

`default_nettype wire
