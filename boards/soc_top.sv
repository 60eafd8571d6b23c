// mx_rv behind registers that are shifted in and out by two pins, so that area
// and clock are of the core alone (boards/soc.sh, which subtracts these cells).
`default_nettype none

module soc_top #(
  parameter int unsigned MulDiv    = 0,
  parameter int unsigned FastShift = 0,
  parameter int unsigned FastMul   = 0,
  parameter int unsigned CycleBits = 32
) (
  input  wire logic clk_i,
  input  wire logic rst_ni,
  input  wire logic data_i,
  output      logic data_o
);

  logic [36:0] in_q;
  logic [69:0] out, out_q;
  always_ff @(posedge clk_i) in_q <= {in_q[35:0], data_i};
  always_ff @(posedge clk_i) out_q <= in_q[36] ? out : {out_q[68:0], 1'b0};
  assign data_o = out_q[69];

  mx_rv #(.MulDiv(MulDiv), .FastShift(FastShift), .FastMul(FastMul), .CycleBits(CycleBits)) u_core (
    .clk_i, .rst_ni, .bus_valid_o(out[69]), .bus_fetch_o(out[68]), .bus_addr_o(out[67:36]), .bus_wdata_o(out[35:4]),
    .bus_wstrb_o(out[3:0]), .bus_rdata_i(in_q[31:0]), .bus_ready_i(in_q[32]), .bus_error_i(in_q[33]),
    .irq_external_i(in_q[34]), .irq_timer_i(in_q[35]), .irq_software_i(in_q[36]), .obs_begin_o(), .obs_irq_o(),
    .obs_pc_o(), .obs_insn_o(), .obs_write_o(), .obs_addr_o(), .obs_data_o()
  );

endmodule

`default_nettype wire
