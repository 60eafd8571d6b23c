// What two cycles of an SDRAM's clock pass in one of ours, one half after the other.
//
// clk_i, and fast_i with an edge at each of its and one between. The lower half of
// mask_i and out_i, and cs_ni, belong to the first cycle of the chip; in the second
// the chip is deselected. mask_o, out_o and cs_no go to registers of fast_i, of which
// the first half leaves in the middle of the cycle of clk_i. in_i comes from registers
// of fast_i; word_o puts together what they took in the middle and at the end of a
// cycle of clk_i, for its next edge. No reset; phases are right after two cycles.
`default_nettype none

module mx_sdram_double #(
  parameter int unsigned Pins = 16
) (
  input  wire logic                clk_i,
  input  wire logic                fast_i,
  input  wire logic                cs_ni,
  input  wire logic [Pins/4-1:0]   mask_i,
  input  wire logic [2*Pins-1:0]   out_i,
  output wire logic                cs_no,
  output wire logic [Pins/8-1:0]   mask_o,
  output wire logic [Pins-1:0]     out_o,
  input  wire logic [Pins-1:0]     in_i,
  output wire logic [2*Pins-1:0]   word_o
);

  // turn_q changes with clk_i; seen_q follows in the middle of the cycle.
  logic turn_q, seen_q;
  initial turn_q = 1'b0;
  always_ff @(posedge clk_i) turn_q <= !turn_q;
  always_ff @(posedge fast_i) seen_q <= turn_q;
  wire logic first = turn_q != seen_q;

  assign cs_no  = cs_ni || !first;
  assign mask_o = first ? mask_i[Pins/8-1:0] : mask_i[Pins/4-1:Pins/8];
  assign out_o  = first ? out_i[Pins-1:0] : out_i[2*Pins-1:Pins];

  logic [Pins-1:0] before_q;
  always_ff @(posedge fast_i) before_q <= in_i;
  assign word_o = {in_i, before_q};

endmodule

`default_nettype wire
