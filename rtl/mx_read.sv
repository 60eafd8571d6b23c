// AXI4 read master for three clients: 0 fetch, 1 stream, 2 move.
//
// Requests: valid/ready per client; an address relative to mem_base_i (a
// multiple of 4096), a multiple of the beat, and a length in beats - 1 that
// stays within a window of BurstBeats beats. Of the clients that ask, fetch is
// served before move and move before stream: the stream always wants more, and
// others wait for the short reads of the first two. Up to Reads bursts are outstanding, all with ID 0, so data return
// in the order of the requests: r_valid_o[c] marks a beat for client c, which
// must take it at once.
// stop_i: no request is accepted any more; what is on its way completes.
// idle_o: nothing is outstanding. fault_o: FAULT_BUS_READ in each cycle that
// brings a beat with an error response, else 0.
// Latency: a request accepted at edge n is on AR after it; data pass through
// without a register. Throughput: 1 request and 1 beat per cycle.
// Reset: nothing outstanding; only while idle_o is set, as AXI has no abort.
`include "check.svh"
`default_nettype none

module mx_read #(
  parameter int unsigned BusBits    = 128,
  parameter int unsigned BurstBeats = 16,  // beats of the longest burst
  parameter int unsigned Reads      = 8    // bursts outstanding, a power of two
) (
  input  wire logic               clk_i,
  input  wire logic               rst_ni,
  input  wire logic               stop_i,
  output      logic               idle_o,
  output      logic [3:0]         fault_o,
  input  wire logic [39:0]        mem_base_i,

  input  wire logic [2:0]         req_valid_i,
  output      logic [2:0]         req_ready_o,
  input  wire logic [32*3-1:0]    req_addr_i,
  input  wire logic [8*3-1:0]     req_len_i,
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

  if (BurstBeats * BusBits / 8 > 4096) begin : g_boundary
    $error("mx_read: a burst may not be longer than 4096 bytes");
  end

  // ---- requests: one register in front of AR, one entry per burst ----
  logic        order_ready, owner_valid;
  logic [1:0]  client, owner;
  logic        arvalid_q;
  logic [39:0] araddr_q;
  logic [7:0]  arlen_q;

  wire logic        room   = (!arvalid_q || m_axi_arready_i) && order_ready && !stop_i;
  wire logic        accept = room && req_valid_i != 3'b000;
  wire logic [31:0] addr   = client == 2'd0 ? req_addr_i[31:0] :
                             client == 2'd1 ? req_addr_i[63:32] : req_addr_i[95:64];
  wire logic [7:0]  len    = client == 2'd0 ? req_len_i[7:0] :
                             client == 2'd1 ? req_len_i[15:8] : req_len_i[23:16];

  assign client      = req_valid_i[0] ? 2'd0 : req_valid_i[2] ? 2'd2 : 2'd1;
  assign req_ready_o = {room && !req_valid_i[0], room && !req_valid_i[0] && !req_valid_i[2], room};

  always_ff @(posedge clk_i) begin
    if (!rst_ni) arvalid_q <= 1'b0;
    else         arvalid_q <= accept || (arvalid_q && !m_axi_arready_i);
  end
  always_ff @(posedge clk_i) begin
    if (accept) begin
      araddr_q <= {mem_base_i[39:12] + 28'(addr[31:12]), addr[11:0]};
      arlen_q  <= len;
    end
  end

  assign m_axi_arvalid_o = arvalid_q;
  assign m_axi_araddr_o  = araddr_q;
  assign m_axi_arlen_o   = arlen_q;
  assign m_axi_arsize_o  = 3'($clog2(BusBits / 8));
  assign m_axi_arburst_o = 2'b01;
  assign m_axi_arid_o    = 1'b0;
  assign m_axi_arcache_o = 4'b0011;  // normal, not cacheable, bufferable
  assign m_axi_arprot_o  = 3'b000;

  // ---- data: the oldest burst's client owns the channel ----
  wire logic beat = m_axi_rvalid_i && m_axi_rready_o;
  logic [$clog2(Reads):0] bursts;

  mx_fifo #(.Width(2), .Depth(Reads)) u_order (
    .clk_i, .rst_ni,
    .in_valid_i(accept), .in_ready_o(order_ready), .in_data_i(client),
    .out_valid_o(owner_valid), .out_ready_i(beat && m_axi_rlast_i), .out_data_o(owner),
    .count_o(bursts)
  );

  assign m_axi_rready_o = 1'b1;
  assign r_valid_o      = {owner == 2'd2, owner == 2'd1, owner == 2'd0} & {3{beat}};
  assign r_data_o       = m_axi_rdata_i;
  assign idle_o         = bursts == '0;
  assign fault_o        = beat && m_axi_rresp_i[1] ? mx_pkg::FAULT_BUS_READ : mx_pkg::FAULT_NONE;

  wire logic unused = &{1'b0, mem_base_i[11:0], m_axi_rresp_i[0], m_axi_rid_i, owner_valid};

  `RESET_FIRST
  `REQUIRE(base_aligned, mem_base_i[11:0] == 12'd0)
  `REQUIRE(data_was_requested, !m_axi_rvalid_i || owner_valid)
  `REQUIRE(within_burst, !accept || 32'(addr[$clog2(BurstBeats * BusBits / 8) - 1 : $clog2(BusBits / 8)])
                                    + 32'(len) < BurstBeats)
  `REQUIRE(addr_aligned, !accept || addr[$clog2(BusBits / 8) - 1 : 0] == '0)

endmodule

`default_nettype wire
