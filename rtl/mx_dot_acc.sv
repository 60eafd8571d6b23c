// FP32 accumulators of all slices and tokens: acc = acc + term, block by block.
//
// All slices and tokens work in lockstep on the same entry (place of a row in
// its slice); terms come in the order of entries, 0 .. Entries-1, again and
// again. Stage numbers are those of mx_dot: last_i[5] a sum is at sum_i with
// scale, kind, x_exp and frac; [7] the accumulator is read, [8] added, [12]
// written. first_i[8]: first block of the row, the accumulator counts as +0;
// final_i[12]: last block, valid_o with data_o, the finished rows. Word
// T * r + t of data_o is slice r, token t.
//
// Throughput one entry per cycle. A row's next term must come at least six
// cycles after its last: Entries >= 8 makes sure. Reset: synchronous; only
// the counters.
`include "check.svh"
`default_nettype none

module mx_dot_acc #(
  parameter int unsigned Rows    = 1,
  parameter int unsigned Tokens  = 2,
  parameter int unsigned Entries = 16
) (
  input  wire logic                      clk_i,
  input  wire logic                      rst_ni,

  input  wire logic [12:5]               last_i,
  input  wire logic                      first_i,
  input  wire logic                      final_i,

  input  wire logic [Rows*Tokens*24-1:0] sum_i,
  input  wire logic [1:0]                kind_i,
  input  wire logic [3:0]                frac_i,
  input  wire logic [16*Rows-1:0]        scale_i,
  input  wire logic [8*Tokens-1:0]       x_exp_i,

  output      logic                      valid_o,
  output      logic [Rows*Tokens*32-1:0] data_o
);

  localparam int unsigned Words     = Rows * Tokens;
  localparam int unsigned EntryBits = $clog2(Entries);

  (* no_rw_check *) logic [Words*32-1:0] mem_q [Entries];
  logic [Words*32-1:0]  acc_q;
  logic [EntryBits-1:0] read_q, write_q;

  always_ff @(posedge clk_i) if (last_i[7])  acc_q <= mem_q[read_q];
  always_ff @(posedge clk_i) if (last_i[12]) mem_q[write_q] <= data_o;
  always_ff @(posedge clk_i) begin
    if (!rst_ni)         read_q <= '0;
    else if (last_i[7])  read_q <= read_q + 1'b1;
    if (!rst_ni)         write_q <= '0;
    else if (last_i[12]) write_q <= write_q + 1'b1;
  end

  for (genvar r = 0; r < Rows; r++) begin : g_row
    for (genvar t = 0; t < Tokens; t++) begin : g_token
      localparam int unsigned At = Tokens * r + t;
      wire logic [31:0] term;
      fp_term u_term (
        .clk_i(clk_i), .dot_i(sum_i[24*At +: 24]), .kind_i(kind_i),
        .scale_i(scale_i[16*r +: 16]), .x_exp_i(x_exp_i[8*t +: 8]), .frac_i(frac_i),
        .y_o(term)
      );
      fp_add u_add (
        .clk_i(clk_i), .a_i(first_i ? 32'd0 : acc_q[32*At +: 32]), .b_i(term),
        .sub_i(1'b0), .y_o(data_o[32*At +: 32])
      );
    end
  end

  assign valid_o = last_i[12] && final_i;

  wire logic unused = ^{last_i[11:8], last_i[6:5]};

`ifdef CHECKS
  // Entries read and not yet written: reading one of them again is the hazard.
  logic [EntryBits:0] flying_q;
  always_ff @(posedge clk_i)
    if (!rst_ni) flying_q <= '0;
    else flying_q <= flying_q + (EntryBits+1)'(last_i[7]) - (EntryBits+1)'(last_i[12]);
`endif
  `CHECK(accumulator_is_written, !last_i[7] || flying_q < (EntryBits+1)'(Entries))
  `CHECK(write_follows_read, !last_i[12] || flying_q != '0)

endmodule

`default_nettype wire
