// mx_soc_memory in front of mx_sdram, for tests.
`default_nettype none

module mx_soc_memory_top #(
  parameter int unsigned BusBits = 64
) (
  input  wire logic                 clk_i,
  input  wire logic                 rst_ni,
  output      logic                 ready_o,

  input  wire logic                 cpu_valid_i,
  output      logic                 cpu_ready_o,
  input  wire logic [31:0]          cpu_addr_i,
  input  wire logic [3:0]           cpu_wstrb_i,
  input  wire logic [31:0]          cpu_wdata_i,
  output      logic [31:0]          cpu_rdata_o,
  output      logic                 cpu_error_o,

  input  wire logic                 m_axi_arvalid_i,
  output      logic                 m_axi_arready_o,
  input  wire logic [39:0]          m_axi_araddr_i,
  input  wire logic [7:0]           m_axi_arlen_i,
  output      logic                 m_axi_rvalid_o,
  output      logic [BusBits-1:0]   m_axi_rdata_o,
  output      logic                 m_axi_rlast_o,
  input  wire logic                 m_axi_awvalid_i,
  output      logic                 m_axi_awready_o,
  input  wire logic [39:0]          m_axi_awaddr_i,
  input  wire logic                 m_axi_wvalid_i,
  output      logic                 m_axi_wready_o,
  input  wire logic [BusBits-1:0]   m_axi_wdata_i,
  input  wire logic [BusBits/8-1:0] m_axi_wstrb_i,
  output      logic                 m_axi_bvalid_o,

  output      logic                 sdram_cke_o,
  output      logic                 sdram_cs_no,
  output      logic                 sdram_ras_no,
  output      logic                 sdram_cas_no,
  output      logic                 sdram_we_no,
  output      logic [1:0]           sdram_ba_o,
  output      logic [12:0]          sdram_a_o,
  output      logic [1:0]           sdram_dqm_o,
  output      logic [15:0]          sdram_dq_o,
  output      logic                 sdram_dq_oe_o,
  input  wire logic [15:0]          sdram_dq_i
);

  logic                 arvalid, arready, arid, rvalid, rid, awvalid, awready, awid, wvalid, wready, bvalid, bid;
  logic [39:0]          araddr, awaddr;
  logic [7:0]           arlen;
  logic [1:0]           rresp, bresp;
  logic [BusBits-1:0]   wdata;
  logic [BusBits/8-1:0] wstrb;
  mx_soc_memory #(.BusBits(BusBits)) u_memory (
    .clk_i(clk_i), .rst_ni(rst_ni), .cpu_valid_i(cpu_valid_i), .cpu_ready_o(cpu_ready_o), .cpu_addr_i(cpu_addr_i),
    .cpu_wstrb_i(cpu_wstrb_i), .cpu_wdata_i(cpu_wdata_i), .cpu_rdata_o(cpu_rdata_o), .cpu_error_o(cpu_error_o),
    .acc_arvalid_i(m_axi_arvalid_i), .acc_arready_o(m_axi_arready_o), .acc_araddr_i(m_axi_araddr_i),
    .acc_arlen_i(m_axi_arlen_i), .acc_rvalid_o(m_axi_rvalid_o), .acc_awvalid_i(m_axi_awvalid_i),
    .acc_awready_o(m_axi_awready_o), .acc_awaddr_i(m_axi_awaddr_i), .acc_wvalid_i(m_axi_wvalid_i),
    .acc_wready_o(m_axi_wready_o), .acc_wdata_i(m_axi_wdata_i), .acc_wstrb_i(m_axi_wstrb_i),
    .acc_bvalid_o(m_axi_bvalid_o),
    .arvalid_o(arvalid), .arready_i(arready), .araddr_o(araddr), .arlen_o(arlen), .arid_o(arid), .rvalid_i(rvalid),
    .rdata_i(m_axi_rdata_o), .rresp_i(rresp), .rid_i(rid), .awvalid_o(awvalid), .awready_i(awready),
    .awaddr_o(awaddr), .awid_o(awid), .wvalid_o(wvalid), .wready_i(wready), .wdata_o(wdata), .wstrb_o(wstrb),
    .bvalid_i(bvalid), .bresp_i(bresp), .bid_i(bid)
  );
  mx_sdram #(.BusBits(BusBits), .Base(40'h80000000)) u_sdram (
    .clk_i(clk_i), .rst_ni(rst_ni), .ready_o(ready_o), .arvalid_i(arvalid), .arready_o(arready), .araddr_i(araddr),
    .arlen_i(arlen), .arid_i(arid), .rvalid_o(rvalid), .rdata_o(m_axi_rdata_o), .rresp_o(rresp),
    .rlast_o(m_axi_rlast_o), .rid_o(rid), .awvalid_i(awvalid), .awready_o(awready), .awaddr_i(awaddr), .awid_i(awid),
    .wvalid_i(wvalid), .wready_o(wready), .wdata_i(wdata), .wstrb_i(wstrb), .bvalid_o(bvalid), .bresp_o(bresp),
    .bid_o(bid), .sdram_cke_o(sdram_cke_o), .sdram_cs_no(sdram_cs_no), .sdram_ras_no(sdram_ras_no),
    .sdram_cas_no(sdram_cas_no), .sdram_we_no(sdram_we_no), .sdram_ba_o(sdram_ba_o), .sdram_a_o(sdram_a_o),
    .sdram_dqm_o(sdram_dqm_o), .sdram_dq_o(sdram_dq_o), .sdram_dq_oe_o(sdram_dq_oe_o), .sdram_dq_i(sdram_dq_i)
  );

endmodule

`default_nettype wire
