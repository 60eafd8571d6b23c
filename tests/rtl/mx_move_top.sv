// mx_move with mx_read (as client 2) and mx_write.
`default_nettype none

module mx_move_top #(
  parameter int unsigned BusBits    = 128,
  parameter int unsigned Rows       = 1,
  parameter int unsigned Group      = 16,
  parameter int unsigned Lanes      = 32,
  parameter int unsigned BurstBeats = 16,
  parameter int unsigned Reads      = 8,
  parameter int unsigned Writes     = 8
) (
  input  wire logic                 clk_i,
  input  wire logic                 rst_ni,
  input  wire logic                 stop_i,
  output      logic                 read_idle_o,
  output      logic                 write_idle_o,
  output      logic                 busy_o,
  output      logic [3:0]           move_fault_o,
  output      logic [3:0]           read_fault_o,
  output      logic [3:0]           write_fault_o,
  input  wire logic [39:0]          mem_base_i,
  input  wire logic [31:0]          mem_size_i,

  input  wire logic                 cmd_valid_i,
  output      logic                 cmd_ready_o,
  input  wire logic [4:0]           cmd_op_i,
  input  wire logic [31:0]          cmd_addr_i,
  input  wire logic [15:0]          cmd_count_i,
  input  wire logic [15:0]          cmd_blocks_i,
  input  wire logic [15:0]          cmd_at_i,
  input  wire logic [1:0]           cmd_format_i,
  input  wire logic [1:0]           cmd_block_i,
  input  wire logic [3:0]           cmd_bank_i,
  input  wire logic [31:0]          cmd_row_i,
  input  wire logic [31:0]          cmd_stride_i,

  output      logic                 mr_valid_o,
  input  wire logic                 mr_ready_i,
  output      logic [15:0]          mr_addr_o,
  input  wire logic [31:0]          mr_data_i,
  output      logic                 mw_valid_o,
  input  wire logic                 mw_ready_i,
  output      logic [15:0]          mw_addr_o,
  output      logic [31:0]          mw_data_o,
  output      logic                 pr_valid_o,
  input  wire logic                 pr_ready_i,
  output      logic [3:0]           pr_bank_o,
  output      logic [15:0]          pr_addr_o,
  input  wire logic [8*Lanes-1:0]   pr_data_i,
  input  wire logic [7:0]           pr_exp_i,
  output      logic                 uc_we_o,
  output      logic [9:0]           uc_addr_o,
  output      logic [31:0]          uc_data_o,

  output      logic                 m_axi_arvalid_o,
  input  wire logic                 m_axi_arready_i,
  output      logic [39:0]          m_axi_araddr_o,
  output      logic [7:0]           m_axi_arlen_o,
  output      logic [2:0]           m_axi_arsize_o,
  output      logic [1:0]           m_axi_arburst_o,
  output      logic                 m_axi_arid_o,
  output      logic [3:0]           m_axi_arcache_o,
  output      logic [2:0]           m_axi_arprot_o,
  input  wire logic                 m_axi_rvalid_i,
  output      logic                 m_axi_rready_o,
  input  wire logic [BusBits-1:0]   m_axi_rdata_i,
  input  wire logic [1:0]           m_axi_rresp_i,
  input  wire logic                 m_axi_rlast_i,
  input  wire logic                 m_axi_rid_i,
  output      logic                 m_axi_awvalid_o,
  input  wire logic                 m_axi_awready_i,
  output      logic [39:0]          m_axi_awaddr_o,
  output      logic [7:0]           m_axi_awlen_o,
  output      logic [2:0]           m_axi_awsize_o,
  output      logic [1:0]           m_axi_awburst_o,
  output      logic                 m_axi_awid_o,
  output      logic [3:0]           m_axi_awcache_o,
  output      logic [2:0]           m_axi_awprot_o,
  output      logic                 m_axi_wvalid_o,
  input  wire logic                 m_axi_wready_i,
  output      logic [BusBits-1:0]   m_axi_wdata_o,
  output      logic [BusBits/8-1:0] m_axi_wstrb_o,
  output      logic                 m_axi_wlast_o,
  input  wire logic                 m_axi_bvalid_i,
  output      logic                 m_axi_bready_o,
  input  wire logic [1:0]           m_axi_bresp_i,
  input  wire logic                 m_axi_bid_i
);

  logic                 req_valid, w_valid, w_ready;
  logic [2:0]           req_ready, r_valid;
  logic [31:0]          req_addr, w_addr;
  logic [7:0]           req_len;
  logic [BusBits-1:0]   r_data, w_data;
  logic [BusBits/8-1:0] w_strb;

  mx_move #(.BusBits(BusBits), .Rows(Rows), .Group(Group), .Lanes(Lanes), .BurstBeats(BurstBeats)) u_move (
    .clk_i, .rst_ni, .busy_o, .fault_o(move_fault_o), .mem_size_i,
    .cmd_valid_i, .cmd_ready_o, .cmd_op_i, .cmd_addr_i, .cmd_count_i, .cmd_blocks_i, .cmd_at_i,
    .cmd_format_i, .cmd_block_i, .cmd_bank_i, .cmd_row_i, .cmd_stride_i,
    .req_valid_o(req_valid), .req_ready_i(req_ready[2]), .req_addr_o(req_addr), .req_len_o(req_len),
    .r_valid_i(r_valid[2]), .r_data_i(r_data),
    .w_valid_o(w_valid), .w_ready_i(w_ready), .w_addr_o(w_addr), .w_strb_o(w_strb), .w_data_o(w_data),
    .w_idle_i(write_idle_o),
    .mr_valid_o, .mr_ready_i, .mr_addr_o, .mr_data_i, .mw_valid_o, .mw_ready_i, .mw_addr_o, .mw_data_o,
    .pr_valid_o, .pr_ready_i, .pr_bank_o, .pr_addr_o, .pr_data_i, .pr_exp_i,
    .uc_we_o, .uc_addr_o, .uc_data_o
  );

  mx_read #(.BusBits(BusBits), .BurstBeats(BurstBeats), .Reads(Reads)) u_read (
    .clk_i, .rst_ni, .stop_i, .idle_o(read_idle_o), .fault_o(read_fault_o), .mem_base_i,
    .req_valid_i({req_valid, 2'b00}), .req_ready_o(req_ready),
    .req_addr_i({req_addr, 64'd0}), .req_len_i({req_len, 16'd0}),
    .r_valid_o(r_valid), .r_data_o(r_data),
    .m_axi_arvalid_o, .m_axi_arready_i, .m_axi_araddr_o, .m_axi_arlen_o, .m_axi_arsize_o,
    .m_axi_arburst_o, .m_axi_arid_o, .m_axi_arcache_o, .m_axi_arprot_o,
    .m_axi_rvalid_i, .m_axi_rready_o, .m_axi_rdata_i, .m_axi_rresp_i, .m_axi_rlast_i, .m_axi_rid_i
  );

  mx_write #(.BusBits(BusBits), .Writes(Writes)) u_write (
    .clk_i, .rst_ni, .stop_i, .idle_o(write_idle_o), .fault_o(write_fault_o), .mem_base_i,
    .w_valid_i(w_valid), .w_ready_o(w_ready), .w_addr_i(w_addr), .w_strb_i(w_strb), .w_data_i(w_data),
    .m_axi_awvalid_o, .m_axi_awready_i, .m_axi_awaddr_o, .m_axi_awlen_o, .m_axi_awsize_o,
    .m_axi_awburst_o, .m_axi_awid_o, .m_axi_awcache_o, .m_axi_awprot_o,
    .m_axi_wvalid_o, .m_axi_wready_i, .m_axi_wdata_o, .m_axi_wstrb_o, .m_axi_wlast_o,
    .m_axi_bvalid_i, .m_axi_bready_o, .m_axi_bresp_i, .m_axi_bid_i
  );

  wire logic unused = &{1'b0, req_ready[1:0], r_valid[1:0]};

endmodule

`default_nettype wire
