// Splits a run of beats into requests that never cross a window of BurstBeats
// beats, aligned to its size.
//
// Handshake: valid/ready on both sides. start_beats_i is at least 1, and
// start_addr_i a multiple of the beat; addresses are modulo 2^32. done_o is
// set while the last request of a run is accepted; a new run can start in the
// same cycle. While req_valid_o is set, end_o is the number of the beat after
// the run, not modulo 2^32 bytes. Latency 1 cycle from start to the first request. Throughput 1
// request per cycle, across runs too. Reset: no run.
`include "check.svh"
`default_nettype none

module mx_burst #(
  parameter int unsigned BusBits    = 128,
  parameter int unsigned BurstBeats = 16,  // a power of two, 2 to 256
  parameter int unsigned CountBits  = 24
) (
  input  wire logic                 clk_i,
  input  wire logic                 rst_ni,

  input  wire logic                 start_valid_i,
  output      logic                 start_ready_o,
  input  wire logic [31:0]          start_addr_i,
  input  wire logic [CountBits-1:0] start_beats_i,

  output      logic                 req_valid_o,
  input  wire logic                 req_ready_i,
  output      logic [31:0]          req_addr_o,
  output      logic [7:0]           req_len_o,  // beats - 1

  output      logic                 done_o,
  output      logic [32-$clog2(BusBits/8):0] end_o
);

  localparam int unsigned ByteBits = $clog2(BusBits / 8);
  localparam int unsigned HighBits = 32 - ByteBits;  // of a beat's address
  localparam int unsigned BeatBits = $clog2(BurstBeats);
  localparam int unsigned LowBits  = ByteBits + BeatBits;

  if (BurstBeats < 2 || BurstBeats > 256 || BurstBeats != (1 << BeatBits)) begin : g_burst
    $error("mx_burst: BurstBeats must be a power of two from 2 to 256");
  end

  logic                active_q;
  logic [31:LowBits]   window_q, next_window_q;
  logic [BeatBits-1:0] first_q;  // beat of the window at which the request begins
  logic [HighBits:0]   end_q;    // the beat after the run

  wire logic [31:LowBits]   end_window  = end_q[HighBits-1:BeatBits];
  wire logic [BeatBits-1:0] end_beat    = end_q[BeatBits-1:0];  // 0: the run fills its last window
  wire logic last = end_beat == '0 ? next_window_q == end_window : window_q == end_window;

  wire logic start    = start_valid_i && start_ready_o;
  wire logic req_fire = req_valid_o && req_ready_i;

  assign done_o        = req_fire && last;
  assign start_ready_o = !active_q || done_o;
  assign req_valid_o   = active_q;
  assign req_addr_o    = {window_q, first_q, {ByteBits{1'b0}}};
  assign req_len_o     = 8'(BeatBits'((last ? end_beat : '0) + ~first_q));  // end - first - 1
  assign end_o         = end_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni)              active_q <= 1'b0;
    else if (start || done_o) active_q <= start;
  end

  always_ff @(posedge clk_i) begin
    if (start) begin
      window_q      <= start_addr_i[31:LowBits];
      next_window_q <= start_addr_i[31:LowBits] + 1'b1;
      first_q  <= start_addr_i[LowBits-1:ByteBits];
      end_q    <= {1'b0, start_addr_i[31:ByteBits]} + (HighBits + 1)'(start_beats_i);
    end else if (req_fire) begin
      window_q      <= next_window_q;
      next_window_q <= next_window_q + 1'b1;
      first_q  <= '0;
    end
  end

  `RESET_FIRST
  `REQUIRE(start_aligned, !start_valid_i || start_addr_i[ByteBits-1:0] == '0)
  `REQUIRE(start_not_empty, !start_valid_i || start_beats_i != '0)
  `CHECK  (inside_window, !req_valid_o || 32'(first_q) + 32'(req_len_o) < BurstBeats)
  `CHECK  (inside_run, !done_o || req_addr_o[31:ByteBits] + HighBits'(req_len_o) + 1'b1 == end_q[HighBits-1:0])

`ifndef CHECKS
  wire logic unused = &{1'b0, start_addr_i[ByteBits-1:0]};
`endif

endmodule

`default_nettype wire
