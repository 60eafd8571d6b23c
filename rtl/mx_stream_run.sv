// Reads one run of beats after another into a FIFO, ahead of their use.
//
// Runs: valid/ready; start_addr_i is a beat number (modulo 2^32 bytes),
// start_beats_i at least 1. A run with a byte at or beyond mem_size_i is not
// read: range_bad_o is set from the next cycle to reset, and nothing starts.
// Read client: as in mx_read. A burst is requested only when the FIFO has
// room for BurstBeats beats beyond all that is held or on its way.
// Data: valid/ready, in order. idle_o: no run, no beat on its way or held.
// Latency: 1 cycle from a run to its first request, 2 or 3 through the FIFO.
// Throughput: a beat per cycle, a request per cycle, a run per cycle.
// Reset: idle; only when no read of this client is outstanding.
`include "check.svh"
`default_nettype none

module mx_stream_run #(
  parameter int unsigned BusBits    = 128,
  parameter int unsigned BurstBeats = 16,
  parameter int unsigned FifoBeats  = 256,  // a power of two, at least BurstBeats
  parameter int unsigned CountBits  = 28    // of start_beats_i
) (
  input  wire logic                             clk_i,
  input  wire logic                             rst_ni,
  output      logic                             idle_o,
  output      logic                             range_bad_o,
  input  wire logic [31:0]                      mem_size_i,

  input  wire logic                             start_valid_i,
  output      logic                             start_ready_o,
  input  wire logic [31-$clog2(BusBits/8):0]    start_addr_i,
  input  wire logic [CountBits-1:0]             start_beats_i,

  output      logic                             req_valid_o,
  input  wire logic                             req_ready_i,
  output      logic [31:0]                      req_addr_o,
  output      logic [7:0]                       req_len_o,
  input  wire logic                             r_valid_i,
  input  wire logic [BusBits-1:0]               r_data_i,

  output      logic                             s_valid_o,
  input  wire logic                             s_ready_i,
  output      logic [BusBits-1:0]               s_data_o
);

  localparam int unsigned ByteBits = $clog2(BusBits / 8);
  localparam int unsigned HighBits = 32 - ByteBits;
  localparam int unsigned FreeBits = $clog2(FifoBeats);

  if (FifoBeats < BurstBeats) begin : g_fifo
    $error("mx_stream_run: FifoBeats must be at least BurstBeats");
  end

  // ---- requests, with room reserved for their data ----
  logic [FreeBits:0] free_q;  // beats of the FIFO neither held nor promised
  logic [FreeBits:0] held;
  logic              fifo_ready, split_valid, split_done;
  logic [HighBits:0] run_end;
  // A subtraction, for its carry chain: synthesis makes a tree of the comparison.
  wire logic [HighBits+1:0] room = {2'b0, mem_size_i[31:ByteBits]} - {1'b0, run_end};
  wire logic in_range = !room[HighBits+1];
  wire logic allowed  = (free_q >> $clog2(BurstBeats)) != '0 && in_range;
  wire logic req_fire = req_valid_o && req_ready_i;
  wire logic s_fire   = s_valid_o && s_ready_i;
  wire logic [FreeBits:0] more = (FreeBits + 1)'(req_len_o);  // beats - 1

  assign req_valid_o = split_valid && allowed;
  assign range_bad_o = split_valid && !in_range;  // stays, as the run never ends

  mx_burst #(.BusBits(BusBits), .BurstBeats(BurstBeats), .CountBits(CountBits)) u_burst (
    .clk_i, .rst_ni,
    .start_valid_i, .start_ready_o, .start_addr_i({start_addr_i, {ByteBits{1'b0}}}), .start_beats_i,
    .req_valid_o(split_valid), .req_ready_i(req_ready_i && allowed),
    .req_addr_o, .req_len_o, .done_o(split_done), .end_o(run_end)
  );

  always_ff @(posedge clk_i) begin
    if (!rst_ni) free_q <= (FreeBits + 1)'(FifoBeats);
    else         free_q <= free_q + (req_fire ? ~more : '0) + (FreeBits + 1)'(s_fire);
  end

  mx_fifo #(.Width(BusBits), .Depth(FifoBeats)) u_data (
    .clk_i, .rst_ni,
    .in_valid_i(r_valid_i), .in_ready_o(fifo_ready), .in_data_i(r_data_i),
    .out_valid_o(s_valid_o), .out_ready_i(s_ready_i), .out_data_o(s_data_o),
    .count_o(held)
  );

  assign idle_o = !split_valid && free_q[FreeBits];

  wire logic unused = &{1'b0, room[HighBits:0], held, fifo_ready, split_done, mem_size_i[ByteBits-1:0]};

  `RESET_FIRST
  `REQUIRE(requested_only, !r_valid_i || fifo_ready)
  `CHECK  (room_is_kept, free_q + held <= (FreeBits + 1)'(FifoBeats))

endmodule

`default_nettype wire
