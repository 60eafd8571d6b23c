// Fetches queued segments of memory into a FIFO, ahead of their use.
//
// Commands: valid/ready; StreamQueue of them wait (1: none waits, a command is
// accepted once the one before has begun its last segment). A command is
// cmd_segments_i segments of cmd_seg_beats_i beats, segment i at cmd_addr_i +
// i * cmd_stride_i, modulo 2^32; with no segments or no beats it is dropped
// without checks. A command whose address or stride is not a multiple of the
// beat stops the unit with FAULT_ALIGN, a segment with a byte at or beyond
// mem_size_i with FAULT_RANGE, before any beat of that command or segment is
// requested. fault_o is set for one cycle; then nothing starts until reset.
// Read client: as in mx_read. A burst is requested only when the FIFO has
// room for BurstBeats beats beyond all that is held or on its way.
// Data: valid/ready, in order. empty_o: no command queued, no beat on its way
// or held.
// Latency: 3 cycles from a command to its first request (StreamQueue 1: 2),
// 2 or 3 cycles through the FIFO. Throughput: a beat per cycle, a request per
// cycle, 1 cycle per segment. Reset: empty.
`include "check.svh"
`default_nettype none

module mx_stream #(
  parameter int unsigned BusBits         = 128,
  parameter int unsigned BurstBeats      = 16,
  parameter int unsigned StreamFifoBeats = 256,  // a power of two, at least BurstBeats
  parameter int unsigned StreamQueue     = 8     // 1 or a power of two
) (
  input  wire logic               clk_i,
  input  wire logic               rst_ni,
  output      logic               empty_o,
  output      logic [3:0]         fault_o,
  input  wire logic [31:0]        mem_size_i,

  input  wire logic               cmd_valid_i,
  output      logic               cmd_ready_o,
  input  wire logic [31:0]        cmd_addr_i,
  input  wire logic [15:0]        cmd_segments_i,
  input  wire logic [31:0]        cmd_seg_beats_i,
  input  wire logic [31:0]        cmd_stride_i,

  output      logic               req_valid_o,
  input  wire logic               req_ready_i,
  output      logic [31:0]        req_addr_o,
  output      logic [7:0]         req_len_o,
  input  wire logic               r_valid_i,
  input  wire logic [BusBits-1:0] r_data_i,

  output      logic               s_valid_o,
  input  wire logic               s_ready_i,
  output      logic [BusBits-1:0] s_data_o
);

  localparam int unsigned ByteBits = $clog2(BusBits / 8);
  localparam int unsigned HighBits = 32 - ByteBits;  // of a beat's address
  localparam int unsigned FreeBits = $clog2(StreamFifoBeats);
  localparam int unsigned HeadBits = 1 + 3 * HighBits + 16;

  if (StreamFifoBeats < BurstBeats) begin : g_fifo
    $error("mx_stream: StreamFifoBeats must be at least BurstBeats");
  end

  // ---- queue of commands; only the beat part of addresses is kept ----
  wire logic cmd_none   = cmd_segments_i == 16'd0 || cmd_seg_beats_i == 32'd0;
  wire logic misaligned = cmd_addr_i[ByteBits-1:0] != '0 || cmd_stride_i[ByteBits-1:0] != '0;
  wire logic [HeadBits-1:0] cmd = {misaligned, cmd_addr_i[31:ByteBits], cmd_stride_i[31:ByteBits],
                                   cmd_seg_beats_i[HighBits-1:0], cmd_segments_i};

  logic                head_valid, head_take, queue_ready, queue_empty;
  logic [HeadBits-1:0] head;

  assign cmd_ready_o = queue_ready || cmd_none;

  if (StreamQueue == 1) begin : g_direct
    assign head_valid  = cmd_valid_i && !cmd_none;
    assign head        = cmd;
    assign queue_ready = head_take;
    assign queue_empty = 1'b1;
  end else begin : g_queue
    logic [$clog2(StreamQueue):0] waiting;
    mx_fifo #(.Width(HeadBits), .Depth(StreamQueue)) u_queue (
      .clk_i, .rst_ni,
      .in_valid_i(cmd_valid_i && !cmd_none), .in_ready_o(queue_ready), .in_data_i(cmd),
      .out_valid_o(head_valid), .out_ready_i(head_take), .out_data_o(head),
      .count_o(waiting)
    );
    assign queue_empty = waiting == '0;
  end

  logic                head_bad;
  logic [HighBits-1:0] head_addr, head_stride, head_beats;
  logic [15:0]         head_segments;
  assign {head_bad, head_addr, head_stride, head_beats, head_segments} = head;

  // ---- segments, one by one ----
  logic                active_q;      // the registers below hold a segment to start
  logic [HighBits-1:0] addr_q, stride_q, beats_q;
  logic [15:0]         segments_q;    // to start, this one included
  logic                align_bad_q;   // a command was not aligned
  logic                range_bad_q;   // the segment in the splitter is out of range
  logic [3:0]          fault_q;

  logic                split_ready, split_valid, split_done;
  logic                head_next;
  wire logic           halted    = align_bad_q || range_bad_q;
  wire logic           start     = active_q && split_ready && !halted;
  wire logic           last      = segments_q == 16'd1;
  wire logic [HighBits:0] seg_end = {1'b0, addr_q} + {1'b0, beats_q};
  wire logic           range_bad = seg_end > {1'b0, mem_size_i[31:ByteBits]};

  assign head_next = !halted && (!active_q || (start && last));
  assign head_take = head_next && head_valid;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      active_q    <= 1'b0;
      align_bad_q <= 1'b0;
      range_bad_q <= 1'b0;
      fault_q     <= mx_pkg::FAULT_NONE;
    end else begin
      if (head_next) active_q <= head_valid && !head_bad;
      if (head_take && head_bad) align_bad_q <= 1'b1;
      if (start && range_bad) range_bad_q <= 1'b1;
      if (start && range_bad)         fault_q <= mx_pkg::FAULT_RANGE;
      else if (head_take && head_bad) fault_q <= mx_pkg::FAULT_ALIGN;
      else                            fault_q <= mx_pkg::FAULT_NONE;
    end
  end
  always_ff @(posedge clk_i) begin
    if (head_take) begin
      addr_q     <= head_addr;
      stride_q   <= head_stride;
      beats_q    <= head_beats;
      segments_q <= head_segments;
    end else if (start) begin
      addr_q     <= addr_q + stride_q;
      segments_q <= segments_q - 1'b1;
    end
  end
  assign fault_o = fault_q;

  // ---- data, with room reserved when they are requested ----
  logic [FreeBits:0] free_q;   // beats of the FIFO neither held nor promised
  logic              fifo_ready;
  logic [FreeBits:0] held;
  wire logic room        = (free_q >> $clog2(BurstBeats)) != '0;
  wire logic req_allowed = room && !range_bad_q;
  wire logic req_fire    = req_valid_o && req_ready_i;
  wire logic s_fire      = s_valid_o && s_ready_i;
  wire logic [FreeBits:0] more = (FreeBits + 1)'(req_len_o);  // beats - 1

  assign req_valid_o = split_valid && req_allowed;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) free_q <= (FreeBits + 1)'(StreamFifoBeats);
    else         free_q <= free_q + (req_fire ? ~more : '0) + (FreeBits + 1)'(s_fire);
  end

  mx_fifo #(.Width(BusBits), .Depth(StreamFifoBeats)) u_data (
    .clk_i, .rst_ni,
    .in_valid_i(r_valid_i), .in_ready_o(fifo_ready), .in_data_i(r_data_i),
    .out_valid_o(s_valid_o), .out_ready_i(s_ready_i), .out_data_o(s_data_o),
    .count_o(held)
  );

  mx_burst #(.BusBits(BusBits), .BurstBeats(BurstBeats), .CountBits(HighBits)) u_burst (
    .clk_i, .rst_ni,
    .start_valid_i(active_q && !halted), .start_ready_o(split_ready),
    .start_addr_i({addr_q, {ByteBits{1'b0}}}), .start_beats_i(beats_q),
    .req_valid_o(split_valid), .req_ready_i(req_ready_i && req_allowed),
    .req_addr_o, .req_len_o, .done_o(split_done)
  );

  assign empty_o = queue_empty && !active_q && !split_valid && free_q == (FreeBits + 1)'(StreamFifoBeats);

  wire logic unused = &{1'b0, held, fifo_ready, split_done, mem_size_i[ByteBits-1:0],
                        cmd_seg_beats_i >> HighBits};

  `RESET_FIRST
  `REQUIRE(beats_fit, !cmd_valid_i || (cmd_seg_beats_i >> HighBits) == 32'd0)
  `REQUIRE(requested_only, !r_valid_i || fifo_ready)
  `CHECK  (room_is_kept, free_q + held <= (FreeBits + 1)'(StreamFifoBeats))

endmodule

`default_nettype wire
