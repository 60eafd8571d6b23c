// Proof of mx_csr, read inside it: AXI4-Lite. Each write and each read is
// answered once, an answer is held until taken and appears for no other cause.
`include "check.svh"
logic       aw_stalled_q, w_stalled_q, ar_stalled_q, b_stalled_q, r_stalled_q;
logic [1:0] b_owed_q, r_owed_q;
logic [31:0] data_q;
logic [11:0] awaddr_q, araddr_q;
logic [35:0] wdata_q;
wire logic  aw_fire = s_axi_awvalid_i && s_axi_awready_o;
wire logic  ar_fire = s_axi_arvalid_i && s_axi_arready_o;
wire logic  b_fire  = s_axi_bvalid_o && s_axi_bready_i;
wire logic  r_fire  = s_axi_rvalid_o && s_axi_rready_i;

always_ff @(posedge clk_i) begin
  aw_stalled_q <= rst_ni && s_axi_awvalid_i && !s_axi_awready_o;
  w_stalled_q  <= rst_ni && s_axi_wvalid_i && !s_axi_wready_o;
  ar_stalled_q <= rst_ni && s_axi_arvalid_i && !s_axi_arready_o;
  b_stalled_q  <= rst_ni && s_axi_bvalid_o && !s_axi_bready_i;
  r_stalled_q  <= rst_ni && s_axi_rvalid_o && !s_axi_rready_i;
  b_owed_q     <= !rst_ni ? '0 : b_owed_q + 2'(aw_fire) - 2'(b_fire);
  r_owed_q     <= !rst_ni ? '0 : r_owed_q + 2'(ar_fire) - 2'(r_fire);
  data_q       <= s_axi_rdata_o;
  awaddr_q     <= s_axi_awaddr_i;
  araddr_q     <= s_axi_araddr_i;
  wdata_q      <= {s_axi_wstrb_i, s_axi_wdata_i};
end

`RESET_FIRST
`REQUIRE(aw_holds, !aw_stalled_q || (s_axi_awvalid_i && s_axi_awaddr_i == awaddr_q))
`REQUIRE(w_holds, !w_stalled_q || (s_axi_wvalid_i && {s_axi_wstrb_i, s_axi_wdata_i} == wdata_q))
`REQUIRE(ar_holds, !ar_stalled_q || (s_axi_arvalid_i && s_axi_araddr_i == araddr_q))
`CHECK(aw_with_w, (s_axi_awvalid_i && s_axi_awready_o) == (s_axi_wvalid_i && s_axi_wready_o))
`CHECK(b_holds, !b_stalled_q || s_axi_bvalid_o)
`CHECK(r_holds, !r_stalled_q || (s_axi_rvalid_o && s_axi_rdata_o == data_q))
`CHECK(b_once, b_owed_q == 2'(s_axi_bvalid_o))
`CHECK(r_once, r_owed_q == 2'(s_axi_rvalid_o))
// What the state between these holds to.
`CHECK(write_was_asked, !write_ack_q || (aw_stalled_q && w_stalled_q && !s_axi_bvalid_o))
`CHECK(read_was_asked, !read_ack_q || (ar_stalled_q && !s_axi_rvalid_o))
