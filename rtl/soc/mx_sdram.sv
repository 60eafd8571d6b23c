// AXI4 slave in front of an SDR SDRAM chip with 4 banks and 16 or 32 data pins.
//
// Reads: INCR bursts of full beats. Writes: single beats with strobes; AW and W
// are taken together. Both in order: what begins after the answer to a write
// sees it. Between bursts, writes go before reads, at most 16 in a row. The
// master takes data and answers at once: rready and bready are not there.
// rid, bid: the ID of the request. Addresses outside of the chip from Base answer
// DECERR; nothing is written. Requests wait until ready_o.
//
// DataBits: that pass the data pins in a cycle, up to BusBits. With Rate = 2 the
// chip's clock has two cycles in one of ours, and the chip half as many pins: the
// lower half of sdram_dq_* and sdram_dqm_o comes first; commands count in the
// first of the two cycles, in the other the board deselects the chip.
// Masked = 0: the board has tied the chip's byte masks to ground. A write that
// leaves bytes as they are then reads the beat first. sdram_cs_no and sdram_cke_o
// may be left unconnected where the board ties them too.
//
// Latency: from a burst's acceptance to its first beat, with the row open,
// CasLatency / Rate (rounded up) + ReadDelay + Columns + 2 cycles. Throughput: a
// beat every Columns = BusBits / DataBits cycles, which is what the pins can do,
// within a row and across bursts; then a few cycles for the next row, and
// refreshes. A row of the chip is contiguous, the next lies in the next bank.
//
// Times: T*Ns of the chip in ns; the defaults hold for IS42S16160G-7,
// AS4C32M16SB-7, AS4C16M16SA-7, W9825G6KH-6 and EM638325-6 together. ReadDelay:
// clock edges more than CasLatency from the one that drives READ to the one that
// samples: 0 if the chip has the inverted clock and its data come within half a
// cycle (50 MHz), 1 if its clock is about in phase. All pins are registers.
// Reset: synchronous; the chip is started up again.
`include "check.svh"
`default_nettype none

module mx_sdram #(
  parameter  int unsigned ClockHz      = 50000000,
  parameter  int unsigned BusBits      = 64,  // 32, 64 or 128
  parameter  int unsigned DataBits     = 16,  // 16 or 32
  parameter  int unsigned Rate         = 1,   // 1 or 2
  parameter  int unsigned Masked       = 1,
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
  output      logic [DataBits/8-1:0] sdram_dqm_o,
  output      logic [DataBits-1:0]  sdram_dq_o,
  output      logic                 sdram_dq_oe_o,
  input  wire logic [DataBits-1:0]  sdram_dq_i
);

  localparam int unsigned Columns   = BusBits / DataBits;
  localparam int unsigned ByteBits  = $clog2(BusBits / 8);
  localparam int unsigned BankBit   = ColumnBits + $clog2(DataBits / (8 * Rate));
  localparam int unsigned TopBit    = BankBit + 2 + RowBits;  // log2 of the chip's bytes
  localparam int unsigned ClockKHz  = (ClockHz + 999) / 1000;

  // ---- requests: a read burst under way, one that waits, and the access that is wanted next ----
  localparam int unsigned WritesAtOnce = 16;
  localparam int unsigned AskBits = TopBit - ByteBits + 10;
  logic                    burst_q, begun_q, burst_id_q, burst_bad_q, waits_q;
  logic [TopBit-1:ByteBits] burst_addr_q, addr_q;
  logic [7:0]              burst_len_q;
  logic [AskBits-1:0]      ask_q;  // the burst that waits
  logic                    valid_q, write_q, last_q, id_q, bad_q;
  logic [3:0]              writes_q;  // in a row while a burst waits
  logic                    done, ready;

  // A write of part of a beat without masks (merge_q) reads its beat first, is away
  // until that is back, and then writes all of it.
  logic merge_q, away_q, back;

  wire logic fetched    = done && merge_q && !write_q;
  wire logic take       = (!valid_q && !away_q) || (done && !fetched);  // the next access may be chosen
  wire logic written    = done && write_q;
  wire logic write_ends = written || (back && bad_q);
  wire logic write_asks = awvalid_i && wvalid_i && !write_ends && ready;
  wire logic overdue    = burst_q && writes_q == 4'(WritesAtOnce - 1);
  wire logic take_write = take && write_asks && !(burst_q && begun_q) && !overdue;
  wire logic take_read  = take && !take_write && burst_q;
  wire logic burst_ends = take_read && burst_len_q == '0;
  wire logic aw_bad     = awaddr_i[39:TopBit] != Base[39:TopBit];
  wire logic part       = Masked == 0 && (aw_bad || wstrb_i != '1);
  wire logic accept     = arvalid_i && arready_o;
  wire logic load       = !burst_q || burst_ends;  // the next burst may begin
  wire logic [AskBits-1:0] asked =
      {araddr_i[TopBit-1:ByteBits], arlen_i, arid_i, araddr_i[39:TopBit] != Base[39:TopBit]};

  // A burst in advance hides the cycle between two; of longer beats the next access does.
  assign arready_o = !(Columns == 1 ? waits_q : burst_q) && ready;
  assign awready_o = write_ends;
  assign wready_o  = write_ends;
  assign ready_o   = ready;

  // A burst stays within 4096 bytes, so the upper bits of its address stay too.
  wire logic [11:ByteBits] next_beat = burst_addr_q[11:ByteBits] + 1'b1;
  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      burst_q <= 1'b0;
      waits_q <= 1'b0;
    end else begin
      burst_q <= !load || waits_q || accept;
      waits_q <= !load && (waits_q || accept);
    end
    if (accept) ask_q <= asked;
    if (load)           begun_q <= 1'b0;
    else if (take_read) begun_q <= 1'b1;
    if (load) {burst_addr_q, burst_len_q, burst_id_q, burst_bad_q} <= waits_q ? ask_q : asked;
    else if (take_read) begin
      burst_addr_q[11:ByteBits] <= next_beat;
      burst_len_q               <= burst_len_q - 1'b1;
    end
    if (take) begin
      write_q <= take_write && !part;
      merge_q <= take_write && part;
      last_q  <= burst_len_q == '0;
      addr_q  <= take_write ? awaddr_i[TopBit-1:ByteBits] : burst_addr_q;
      id_q    <= take_write ? awid_i : burst_id_q;
      bad_q   <= take_write ? aw_bad : burst_bad_q;
    end else if (back) write_q <= 1'b1;
    if (!rst_ni) begin
      valid_q <= 1'b0;
      away_q  <= 1'b0;
    end else begin
      valid_q <= take ? take_write || take_read : (valid_q && !done) || (back && !bad_q);
      away_q  <= (away_q && !back) || fetched;
    end
    if (!rst_ni || take_read) writes_q <= '0;
    else if (take_write && burst_q) writes_q <= writes_q + 1'b1;
  end

  // ---- commands ----
  logic read_pin, write_pin;
  wire logic [ColumnBits-1:0] beat   = ColumnBits'(addr_q[BankBit-1:ByteBits]);
  wire logic [ColumnBits-1:0] column = beat << $clog2(Columns * Rate);
  mx_sdram_bank #(
    .Columns(Columns), .Rate(Rate), .ColumnBits(ColumnBits), .RowBits(RowBits), .CasLatency(CasLatency),
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
    .acc_bank_i(addr_q[BankBit +: 2]), .acc_column_i(column), .acc_done_o(done),
    .read_o(read_pin), .write_o(write_pin),
    .cke_o(sdram_cke_o), .cs_no(sdram_cs_no), .ras_no(sdram_ras_no), .cas_no(sdram_cas_no), .we_no(sdram_we_no),
    .ba_o(sdram_ba_o), .a_o(sdram_a_o)
  );

  // ---- data to the chip: the first column with its WRITE ----
  localparam int unsigned Delay = (CasLatency + Rate - 1) / Rate + ReadDelay + Columns;  // from READ at the pins to the whole beat
  logic [BusBits-1:0]   out_q, in_q;
  logic [BusBits/8-1:0] mask_q;
  logic [Columns-1:0]   drive_q;
  assign sdram_dq_o    = out_q[DataBits-1:0];
  assign sdram_dqm_o   = mask_q[DataBits/8-1:0];
  assign sdram_dq_oe_o = drive_q[0];
  wire logic [BusBits/8-1:0] covered = wstrb_i & {(BusBits / 8){!bad_q}};
  logic [BusBits-1:0] beat_out;
  always_comb begin
    beat_out = wdata_i;
    for (int unsigned i = 0; i < BusBits / 8; i++)
      if (Masked == 0 && !wstrb_i[i]) beat_out[8*i +: 8] = in_q[8*i +: 8];
  end
  always_ff @(posedge clk_i) begin
    out_q <= written ? beat_out : out_q >> DataBits;
    if (!ready)       mask_q <= '1;
    else if (written) mask_q <= ~covered;
    else              mask_q <= mask_q >> (DataBits / 8);
    if (!rst_ni)      drive_q <= '0;
    else if (written) drive_q <= '1;
    else              drive_q <= drive_q >> 1;
  end
  always_ff @(posedge clk_i) begin
    bvalid_o <= write_ends && rst_ni;
    bresp_o  <= {2{bad_q}};
    bid_o    <= id_q;
  end

  // ---- data from the chip: sampled, then gathered from the top down ----
  logic [DataBits-1:0] sample_q;
  logic [3:0]          tag_q;  // of the READ at the pins
  logic [Delay-1:0]    way_q, way_last_q, way_id_q, way_bad_q, way_merge_q;
  wire logic           kept = back || (merge_q && write_q && valid_q);  // nothing else is on its way then
  wire logic [BusBits-1:0] gathered = BusBits'({sample_q, in_q} >> DataBits);
  always_ff @(posedge clk_i) begin
    sample_q <= sdram_dq_i;
    if (!kept) in_q <= gathered;
    tag_q    <= {last_q, id_q, bad_q, merge_q};
    way_q       <= rst_ni ? {way_q[Delay-2:0], read_pin} : '0;
    way_last_q  <= {way_last_q[Delay-2:0], tag_q[3]};
    way_id_q    <= {way_id_q[Delay-2:0], tag_q[2]};
    way_bad_q   <= {way_bad_q[Delay-2:0], tag_q[1]};
    way_merge_q <= {way_merge_q[Delay-2:0], tag_q[0]};
  end
  assign back     = way_q[Delay-1] && way_merge_q[Delay-1];
  assign rvalid_o = way_q[Delay-1] && !way_merge_q[Delay-1];
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
