// Proof of mx_write, read inside it: each accepted word leaves once on AW and
// once on W, unchanged, held while stalled, and no more than Writes wait.
logic [39:0]                address_q;
logic [BusBits-1:0]         word_q;
logic [BusBits/8-1:0]       bytes_q;
logic [1:0]                 aw_owed_q, w_owed_q;
logic                       aw_stalled_q, w_stalled_q;
wire logic                  aw_fire = m_axi_awvalid_o && m_axi_awready_i;
wire logic                  w_fire  = m_axi_wvalid_o && m_axi_wready_i;

always_ff @(posedge clk_i) begin
  if (accept) begin
    address_q <= mem_base_i + 40'(w_addr_i);
    word_q    <= w_data_i;
    bytes_q   <= w_strb_i;
  end
  aw_owed_q    <= !rst_ni ? '0 : aw_owed_q + 2'(accept) - 2'(aw_fire);
  w_owed_q     <= !rst_ni ? '0 : w_owed_q + 2'(accept) - 2'(w_fire);
  aw_stalled_q <= rst_ni && m_axi_awvalid_o && !m_axi_awready_i;
  w_stalled_q  <= rst_ni && m_axi_wvalid_o && !m_axi_wready_i;
end

`CHECK(aw_once, aw_owed_q == 2'(m_axi_awvalid_o))
`CHECK(w_once, w_owed_q == 2'(m_axi_wvalid_o))
`CHECK(aw_holds, !aw_stalled_q || m_axi_awvalid_o)
`CHECK(w_holds, !w_stalled_q || m_axi_wvalid_o)
`CHECK(aw_is_the_word, !m_axi_awvalid_o || m_axi_awaddr_o == address_q)
`CHECK(w_is_the_word, !m_axi_wvalid_o || {m_axi_wstrb_o, m_axi_wdata_o} == {bytes_q, word_q})
`CHECK(within_writes, count_q <= CountBits'(Writes))
`CHECK(none_when_stopped, !(stop_i && accept))
