// Proof of mx_stream_run, read inside it: for every beat that was requested and
// has not come, the FIFO has room, and all places are accounted for.
logic [FreeBits:0]          promised_q;  // beats requested that have not come
wire logic [FreeBits:0]     length = more + 1'b1;
wire logic [FreeBits:0]     all    = free_q + held + promised_q;

always_ff @(posedge clk_i) begin
  if (!rst_ni) promised_q <= '0;
  else promised_q <= promised_q + (req_fire ? length : '0) - (FreeBits + 1)'(r_valid_i);
end

`REQUIRE(answers_only, !r_valid_i || promised_q != '0)
`CHECK(room_for_promised, promised_q == '0 || fifo_ready)
`CHECK(accounted, all == (FreeBits + 1)'(FifoBeats))
`CHECK(none_is_counted_twice, free_q <= (FreeBits + 1)'(FifoBeats) && held <= (FreeBits + 1)'(FifoBeats)
  && promised_q <= (FreeBits + 1)'(FifoBeats))
`CHECK(idle_is_empty, !idle_o || (promised_q == '0 && held == '0))
