// mxforge of set tiny with few pins, to be placed and routed for its area: what
// goes in comes from a shift register, what comes out is folded into one bit, so
// that nothing is optimised away. It stands for a part of the UART bridge and the
// memory port that a board has; of an address 24 bits count, as of a QSPI flash.
`default_nettype none

module area_top (
  input  wire logic clk_i,
  input  wire logic rst_ni,
  input  wire logic bit_i,
  output      logic bit_o,
  output      logic irq_o
);

  logic [31:0] data_q;
  logic [9:0]  at_q;
  logic [13:0] on_q;
  always_ff @(posedge clk_i) {on_q, at_q, data_q} <= {on_q[12:0], at_q, data_q, bit_i};

  wire logic [14:0] ready;
  wire logic [31:0] s_rdata, m_wdata;
  wire logic [39:0] araddr, awaddr;
  wire logic [7:0]  arlen;
  wire logic [3:0]  wstrb;
  mxforge u_mxforge (
    .clk_i, .rst_ni, .irq_o,
    .s_axi_awvalid_i(on_q[0]), .s_axi_awready_o(ready[0]), .s_axi_awaddr_i({at_q, 2'b00}),
    .s_axi_wvalid_i(on_q[1]), .s_axi_wready_o(ready[1]), .s_axi_wdata_i(data_q), .s_axi_wstrb_i(4'hF),
    .s_axi_bvalid_o(ready[2]), .s_axi_bready_i(on_q[2]), .s_axi_bresp_o(),
    .s_axi_arvalid_i(on_q[3]), .s_axi_arready_o(ready[3]), .s_axi_araddr_i({at_q, 2'b00}),
    .s_axi_rvalid_o(ready[4]), .s_axi_rready_i(on_q[4]), .s_axi_rdata_o(s_rdata), .s_axi_rresp_o(),
    .m_axi_arvalid_o(ready[5]), .m_axi_arready_i(on_q[5]), .m_axi_araddr_o(araddr), .m_axi_arlen_o(arlen),
    .m_axi_arsize_o(), .m_axi_arburst_o(), .m_axi_arid_o(), .m_axi_arcache_o(), .m_axi_arprot_o(),
    .m_axi_rvalid_i(on_q[6]), .m_axi_rready_o(ready[6]), .m_axi_rdata_i(data_q), .m_axi_rresp_i({on_q[7], 1'b0}),
    .m_axi_rlast_i(on_q[8]), .m_axi_rid_i(1'b0),
    .m_axi_awvalid_o(ready[7]), .m_axi_awready_i(on_q[9]), .m_axi_awaddr_o(awaddr), .m_axi_awlen_o(),
    .m_axi_awsize_o(), .m_axi_awburst_o(), .m_axi_awid_o(), .m_axi_awcache_o(), .m_axi_awprot_o(),
    .m_axi_wvalid_o(ready[8]), .m_axi_wready_i(on_q[10]), .m_axi_wdata_o(m_wdata), .m_axi_wstrb_o(wstrb),
    .m_axi_wlast_o(), .m_axi_bvalid_i(on_q[11]), .m_axi_bready_o(ready[9]), .m_axi_bresp_i({on_q[12], 1'b0}),
    .m_axi_bid_i(1'b0),
    .obs_issue_valid_o(), .obs_issue_pc_o(), .obs_busy_o(), .obs_vmem_valid_o(), .obs_vmem_unit_o(),
    .obs_vmem_addr_o(), .obs_vmem_mask_o(), .obs_vmem_data_o(), .obs_xmem_valid_o(), .obs_xmem_bank_o(),
    .obs_xmem_addr_o(), .obs_xmem_mask_o(), .obs_xmem_data_o(), .obs_xexp_valid_o(), .obs_xexp_bank_o(),
    .obs_xexp_addr_o(), .obs_xexp_data_o(), .obs_ucode_valid_o(), .obs_ucode_addr_o(), .obs_ucode_data_o()
  );
  assign ready[14:10] = '0;
  always_ff @(posedge clk_i)
    bit_o <= ^{ready, s_rdata, araddr[23:0], arlen, awaddr[23:0], wstrb, m_wdata, on_q[13]};

endmodule

`default_nettype wire
