// Results of the dot array: a buffer of finished rows and their way to VMEM.
//
// Entries (Rows * Tokens words, one row of each slice) are written in the
// order of places in the slices; the writer must have reserved room:
// release_o says that an entry became free, Depth are free after reset.
// Words leave as vm_*, one per cycle, row by row and in a row token by token:
// word of row n and token t goes to dst + n + t * stride.
//
// cmd_*: what the entries to come belong to; taken when all rows of the last
// command have left. rows = groups * Group, groups > 0. busy_o: a command is
// taken and not finished. A word appears two cycles after its entry was
// written. Reset: synchronous, active low.
`include "check.svh"
`default_nettype none

module mx_dot_out #(
  parameter int unsigned Rows   = 1,
  parameter int unsigned Tokens = 2,
  parameter int unsigned Group  = 16,
  localparam int unsigned Depth = 2 * Group / Rows
) (
  input  wire logic                      clk_i,
  input  wire logic                      rst_ni,

  input  wire logic                      cmd_valid_i,
  output      logic                      cmd_ready_o,
  input  wire logic [15:0]               cmd_groups_i,
  input  wire logic [15:0]               cmd_dst_i,
  input  wire logic [15:0]               cmd_stride_i,
  input  wire logic [3:0]                cmd_tokens_i,  // tokens - 1
  input  wire logic                      cmd_planar_i,

  input  wire logic                      valid_i,
  input  wire logic [Rows*Tokens*32-1:0] data_i,
  output      logic                      release_o,

  output      logic                      vm_valid_o,
  input  wire logic                      vm_ready_i,
  output      logic [15:0]               vm_addr_o,
  output      logic [31:0]               vm_data_o,
  output      logic                      busy_o
);

  localparam int unsigned EntryBits = $clog2(Depth);
  localparam int unsigned PlaceBits = EntryBits - 1;  // of an entry in its group
  localparam int unsigned RowBits   = $clog2(Group);
  localparam int unsigned WordBits  = Rows * Tokens > 1 ? $clog2(Rows * Tokens) : 1;

  (* no_rw_check *) logic [Rows*Tokens*32-1:0] mem_q [Depth];
  logic [Rows*Tokens*32-1:0] entry_q;
  logic [EntryBits:0]        written_q;  // entries ever written, modulo 2 * Depth

  always_ff @(posedge clk_i) if (valid_i) mem_q[written_q[EntryBits-1:0]] <= data_i;
  always_ff @(posedge clk_i)
    if (!rst_ni)      written_q <= '0;
    else if (valid_i) written_q <= written_q + 1'b1;

  // ---- the command ----
  logic        active_q;
  logic [15:0] groups_q;  // groups not fetched to the end
  logic [15:0] row_addr_q, stride_q;
  logic [3:0]  tokens_q;
  logic        planar_q;

  wire logic take = cmd_valid_i && cmd_ready_o;
  assign cmd_ready_o = !active_q;
  assign busy_o = active_q;

  // ---- fetch: the entry of the next row ----
  logic [1:0]         group_q;  // groups ever fetched, modulo 4: 2 * Depth entries
  logic [RowBits-1:0] row_q;    // in its group
  logic [PlaceBits-1:0] place;
  logic               last_slice;
  wire logic [WordBits-1:0] slice_word;  // first word of the row in its entry
  if (Rows == 1) begin : g_slice
    assign place      = row_q;
    assign last_slice = 1'b1;
    assign slice_word = '0;
    wire logic unused = planar_q;
  end else begin : g_slices
    localparam int unsigned SliceBits = $clog2(Rows);
    wire logic [SliceBits-1:0] slice = planar_q ? row_q[SliceBits:1] : row_q[SliceBits-1:0];
    assign place      = planar_q ? {row_q[RowBits-1:SliceBits+1], row_q[0]}
                                 : row_q[RowBits-1:SliceBits];
    assign last_slice = &slice;
    assign slice_word = WordBits'(slice) * WordBits'(Tokens);
  end

  logic [3:0] token_q;
  wire logic [EntryBits:0] wanted = {group_q, place};
  wire logic left      = active_q && groups_q != 16'd0;
  wire logic row_done  = vm_ready_i && token_q == tokens_q;
  wire logic fetch     = left && wanted != written_q && (!vm_valid_o || row_done);
  wire logic group_end = fetch && row_q == RowBits'(Group - 1);
  assign release_o = fetch && last_slice;

  always_ff @(posedge clk_i) if (fetch) entry_q <= mem_q[wanted[EntryBits-1:0]];

  always_ff @(posedge clk_i)
    if (!rst_ni) begin
      active_q <= 1'b0;
      group_q  <= '0;
      row_q    <= '0;
    end else begin
      if (take) active_q <= 1'b1;
      else if (!left && (!vm_valid_o || row_done)) active_q <= 1'b0;
      if (fetch) row_q <= group_end ? '0 : row_q + 1'b1;
      if (group_end) group_q <= group_q + 1'b1;
    end

  always_ff @(posedge clk_i)
    if (take) begin
      groups_q   <= cmd_groups_i;
      row_addr_q <= cmd_dst_i;
      stride_q   <= cmd_stride_i;
      tokens_q   <= cmd_tokens_i;
      planar_q   <= cmd_planar_i;
    end else begin
      if (group_end) groups_q   <= groups_q - 1'b1;
      if (fetch)     row_addr_q <= row_addr_q + 1'b1;
    end

  // ---- words of a row ----
  logic [WordBits-1:0] word_q;
  always_ff @(posedge clk_i)
    if (!rst_ni)       vm_valid_o <= 1'b0;
    else if (fetch)    vm_valid_o <= 1'b1;
    else if (row_done) vm_valid_o <= 1'b0;

  always_ff @(posedge clk_i)
    if (fetch) begin
      vm_addr_o <= row_addr_q;
      token_q   <= 4'd0;
      word_q    <= slice_word;
    end else if (vm_valid_o && vm_ready_i) begin
      vm_addr_o <= vm_addr_o + stride_q;
      token_q   <= token_q + 1'b1;
      word_q    <= word_q + 1'b1;
    end

  if (Rows * Tokens == 1) begin : g_word
    assign vm_data_o = entry_q;
    wire logic unused = ^word_q;
  end else begin : g_words
    assign vm_data_o = entry_q[32 * 32'(word_q) +: 32];
  end

  `CHECK(entry_is_free, !valid_i || written_q - wanted != (EntryBits+1)'(Depth))
  `CHECK(token_exists, !active_q || 32'(tokens_q) < Tokens)

endmodule

`default_nettype wire
