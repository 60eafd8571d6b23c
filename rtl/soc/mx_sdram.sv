// AXI4 slave in front of an SDR SDRAM chip with 16 data pins and 4 banks.
//
// Reads: INCR bursts of full beats. Writes: single beats with strobes; AW and W
// are taken together. Both in order: what begins after the answer to a write
// sees it. Between bursts, writes go before reads, at most 16 in a row. The
// master takes data and answers at once: rready and bready are not there.
// rid, bid: the ID of the request. Addresses outside of the chip's
// 2 ** (ColumnBits + RowBits + 3) bytes from Base answer DECERR; nothing is written. Requests wait until ready_o.
//
// Latency: from a burst's acceptance to its first beat, with the row open,
// CasLatency + ReadDelay + Columns + 2 cycles. Throughput: a beat every Columns
// = BusBits / 16 cycles, which is what the pins can do, within a row and across
// bursts; then a few cycles for the next row, and refreshes. A row of the chip
// is contiguous, the next lies in the next bank.
//
// Times: T*Ns of the chip in ns; the defaults hold for IS42S16160G-7,
// AS4C32M16SB-7, AS4C16M16SA-7 and W9825G6KH-6 together. ReadDelay: clock edges
// more than CasLatency from the one that drives READ to the one that samples:
// 0 if the chip has the inverted clock and its data come within half a cycle
// (50 MHz), 1 if its clock is about in phase. All pins are registers.
// Reset: synchronous; the chip is started up again.
`include "check.svh"
`default_nettype none

module mx_sdram #(
  parameter  int unsigned ClockHz      = 50000000,
  parameter  int unsigned BusBits      = 64,  // 32, 64 or 128
  parameter  logic [39:0] Base         = 40'h0,  // a multiple of the chip's size
  parameter  int unsigned ColumnBits   = 9,
  parameter  int unsigned RowBits      = 13,
  parameter  int unsigned CasLatency   = 2,
  parameter  int unsigned ReadDelay    = 0,
  parameter  int unsigned RefreshGroup = 4,
  parameter  int unsigned TPowerUpUs   = 200,
  parameter  int unsigned TRefreshNs   = 7800,  // 64 ms / 8192
  parameter  int unsigned TRcdNs       = 21,
  parameter  int unsigned TRpNs        = 21,
  parameter  int unsigned TRasNs       = 45,
  parameter  int unsigned TRcNs        = 66,
  parameter  int unsigned TRfcNs       = 66,
  parameter  int unsigned TWrNs        = 15,    // and two cycles
  parameter  int unsigned TMrdNs       = 15     // and two cycles
) (
  input  wire logic                 clk_i,
  input  wire logic                 rst_ni,
  output      logic                 ready_o,

  input  wire logic                 arvalid_i,
  output      logic                 arready_o,
  input  wire logic [39:0]          araddr_i,
  input  wire logic [7:0]           arlen_i,
  input  wire logic                 arid_i,
  output      logic                 rvalid_o,
  output      logic [BusBits-1:0]   rdata_o,
  output      logic [1:0]           rresp_o,
  output      logic                 rlast_o,
  output      logic                 rid_o,
  input  wire logic                 awvalid_i,
  output      logic                 awready_o,
  input  wire logic [39:0]          awaddr_i,
  input  wire logic                 awid_i,
  input  wire logic                 wvalid_i,
  output      logic                 wready_o,
  input  wire logic [BusBits-1:0]   wdata_i,
  input  wire logic [BusBits/8-1:0] wstrb_i,
  output      logic                 bvalid_o,
  output      logic [1:0]           bresp_o,
  output      logic                 bid_o,

  output      logic                 sdram_cke_o,
  output      logic                 sdram_cs_no,
  output      logic                 sdram_ras_no,
  output      logic                 sdram_cas_no,
  output      logic                 sdram_we_no,
  output      logic [1:0]           sdram_ba_o,
  output      logic [RowBits-1:0]   sdram_a_o,
  output      logic [1:0]           sdram_dqm_o,
  output      logic [15:0]          sdram_dq_o,
  output      logic                 sdram_dq_oe_o,
  input  wire logic [15:0]          sdram_dq_i
);

  localparam int unsigned Columns   = BusBits / 16;
  localparam int unsigned ByteBits  = $clog2(BusBits / 8);
  localparam int unsigned TopBit    = ColumnBits + RowBits + 3;  // log2 of the chip's bytes
  localparam int unsigned ClockKHz  = (ClockHz + 999) / 1000;

  // ---- requests: a read burst under way, and the access that is wanted next ----
  localparam int unsigned WritesAtOnce = 16;
  logic                    burst_q, begun_q, burst_id_q, burst_bad_q;
  logic [TopBit-1:ByteBits] burst_addr_q, addr_q;
  logic [7:0]              burst_len_q;
  logic                    valid_q, write_q, last_q, id_q, bad_q;
  logic [3:0]              writes_q;  // in a row while a burst waits
  logic                    done, ready;

  wire logic take       = !valid_q || done;  // the next access may be chosen
  wire logic write_ends = done && write_q;
  wire logic write_asks = awvalid_i && wvalid_i && !write_ends && ready;
  wire logic overdue    = burst_q && writes_q == 4'(WritesAtOnce - 1);
  wire logic take_write = take && write_asks && !(burst_q && begun_q) && !overdue;
  wire logic take_read  = take && !take_write && burst_q;
  wire logic burst_ends = take_read && burst_len_q == '0;
  wire logic aw_bad     = awaddr_i[39:TopBit] != Base[39:TopBit];
  wire logic accept     = arvalid_i && arready_o;

  assign arready_o = !burst_q && ready;
  assign awready_o = write_ends;
  assign wready_o  = write_ends;
  assign ready_o   = ready;

  // A burst stays within 4096 bytes, so the upper bits of its address stay too.
  wire logic [11:ByteBits] next_beat = burst_addr_q[11:ByteBits] + 1'b1;
  always_ff @(posedge clk_i) begin
    if (!rst_ni)     burst_q <= 1'b0;
    else             burst_q <= accept || (burst_q && !burst_ends);
    if (accept)         begun_q <= 1'b0;
    else if (take_read) begun_q <= 1'b1;
    if (accept) begin
      burst_addr_q <= araddr_i[TopBit-1:ByteBits];
      burst_len_q  <= arlen_i;
      burst_id_q   <= arid_i;
      burst_bad_q  <= araddr_i[39:TopBit] != Base[39:TopBit];
    end else if (take_read) begin
      burst_addr_q[11:ByteBits] <= next_beat;
      burst_len_q               <= burst_len_q - 1'b1;
    end
    if (!rst_ni)         valid_q <= 1'b0;
    else if (take)       valid_q <= take_write || take_read;
    if (take) begin
      write_q <= take_write;
      last_q  <= burst_len_q == '0;
      addr_q  <= take_write ? awaddr_i[TopBit-1:ByteBits] : burst_addr_q;
      id_q    <= take_write ? awid_i : burst_id_q;
      bad_q   <= take_write ? aw_bad : burst_bad_q;
    end
    if (!rst_ni || take_read) writes_q <= '0;
    else if (take_write && burst_q) writes_q <= writes_q + 1'b1;
  end

  // ---- commands ----
  logic read_pin, write_pin;
  mx_sdram_bank #(
    .Columns(Columns), .ColumnBits(ColumnBits), .RowBits(RowBits), .CasLatency(CasLatency),
    .RefreshGroup(RefreshGroup), .CyclesPowerUp(TPowerUpUs * ClockKHz / 1000 + 1),
    .CyclesRefresh(TRefreshNs * (ClockKHz / 10) / 100000),
    .CyclesRcd((TRcdNs * ClockKHz + 999999) / 1000000), .CyclesRp((TRpNs * ClockKHz + 999999) / 1000000),
    .CyclesRas((TRasNs * ClockKHz + 999999) / 1000000), .CyclesRc((TRcNs * ClockKHz + 999999) / 1000000),
    .CyclesRfc((TRfcNs * ClockKHz + 999999) / 1000000),
    .CyclesWr(TWrNs * ClockKHz > 2000000 ? (TWrNs * ClockKHz + 999999) / 1000000 : 2),
    .CyclesMrd(TMrdNs * ClockKHz > 2000000 ? (TMrdNs * ClockKHz + 999999) / 1000000 : 2)
  ) u_bank (
    .clk_i(clk_i), .rst_ni(rst_ni), .ready_o(ready),
    .acc_valid_i(valid_q), .acc_write_i(write_q), .acc_row_i(addr_q[TopBit-1 -: RowBits]),
    .acc_bank_i(addr_q[ColumnBits+1 +: 2]),
    .acc_column_i({addr_q[ColumnBits:ByteBits], {(ByteBits - 1){1'b0}}}), .acc_done_o(done),
    .read_o(read_pin), .write_o(write_pin),
    .cke_o(sdram_cke_o), .cs_no(sdram_cs_no), .ras_no(sdram_ras_no), .cas_no(sdram_cas_no), .we_no(sdram_we_no),
    .ba_o(sdram_ba_o), .a_o(sdram_a_o)
  );

  // ---- data to the chip: the first column with its WRITE ----
  logic [BusBits-1:0]   out_q;
  logic [BusBits/8-1:0] mask_q;
  logic [Columns-1:0]   drive_q;
  assign sdram_dq_o    = out_q[15:0];
  assign sdram_dqm_o   = mask_q[1:0];
  assign sdram_dq_oe_o = drive_q[0];
  wire logic [BusBits/8-1:0] covered = wstrb_i & {(BusBits / 8){!bad_q}};
  always_ff @(posedge clk_i) begin
    out_q <= write_ends ? wdata_i : {16'd0, out_q[BusBits-1:16]};
    if (!ready)          mask_q <= '1;
    else if (write_ends) mask_q <= ~covered;
    else                 mask_q <= {2'b00, mask_q[BusBits/8-1:2]};
    if (!rst_ni)         drive_q <= '0;
    else if (write_ends) drive_q <= '1;
    else                 drive_q <= {1'b0, drive_q[Columns-1:1]};
  end
  always_ff @(posedge clk_i) begin
    bvalid_o <= write_ends && rst_ni;
    bresp_o  <= {2{bad_q}};
    bid_o    <= id_q;
  end

  // ---- data from the chip: sampled, then gathered from the top down ----
  localparam int unsigned Delay = CasLatency + ReadDelay + Columns;  // from READ at the pins to the whole beat
  logic [15:0]        sample_q;
  logic [BusBits-1:0] in_q;
  logic [2:0]         tag_q;  // of the READ at the pins
  logic [Delay-1:0]   way_q, way_last_q, way_id_q, way_bad_q;
  always_ff @(posedge clk_i) begin
    sample_q <= sdram_dq_i;
    in_q     <= {sample_q, in_q[BusBits-1:16]};
    tag_q    <= {last_q, id_q, bad_q};
    way_q      <= rst_ni ? {way_q[Delay-2:0], read_pin} : '0;
    way_last_q <= {way_last_q[Delay-2:0], tag_q[2]};
    way_id_q   <= {way_id_q[Delay-2:0], tag_q[1]};
    way_bad_q  <= {way_bad_q[Delay-2:0], tag_q[0]};
  end
  assign rvalid_o = way_q[Delay-1];
  assign rlast_o  = way_last_q[Delay-1];
  assign rid_o    = way_id_q[Delay-1];
  assign rresp_o  = {2{way_bad_q[Delay-1]}};
  assign rdata_o  = in_q;

  wire logic unused = &{1'b0, write_pin, araddr_i[ByteBits-1:0], awaddr_i[ByteBits-1:0]};

`ifdef CHECKS
  logic        past_q, ar_stall_q, w_stall_q;
  logic [47:0] ar_q;
  logic [39:0] aw_q;
  initial past_q = 1'b0;
  always_ff @(posedge clk_i) begin
    past_q     <= rst_ni;
    ar_stall_q <= arvalid_i && !arready_o;
    w_stall_q  <= awvalid_i && wvalid_i && !wready_o;
    ar_q       <= {araddr_i, arlen_i};
    aw_q       <= awaddr_i;
  end
`endif
  `RESET_FIRST
  `REQUIRE(ar_holds, !(past_q && ar_stall_q) || (arvalid_i && {araddr_i, arlen_i} == ar_q))
  `REQUIRE(w_holds, !(past_q && w_stall_q) || (awvalid_i && wvalid_i && awaddr_i == aw_q))
  `REQUIRE(within_page, !accept || {1'b0, araddr_i[11:ByteBits]} + (13 - ByteBits)'(arlen_i) < (13 - ByteBits)'(13'h1000 >> ByteBits))

endmodule

`default_nettype wire
