// Sequencer of the dot array: walks through the units of the weight stream
// and says, for every cycle, which chunk goes into the pipeline (a step).
//
// Commands: one waits here while another runs, so that the first beat of a
// MATMUL may follow the last of the one before in the next cycle. A command
// is also offered on out_* (for mx_dot_out) while it runs; its last step waits
// until that was taken.
//
// Stream: s_ready_o does not depend on s_valid_i. A section of scales or zero
// points is written to the side buffers as it comes (scale_we_o, zero_we_o,
// beat_o). In the code section a beat serves one or more steps and is taken by
// the last of them; one of four 6-bit steps needs no beat.
//
// Results: OutDepth entries; step_last_o of a row's last block reserves one,
// release_i returns one, and a step that finds none waits (blocked_o).
//
// All step_* and x_* are valid with step_o, in the same cycle as the beat.
// Reset: synchronous, active low.
`default_nettype none

module mx_dot_ctrl #(
  parameter int unsigned BusBits  = 128,
  parameter int unsigned Rows     = 1,
  parameter int unsigned Group    = 16,
  parameter int unsigned OutDepth = 32,
  localparam int unsigned EntryBits = $clog2(Group / Rows)
) (
  input  wire logic                 clk_i,
  input  wire logic                 rst_ni,

  input  wire logic                 cmd_valid_i,
  output      logic                 cmd_ready_o,
  input  wire logic [1:0]           cmd_bits_i,
  input  wire logic [1:0]           cmd_scale_i,
  input  wire logic                 cmd_zero_i,
  input  wire logic                 cmd_codebook_i,
  input  wire logic                 cmd_planar_i,
  input  wire logic [1:0]           cmd_block_i,
  input  wire logic [3:0]           cmd_frac_i,
  input  wire logic [15:0]          cmd_x_i,
  input  wire logic [15:0]          cmd_groups_i,
  input  wire logic [15:0]          cmd_dst_i,
  input  wire logic [15:0]          cmd_stride_i,
  input  wire logic [15:0]          cmd_blocks_i,
  input  wire logic [3:0]           cmd_tokens_i,

  input  wire logic                 hold_i,         // no command may start

  input  wire logic                 s_valid_i,
  output      logic                 s_ready_o,

  output      logic                 out_valid_o,
  input  wire logic                 out_ready_i,
  output      logic [15:0]          out_groups_o,
  output      logic [15:0]          out_dst_o,
  output      logic [15:0]          out_stride_o,
  output      logic [3:0]           out_tokens_o,
  input  wire logic                 release_i,

  output      logic                 step_o,
  output      logic                 step_take_o,    // with a beat that ends here
  output      logic                 step_first_o,   // first chunk of its line
  output      logic                 step_last_o,    // last chunk of its line
  output      logic                 step_unit_o,    // first of its unit
  output      logic                 first_block_o,
  output      logic                 last_block_o,
  output      logic [EntryBits-1:0] entry_o,        // place of the row in its slice
  output      logic [1:0]           phase_o,
  output      logic [15:0]          x_addr_o,       // XMEM word
  output      logic                 x_high_o,       // the word's upper half, unless full
  output      logic [15:0]          e_addr_o,       // with step_unit_o: XMEM scale

  output      logic                 scale_we_o,
  output      logic                 zero_we_o,
  output      logic [3:0]           beat_o,

  // Of the running command; half_o of the running unit, alternating.
  output      logic                 half_o,
  output      logic                 six_o,
  output      logic                 eight_o,
  output      logic                 planar_o,
  output      logic                 full_o,         // chunks of Lanes elements, else Lanes/2
  output      logic                 table_o,
  output      logic                 zero_o,
  output      logic [1:0]           kind_o,
  output      logic [3:0]           frac_o,

  output      logic                 busy_o,
  output      logic                 took_o,
  output      logic                 starved_o,
  output      logic                 blocked_o
);

  localparam int unsigned Lanes  = BusBits / (4 * Rows);
  localparam int unsigned HalfBits = $clog2(Lanes / 2);  // x counts in halves of a word
  localparam int unsigned XBits  = 16 - HalfBits;
  localparam int unsigned ScaleBeats = Group * 8 / BusBits;  // with one byte a row

  // ---- the waiting command ----
  localparam int unsigned CmdBits = 13 + 5 * 16 + 4;
  logic               wait_q;
  logic [CmdBits-1:0] cmd_q;
  wire logic          start;   // the waiting command becomes the running one
  assign cmd_ready_o = !wait_q;
  always_ff @(posedge clk_i)
    if (!rst_ni)                         wait_q <= 1'b0;
    else if (cmd_valid_i && cmd_ready_o) wait_q <= 1'b1;
    else if (start)                      wait_q <= 1'b0;
  always_ff @(posedge clk_i)
    if (cmd_ready_o)
      cmd_q <= {cmd_bits_i, cmd_scale_i, cmd_zero_i, cmd_codebook_i, cmd_planar_i, cmd_block_i,
                cmd_frac_i, cmd_x_i, cmd_groups_i, cmd_dst_i, cmd_stride_i, cmd_blocks_i,
                cmd_tokens_i};

  wire logic [1:0]  n_bits, n_scale, n_block;
  wire logic        n_zero, n_codebook, n_planar;
  wire logic [3:0]  n_frac, n_tokens;
  wire logic [15:0] n_x, n_groups, n_dst, n_stride, n_blocks;
  assign {n_bits, n_scale, n_zero, n_codebook, n_planar, n_block, n_frac, n_x, n_groups, n_dst,
          n_stride, n_blocks, n_tokens} = cmd_q;
  wire logic unused = ^n_x[3:0];  // zero
  wire logic n_four = n_bits == 2'd0;
  wire logic n_full = n_four && !n_planar && !(Lanes == 32 && (n_block == 2'd0 || n_x[4]));

  // ---- the running command ----
  typedef enum logic [1:0] {Scales, Zeros, Codes} section_e;
  section_e section_q;
  logic     active_q, handed_q;
  logic [1:0]  block_q;
  logic        halves_q;   // 4 bits, not planar, two chunks of a beat
  logic [15:0] blocks_q;
  logic [XBits-1:0] x_start_q, x_block_q, x_q;
  logic        zero_q;

  // Places: beat of a section, chunk of a line (down), phase, entry, block, group (down).
  logic [3:0]  beat_q;
  logic [5:0]  chunk_q;
  logic [1:0]  phase_q;
  logic [EntryBits-1:0] entry_q;
  logic [15:0] block_left_q, group_left_q;
  logic        line_first_q, unit_first_q, last_group_q;
  logic [$clog2(OutDepth):0] used_q;

  // Half words of XMEM in a block; at most 32, with Lanes = 8.
  wire logic [5:0] block_halves = 6'(32 / Lanes) << block_q;
  wire logic [5:0] line_chunks  = full_o ? block_halves >> 1 : block_halves;

  // ---- this cycle ----
  wire logic in_codes  = section_q == Codes;
  wire logic two_phase = planar_o || halves_q;
  wire logic ends_beat = six_o ? phase_q != 2'd3 : !two_phase || phase_q[0];
  wire logic from_hold = six_o && phase_q == 2'd3;

  wire logic chunk_last = chunk_q == 6'd1;
  wire logic line_end   = chunk_last && (!planar_o || phase_q[0]);
  wire logic unit_end   = line_end && (&entry_q);
  wire logic group_end  = unit_end && last_block_o;
  wire logic finish     = group_end && last_group_q;

  wire logic no_room = last_block_o && chunk_last && used_q == ($clog2(OutDepth)+1)'(OutDepth);
  wire logic hold_up = in_codes && (no_room || (finish && !handed_q));
  wire logic wants   = active_q && !(in_codes && from_hold);
  assign s_ready_o = wants && !hold_up && (!in_codes || ends_beat);
  assign step_o    = active_q && in_codes && !hold_up && (s_valid_i || from_hold);
  assign took_o    = s_valid_i && s_ready_o;
  assign starved_o = wants && !hold_up && !s_valid_i;
  assign blocked_o = active_q && hold_up;

  wire logic side_take   = active_q && !in_codes && s_valid_i;
  wire logic section_end = side_take &&
    beat_q == (section_q == Scales && kind_o[1] ? 4'(2 * ScaleBeats - 1) : 4'(ScaleBeats - 1));
  wire logic ended = step_o && finish;
  assign start = wait_q && !hold_i && (!active_q || ended);

  // ---- places ----
  wire logic n_some = n_groups != 16'd0 && n_blocks != 16'd0;
  always_ff @(posedge clk_i)
    if (!rst_ni) active_q <= 1'b0;
    else if (start) active_q <= n_some;
    else if (ended) active_q <= 1'b0;

  always_ff @(posedge clk_i)
    if (start) handed_q <= !n_some;
    else if (out_valid_o && out_ready_i) handed_q <= 1'b1;

  always_ff @(posedge clk_i)
    if (start) section_q <= n_scale != 2'd0 ? Scales : n_zero ? Zeros : Codes;
    else if (step_o && unit_end) section_q <= kind_o != 2'd0 ? Scales : zero_q ? Zeros : Codes;
    else if (section_end) section_q <= section_q == Scales && zero_q ? Zeros : Codes;

  always_ff @(posedge clk_i)
    if (!rst_ni || section_end) beat_q <= 4'd0;
    else if (side_take) beat_q <= beat_q + 1'b1;

  wire logic [5:0] n_halves = 6'(32 / Lanes) << n_block;
  always_ff @(posedge clk_i)
    if (start) chunk_q <= n_full ? n_halves >> 1 : n_halves;
    else if (step_o && (!planar_o || phase_q[0])) chunk_q <= chunk_last ? line_chunks : chunk_q - 1'b1;

  always_ff @(posedge clk_i)
    if (!rst_ni) phase_q <= 2'd0;
    else if (step_o) phase_q <= (six_o ? phase_q == 2'd3 : !two_phase || phase_q[0]) ? 2'd0
                                                                                   : phase_q + 1'b1;

  // Planar: two rows at a time, the odd one in phase 1.
  always_ff @(posedge clk_i)
    if (start) entry_q <= '0;
    else if (step_o && planar_o && !(chunk_last && phase_q[0])) entry_q[0] <= !phase_q[0];
    else if (step_o && chunk_last) entry_q <= entry_q + 1'b1;

  always_ff @(posedge clk_i)
    if (start) begin
      line_first_q <= 1'b1;
      unit_first_q <= 1'b1;
    end else if (step_o) begin
      if (!planar_o || phase_q[0]) line_first_q <= line_end;
      unit_first_q <= unit_end;
    end

  wire logic [XBits-1:0] x_next = x_block_q + XBits'(block_halves);
  always_ff @(posedge clk_i)
    if (start) begin
      x_start_q <= n_x[15:HalfBits];
      x_block_q <= n_x[15:HalfBits];
      x_q       <= n_x[15:HalfBits];
    end else if (step_o && unit_end) begin
      x_block_q <= group_end ? x_start_q : x_next;
      x_q       <= group_end ? x_start_q : x_next;
    end else if (step_o && (!planar_o || phase_q[0])) begin
      x_q <= line_end ? x_block_q : x_q + (full_o ? XBits'(2) : XBits'(1));
    end

  always_ff @(posedge clk_i)
    if (start) begin
      block_left_q  <= n_blocks;
      group_left_q  <= n_groups;
      first_block_o <= 1'b1;
      last_block_o  <= n_blocks == 16'd1;
      last_group_q  <= n_groups == 16'd1;
    end else if (step_o && unit_end) begin
      block_left_q  <= group_end ? blocks_q : block_left_q - 1'b1;
      group_left_q  <= group_end ? group_left_q - 1'b1 : group_left_q;
      first_block_o <= group_end;
      last_block_o  <= group_end ? blocks_q == 16'd1 : block_left_q == 16'd2;
      last_group_q  <= group_end ? group_left_q == 16'd2 : last_group_q;
    end

  always_ff @(posedge clk_i)
    if (!rst_ni) half_o <= 1'b0;
    else if (step_o && unit_end) half_o <= !half_o;

  wire logic reserve = step_o && chunk_last && last_block_o;
  always_ff @(posedge clk_i)
    if (!rst_ni) used_q <= '0;
    else if (reserve && !release_i) used_q <= used_q + 1'b1;
    else if (!reserve && release_i) used_q <= used_q - 1'b1;

  // ---- formats ----
  always_ff @(posedge clk_i)
    if (start) begin
      block_q      <= n_block;
      blocks_q     <= n_blocks;
      six_o        <= n_bits == 2'd1;
      eight_o      <= n_bits[1];
      planar_o     <= n_four && n_planar;
      full_o       <= n_full;
      halves_q     <= n_four && !n_planar && !n_full;
      table_o      <= n_four && n_codebook;
      zero_q       <= n_zero;
      kind_o       <= n_scale;
      frac_o       <= n_frac;
      out_groups_o <= n_groups;
      out_dst_o    <= n_dst;
      out_stride_o <= n_stride;
      out_tokens_o <= n_tokens;
    end
  assign zero_o = zero_q;
  assign out_valid_o = active_q && !handed_q;

  // ---- step ----
  assign step_take_o  = step_o && !from_hold && ends_beat;
  assign step_first_o = line_first_q;
  assign step_last_o  = chunk_last;
  assign step_unit_o  = unit_first_q;
  assign entry_o      = entry_q;
  assign phase_o      = phase_q;
  assign x_addr_o     = 16'(x_q[XBits-1:1]);
  assign x_high_o     = x_q[0];
  assign e_addr_o     = 16'(x_q[XBits-1:4-HalfBits]);
  assign scale_we_o   = side_take && section_q == Scales;
  assign zero_we_o    = side_take && section_q == Zeros;
  assign beat_o       = beat_q;
  assign busy_o       = wait_q || active_q;

endmodule

`default_nettype wire
