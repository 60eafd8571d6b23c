// Vector unit: runs microprograms over VMEM, and quantizes into XMEM
// (golden/ucode.def, golden/vec.h).
//
// Handshake: cmd valid/ready, ready only when idle; reads return their data in
// the next cycle; vm_, xw_ and xe_ writes are always taken, in the order of
// golden/vec.h (xw before xe where both come in one cycle).
// Cycles of a microinstruction, from fetch to fetch: LI, END 2; ADDI, LOOPU 3;
// ADDU 4; and with G = ceil(n / VecLanes), O = 0 MOV MAX, 3 MUL, 4 ADD SUB:
//   no function            7 + G + O
//   function, VecLanes 1   13 + G + O
//   function, VecLanes > 1 14 + VecLanes * G + O
//   QUANT                  8 + 2 * blocks * length / VecLanes
//   n = 0                  6
// A reduction takes more: MAX, ARGMAX VecLanes + 1; SUM 54, 40, 34 for VecLanes
// 1, 2, 4 (3 less for n = 0). A command takes 8 cycles until it is accepted.
// Reset: synchronous, active low.
`include "check.svh"
`default_nettype none

module mx_vec #(
  parameter int unsigned VecLanes   = 1,
  parameter int unsigned VmemWords  = 8192,
  parameter int unsigned UcodeWords = 256,
  parameter int unsigned XmemElems  = 2048,
  parameter int unsigned Tokens     = 1
) (
  input  wire logic                   clk_i,
  input  wire logic                   rst_ni,

  input  wire logic                   cmd_valid_i,
  output      logic                   cmd_ready_o,
  input  wire logic [9:0]             cmd_entry_i,
  input  wire logic [127:0]           cmd_u_i,

  input  wire logic                   uc_we_i,
  input  wire logic [9:0]             uc_addr_i,
  input  wire logic [31:0]            uc_data_i,

  output      logic                   ra_en_o,
  output      logic [15:0]            ra_addr_o,
  input  wire logic [VecLanes*32-1:0] ra_data_i,
  output      logic                   rb_en_o,
  output      logic [15:0]            rb_addr_o,
  input  wire logic [VecLanes*32-1:0] rb_data_i,

  output      logic                   vm_valid_o,
  output      logic [15:0]            vm_addr_o,
  output      logic [VecLanes-1:0]    vm_mask_o,
  output      logic [VecLanes*32-1:0] vm_data_o,

  output      logic                   xw_valid_o,
  output      logic [3:0]             xw_bank_o,
  output      logic [15:0]            xw_addr_o,
  output      logic [VecLanes-1:0]    xw_mask_o,
  output      logic [VecLanes*8-1:0]  xw_data_o,
  output      logic                   xe_valid_o,
  output      logic [3:0]             xe_bank_o,
  output      logic [15:0]            xe_addr_o,
  output      logic [7:0]             xe_data_o,

  output      logic                   busy_o,
  output      logic                   progress_o,
  output      logic [3:0]             fault_o
);

  localparam logic [1:0] LaneBits = 2'(VecLanes - 1);  // of a word address
  localparam logic [15:0] VmemMask = 16'(VmemWords - 1);
  localparam logic [15:0] XmemMask = 16'(XmemElems - 1);
  localparam logic [3:0]  BankMask = 4'(Tokens - 1);

  // ---- microsequencer ----
  logic [31:0] insn;
  logic [15:0] u;
  logic        insn_quant, load_a, load_b, load_n, scalar_read, run, done;
  mx_vec_seq #(.UcodeWords(UcodeWords)) u_seq (
    .clk_i, .rst_ni, .cmd_valid_i, .cmd_ready_o, .cmd_entry_i, .cmd_u_i,
    .uc_we_i, .uc_addr_i, .uc_data_i,
    .insn_o(insn), .quant_o(insn_quant), .u_o(u),
    .load_a_o(load_a), .load_b_o(load_b), .load_n_o(load_n), .scalar_o(scalar_read),
    .run_o(run), .done_i(done), .busy_o, .progress_o, .fault_o
  );

  // Fields, decoded into registers while the operands are fetched.
  wire logic [1:0] insn_red = insn[mx_pkg::U_VEC_RED_LSB +: 2];
  logic [4:0] op;
  logic [1:0] fn, bits, block;
  logic       quant, fixed, bcast, uses_b, argmax, to_vmem, to_sum, to_rank;
  always_ff @(posedge clk_i) begin
    if (load_a) begin
      op      <= insn[31:27];
      quant   <= insn_quant;
      bcast   <= insn[mx_pkg::U_VEC_BCAST_LSB];
      uses_b  <= insn[31:27] != mx_pkg::UOP_MOV && !insn[mx_pkg::U_VEC_BCAST_LSB];
      fn      <= insn[mx_pkg::U_VEC_FN_LSB +: 2] & {2{!insn_quant}};
      argmax  <= insn_red[0];
      to_vmem <= !insn_quant && insn_red == 2'd0;
      to_sum  <= !insn_quant && insn_red == 2'd1;
      to_rank <= !insn_quant && insn_red[1];
      bits    <= insn[mx_pkg::U_QUANT_BITS_LSB +: 2];
      block   <= insn[mx_pkg::U_QUANT_BLOCK_LSB +: 2];
      fixed   <= insn[mx_pkg::U_QUANT_FIXED_LSB];
    end
  end
  wire logic run_vec   = run && !quant;
  wire logic run_quant = run && quant;
  wire logic is_sum    = run && to_sum;
  wire logic is_rank   = run && to_rank;

  // ---- counters: sources, elements left, place of the next result ----
  logic [15:0] a_q, b_q, left_q, at_q;
  logic [3:0]  bank_q;
  logic [1:0]  tail_q;   // lanes of the last group, 0: all
  logic        first_q;  // first cycle of run
  logic        step_a, step_b, step_left, step_at;
  wire logic [15:0] left_step = quant ? 16'd16 << block : 16'(VecLanes);
  wire logic [16:0] left_next = {1'b0, left_q} - {1'b0, left_step};
  wire logic        final_step = left_next[16] || left_next == 17'd0;
  wire logic        none_left  = left_q == 16'd0;

  always_ff @(posedge clk_i) begin
    if (load_a)      a_q <= {u[15:2], 2'd0};
    else if (step_a) a_q <= a_q + 16'(VecLanes);
    if (load_a && insn_quant)  b_q <= {u[15:2], 2'd0};
    else if (load_b && !quant) b_q <= {u[15:2], bcast ? u[1:0] : 2'd0};
    else if (step_b)           b_q <= b_q + 16'(VecLanes);
    if (load_b) bank_q <= u[3:0];
    if (load_n) begin
      left_q <= u;
      tail_q <= u[1:0] & LaneBits;
    end else if (step_left) left_q <= final_step ? 16'd0 : left_next[15:0];
    if (first_q) begin
      at_q <= to_rank ? 16'd0 : {u[15:4], quant ? 4'd0 : {u[3:2], 2'd0}};
    end else if (step_at) at_q <= at_q + 16'(VecLanes);
  end
  always_ff @(posedge clk_i) first_q <= rst_ni && load_n;
  wire logic empty = first_q && none_left;

  // ---- issue: one group each `period` cycles ----
  wire logic [1:0] fn_wait = fn != 2'd0 ? LaneBits : 2'd0;
  logic [1:0] wait_q;
  logic       any_q;  // a group was issued
  wire logic  issue = run_vec && !none_left && wait_q == 2'd0;
  always_ff @(posedge clk_i) begin
    if (!rst_ni || !run) begin
      wait_q <= 2'd0;
      any_q  <= 1'b0;
    end else begin
      if (issue) wait_q <= fn_wait;
      else if (wait_q != 2'd0) wait_q <= wait_q - 2'd1;
      any_q <= any_q || issue;
    end
  end

  logic quant_a, quant_b, quant_block_done, quant_done;
  assign step_a    = issue || quant_a;
  assign step_b    = (issue && uses_b) || quant_b;
  assign step_left = issue || quant_block_done;
  assign ra_en_o   = step_a;
  assign ra_addr_o = a_q & VmemMask;
  assign rb_en_o   = step_b || (scalar_read && bcast && !quant);
  assign rb_addr_o = b_q & VmemMask;

  // b of bcast: read before run, kept from its first cycle.
  logic [31:0]            scalar, scalar_q;
  logic [VecLanes*32-1:0] b;
  always_comb begin
    scalar = rb_data_i[31:0];
    for (int l = 1; l < VecLanes; l++)
      if ((b_q[1:0] & LaneBits) == 2'(l)) scalar = rb_data_i[32*l +: 32];
  end
  always_ff @(posedge clk_i) if (first_q) scalar_q <= scalar;
  assign b = bcast ? {VecLanes{scalar_q}} : rb_data_i;

  // ---- elements ----
  logic                   out_valid, out_last, tree, hold, sum_ready;
  logic [VecLanes*32-1:0] out, sum_a, add_y, hold_data;
  logic [VecLanes-1:0]    in_tail, lane_on;
  assign in_tail = tail_q == 2'd0 ? '1 : ~({VecLanes{1'b1}} << tail_q);
  assign lane_on = out_last ? in_tail : '1;

  mx_vec_lanes #(.VecLanes(VecLanes)) u_lanes (
    .clk_i, .rst_ni, .op_i(op), .fn_i(fn),
    .issue_i(issue), .issue_last_i(final_step), .a_i(ra_data_i), .b_i(b),
    .out_valid_o(out_valid), .out_last_o(out_last), .out_data_o(out),
    .sum_i(is_sum), .lane_i(lane_on), .sum_a_i(sum_a), .add_y_o(add_y),
    .tree_i(tree), .hold_i(hold), .hold_data_i(hold_data)
  );

  // ---- reductions ----
  wire logic stream_end = run_vec && ((out_valid && out_last) || empty);
  logic [31:0] sum_result, rank_result;
  logic        rank_ready;
  mx_vec_sum #(.VecLanes(VecLanes)) u_sum (
    .clk_i, .rst_ni, .clear_i(!is_sum), .valid_i(is_sum && out_valid),
    .finish_i(is_sum && stream_end), .a_o(sum_a), .add_y_i(add_y),
    .tree_o(tree), .hold_o(hold), .hold_data_o(hold_data),
    .ready_o(sum_ready), .result_o(sum_result)
  );
  mx_vec_rank #(.VecLanes(VecLanes)) u_rank (
    .clk_i, .rst_ni, .argmax_i(argmax), .clear_i(!is_rank),
    .valid_i(is_rank && out_valid), .lane_i(lane_on), .index_i(at_q), .data_i(out),
    .finish_i(is_rank && stream_end), .ready_o(rank_ready), .result_o(rank_result)
  );

  // ---- VMEM writes ----
  wire logic reduced = sum_ready || rank_ready;
  assign vm_valid_o = reduced || (run && to_vmem && out_valid);
  assign vm_addr_o  = (reduced ? u : at_q) & VmemMask;
  assign vm_data_o  = reduced ? {VecLanes{sum_ready ? sum_result : rank_result}} : out;
  for (genvar l = 0; l < VecLanes; l++) begin : g_mask
    assign vm_mask_o[l] = reduced ? (u[1:0] & LaneBits) == 2'(l) : lane_on[l];
  end

  // ---- QUANT ----
  logic        x_valid, x_first, x_last;
  logic [11:0] granule_q;  // of the block's first element
  mx_vec_quant #(.VecLanes(VecLanes)) u_quant (
    .clk_i, .rst_ni, .run_i(run_quant && !empty), .done_o(quant_done),
    .bits_i(bits), .block_i(block), .fixed_i(fixed), .left_i(left_q), .final_i(final_step),
    .block_done_o(quant_block_done), .read_a_o(quant_a), .read_b_o(quant_b),
    .a_i(ra_data_i), .b_i(rb_data_i),
    .x_valid_o(x_valid), .x_first_o(x_first), .x_last_o(x_last),
    .x_data_o(xw_data_o), .scale_o(xe_data_o)
  );
  always_ff @(posedge clk_i) if (x_valid && x_first) granule_q <= at_q[15:4];

  assign step_at    = (run_vec && out_valid) || x_valid;
  assign xw_valid_o = x_valid;
  assign xw_bank_o  = bank_q & BankMask;
  assign xw_addr_o  = at_q & XmemMask;
  assign xw_mask_o  = '1;
  assign xe_valid_o = x_valid && x_last;
  assign xe_bank_o  = bank_q & BankMask;
  assign xe_addr_o  = {4'd0, granule_q & XmemMask[15:4]};

  assign done = quant ? quant_done || (run && empty)
                      : reduced || (stream_end && to_vmem);

  `CHECK(no_write_outside_run, run || !(vm_valid_o || xw_valid_o))

endmodule

`default_nettype wire
