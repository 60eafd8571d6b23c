// Proof of mx_burst, read inside it: the requests of a run, one after another,
// are exactly its beats, each as long as its window admits. Where a run could be
// as long as the memory, its user must keep it within 2^32 bytes.
logic [HighBits-1:0]        beat_q;  // next beat to be requested
logic [CountBits-1:0]       left_q;  // beats of the run from there on
logic                       stalled_q;
logic [39:0]                request_q;
wire logic [CountBits-1:0]  length = CountBits'(req_len_o) + 1'b1;
wire logic [BeatBits-1:0]   after  = BeatBits'(beat_q + req_len_o + 1'b1);

always_ff @(posedge clk_i) begin
  if (start) begin
    beat_q <= start_addr_i[31:ByteBits];
    left_q <= start_beats_i;
  end else if (req_fire) begin
    beat_q <= beat_q + HighBits'(length);
    left_q <= left_q - length;
  end
  stalled_q <= rst_ni && req_valid_o && !req_ready_i;
  request_q <= {req_addr_o, req_len_o};
end

`REQUIRE(fits, CountBits < HighBits || !start_valid_i ||
  34'(start_addr_i >> ByteBits) + 34'(start_beats_i) <= 34'(1) << HighBits)
`CHECK(goes_on, !req_valid_o || req_addr_o == {beat_q, {ByteBits{1'b0}}})
`CHECK(never_beyond, !req_valid_o || length <= left_q)
`CHECK(ends, done_o == (req_fire && length == left_q))
`CHECK(longest, !req_fire || done_o || after == '0)
`CHECK(holds, !stalled_q || (req_valid_o && request_q == {req_addr_o, req_len_o}))
// What the state between these holds to.
`CHECK(end_is_kept, !req_valid_o || (left_q != '0 && end_q[HighBits-1:0] == HighBits'(beat_q + left_q)))
`CHECK(next_is_kept, !req_valid_o || next_window_q == window_q + 1'b1)
