// AXI4 write master: every transfer is one beat.
//
// Handshake: w_valid/ready; w_addr_i is relative to mem_base_i (a multiple of
// 4096) and a multiple of the beat. AW and W leave their registers in either
// order. Up to Writes writes are outstanding, all with ID 0, so they reach
// memory in order.
// stop_i: nothing is accepted any more; what was accepted completes. idle_o:
// all responses have been received. fault_o: FAULT_BUS_WRITE in each cycle
// that brings an error response, else 0.
// Latency: accepted at edge n, on AW and W after it. Throughput 1 per cycle.
// Reset: nothing outstanding; only while idle_o is set, as AXI has no abort.
`include "check.svh"
`default_nettype none

module mx_write #(
  parameter int unsigned BusBits = 128,
  parameter int unsigned Writes  = 8  // outstanding
) (
  input  wire logic                 clk_i,
  input  wire logic                 rst_ni,
  input  wire logic                 stop_i,
  output      logic                 idle_o,
  output      logic [3:0]           fault_o,
  input  wire logic [39:0]          mem_base_i,

  input  wire logic                 w_valid_i,
  output      logic                 w_ready_o,
  input  wire logic [31:0]          w_addr_i,
  input  wire logic [BusBits/8-1:0] w_strb_i,
  input  wire logic [BusBits-1:0]   w_data_i,

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

  localparam int unsigned CountBits = $clog2(Writes + 1);

  logic                 awvalid_q, wvalid_q;
  logic [39:0]          awaddr_q;
  logic [BusBits/8-1:0] wstrb_q;
  logic [BusBits-1:0]   wdata_q;
  logic [CountBits-1:0] count_q;  // accepted, no response yet

  wire logic accept   = w_valid_i && w_ready_o;
  wire logic response = m_axi_bvalid_i && m_axi_bready_o;

  assign w_ready_o = (!awvalid_q || m_axi_awready_i) && (!wvalid_q || m_axi_wready_i) &&
                     count_q != CountBits'(Writes) && !stop_i;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      awvalid_q <= 1'b0;
      wvalid_q  <= 1'b0;
      count_q   <= '0;
    end else begin
      awvalid_q <= accept || (awvalid_q && !m_axi_awready_i);
      wvalid_q  <= accept || (wvalid_q && !m_axi_wready_i);
      if (accept && !response) count_q <= count_q + 1'b1;
      if (response && !accept) count_q <= count_q - 1'b1;
    end
  end
  always_ff @(posedge clk_i) begin
    if (accept) begin
      awaddr_q <= {mem_base_i[39:12] + 28'(w_addr_i[31:12]), w_addr_i[11:0]};
      wstrb_q  <= w_strb_i;
      wdata_q  <= w_data_i;
    end
  end

  assign m_axi_awvalid_o = awvalid_q;
  assign m_axi_awaddr_o  = awaddr_q;
  assign m_axi_awlen_o   = 8'd0;
  assign m_axi_awsize_o  = 3'($clog2(BusBits / 8));
  assign m_axi_awburst_o = 2'b01;
  assign m_axi_awid_o    = 1'b0;
  assign m_axi_awcache_o = 4'b0011;  // normal, not cacheable, bufferable
  assign m_axi_awprot_o  = 3'b000;
  assign m_axi_wvalid_o  = wvalid_q;
  assign m_axi_wdata_o   = wdata_q;
  assign m_axi_wstrb_o   = wstrb_q;
  assign m_axi_wlast_o   = 1'b1;
  assign m_axi_bready_o  = 1'b1;

  assign idle_o  = count_q == '0;
  assign fault_o = response && m_axi_bresp_i[1] ? mx_pkg::FAULT_BUS_WRITE : mx_pkg::FAULT_NONE;

  wire logic unused = &{1'b0, mem_base_i[11:0], m_axi_bresp_i[0], m_axi_bid_i};

  `RESET_FIRST
  `REQUIRE(base_aligned, mem_base_i[11:0] == 12'd0)
  `REQUIRE(response_expected, !m_axi_bvalid_i || count_q != '0)
  `REQUIRE(addr_aligned, !w_valid_i || w_addr_i[$clog2(BusBits / 8) - 1 : 0] == '0)

endmodule

`default_nettype wire
