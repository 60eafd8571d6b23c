// Proof of mx_fifo, read inside it. One word, chosen by the solver, is followed
// from in to out: `ahead_q` words are to leave before it.
logic                       watched_q;
logic [AddrBits:0]          ahead_q;
logic [Width-1:0]           word_q;
logic [1:0]                 waits_q;  // cycles in which words were held and none shown
wire logic                  watch     = $anyseq;
wire logic [AddrBits:0]     in_memory = write_q - read_q;
wire logic [AddrBits:0]     in_front  = count_q - in_memory;  // held behind the memory
wire logic [AddrBits-1:0]   address   = AddrBits'(read_q + ahead_q - in_front);
wire logic [Width-1:0]      place     = ahead_q == '0 && out_valid_o ? out_data_o :
                                        ahead_q < in_front ? fetched_data_q : memory[address];

always_ff @(posedge clk_i) begin
  if (!rst_ni || (out_fire && ahead_q == '0)) watched_q <= 1'b0;
  else if (in_fire && watch && !watched_q) watched_q <= 1'b1;
  if (!watched_q) begin
    ahead_q <= count_q - (AddrBits + 1)'(out_fire);
    word_q  <= in_data_i;
  end else if (out_fire) ahead_q <= ahead_q - 1'b1;
  if (!rst_ni || out_valid_o || count_q == '0) waits_q <= '0;
  else waits_q <= waits_q + 1'b1;
end

`CHECK(in_order, !(watched_q && out_valid_o && ahead_q == '0) || out_data_o == word_q)
`CHECK(not_lost, !watched_q || ahead_q < count_q)
`CHECK(shown_in_time, out_valid_o || count_q == '0 || waits_q < (OutputRegister ? 2'd2 : 2'd1))
`CHECK(stored_if_taken, store == in_fire)
`CHECK(never_reads_what_it_writes, !(store && fetch) || write_q[AddrBits-1:0] != read_q[AddrBits-1:0])
// What the state between these holds to.
`CHECK(kept, !watched_q || place == word_q)
`CHECK(front_is_valid, in_front == (AddrBits + 1)'(fetched_q) + (OutputRegister ? (AddrBits + 1)'(out_valid_o) : '0))
