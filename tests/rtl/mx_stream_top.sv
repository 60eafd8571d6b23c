// mx_stream as client 1 of mx_read; the ports of clients 0 and 2 are the test's.
`default_nettype none

module mx_stream_top #(
  parameter int unsigned BusBits         = 128,
  parameter int unsigned BurstBeats      = 16,
  parameter int unsigned Reads           = 8,
  parameter int unsigned StreamFifoBeats = 256,
  parameter int unsigned StreamQueue     = 8,
  parameter int unsigned Serial          = 0
) (
  input  wire logic               clk_i,
  input  wire logic               rst_ni,
  input  wire logic               stop_i,
  output      logic               idle_o,
  output      logic               empty_o,
  output      logic [3:0]         read_fault_o,
  output      logic [3:0]         stream_fault_o,
  input  wire logic [39:0]        mem_base_i,
  input  wire logic [31:0]        mem_size_i,

  input  wire logic               cmd_valid_i,
  output      logic               cmd_ready_o,
  input  wire logic [31:0]        cmd_addr_i,
  input  wire logic [15:0]        cmd_segments_i,
  input  wire logic [31:0]        cmd_seg_beats_i,
  input  wire logic [31:0]        cmd_stride_i,
  output      logic               s_valid_o,
  input  wire logic               s_ready_i,
  output      logic [BusBits-1:0] s_data_o,

  input  wire logic [1:0]         other_valid_i,  // clients 0 and 2
  output      logic [1:0]         other_ready_o,
  input  wire logic [63:0]        other_addr_i,
  input  wire logic [15:0]        other_len_i,
  output      logic [2:0]         r_valid_o,
  output      logic [BusBits-1:0] r_data_o,

  output      logic               m_axi_arvalid_o,
  input  wire logic               m_axi_arready_i,
  output      logic [39:0]        m_axi_araddr_o,
  output      logic [7:0]         m_axi_arlen_o,
  output      logic [2:0]         m_axi_arsize_o,
  output      logic [1:0]         m_axi_arburst_o,
  output      logic               m_axi_arid_o,
  output      logic [3:0]         m_axi_arcache_o,
  output      logic [2:0]         m_axi_arprot_o,
  input  wire logic               m_axi_rvalid_i,
  output      logic               m_axi_rready_o,
  input  wire logic [BusBits-1:0] m_axi_rdata_i,
  input  wire logic [1:0]         m_axi_rresp_i,
  input  wire logic               m_axi_rlast_i,
  input  wire logic               m_axi_rid_i
);

  logic        req_valid, req_ready;
  logic [31:0] req_addr;
  logic [7:0]  req_len;

  logic [2:0] req_bad;
  logic       shift;
  logic [1:0] word_q;  // of the command that stands in the first one's place
  always_ff @(posedge clk_i)
    if (!rst_ni || (cmd_valid_i && cmd_ready_o)) word_q <= '0;
    else if (shift)                              word_q <= word_q + 1'b1;
  wire logic [31:0] cmd_word = word_q == 2'd0 ? cmd_addr_i : word_q == 2'd1 ? {16'hbeef, cmd_segments_i} : cmd_stride_i;
  if (Serial != 0) begin : g_serial
    mx_serial_stream #(
      .BurstBeats(BurstBeats), .StreamFifoBeats(StreamFifoBeats), .StreamQueue(StreamQueue)
    ) u_stream (
      .clk_i, .rst_ni, .empty_o, .fault_o(stream_fault_o),
      .cmd_valid_i, .cmd_ready_o, .cmd_word_i(cmd_word), .cmd_segments_i(cmd_segments_i & {16{word_q == 2'd0}}),
      .cmd_seg_beats_i(cmd_seg_beats_i & {32{word_q == 2'd0}}), .cmd_shift_o(shift),
      .req_valid_o(req_valid), .req_ready_i(req_ready), .req_bad_i(req_bad[1]), .req_addr_o(req_addr), .req_len_o(req_len),
      .r_valid_i(r_valid_o[1]), .r_data_i(r_data_o),
      .s_valid_o, .s_ready_i, .s_data_o
    );
    logic [39:0] awaddr;
    logic [31:0] wdata;
    logic [22:0] aw;
    logic [4:0]  w;
    logic [3:0]  write_fault;
    logic        bready;
    mx_serial_bus u_bus (
      .clk_i, .rst_ni, .stop_i, .idle_o, .read_fault_o, .write_fault_o(write_fault), .mem_base_i, .mem_size_i,
      .req_valid_i({other_valid_i[1], req_valid, other_valid_i[0]}), .req_write_i(1'b0), .req_probe_i(1'b0),
      .req_ready_o({other_ready_o[1], req_ready, other_ready_o[0]}), .req_bad_o(req_bad),
      .req_addr_i({other_addr_i[63:32], req_addr, other_addr_i[31:0]}),
      .req_len_i({other_len_i[15:8], req_len, other_len_i[7:0]}),
      .r_valid_o, .r_data_o, .w_strb_i(4'd0), .w_data_i(32'd0),
      .m_axi_arvalid_o, .m_axi_arready_i, .m_axi_araddr_o, .m_axi_arlen_o, .m_axi_arsize_o,
      .m_axi_arburst_o, .m_axi_arid_o, .m_axi_arcache_o, .m_axi_arprot_o,
      .m_axi_rvalid_i, .m_axi_rready_o, .m_axi_rdata_i, .m_axi_rresp_i, .m_axi_rlast_i, .m_axi_rid_i,
      .m_axi_awvalid_o(aw[0]), .m_axi_awready_i(1'b0), .m_axi_awaddr_o(awaddr), .m_axi_awlen_o(aw[8:1]),
      .m_axi_awsize_o(aw[11:9]), .m_axi_awburst_o(aw[13:12]), .m_axi_awid_o(aw[14]), .m_axi_awcache_o(aw[18:15]),
      .m_axi_awprot_o(aw[21:19]), .m_axi_wvalid_o(w[0]), .m_axi_wready_i(1'b0), .m_axi_wdata_o(wdata),
      .m_axi_wstrb_o(w[4:1]), .m_axi_wlast_o(aw[22]), .m_axi_bvalid_i(1'b0), .m_axi_bready_o(bready),
      .m_axi_bresp_i(2'd0), .m_axi_bid_i(1'b0)
    );
    wire logic unused = ^{awaddr, wdata, aw, w, write_fault, bready, req_bad};
  end else begin : g_whole
    mx_stream #(
      .BusBits(BusBits), .BurstBeats(BurstBeats), .StreamFifoBeats(StreamFifoBeats), .StreamQueue(StreamQueue)
    ) u_stream (
      .clk_i, .rst_ni, .empty_o, .fault_o(stream_fault_o), .mem_size_i,
      .cmd_valid_i, .cmd_ready_o, .cmd_addr_i, .cmd_segments_i, .cmd_seg_beats_i, .cmd_stride_i,
      .req_valid_o(req_valid), .req_ready_i(req_ready), .req_addr_o(req_addr), .req_len_o(req_len),
      .r_valid_i(r_valid_o[1]), .r_data_i(r_data_o),
      .s_valid_o, .s_ready_i, .s_data_o
    );
    mx_read #(.BusBits(BusBits), .BurstBeats(BurstBeats), .Reads(Reads)) u_read (
      .clk_i, .rst_ni, .stop_i, .idle_o, .fault_o(read_fault_o), .mem_base_i,
      .req_valid_i({other_valid_i[1], req_valid, other_valid_i[0]}),
      .req_ready_o({other_ready_o[1], req_ready, other_ready_o[0]}),
      .req_addr_i({other_addr_i[63:32], req_addr, other_addr_i[31:0]}),
      .req_len_i({other_len_i[15:8], req_len, other_len_i[7:0]}),
      .r_valid_o, .r_data_o,
      .m_axi_arvalid_o, .m_axi_arready_i, .m_axi_araddr_o, .m_axi_arlen_o, .m_axi_arsize_o,
      .m_axi_arburst_o, .m_axi_arid_o, .m_axi_arcache_o, .m_axi_arprot_o,
      .m_axi_rvalid_i, .m_axi_rready_o, .m_axi_rdata_i, .m_axi_rresp_i, .m_axi_rlast_i, .m_axi_rid_i
    );
    assign req_bad = '0;
    assign shift   = 1'b0;
    wire logic unused = ^{req_bad, cmd_word};
  end

endmodule

`default_nettype wire
