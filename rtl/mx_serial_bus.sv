// AXI4 master of mx_serial, one transaction at a time: reads of three clients (0
// fetch, 1 stream, 2 move) and single-beat writes of client 2, for a bus of 32 bits.
//
// Requests: req_valid_i[c], with req_write_i or req_probe_i for client 2, until
// req_ready_o[c] or req_bad_o[c]. The lowest client that asks is served. addr[31:2] is
// the beat, relative to mem_base_i; the last beat must lie below mem_size_i, else
// nothing happens but bad; of client 2 only its bytes up to addr[1:0]. len (beats - 1): a burst is aligned to
// its size, a power of two. Ready: of a read when its address is out, of a write
// when it has been answered, of a probe, which only checks, at once. r_valid_o[c]
// marks a beat for client c, which must take it. w_strb_i, w_data_i: of the write.
// stop_i: nothing is begun any more. idle_o: nothing is under way.
// read_fault_o, write_fault_o: a bus error, for a cycle.
// Latency: 2 cycles from a request to its address. Reset: only while idle_o is set.
`include "check.svh"
`default_nettype none

module mx_serial_bus (
  input  wire logic        clk_i,
  input  wire logic        rst_ni,
  input  wire logic        stop_i,
  output      logic        idle_o,
  output      logic [3:0]  read_fault_o,
  output      logic [3:0]  write_fault_o,
  input  wire logic [39:0] mem_base_i,
  input  wire logic [31:0] mem_size_i,

  input  wire logic [2:0]  req_valid_i,
  input  wire logic        req_write_i,
  input  wire logic        req_probe_i,
  output      logic [2:0]  req_ready_o,
  output      logic [2:0]  req_bad_o,
  input  wire logic [95:0] req_addr_i,
  input  wire logic [23:0] req_len_i,
  output      logic [2:0]  r_valid_o,
  output      logic [31:0] r_data_o,
  input  wire logic [3:0]  w_strb_i,
  input  wire logic [31:0] w_data_i,

  output      logic        m_axi_arvalid_o,
  input  wire logic        m_axi_arready_i,
  output      logic [39:0] m_axi_araddr_o,
  output      logic [7:0]  m_axi_arlen_o,
  output      logic [2:0]  m_axi_arsize_o,
  output      logic [1:0]  m_axi_arburst_o,
  output      logic        m_axi_arid_o,
  output      logic [3:0]  m_axi_arcache_o,
  output      logic [2:0]  m_axi_arprot_o,
  input  wire logic        m_axi_rvalid_i,
  output      logic        m_axi_rready_o,
  input  wire logic [31:0] m_axi_rdata_i,
  input  wire logic [1:0]  m_axi_rresp_i,
  input  wire logic        m_axi_rlast_i,
  input  wire logic        m_axi_rid_i,
  output      logic        m_axi_awvalid_o,
  input  wire logic        m_axi_awready_i,
  output      logic [39:0] m_axi_awaddr_o,
  output      logic [7:0]  m_axi_awlen_o,
  output      logic [2:0]  m_axi_awsize_o,
  output      logic [1:0]  m_axi_awburst_o,
  output      logic        m_axi_awid_o,
  output      logic [3:0]  m_axi_awcache_o,
  output      logic [2:0]  m_axi_awprot_o,
  output      logic        m_axi_wvalid_o,
  input  wire logic        m_axi_wready_i,
  output      logic [31:0] m_axi_wdata_o,
  output      logic [3:0]  m_axi_wstrb_o,
  output      logic        m_axi_wlast_o,
  input  wire logic        m_axi_bvalid_i,
  output      logic        m_axi_bready_o,
  input  wire logic [1:0]  m_axi_bresp_i,
  input  wire logic        m_axi_bid_i
);

  typedef enum logic [2:0] {Idle, Check, Ask, Read, Write} state_e;
  state_e state_q;

  logic [1:0]  client_q;
  logic [39:0] addr_q;
  logic [7:0]  len_q;
  logic        good_q;
  logic        aw_q, w_q;  // valid
  wire logic [1:0]  client = req_valid_i[0] ? 2'd0 : req_valid_i[1] ? 2'd1 : 2'd2;
  wire logic [31:0] addr   = client[1] ? req_addr_i[95:64] : client[0] ? req_addr_i[63:32] : req_addr_i[31:0];
  wire logic [7:0]  len    = client[1] ? req_len_i[23:16] : client[0] ? req_len_i[15:8] : req_len_i[7:0];
  wire logic [31:0] last   = {addr[31:10], addr[9:2] | len, addr[1:0] | {2{!client[1]}}};
  always_ff @(posedge clk_i)
    if (state_q == Idle) begin
      client_q <= client;
      addr_q   <= {mem_base_i[39:12] + 28'(addr[31:12]), addr[11:2], 2'b00};
      len_q    <= len;
      good_q   <= last < mem_size_i;
    end

  wire logic write   = client_q[1] && req_write_i;
  wire logic probe   = client_q[1] && req_probe_i;
  wire logic ar_fire = m_axi_arvalid_o && m_axi_arready_i;
  wire logic ready   = ar_fire || (m_axi_bvalid_i && state_q == Write) || (state_q == Check && good_q && probe);
  wire logic bad     = state_q == Check && !good_q;
  wire logic [2:0] mine = 3'b001 << client_q;
  assign req_ready_o = mine & {3{ready}};
  assign req_bad_o   = mine & {3{bad}};
  always_ff @(posedge clk_i) begin
    if (!rst_ni) state_q <= Idle;
    else
      case (state_q)
        Idle:    if (req_valid_i != 3'd0 && !stop_i) state_q <= Check;
        Check:   state_q <= !good_q || probe || stop_i ? Idle : write ? Write : Ask;
        Ask:     if (m_axi_arready_i) state_q <= Read;
        Read:    if (m_axi_rvalid_i && m_axi_rlast_i) state_q <= Idle;
        Write:   if (m_axi_bvalid_i) state_q <= Idle;
        default: state_q <= Idle;
      endcase
    if (!rst_ni) {aw_q, w_q} <= 2'b00;
    else begin
      aw_q <= state_q == Check ? write && good_q && !stop_i : aw_q && !m_axi_awready_i;
      w_q  <= state_q == Check ? write && good_q && !stop_i : w_q && !m_axi_wready_i;
    end
  end
  assign idle_o = state_q == Idle;

  assign m_axi_arvalid_o = state_q == Ask;
  assign m_axi_araddr_o  = addr_q;
  assign m_axi_arlen_o   = len_q;
  assign m_axi_arsize_o  = 3'd2;
  assign m_axi_arburst_o = 2'b01;
  assign m_axi_arid_o    = 1'b0;
  assign m_axi_arcache_o = 4'b0011;  // normal, not cacheable, bufferable
  assign m_axi_arprot_o  = 3'b000;
  assign m_axi_rready_o  = 1'b1;
  assign r_valid_o       = mine & {3{m_axi_rvalid_i}};
  assign r_data_o        = m_axi_rdata_i;
  assign m_axi_awvalid_o = aw_q;
  assign m_axi_awaddr_o  = addr_q;
  assign m_axi_awlen_o   = 8'd0;
  assign m_axi_awsize_o  = 3'd2;
  assign m_axi_awburst_o = 2'b01;
  assign m_axi_awid_o    = 1'b0;
  assign m_axi_awcache_o = 4'b0011;
  assign m_axi_awprot_o  = 3'b000;
  assign m_axi_wvalid_o  = w_q;
  assign m_axi_wdata_o   = w_data_i;
  assign m_axi_wstrb_o   = w_strb_i;
  assign m_axi_wlast_o   = 1'b1;
  assign m_axi_bready_o  = 1'b1;
  assign read_fault_o    = m_axi_rvalid_i && m_axi_rresp_i[1] ? mx_pkg::FAULT_BUS_READ : mx_pkg::FAULT_NONE;
  assign write_fault_o   = m_axi_bvalid_i && m_axi_bresp_i[1] ? mx_pkg::FAULT_BUS_WRITE : mx_pkg::FAULT_NONE;

  wire logic unused = ^{mem_base_i[11:0], m_axi_rresp_i[0], m_axi_bresp_i[0], m_axi_rid_i, m_axi_bid_i};

  `RESET_FIRST
  `REQUIRE(base_aligned, mem_base_i[11:0] == 12'd0)
  `REQUIRE(data_was_requested, !m_axi_rvalid_i || state_q == Read)

endmodule

`default_nettype wire
