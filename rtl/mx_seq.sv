// The sequencer: fetches, checks and issues instructions.
//
// An instruction is fetched (mx_fetch), checked (mx_decode), its fields get their
// A registers added (mx_arg), then it waits for the units named in `wait` and
// is handed to its unit, valid/ready. HALT, IDENT, FENCE, ARG, LOOP and TABLE
// execute here. The device's state, faults and soft reset are in mx_control.
//
// Unit commands are slices of the instruction register; only one `valid` is set
// at a time. Serial = 1: the next instruction is taken when no unit is busy, so that
// commands stay. A unit's busy_i must be set from the cycle after it accepted a
// command. Faults: codes of mx_pkg::FAULT_*, 0 for none.
//
// Cycles of an instruction, words being at hand: 128 / min(BusBits, 128) to
// take it, 1 check, 1 issue; 33 more if it names an A register other than A[0];
// STREAM 16 more; ARG 33 + shift more; a LOOP that continues, 6 and the
// memory's latency more. START: 132 to 164 until the first fetch, up to 352 more
// if the last program ended just before. Reset: synchronous.
`include "check.svh"
`default_nettype none

module mx_seq #(
  parameter  int unsigned BusBits    = 128,
  parameter  int unsigned BurstBeats = 16,
  parameter  int unsigned Tokens     = 2,
  parameter  int unsigned Codebook   = 1,
  parameter  int unsigned ZeroPoint  = 1,
  parameter  int unsigned Serial     = 0,
  parameter  logic [31:0] BuildId    = 32'h0
) (
  input  wire logic               clk_i,
  input  wire logic               rst_ni,

  // Registers and state. walk_*: mx_csr shows its file, word by word.
  input  wire logic               start_i,
  input  wire logic               soft_reset_i,
  input  wire logic [31:0]        program_i,
  input  wire logic [31:0]        mem_size_i,
  input  wire logic [4:0]         walk_slot_i,
  input  wire logic [31:0]        walk_data_i,
  input  wire logic               watchdog_i,
  output      logic               begin_o,
  output      logic               busy_o,
  output      logic               done_o,
  output      logic               fault_o,
  output      logic [3:0]         error_o,
  output      logic [31:0]        error_pc_o,
  output      logic               issue_o,
  output      logic               seq_wait_o,
  output      logic               fetch_wait_o,
  output      logic               starting_o,     // running, before the first fetch

  // Stopping the units.
  output      logic               stop_o,
  output      logic               clear_o,
  input  wire logic               bus_idle_i,
  input  wire logic [3:0]         read_fault_i,
  input  wire logic [3:0]         stream_fault_i,
  input  wire logic [3:0]         vec_fault_i,
  input  wire logic [3:0]         move_fault_i,
  input  wire logic [3:0]         write_fault_i,

  // Fetch.
  output      logic               req_valid_o,
  input  wire logic               req_ready_i,
  input  wire logic               req_bad_i,      // Serial: the request is out of range
  output      logic [31:0]        req_addr_o,
  output      logic [7:0]         req_len_o,
  input  wire logic               r_valid_i,
  input  wire logic [BusBits-1:0] r_data_i,

  // Units.
  input  wire logic               dot_busy_i,
  input  wire logic               vec_busy_i,
  input  wire logic               move_busy_i,
  input  wire logic               stream_empty_i,

  output      logic               stream_valid_o,
  input  wire logic               stream_ready_i,
  output      logic [31:0]        stream_addr_o,
  output      logic [15:0]        stream_segments_o,
  output      logic [31:0]        stream_seg_beats_o,
  output      logic [31:0]        stream_stride_o,

  output      logic               dot_valid_o,
  input  wire logic               dot_ready_i,
  output      logic [1:0]         dot_bits_o,
  output      logic [1:0]         dot_scale_o,
  output      logic               dot_zero_o,
  output      logic               dot_codebook_o,
  output      logic               dot_planar_o,
  output      logic [1:0]         dot_block_o,
  output      logic [3:0]         dot_frac_o,
  output      logic [15:0]        dot_x_o,
  output      logic [15:0]        dot_groups_o,
  output      logic [15:0]        dot_dst_o,
  output      logic [15:0]        dot_stride_o,
  output      logic [15:0]        dot_blocks_o,
  output      logic [3:0]         dot_tokens_o,
  output      logic               tbl_we_o,
  output      logic               tbl_half_o,
  output      logic [63:0]        tbl_data_o,

  output      logic               vec_valid_o,
  input  wire logic               vec_ready_i,
  output      logic [9:0]         vec_entry_o,
  output      logic [127:0]       vec_u_o,
  input  wire logic               vec_shift_i,    // Serial: move the words of the instruction down by one
  input  wire logic               stream_shift_i, // Serial: the same, but the lowest stays

  output      logic               move_valid_o,
  input  wire logic               move_ready_i,
  output      logic [4:0]         move_op_o,
  output      logic [31:0]        move_addr_o,
  output      logic [15:0]        move_count_o,
  output      logic [15:0]        move_blocks_o,
  output      logic [15:0]        move_at_o,
  output      logic [1:0]         move_format_o,
  output      logic [1:0]         move_block_o,
  output      logic [3:0]         move_bank_o,
  output      logic [31:0]        move_row_o,
  output      logic [31:0]        move_stride_o,

  output      logic [31:0]        obs_issue_pc_o  // with issue_o
);

  localparam int unsigned WordBits = BusBits < 128 ? BusBits : 128;
  localparam int unsigned Words    = 128 / WordBits;  // of an instruction
  localparam int unsigned Align    = BusBits > 128 ? BusBits / 8 : 16;

  localparam logic [3:0] Clean = 4'd0, Off = 4'd1, Init = 4'd2, Jump = 4'd3, Fetch = 4'd4, Check = 4'd5,
                         Pass = 4'd6, Shift = 4'd7, Mult = 4'd8, Issue = 4'd9;
  logic [3:0] state_q, state_d;

  logic run, fault_now;
  logic word_valid, fetch_range, fetch_idle, go_ready;
  logic [WordBits-1:0] word;
  logic [127:0] insn;
  logic [31:0] acc;
  logic [27:0] product;
  logic illegal, step_done, need, nonzero;
  wire logic [4:0] op = insn[4:0];

  // Program counter and fetch.
  logic [27:0] pc_q;       // of the instruction most recently checked, or jumped to, / 16
  logic [3:0]  pc_low_q;   // not 0 only after a misaligned PROGRAM
  logic        landed_q;   // pc_q is already that of the instruction being fetched, after a jump
  logic        first_q;    // no instruction was checked yet
  logic        range_q;    // the instruction lies beyond MEM_SIZE
  logic [1:0]  words_q;    // words taken
  // Serial: PROGRAM passes by in the walk over the registers.
  wire logic [31:0] origin = Serial != 0 ? walk_data_i : program_i;
  wire logic        aims   = Serial == 0 || walk_slot_i == mx_pkg::CSR_PROGRAM[6:2];
  wire logic [27:0] target = origin[31:4] + insn[mx_pkg::LOOP_TARGET_LSB +: 28];
  wire logic held       = Serial != 0 && (dot_busy_i || vec_busy_i || move_busy_i);
  wire logic word_ready = run && state_q == Fetch && !range_q && (Serial != 0 || !held);
  wire logic word_take  = word_valid && word_ready;
  wire logic step;  // to the next instruction
  wire logic last_word  = word_take && words_q == 2'(Words - 1);

  wire logic starting   = state_q == Clean || state_q == Off || state_q == Init;
  assign starting_o     = run && starting;
  wire logic jumping    = issue_o && op == mx_pkg::OP_LOOP && nonzero;
  always_ff @(posedge clk_i) begin
    if (run && !fault_now) begin
      if ((starting || (Serial != 0 ? state_q == Jump : jumping)) && aims) pc_q <= target;
      else if (step)                                                       pc_q <= pc_q + 1'b1;
    end
  end
  always_ff @(posedge clk_i) if (Serial != 0 ? starting && aims : begin_o) pc_low_q <= origin[3:0];
  always_ff @(posedge clk_i) begin
    if (state_q == Jump)       landed_q <= 1'b1;
    else if (state_q == Check) landed_q <= 1'b0;
  end
  always_ff @(posedge clk_i) begin
    if (state_q == Init)       first_q <= 1'b1;
    else if (state_q == Issue) first_q <= 1'b0;
  end
  always_ff @(posedge clk_i) range_q <= state_q == Fetch && fetch_range && !word_valid && !held && words_q == 0;
  always_ff @(posedge clk_i) begin
    if (!rst_ni || !run) words_q <= '0;
    else if (word_take)  words_q <= last_word ? '0 : words_q + 1'b1;
  end

  if (Serial != 0) begin : g_demand
    logic here_q;  // pc_q is that of the instruction wanted, and no unit is busy until it is issued
    always_ff @(posedge clk_i) here_q <= state_q == Fetch && run && !held;
    wire logic want = state_q == Fetch && run && here_q && !range_q;
    assign step     = state_q == Fetch && !held && !here_q && !landed_q;
    assign go_ready = fetch_idle;
    wire logic unused = ^{mem_size_i, program_i};
    mx_serial_fetch u_fetch (
      .clk_i(clk_i), .rst_ni(rst_ni && !clear_o), .want_i(want), .pc_i(pc_q),
      .range_o(fetch_range), .idle_o(fetch_idle), .word_valid_o(word_valid), .word_data_o(word),
      .req_valid_o(req_valid_o), .req_ready_i(req_ready_i), .req_bad_i(req_bad_i), .req_addr_o(req_addr_o), .req_len_o(req_len_o),
      .r_valid_i(r_valid_i), .r_data_i(r_data_i)
    );
  end else begin : g_ahead
    wire logic unused = req_bad_i || vec_shift_i || stream_shift_i;
    assign step = state_q == Fetch && (word_valid || fetch_range) && words_q == 0 && !landed_q;
    mx_fetch #(.BusBits(BusBits), .BurstBeats(BurstBeats)) u_fetch (
      .clk_i(clk_i), .rst_ni(rst_ni && !clear_o),
      .go_valid_i(state_q == Jump && run), .go_ready_o(go_ready), .go_addr_i(target),
      .stop_i(!run), .mem_size_i(mem_size_i), .range_o(fetch_range), .idle_o(fetch_idle),
      .word_valid_o(word_valid), .word_ready_i(word_ready), .word_data_o(word),
      .req_valid_o(req_valid_o), .req_ready_i(req_ready_i), .req_addr_o(req_addr_o), .req_len_o(req_len_o),
      .r_valid_i(r_valid_i), .r_data_i(r_data_i)
    );
  end

  mx_arg #(.WordBits(WordBits)) u_arg (
    .clk_i(clk_i), .rst_ni(rst_ni),
    .clean_i(state_q == Clean), .init_i(state_q == Init), .walk_slot_i(walk_slot_i), .walk_data_i(walk_data_i),
    .load_i(word_take || (Serial != 0 && vec_shift_i)), .down_i(Serial != 0 && stream_shift_i), .word_i(word), .check_i(state_q == Check),
    .pass_i(state_q == Pass && run), .shift_i(state_q == Shift && run), .mult_i(state_q == Mult && run),
    .done_o(step_done), .need_o(need),
    .insn_o(insn), .acc_o(acc), .product_o(product), .nonzero_o(nonzero)
  );

  mx_decode #(.Tokens(Tokens), .Codebook(Codebook), .ZeroPoint(ZeroPoint)) u_decode (
    .insn_i(insn), .illegal_o(illegal)
  );

  // Issue.
  wire logic [2:0] waits = op == mx_pkg::OP_HALT ? 3'b111 : insn[7:5];
  wire logic may_issue = run && state_q == Issue && (waits & {move_busy_i, vec_busy_i, dot_busy_i}) == 0;
  wire logic to_stream = op == mx_pkg::OP_STREAM;
  wire logic to_dot    = op == mx_pkg::OP_MATMUL;
  wire logic to_vec    = op == mx_pkg::OP_VEC;
  wire logic to_move   = op >= mx_pkg::OP_LOAD;
  wire logic to_none   = !(to_stream || to_dot || to_vec || to_move);

  // Segments that are no whole number of beats cannot be streamed.
  logic [31:0] seg_beats;
  logic        seg_odd;
  if (BusBits > 128) begin : g_wide
    assign seg_beats = {4'b0, product} >> $clog2(BusBits / 128);
    assign seg_odd   = |product[$clog2(BusBits / 128)-1:0] && insn[mx_pkg::STREAM_SEGMENTS_LSB +: 16] != 0;
  end else begin : g_narrow
    assign seg_beats = {4'b0, product} << $clog2(128 / BusBits);
    assign seg_odd   = 1'b0;
  end

  assign stream_valid_o = may_issue && to_stream && !seg_odd;
  assign dot_valid_o    = may_issue && to_dot;
  assign vec_valid_o    = may_issue && to_vec;
  assign move_valid_o   = may_issue && to_move;
  wire logic stream_left = op == mx_pkg::OP_HALT && !stream_empty_i;
  assign issue_o = (may_issue && to_none && !stream_left)
                   || (stream_valid_o && stream_ready_i) || (dot_valid_o && dot_ready_i)
                   || (vec_valid_o && vec_ready_i) || (move_valid_o && move_ready_i);
  wire logic halted = issue_o && op == mx_pkg::OP_HALT;
  assign tbl_we_o = issue_o && op == mx_pkg::OP_TABLE;

  // The check takes a cycle more where cycles are long.
  wire logic other_id = insn[mx_pkg::IDENT_BUILD_ID_LSB +: 32] != BuildId;
  logic checked, bad, foreign;
  if (Serial != 0) begin : g_checked
    always_ff @(posedge clk_i) begin
      checked <= state_q == Check && !checked;
      bad     <= illegal;
      foreign <= other_id;
    end
  end else begin : g_at_once
    assign checked = 1'b1;
    assign bad     = illegal;
    assign foreign = other_id;
  end

  // Faults of the sequencer itself.
  logic [3:0] seq_fault;
  always_comb begin
    seq_fault = mx_pkg::FAULT_NONE;
    if (state_q == Jump && (Serial != 0 ? pc_low_q != 0 : program_i[$clog2(Align)-1:0] != 0)) seq_fault = mx_pkg::FAULT_ALIGN;
    if (state_q == Fetch && range_q)                            seq_fault = mx_pkg::FAULT_RANGE;
    if (state_q == Check && checked) begin
      if (bad || (first_q && op != mx_pkg::OP_IDENT))       seq_fault = mx_pkg::FAULT_ILLEGAL;
      else if (op == mx_pkg::OP_IDENT && foreign)
                                                                seq_fault = mx_pkg::FAULT_BUILD_ID;
    end
    if (may_issue && stream_left)                               seq_fault = mx_pkg::FAULT_STREAM;
    if (may_issue && to_stream && seg_odd)                      seq_fault = mx_pkg::FAULT_ALIGN;
  end

  // After the pass.
  wire logic [3:0] worked = op == mx_pkg::OP_ARG ? Shift : to_stream ? Mult : Issue;
  always_comb begin
    state_d = state_q;
    case (state_q)
      Clean:   if (step_done) state_d = Off;
      Off:     if (run) state_d = Init;
      Init:    if (step_done) state_d = Jump;
      Jump:    if (go_ready && aims) state_d = Fetch;
      Fetch:   if (last_word) state_d = Check;
      Check:   if (checked) state_d = need ? Pass : worked;
      Pass:    if (step_done) state_d = worked;
      Shift:   if (step_done) state_d = Mult;
      Mult:    if (step_done) state_d = Issue;
      Issue:   if (issue_o) state_d = jumping ? Jump : Fetch;
      default: state_d = Clean;
    endcase
    if (!run && state_q != Off) state_d = state_q == Clean && step_done ? Off : Clean;
  end
  always_ff @(posedge clk_i) begin
    if (!rst_ni) state_q <= Clean;
    else         state_q <= state_d;
  end

  mx_control #(.Sources(7)) u_control (
    .clk_i(clk_i), .rst_ni(rst_ni),
    .start_i(start_i), .soft_reset_i(soft_reset_i), .halt_i(halted),
    .fetch_idle_i(fetch_idle), .bus_idle_i(bus_idle_i),
    .faults_i({watchdog_i ? mx_pkg::FAULT_WATCHDOG : mx_pkg::FAULT_NONE,
               write_fault_i, move_fault_i, vec_fault_i, stream_fault_i, read_fault_i, seq_fault}),
    .begin_o(begin_o), .run_o(run), .fault_now_o(fault_now), .stop_o(stop_o), .clear_o(clear_o),
    .busy_o(busy_o), .done_o(done_o), .fault_o(fault_o), .error_o(error_o)
  );

  assign error_pc_o     = {pc_q, pc_low_q};
  assign obs_issue_pc_o = {pc_q, 4'b0};
  assign seq_wait_o     = state_q == Issue && !issue_o;
  assign fetch_wait_o   = (state_q == Jump || state_q == Fetch) && !word_take;

  // Commands: slices of the instruction.
  assign stream_addr_o      = insn[mx_pkg::STREAM_ADDR_LSB +: 32];
  assign stream_segments_o  = insn[mx_pkg::STREAM_SEGMENTS_LSB +: 16];
  assign stream_seg_beats_o = seg_beats;
  assign stream_stride_o    = insn[mx_pkg::STREAM_STRIDE_LSB +: 32];
  assign dot_bits_o         = insn[mx_pkg::MATMUL_BITS_LSB +: 2];
  assign dot_scale_o        = insn[mx_pkg::MATMUL_SCALE_LSB +: 2];
  assign dot_zero_o         = insn[mx_pkg::MATMUL_ZERO_LSB];
  assign dot_codebook_o     = insn[mx_pkg::MATMUL_CODEBOOK_LSB];
  assign dot_planar_o       = insn[mx_pkg::MATMUL_PLANAR_LSB];
  assign dot_block_o        = insn[mx_pkg::MATMUL_BLOCK_LSB +: 2];
  assign dot_frac_o         = insn[mx_pkg::MATMUL_FRAC_LSB +: 4];
  assign dot_x_o            = insn[mx_pkg::MATMUL_X_LSB +: 16];
  assign dot_groups_o       = insn[mx_pkg::MATMUL_GROUPS_LSB +: 16];
  assign dot_dst_o          = insn[mx_pkg::MATMUL_DST_LSB +: 16];
  assign dot_stride_o       = insn[mx_pkg::MATMUL_STRIDE_LSB +: 16];
  assign dot_blocks_o       = insn[mx_pkg::MATMUL_BLOCKS_LSB +: 16];
  assign dot_tokens_o       = insn[mx_pkg::MATMUL_TOKENS_LSB +: 4];
  assign tbl_half_o         = insn[mx_pkg::TABLE_HALF_LSB];
  assign tbl_data_o         = insn[mx_pkg::TABLE_ENTRIES_LSB +: 64];
  assign vec_entry_o        = insn[mx_pkg::VEC_ENTRY_LSB +: 10];
  assign vec_u_o            = {acc, insn[mx_pkg::VEC_U0_LSB +: 96]};
  assign move_op_o          = op;
  assign move_addr_o        = insn[mx_pkg::LOAD_ADDR_LSB +: 32];
  assign move_count_o       = insn[mx_pkg::LOAD_COUNT_LSB +: 16];
  assign move_blocks_o      = insn[mx_pkg::PUTROW_BLOCKS_LSB +: 16];
  assign move_at_o          = insn[mx_pkg::LOAD_DST_LSB +: 16];
  assign move_format_o      = insn[mx_pkg::LOAD_FORMAT_LSB +: 2];
  assign move_block_o       = insn[mx_pkg::PUTROW_BLOCK_LSB +: 2];
  assign move_bank_o        = insn[mx_pkg::PUTROW_BANK_LSB +: 4];
  assign move_row_o         = acc;
  assign move_stride_o      = insn[mx_pkg::PUTCOL_STRIDE_LSB +: 32];

  `RESET_FIRST
  `CHECK(one_command, $onehot0({stream_valid_o, dot_valid_o, vec_valid_o, move_valid_o}))
  `CHECK(no_command_after_stop, !stop_o || !(stream_valid_o || dot_valid_o || vec_valid_o || move_valid_o))

endmodule

`default_nettype wire
