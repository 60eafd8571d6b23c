// The dot array: MATMUL (golden/isa.def) over the weight stream
// (golden/stream.h) and the activations in XMEM. Contract: rtl/README.md.
//
//   stage 0  a step: beat to codes (mx_dot_weights), XMEM read (mx_dot_ctrl)
//         1  codes to signed bytes; activations arrive
//       2-4  products, tree, sum over the chunks of a line (mx_dot_mac)
//       5-7  one FP32 term per row, token and block (fp_term)
//      8-11  accumulate (mx_dot_acc), 12 write back or to mx_dot_out
//
// Throughput: a chunk per cycle, that is a beat per cycle for 8-bit codes and
// for 4-bit codes that are not planar; a beat in two cycles for planar codes
// and, with 32 lanes, for blocks of 16 or x not a multiple of 32; three beats
// in four cycles for 6 bits. Scales and zero points take a cycle per beat.
// Nothing else costs a cycle: not rows, blocks, groups or commands. Results
// leave at one word per cycle from a buffer of two groups.
//
// The upper half of the lanes works for 4-bit codes only; with SoftHigh their
// products come from LUTs instead of multiplier blocks. Without decode table
// and zero points these products are small, hence the default.
//
// The decode table must not be written while a MATMUL that uses it runs; for
// 16 cycles after a write no MATMUL starts.
// Lanes = BusBits / (4 * Rows) is 8, 16 or 32; Tokens is 1 to 16;
// Group / Rows >= 8 and a power of two. Reset: synchronous, active low.
`include "check.svh"
`default_nettype none

module mx_dot #(
  parameter int unsigned BusBits   = 128,
  parameter int unsigned Rows      = 1,
  parameter int unsigned Tokens    = 2,
  parameter int unsigned Group     = 16,
  parameter int unsigned Codebook  = 1,
  parameter int unsigned ZeroPoint = 1,
  parameter int unsigned SoftHigh  = Codebook == 0 && ZeroPoint == 0 ? 1 : 0,
  localparam int unsigned Lanes    = BusBits / (4 * Rows)
) (
  input  wire logic                      clk_i,
  input  wire logic                      rst_ni,

  input  wire logic                      cmd_valid_i,
  output      logic                      cmd_ready_o,
  input  wire logic [1:0]                cmd_bits_i,
  input  wire logic [1:0]                cmd_scale_i,
  input  wire logic                      cmd_zero_i,
  input  wire logic                      cmd_codebook_i,
  input  wire logic                      cmd_planar_i,
  input  wire logic [1:0]                cmd_block_i,
  input  wire logic [3:0]                cmd_frac_i,
  input  wire logic [15:0]               cmd_x_i,
  input  wire logic [15:0]               cmd_groups_i,
  input  wire logic [15:0]               cmd_dst_i,
  input  wire logic [15:0]               cmd_stride_i,
  input  wire logic [15:0]               cmd_blocks_i,
  input  wire logic [3:0]                cmd_tokens_i,

  input  wire logic                      tbl_we_i,
  input  wire logic                      tbl_half_i,
  input  wire logic [63:0]               tbl_data_i,

  input  wire logic                      s_valid_i,
  output      logic                      s_ready_o,
  input  wire logic [BusBits-1:0]        s_data_i,

  output      logic                      x_en_o,
  output      logic [15:0]               x_addr_o,
  input  wire logic [Tokens*Lanes*8-1:0] x_data_i,
  output      logic                      e_en_o,
  output      logic [15:0]               e_addr_o,
  input  wire logic [Tokens*8-1:0]       e_data_i,

  output      logic                      vm_valid_o,
  input  wire logic                      vm_ready_i,
  output      logic [15:0]               vm_addr_o,
  output      logic [31:0]               vm_data_o,

  output      logic                      busy_o,
  output      logic                      took_o,
  output      logic                      starved_o,
  output      logic                      blocked_o
);

  localparam int unsigned Entries   = Group / Rows;
  localparam int unsigned EntryBits = $clog2(Entries);
  localparam int unsigned Half      = Lanes / 2;
  localparam int unsigned HighBits  = Codebook != 0 || ZeroPoint != 0 ? 8 : 4;

  if (Lanes != 8 && Lanes != 16 && Lanes != 32) $error("mx_dot: Lanes must be 8, 16 or 32");
  if (Entries < 8 || (Entries & (Entries - 1)) != 0)
    $error("mx_dot: Group / Rows must be a power of two, at least 8");

  // ---- 0: steps ----
  logic        step, step_take, step_first, step_last, step_unit, first_block, last_block;
  logic [EntryBits-1:0] entry;
  logic [1:0]  phase, kind;
  logic [3:0]  frac, beat;
  logic        x_high, half, six, eight, planar, full, use_table, use_zero;
  logic        scale_we, zero_we;
  logic        out_valid, out_ready, out_busy, out_release, ctrl_busy, table_busy;
  logic [15:0] out_groups, out_dst, out_stride;
  logic [3:0]  out_tokens;

  mx_dot_ctrl #(.BusBits(BusBits), .Rows(Rows), .Group(Group), .OutDepth(2 * Entries)) u_ctrl (
    .clk_i(clk_i), .rst_ni(rst_ni),
    .cmd_valid_i(cmd_valid_i), .cmd_ready_o(cmd_ready_o), .cmd_bits_i(cmd_bits_i),
    .cmd_scale_i(cmd_scale_i), .cmd_zero_i(cmd_zero_i), .cmd_codebook_i(cmd_codebook_i),
    .cmd_planar_i(cmd_planar_i), .cmd_block_i(cmd_block_i), .cmd_frac_i(cmd_frac_i),
    .cmd_x_i(cmd_x_i), .cmd_groups_i(cmd_groups_i), .cmd_dst_i(cmd_dst_i),
    .cmd_stride_i(cmd_stride_i), .cmd_blocks_i(cmd_blocks_i), .cmd_tokens_i(cmd_tokens_i),
    .hold_i(table_busy), .s_valid_i(s_valid_i), .s_ready_o(s_ready_o),
    .out_valid_o(out_valid), .out_ready_i(out_ready), .out_groups_o(out_groups),
    .out_dst_o(out_dst), .out_stride_o(out_stride), .out_tokens_o(out_tokens),
    .release_i(out_release),
    .step_o(step), .step_take_o(step_take), .step_first_o(step_first), .step_last_o(step_last),
    .step_unit_o(step_unit), .first_block_o(first_block), .last_block_o(last_block),
    .entry_o(entry), .phase_o(phase), .x_addr_o(x_addr_o), .x_high_o(x_high),
    .e_addr_o(e_addr_o), .scale_we_o(scale_we), .zero_we_o(zero_we), .beat_o(beat),
    .half_o(half), .six_o(six), .eight_o(eight), .planar_o(planar), .full_o(full),
    .table_o(use_table), .zero_o(use_zero), .kind_o(kind), .frac_o(frac),
    .busy_o(ctrl_busy), .took_o(took_o), .starved_o(starved_o), .blocked_o(blocked_o)
  );

  assign x_en_o = step;
  assign e_en_o = step && step_unit;
  assign busy_o = ctrl_busy || out_busy;

  // ---- what goes with a step ----
  logic [4:1]  step_q, first_q, planar_q;
  logic [12:1] last_q;                       // its sum is complete at stage 5
  logic [8:1]  first_block_q;
  logic [12:1] last_block_q;
  logic        unit_q, x_high_q, full_q, table_q, use_zero_q;
  always_ff @(posedge clk_i)
    if (!rst_ni) begin
      step_q <= '0;
      last_q <= '0;
      unit_q <= 1'b0;
    end else begin
      step_q <= {step_q[3:1], step};
      last_q <= {last_q[11:1], step && step_last};
      unit_q <= step && step_unit;
    end
  always_ff @(posedge clk_i) begin
    first_q       <= {first_q[3:1], step_first};
    planar_q      <= {planar_q[3:1], planar};
    first_block_q <= {first_block_q[7:1], first_block};
    last_block_q  <= {last_block_q[11:1], last_block};
    x_high_q      <= x_high && !full;
    full_q        <= full;
    table_q       <= use_table;
    use_zero_q    <= use_zero;
  end

  // ---- 1: weights and activations ----
  logic [3:0] table_addr;
  logic [7:0] table_data;
  if (Codebook != 0) begin : g_table
    mx_dot_table u_table (
      .clk_i(clk_i), .rst_ni(rst_ni),
      .tbl_we_i(tbl_we_i), .tbl_half_i(tbl_half_i), .tbl_data_i(tbl_data_i),
      .busy_o(table_busy), .w_addr_o(table_addr), .w_data_o(table_data)
    );
  end else begin : g_no_table
    assign table_busy = 1'b0;
    assign table_addr = '0;
    assign table_data = '0;
    wire logic unused = ^{tbl_we_i, tbl_half_i, tbl_data_i};
  end

  logic [16*Rows-1:0] zeros;
  if (ZeroPoint != 0) begin : g_zeros
    mx_dot_side #(.BusBits(BusBits), .Rows(Rows), .Group(Group), .Bytes(1)) u_zeros (
      .clk_i(clk_i), .we_i(zero_we), .we_half_i(half), .we_word_i(beat), .data_i(s_data_i),
      .re_i(step), .re_half_i(half), .re_entry_i(entry), .re_planar_i(planar), .re_wide_i(1'b0),
      .y_o(zeros)
    );
  end else begin : g_no_zeros
    assign zeros = '0;
    wire logic unused = ^{zero_we, entry};
  end

  logic [Rows*Half*8-1:0]        w_low;
  logic [Rows*Half*HighBits-1:0] w_high;
  for (genvar r = 0; r < Rows; r++) begin : g_weights
    mx_dot_weights #(.Lanes(Lanes), .Codebook(Codebook), .ZeroPoint(ZeroPoint)) u_weights (
      .clk_i(clk_i),
      .step_i(step), .take_i(step_take), .phase_i(phase), .planar_i(planar), .six_i(six),
      .eight_i(eight), .data_i(s_data_i[4*Lanes*r +: 4*Lanes]),
      .en_i(step_q[1]), .full_i(full_q), .table_i(table_q),
      .table_we_i(table_busy), .table_addr_i(table_addr), .table_data_i(table_data),
      .zero_i(zeros[16*r +: 8] & {8{use_zero_q}}),
      .w_low_o(w_low[Half*8*r +: Half*8]), .w_high_o(w_high[Half*HighBits*r +: Half*HighBits])
    );
    wire logic unused = ^zeros[16*r+8 +: 8];
  end

  logic [Tokens*Lanes*8-1:0] x_q;
  for (genvar t = 0; t < Tokens; t++) begin : g_x
    wire logic [Half*8-1:0] x_lower = x_data_i[Lanes*8*t +: Half*8];
    wire logic [Half*8-1:0] x_upper = x_data_i[Lanes*8*t + Half*8 +: Half*8];
    always_ff @(posedge clk_i)
      if (step_q[1]) x_q[Lanes*8*t +: Lanes*8] <= {x_upper, x_high_q ? x_upper : x_lower};
  end

  // ---- 2 to 4: integer dot products ----
  logic [Rows*Tokens*24-1:0] sums;
  for (genvar r = 0; r < Rows; r++) begin : g_row
    for (genvar t = 0; t < Tokens; t++) begin : g_token
      mx_dot_mac #(.Lanes(Lanes), .HighBits(HighBits), .SoftHigh(SoftHigh)) u_mac (
        .clk_i(clk_i), .en_i(step_q[4:2]), .first_i(first_q[4]), .pair_i(planar_q[4]),
        .w_low_i(w_low[Half*8*r +: Half*8]), .w_high_i(w_high[Half*HighBits*r +: Half*HighBits]),
        .x_i(x_q[Lanes*8*t +: Lanes*8]), .sum_o(sums[24*(Tokens*r+t) +: 24])
      );
    end
  end

  // ---- 3 and 4: block scales, read in the order of entries ----
  // A unit takes at least 8 steps, so its command is still the running one
  // when its first row is here.
  logic [EntryBits-1:0] scale_entry_q;
  wire logic            opens = last_q[3] && scale_entry_q == '0;
  logic                 opens_q;
  logic                 half_q, wide_q;
  wire logic            half_3 = opens ? half : half_q;
  wire logic            wide_3 = opens ? kind[1] : wide_q;
  always_ff @(posedge clk_i)
    if (!rst_ni) scale_entry_q <= '0;
    else if (last_q[3]) scale_entry_q <= scale_entry_q + 1'b1;
  always_ff @(posedge clk_i) begin
    half_q  <= half_3;
    wide_q  <= wide_3;
    opens_q <= opens;
  end

  logic [16*Rows-1:0] scales;
  mx_dot_side #(.BusBits(BusBits), .Rows(Rows), .Group(Group), .Bytes(2)) u_scales (
    .clk_i(clk_i), .we_i(scale_we), .we_half_i(half), .we_word_i(beat), .data_i(s_data_i),
    .re_i(last_q[3]), .re_half_i(half_3), .re_entry_i(scale_entry_q), .re_planar_i(planar_q[3]),
    .re_wide_i(wide_3), .y_o(scales)
  );

  logic [16*Rows-1:0]  scale_q;
  logic [8*Tokens-1:0] x_exp_next_q, x_exp_q;
  logic [1:0]          kind_q;
  logic [3:0]          frac_q;
  always_ff @(posedge clk_i) if (last_q[4]) scale_q <= scales;
  always_ff @(posedge clk_i) if (unit_q) x_exp_next_q <= e_data_i;
  always_ff @(posedge clk_i)
    if (opens_q) begin
      x_exp_q <= x_exp_next_q;
      kind_q  <= kind;
      frac_q  <= frac;
    end

  // ---- 5 to 12: FP32 ----
  logic                      result_valid;
  logic [Rows*Tokens*32-1:0] result;
  mx_dot_acc #(.Rows(Rows), .Tokens(Tokens), .Entries(Entries)) u_acc (
    .clk_i(clk_i), .rst_ni(rst_ni),
    .last_i(last_q[12:5]), .first_i(first_block_q[8]), .final_i(last_block_q[12]),
    .sum_i(sums), .kind_i(kind_q), .frac_i(frac_q), .scale_i(scale_q), .x_exp_i(x_exp_q),
    .valid_o(result_valid), .data_o(result)
  );

  mx_dot_out #(.Rows(Rows), .Tokens(Tokens), .Group(Group)) u_out (
    .clk_i(clk_i), .rst_ni(rst_ni),
    .cmd_valid_i(out_valid), .cmd_ready_o(out_ready), .cmd_groups_i(out_groups),
    .cmd_dst_i(out_dst), .cmd_stride_i(out_stride), .cmd_tokens_i(out_tokens),
    .cmd_planar_i(planar),
    .valid_i(result_valid), .data_i(result), .release_o(out_release),
    .vm_valid_o(vm_valid_o), .vm_ready_i(vm_ready_i), .vm_addr_o(vm_addr_o),
    .vm_data_o(vm_data_o), .busy_o(out_busy)
  );

`ifdef CHECKS
  logic [3*EntryBits-1:0] entry_q;
  logic                   s_stalled_q, cmd_stalled_q;
  logic [BusBits-1:0]     s_data_q;
  logic [79:0]            command_q;
  always_ff @(posedge clk_i) begin
    entry_q       <= {entry_q[2*EntryBits-1:0], entry};
    s_stalled_q   <= rst_ni && s_valid_i && !s_ready_o;
    s_data_q      <= s_data_i;
    cmd_stalled_q <= rst_ni && cmd_valid_i && !cmd_ready_o;
    command_q     <= {cmd_x_i, cmd_groups_i, cmd_blocks_i, cmd_dst_i, cmd_stride_i};
  end
`endif
  `CHECK(counters_follow_entries, !last_q[3] || entry_q[3*EntryBits-1:2*EntryBits] == scale_entry_q)
  `REQUIRE(stream_holds, !s_stalled_q || (s_valid_i && s_data_i == s_data_q))
  // A waiting command keeps its fields; only a device that stops withdraws it.
  `REQUIRE(command_holds, !(cmd_stalled_q && cmd_valid_i) ||
                          {cmd_x_i, cmd_groups_i, cmd_blocks_i, cmd_dst_i, cmd_stride_i} == command_q)
  `REQUIRE(format_exists, !cmd_valid_i || (cmd_bits_i != 2'd3 && cmd_scale_i != 2'd3))
  `REQUIRE(format_built, !cmd_valid_i || ((Codebook != 0 || !cmd_codebook_i) &&
                                          (ZeroPoint != 0 || !cmd_zero_i)))
  `REQUIRE(x_aligned, !cmd_valid_i || cmd_x_i[3:0] == 4'd0)

endmodule

`default_nettype wire
