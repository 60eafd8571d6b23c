// The accelerator behind the serial bridge, for tests: registers over the bridge,
// memory ports of both for the test.
`default_nettype none

module mx_uart_soc #(
  parameter  int unsigned ClocksPerBit = 4,
  parameter  int unsigned ClockHz      = 1000000,
  parameter  logic [39:0] MemBase      = 40'h0,
  parameter  int unsigned MemBytes     = 1048576,
  localparam int unsigned BusBits      = mx_cfg::BUS_BITS
) (
  input  wire logic                   clk_i,
  input  wire logic                   rst_ni,
  input  wire logic                   rx_i,
  output      logic                   tx_o,

  output      logic                   m_axi_arvalid_o,
  input  wire logic                   m_axi_arready_i,
  output      logic [39:0]            m_axi_araddr_o,
  output      logic [7:0]             m_axi_arlen_o,
  output      logic [2:0]             m_axi_arsize_o,
  output      logic [1:0]             m_axi_arburst_o,
  output      logic                   m_axi_arid_o,
  input  wire logic                   m_axi_rvalid_i,
  output      logic                   m_axi_rready_o,
  input  wire logic [BusBits-1:0]     m_axi_rdata_i,
  input  wire logic [1:0]             m_axi_rresp_i,
  input  wire logic                   m_axi_rlast_i,
  input  wire logic                   m_axi_rid_i,
  output      logic                   m_axi_awvalid_o,
  input  wire logic                   m_axi_awready_i,
  output      logic [39:0]            m_axi_awaddr_o,
  output      logic [7:0]             m_axi_awlen_o,
  output      logic [2:0]             m_axi_awsize_o,
  output      logic [1:0]             m_axi_awburst_o,
  output      logic                   m_axi_awid_o,
  output      logic                   m_axi_wvalid_o,
  input  wire logic                   m_axi_wready_i,
  output      logic [BusBits-1:0]     m_axi_wdata_o,
  output      logic [BusBits/8-1:0]   m_axi_wstrb_o,
  output      logic                   m_axi_wlast_o,
  input  wire logic                   m_axi_bvalid_i,
  output      logic                   m_axi_bready_o,
  input  wire logic [1:0]             m_axi_bresp_i,
  input  wire logic                   m_axi_bid_i,

  output      logic                   mem_axi_awvalid_o,
  input  wire logic                   mem_axi_awready_i,
  output      logic [39:0]            mem_axi_awaddr_o,
  output      logic                   mem_axi_wvalid_o,
  input  wire logic                   mem_axi_wready_i,
  output      logic [BusBits-1:0]     mem_axi_wdata_o,
  output      logic [BusBits/8-1:0]   mem_axi_wstrb_o,
  input  wire logic                   mem_axi_bvalid_i,
  output      logic                   mem_axi_bready_o,
  output      logic                   mem_axi_arvalid_o,
  input  wire logic                   mem_axi_arready_i,
  output      logic [39:0]            mem_axi_araddr_o,
  input  wire logic                   mem_axi_rvalid_i,
  output      logic                   mem_axi_rready_o,
  input  wire logic [BusBits-1:0]     mem_axi_rdata_i
);

  logic        irq, awvalid, awready, wvalid, wready, bvalid, bready, arvalid, arready, rvalid, rready;
  logic [11:0] awaddr, araddr;
  logic [31:0] wdata, rdata;
  logic [3:0]  wstrb;
  logic [1:0]  bresp, rresp;

  mx_uart_bridge #(
    .ClocksPerBit(ClocksPerBit), .BusBits(BusBits), .ClockHz(ClockHz), .MemBase(MemBase), .MemBytes(MemBytes)
  ) u_bridge (
    .clk_i(clk_i), .rst_ni(rst_ni), .rx_i(rx_i), .tx_o(tx_o), .irq_i(irq),
    .csr_axi_awvalid_o(awvalid), .csr_axi_awready_i(awready), .csr_axi_awaddr_o(awaddr),
    .csr_axi_wvalid_o(wvalid), .csr_axi_wready_i(wready), .csr_axi_wdata_o(wdata), .csr_axi_wstrb_o(wstrb),
    .csr_axi_bvalid_i(bvalid), .csr_axi_bready_o(bready), .csr_axi_bresp_i(bresp),
    .csr_axi_arvalid_o(arvalid), .csr_axi_arready_i(arready), .csr_axi_araddr_o(araddr),
    .csr_axi_rvalid_i(rvalid), .csr_axi_rready_o(rready), .csr_axi_rdata_i(rdata), .csr_axi_rresp_i(rresp),
    .mem_axi_awvalid_o(mem_axi_awvalid_o), .mem_axi_awready_i(mem_axi_awready_i), .mem_axi_awaddr_o(mem_axi_awaddr_o),
    .mem_axi_wvalid_o(mem_axi_wvalid_o), .mem_axi_wready_i(mem_axi_wready_i), .mem_axi_wdata_o(mem_axi_wdata_o),
    .mem_axi_wstrb_o(mem_axi_wstrb_o), .mem_axi_bvalid_i(mem_axi_bvalid_i), .mem_axi_bready_o(mem_axi_bready_o),
    .mem_axi_bresp_i(2'b00),
    .mem_axi_arvalid_o(mem_axi_arvalid_o), .mem_axi_arready_i(mem_axi_arready_i), .mem_axi_araddr_o(mem_axi_araddr_o),
    .mem_axi_rvalid_i(mem_axi_rvalid_i), .mem_axi_rready_o(mem_axi_rready_o), .mem_axi_rdata_i(mem_axi_rdata_i),
    .mem_axi_rresp_i(2'b00)
  );

  mxforge u_mxforge (
    .clk_i(clk_i), .rst_ni(rst_ni), .irq_o(irq),
    .s_axi_awvalid_i(awvalid), .s_axi_awready_o(awready), .s_axi_awaddr_i(awaddr),
    .s_axi_wvalid_i(wvalid), .s_axi_wready_o(wready), .s_axi_wdata_i(wdata), .s_axi_wstrb_i(wstrb),
    .s_axi_bvalid_o(bvalid), .s_axi_bready_i(bready), .s_axi_bresp_o(bresp),
    .s_axi_arvalid_i(arvalid), .s_axi_arready_o(arready), .s_axi_araddr_i(araddr),
    .s_axi_rvalid_o(rvalid), .s_axi_rready_i(rready), .s_axi_rdata_o(rdata), .s_axi_rresp_o(rresp),
    .m_axi_arvalid_o(m_axi_arvalid_o), .m_axi_arready_i(m_axi_arready_i), .m_axi_araddr_o(m_axi_araddr_o),
    .m_axi_arlen_o(m_axi_arlen_o), .m_axi_arsize_o(m_axi_arsize_o), .m_axi_arburst_o(m_axi_arburst_o),
    .m_axi_arid_o(m_axi_arid_o), .m_axi_arcache_o(), .m_axi_arprot_o(),
    .m_axi_rvalid_i(m_axi_rvalid_i), .m_axi_rready_o(m_axi_rready_o), .m_axi_rdata_i(m_axi_rdata_i),
    .m_axi_rresp_i(m_axi_rresp_i), .m_axi_rlast_i(m_axi_rlast_i), .m_axi_rid_i(m_axi_rid_i),
    .m_axi_awvalid_o(m_axi_awvalid_o), .m_axi_awready_i(m_axi_awready_i), .m_axi_awaddr_o(m_axi_awaddr_o),
    .m_axi_awlen_o(m_axi_awlen_o), .m_axi_awsize_o(m_axi_awsize_o), .m_axi_awburst_o(m_axi_awburst_o),
    .m_axi_awid_o(m_axi_awid_o), .m_axi_awcache_o(), .m_axi_awprot_o(),
    .m_axi_wvalid_o(m_axi_wvalid_o), .m_axi_wready_i(m_axi_wready_i), .m_axi_wdata_o(m_axi_wdata_o),
    .m_axi_wstrb_o(m_axi_wstrb_o), .m_axi_wlast_o(m_axi_wlast_o),
    .m_axi_bvalid_i(m_axi_bvalid_i), .m_axi_bready_o(m_axi_bready_o), .m_axi_bresp_i(m_axi_bresp_i), .m_axi_bid_i(m_axi_bid_i),
    .obs_issue_valid_o(), .obs_issue_pc_o(), .obs_busy_o(), .obs_vmem_valid_o(), .obs_vmem_unit_o(), .obs_vmem_addr_o(),
    .obs_vmem_mask_o(), .obs_vmem_data_o(), .obs_xmem_valid_o(), .obs_xmem_bank_o(), .obs_xmem_addr_o(), .obs_xmem_mask_o(),
    .obs_xmem_data_o(), .obs_xexp_valid_o(), .obs_xexp_bank_o(), .obs_xexp_addr_o(), .obs_xexp_data_o(),
    .obs_ucode_valid_o(), .obs_ucode_addr_o(), .obs_ucode_data_o()
  );

endmodule

`default_nettype wire
