// mx_sdram at twice its clock, with mx_sdram_double and a register at each pin, as on
// a board. fast_i has an edge at each of clk_i and one between.
`default_nettype none

module mx_sdram_double_top #(
  parameter int unsigned ClockHz    = 50000000,
  parameter int unsigned BusBits    = 32,
  parameter int unsigned DataBits   = 32,
  parameter int unsigned Rate       = 2,
  parameter int unsigned Masked     = 1,
  parameter int unsigned CasLatency = 2,
  parameter int unsigned ReadDelay  = 2
) (
  input  wire logic                 clk_i,
  input  wire logic                 fast_i,
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

  output      logic                  sdram_cke_o,
  output      logic                  sdram_cs_no,
  output      logic                  sdram_ras_no,
  output      logic                  sdram_cas_no,
  output      logic                  sdram_we_no,
  output      logic [1:0]            sdram_ba_o,
  output      logic [12:0]           sdram_a_o,
  output      logic [DataBits/16-1:0] sdram_dqm_o,
  output      logic [DataBits/2-1:0] sdram_dq_o,
  output      logic                  sdram_dq_oe_o,
  input  wire logic [DataBits/2-1:0] sdram_dq_i
);

  logic                  cke, cs_n, ras_n, cas_n, we_n, oe, fast_cs_n;
  logic [1:0]            ba;
  logic [12:0]           a;
  logic [DataBits/8-1:0] mask;
  logic [DataBits-1:0]   out, word;
  logic [DataBits/16-1:0] fast_mask;
  logic [DataBits/2-1:0] fast_out, in_q;
  mx_sdram #(
    .ClockHz(ClockHz), .BusBits(BusBits), .DataBits(DataBits), .Rate(Rate), .Masked(Masked),
    .CasLatency(CasLatency), .ReadDelay(ReadDelay)
  ) u_sdram (
    .*, .sdram_cke_o(cke), .sdram_cs_no(cs_n),
    .sdram_ras_no(ras_n), .sdram_cas_no(cas_n), .sdram_we_no(we_n), .sdram_ba_o(ba), .sdram_a_o(a),
    .sdram_dqm_o(mask), .sdram_dq_o(out), .sdram_dq_oe_o(oe), .sdram_dq_i(word)
  );
  mx_sdram_double #(.Pins(DataBits / 2)) u_double (
    .clk_i(clk_i), .fast_i(fast_i), .cs_ni(cs_n), .mask_i(mask), .out_i(out), .cs_no(fast_cs_n), .mask_o(fast_mask),
    .out_o(fast_out), .in_i(in_q), .word_o(word)
  );
  always_ff @(posedge fast_i) begin
    {sdram_cke_o, sdram_cs_no, sdram_ras_no, sdram_cas_no, sdram_we_no} <= {cke, fast_cs_n, ras_n, cas_n, we_n};
    {sdram_ba_o, sdram_a_o, sdram_dqm_o, sdram_dq_o, sdram_dq_oe_o} <= {ba, a, fast_mask, fast_out, oe};
    in_q <= sdram_dq_i;
  end

endmodule

`default_nettype wire
