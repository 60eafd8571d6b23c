// The weight stream: fetches queued segments of memory ahead of the dot array.
//
// Commands: valid/ready; StreamQueue of them wait. A command is cmd_segments_i
// segments of cmd_seg_beats_i beats, segment i at cmd_addr_i + i *
// cmd_stride_i, modulo 2^32; with no segments or no beats it is dropped
// without checks. A command whose address or stride is not a multiple of the
// beat stops the unit with FAULT_ALIGN, a segment with a byte at or beyond
// mem_size_i with FAULT_RANGE, before any beat of that command or segment is
// requested. fault_o is set for one cycle; then nothing starts until reset.
// Read client and data: as in mx_stream_run. empty_o: no command queued, no
// beat on its way or held.
// Latency: 3 cycles from a command to its first request, 2 or 3 through the
// FIFO. Throughput: a beat per cycle, a segment or a request per cycle.
// Reset: empty.
`include "check.svh"
`default_nettype none

module mx_stream #(
  parameter int unsigned BusBits         = 128,
  parameter int unsigned BurstBeats      = 16,
  parameter int unsigned StreamFifoBeats = 256,  // a power of two, at least BurstBeats
  parameter int unsigned StreamQueue     = 8     // a power of two
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
  localparam int unsigned HeadBits = 1 + 3 * HighBits + 16;

  // ---- queue of commands; only the beat part of addresses is kept ----
  wire logic cmd_some   = cmd_segments_i != 16'd0 && cmd_seg_beats_i != 32'd0;
  wire logic misaligned = cmd_addr_i[ByteBits-1:0] != '0 || cmd_stride_i[ByteBits-1:0] != '0;

  logic                         head_valid, head_take, queue_ready;
  logic                         head_bad;
  logic [HighBits-1:0]          head_addr, head_stride, head_beats;
  logic [15:0]                  head_segments;
  logic [$clog2(StreamQueue):0] waiting;

  mx_fifo #(.Width(HeadBits), .Depth(StreamQueue)) u_queue (
    .clk_i, .rst_ni,
    .in_valid_i(cmd_valid_i && cmd_some), .in_ready_o(queue_ready),
    .in_data_i({misaligned, cmd_addr_i[31:ByteBits], cmd_stride_i[31:ByteBits],
                cmd_seg_beats_i[HighBits-1:0], cmd_segments_i}),
    .out_valid_o(head_valid), .out_ready_i(head_take),
    .out_data_o({head_bad, head_addr, head_stride, head_beats, head_segments}),
    .count_o(waiting)
  );
  assign cmd_ready_o = queue_ready || !cmd_some;

  // ---- segments of the command at the head ----
  logic                     later_q;     // its first segment has been started
  logic [HighBits-1:0]      addr_q;      // of the next segment, when later_q
  logic [15:0]              segments_q;  // to start, when later_q
  wire logic [HighBits-1:0] addr     = later_q ? addr_q : head_addr;
  wire logic [15:0]         segments = later_q ? segments_q : head_segments;

  logic      run_ready, run_idle, range_bad;
  wire logic run_valid = head_valid && !head_bad;
  wire logic start     = run_valid && run_ready;
  assign head_take = start && segments == 16'd1;

  always_ff @(posedge clk_i) begin
    if (!rst_ni)    later_q <= 1'b0;
    else if (start) later_q <= segments != 16'd1;
  end
  always_ff @(posedge clk_i) begin
    if (start) begin
      addr_q     <= addr + head_stride;
      segments_q <= segments - 1'b1;
    end
  end

  mx_stream_run #(
    .BusBits(BusBits), .BurstBeats(BurstBeats), .FifoBeats(StreamFifoBeats), .CountBits(HighBits)
  ) u_run (
    .clk_i, .rst_ni, .idle_o(run_idle), .range_bad_o(range_bad), .mem_size_i,
    .start_valid_i(run_valid), .start_ready_o(run_ready), .start_addr_i(addr), .start_beats_i(head_beats),
    .req_valid_o, .req_ready_i, .req_addr_o, .req_len_o, .r_valid_i, .r_data_i,
    .s_valid_o, .s_ready_i, .s_data_o
  );
  assign empty_o = waiting == '0 && run_idle;

  // ---- faults: told once; the cause stays, and nothing moves past it ----
  // The check of the segment before a bad head ends as the head appears.
  logic      told_q;
  wire logic align_bad = head_valid && head_bad;
  wire logic tell      = (range_bad || align_bad) && !told_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) told_q <= 1'b0;
    else         told_q <= told_q || tell;
  end
  assign fault_o = !tell ? mx_pkg::FAULT_NONE : range_bad ? mx_pkg::FAULT_RANGE : mx_pkg::FAULT_ALIGN;

  `RESET_FIRST
  `REQUIRE(beats_fit, !cmd_valid_i || (cmd_seg_beats_i >> HighBits) == 32'd0)
`ifndef CHECKS
  wire logic unused = &{1'b0, cmd_seg_beats_i >> HighBits};
`endif

endmodule

`default_nettype wire
