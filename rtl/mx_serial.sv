// Vector unit and dot array in one, for devices with few logic cells: VEC and
// MATMUL (golden/isa.def, golden/ucode.def) with one FP32 unit (fp_serial), one
// multiplier for the products (mx_serial_mac) and one memory port.
//
// Commands: valid/ready when idle, one at a time, and nothing else uses the on-chip
// memories meanwhile; cmd fields stay until dot_busy_o and vec_busy_o are low again.
// VMEM is a single-port RAM of twice VmemWords words: the upper half keeps 16
// accumulators or partial sums, a word T on its way from one operation to the next
// and a word S, the scalar of bcast. While idle, mr_* (with the data in the cycle after the transfer) and mw_*
// belong to the move unit (mx_serial_move), and so does pr_* of XMEM (see mx_xmem, Lanes = 2).
//
// An operation has two operands, read one after the other, and a result:
//   First  the first is read    Second  it is loaded, the second is read
//   Third  that is loaded       Wait    until the result is there; Write
// by phase: Op an element, Func its function, Reduce it into a partial result, Tree
// the partial sums, Term a line of the dot product, Sum into its accumulator.
// Cycles of an element: 6 to 12 and those of fp_serial. QUANT goes over a block twice.
// Reset: synchronous, to idle; memories and U keep their contents.
`include "check.svh"
`default_nettype none

module mx_serial #(
  parameter int unsigned VmemWords  = 8192,
  parameter int unsigned UcodeWords = 256,
  parameter int unsigned XmemElems  = 2048
) (
  input  wire logic         clk_i,
  input  wire logic         rst_ni,

  input  wire logic         dot_valid_i,
  output      logic         dot_ready_o,
  input  wire logic [1:0]   dot_bits_i,
  input  wire logic [1:0]   dot_scale_i,
  input  wire logic         dot_planar_i,
  input  wire logic [1:0]   dot_block_i,
  input  wire logic [3:0]   dot_frac_i,
  input  wire logic [15:0]  dot_x_i,
  input  wire logic [15:0]  dot_groups_i,
  input  wire logic [15:0]  dot_dst_i,
  input  wire logic [15:0]  dot_blocks_i,
  input  wire logic         vec_valid_i,
  output      logic         vec_ready_o,
  input  wire logic [9:0]   vec_entry_i,
  input  wire logic [31:0]  vec_w_i,      // U0, U1; after each vec_shift_o the next two, to U5
  input  wire logic [31:0]  vec_acc_i,    // U6, U7
  output      logic         vec_shift_o,

  input  wire logic         s_valid_i,
  output      logic         s_ready_o,
  input  wire logic [31:0]  s_data_i,

  input  wire logic         uc_we_i,
  input  wire logic [9:0]   uc_addr_i,
  input  wire logic [31:0]  uc_data_i,
  input  wire logic         mr_valid_i,
  input  wire logic         mr_scratch_i,
  output      logic         mr_ready_o,
  input  wire logic [15:0]  mr_addr_i,
  output      logic [31:0]  mr_data_o,
  input  wire logic         mw_valid_i,
  input  wire logic         mw_scratch_i,
  input  wire logic [1:0]   mw_format_i,  // not 0: an element of the word read last is converted:
  input  wire logic [1:0]   mw_part_i,    // 1 BF16, 3 FP16 half [0], 2 E8M0 byte
  output      logic         mw_ready_o,
  input  wire logic [15:0]  mw_addr_i,
  input  wire logic [31:0]  mw_data_i,
  input  wire logic         pr_valid_i,
  output      logic         pr_ready_o,
  input  wire logic [15:0]  pr_addr_i,
  output      logic [15:0]  pr_data_o,
  output      logic [7:0]   pr_exp_o,

  output      logic         dot_busy_o,
  output      logic         vec_busy_o,
  output      logic         progress_o,
  output      logic [3:0]   fault_o,
  output      logic         took_o,
  output      logic         starved_o,
  output      logic         blocked_o,
  input  wire logic         planted_i,  // invert bit 0 of what MATMUL writes

  output      logic         vm_valid_o,  // a write to VMEM
  output      logic [1:0]   vm_unit_o,   // 0 vec, 1 move, 2 dot
  output      logic [15:0]  vm_addr_o,
  output      logic [31:0]  vm_data_o,
  output      logic         xw_valid_o,
  output      logic [15:0]  xw_addr_o,
  output      logic [7:0]   xw_data_o,
  output      logic         xe_valid_o,
  output      logic [15:0]  xe_addr_o,
  output      logic [7:0]   xe_data_o
);

  localparam int unsigned PcBits   = $clog2(UcodeWords);
  localparam int unsigned VmemBits = $clog2(VmemWords);
  localparam logic [2:0] FpCanon = 3'd0, FpAdd = 3'd1, FpMul = 3'd2, FpMax = 3'd3, FpFn = 3'd4, FpTerm = 3'd5, FpQuant = 3'd6,
                         FpAbove = 3'd7;

  typedef enum logic [4:0] {
    Idle, Load, Fetch, Decode, OpA, OpB, Clear, Scalar, Keep, Count, First, Second, Third, Wait, Copy, Write, Next,
    Mark, Final, FinalWrite, Line, Convert, Converted
  } state_e;
  typedef enum logic [2:0] {Op, Func, Reduce, Tree, Term, Sum} phase_e;
  state_e state_q, state_d;
  phase_e phase_q;
  logic   dot_q;         // MATMUL, else VEC
  logic   turn_q;        // operands in the other order
  logic   round_q;       // QUANT: second pass over the block
  logic   dead_q;        // QUANT: past the last element
  logic [15:0] index_q;  // element; row of MATMUL; step of the tree; of ADDU a

  // ---- microcode ----
  logic [PcBits-1:0] pc_q;
  (* no_rw_check *) logic [31:0] store [UcodeWords];
  logic [31:0] insn;
  always_ff @(posedge clk_i) begin
    if (uc_we_i) store[uc_addr_i[PcBits-1:0]] <= uc_data_i;
    if (state_q == Fetch) insn <= store[pc_q];
  end
  wire logic [4:0] op = insn[31:27];
  logic legal, is_vec;
  mx_uop_decode u_decode (.insn_i(insn), .legal_o(legal), .vec_o(is_vec));
  wire logic is_quant  = op == mx_pkg::UOP_QUANT;
  wire logic is_loop   = op == mx_pkg::UOP_LOOPU;
  wire logic is_addi   = op == mx_pkg::UOP_ADDI;
  wire logic is_li     = op == mx_pkg::UOP_LI;
  wire logic is_mov    = op == mx_pkg::UOP_MOV;
  wire logic bcast     = insn[mx_pkg::U_VEC_BCAST_LSB];
  wire logic fixed     = insn[mx_pkg::U_QUANT_FIXED_LSB];
  wire logic [1:0] fn    = insn[mx_pkg::U_VEC_FN_LSB +: 2];
  wire logic [1:0] red   = insn[mx_pkg::U_VEC_RED_LSB +: 2] & {2{!is_quant}};
  wire logic [1:0] bits  = insn[mx_pkg::U_QUANT_BITS_LSB +: 2];
  wire logic [1:0] block = insn[mx_pkg::U_QUANT_BLOCK_LSB +: 2];
  wire logic use_fn    = fn != 2'd0;
  wire logic is_sum    = red == 2'd1;
  wire logic is_argmax = red == 2'd3;

  // ---- registers U ----
  (* no_rw_check *) logic [15:0] u_mem [16];
  logic [15:0] u_q, sum;
  logic [3:0]  u_at;
  wire logic loading = state_q == Load;
  wire logic ends_in_a = state_q == OpA && (is_addi || is_loop);
  wire logic ends_in_b = state_q == OpB;
  wire logic ends_in_decode = state_q == Decode && legal && (is_li || op == mx_pkg::UOP_END);
  wire logic u_we = loading || ends_in_a || ends_in_b || (state_q == Decode && is_li && legal);
  always_comb
    case (state_d)
      OpA:    u_at = is_loop ? insn[23:20] : insn[19:16];
      OpB, Scalar: u_at = insn[15:12];
      Count:  u_at = insn[11:8];
      First:  u_at = turn_d ? insn[15:12] : insn[19:16];
      Second: u_at = turn_d ? insn[19:16] : insn[15:12];
      default: u_at = insn[23:20];
    endcase
  wire logic [31:0] u_pair = index_q[2:1] == 2'd3 ? vec_acc_i : vec_w_i;
  wire logic [15:0] u_word = index_q[0] ? u_pair[31:16] : u_pair[15:0];
  assign vec_shift_o = loading && index_q[0];
  wire logic [15:0] u_in = loading ? u_word : sum;
  always_ff @(posedge clk_i) begin
    if (u_we) u_mem[loading ? {1'b0, index_q[2:0]} : insn[23:20]] <= u_in;
    u_q <= u_mem[u_at];
  end

  // ---- one adder for addresses and U: base + index, immediate, -1 or nothing ----
  wire logic other    = (state_q == First && turn_q) || (state_q == Second && !turn_q);  // the second operand
  wire logic scalar   = other && bcast && !is_quant && phase_q == Op && !dot_q;
  wire logic exact2 = dot_q || state_q == OpA || state_q == OpB || state_q == Scalar || state_q == FinalWrite;
  wire logic exact4 = !(is_quant && state_q == Write) || exact2;
  wire logic plain  = state_q == Decode;  // LI
  wire logic [15:0] base = dot_q ? dot_dst_i : u_q & {{12{!plain}}, {2{exact4 && !plain}}, {2{exact2 && !plain}}};
  wire logic add_index = dot_q || !(state_q == OpA || state_q == Decode || state_q == Scalar || state_q == FinalWrite);
  wire logic add_imm = (state_q == OpA || state_q == Decode) && !dot_q;
  wire logic [15:0] imm = insn[15:0] | {16{is_loop}};
  assign sum = base + ((index_q & {16{add_index}}) | (imm & {16{add_imm}}));

  // ---- the floating-point unit ----
  logic        fp_busy, fp_swap, fp_gt, load_p, load_q;
  logic [31:0] in, fp_y, r_data;
  logic [7:0]  fp_byte;
  logic [2:0]  fp_op, fp_op_q;
  always_ff @(posedge clk_i) fp_op_q <= fp_op;
  always_comb
    case (phase_q)
      Op:      if (state_q == Convert || state_q == Converted) fp_op = FpCanon; else fp_op = is_quant ? FpQuant : op == mx_pkg::UOP_MUL ? FpMul :
                                                                                  op == mx_pkg::UOP_MAX ? FpMax : is_mov ? FpFn : FpAdd;
      Func:    fp_op = FpFn;
      Reduce:  fp_op = is_sum ? FpAdd : is_argmax ? FpAbove : FpMax;
      Term:    fp_op = FpTerm;
      default: fp_op = FpAdd;
    endcase
  logic        hidden, nan, first_q;
  fp_serial u_fp (
    .clk_i, .rst_ni, .op_i(fp_op_q), .sub_i(phase_q == Op && op == mx_pkg::UOP_SUB), .fn_i(fn), .frac_i(dot_frac_i),
    .bits_i(bits), .hidden_i(hidden), .nan_i(nan), .plus_i(first_q), .load_p_i(load_p), .load_q_i(load_q), .in_i(in),
    .busy_o(fp_busy), .swap_o(fp_swap), .gt_o(fp_gt), .y_o(fp_y), .byte_o(fp_byte)
  );
  wire logic bare_mov = is_mov && !use_fn && phase_q == Op;
  wire logic single   = phase_q == Func || (phase_q == Op && is_mov);
  assign load_p = (state_q == Convert && fp_op_q == FpCanon) || state_q == Second && !bare_mov && !(is_quant && !round_q && !dot_q);
  assign load_q = state_q == Third;

  // ---- the dot product ----
  logic        line_valid, last, line_first, mac_done, x_en, last_q;
  logic [23:0] line_sum;
  logic [15:0] line_scale, x_addr, e_addr;
  logic [7:0]  line_exp;
  logic [3:0]  line_row, row_q;
  logic [15:0] x_data;
  logic [7:0]  e_data;
  wire logic line_take = dot_q && state_q == Third && phase_q == Term;
  mx_serial_mac u_mac (
    .clk_i, .run_i(dot_q), .cmd_bits_i(dot_bits_i), .cmd_scale_i(dot_scale_i), .cmd_planar_i(dot_planar_i),
    .cmd_block_i(dot_block_i), .cmd_x_i(dot_x_i), .cmd_groups_i(dot_groups_i), .cmd_blocks_i(dot_blocks_i),
    .s_valid_i, .s_ready_o, .s_data_i, .x_en_o(x_en), .x_addr_o(x_addr), .x_data_i(x_data),
    .e_addr_o(e_addr), .e_data_i(e_data), .line_valid_o(line_valid), .line_take_i(line_take), .sum_o(line_sum),
    .row_o(line_row), .first_o(line_first), .last_o(last), .scale_o(line_scale), .x_exp_o(line_exp),
    .done_o(mac_done), .took_o, .starved_o, .blocked_o
  );
  always_ff @(posedge clk_i)
    if (line_take) begin
      row_q  <= line_row;
      last_q <= last;
    end
  always_ff @(posedge clk_i)
    if (!dot_q)         first_q <= 1'b0;
    else if (line_take) first_q <= line_first;

  // Scale of a line, or element of LOAD: to FP32, but for the top bit of subnormal
  // halves. 112 more than a half's field is an FP32 exponent.
  wire logic [15:0] half   = (mw_format_i[0] ? mw_part_i[0] : mw_part_i[1]) ? r_data[31:16] : r_data[15:0];
  wire logic [7:0]  one    = !mw_format_i[0] && mw_part_i[0] ? half[15:8] : half[7:0];
  wire logic [15:0] h      = dot_q ? line_scale : {half[15:8], one};
  wire logic h_half        = dot_q ? dot_scale_i[1] : &mw_format_i;
  wire logic h_bf16        = !dot_q && mw_format_i == 2'd1;
  wire logic h_none        = dot_q && dot_scale_i == 2'd0;
  wire logic h_sub         = h[14:10] == 5'd0;
  wire logic h_top         = h_half ? h[14:10] == 5'h1F : h[7:0] == 8'hFF && !h_none;
  wire logic [7:0] half_exp = {h[14], {3{!h[14] || h_top}}, h[13:11], h[10] || h_sub};
  wire logic [7:0] h_exp   = h_half ? half_exp : h_bf16 ? h[14:7] : h_none ? 8'd127 : h[7:0];
  wire logic [9:0] h_frac  = h_half ? h[9:0] : h_bf16 ? {h[6:0], 3'd0} : {h_top, 9'd0};
  assign hidden = !(h_half && h_sub);
  assign nan    = h_top;

  logic [7:0]  max_q;   // QUANT: scale so far
  always_comb begin
    in = r_data;
    if (phase_q == Term && state_q == Second)     in = {line_sum[23], line_exp, line_sum[22:0]};
    else if ((phase_q == Term && state_q == Third) || state_q == Convert) in = {(h_half || h_bf16) && h[15], h_exp, h_frac, 13'd0};
    else if (state_q == Second && is_quant && round_q && !dot_q) in = {1'b0, max_q, 23'd0};
    else if (state_q == Mark)                     in = {16'd0, index_q};
  end

  // ---- QUANT ----
  wire logic [6:0] in_block = {block == 2'd3, block[1], block != 2'd0, 4'hF};
  wire logic block_end   = (index_q[6:0] | ~in_block) == '1;
  wire logic block_start = (index_q[6:0] & in_block) == '0;
  wire logic at_end      = index_q == u_q;
  wire logic [7:0] r_exp = r_data[30:23];
  wire logic scan        = is_quant && !round_q && !dot_q && state_q == Second;
  always_ff @(posedge clk_i)
    if (scan && block_start)                                max_q <= fixed && r_exp != 8'hFF ? {5'b10000, bits, 1'b1} : r_exp;
    else if (scan && !dead_q && (fixed ? r_exp == 8'hFF : r_exp > max_q)) max_q <= r_exp;
  assign xw_valid_o = is_quant && state_q == Write && !dot_q;
  assign xw_addr_o  = sum & 16'(XmemElems - 1);
  assign xw_data_o  = dead_q || max_q == 8'hFF ? 8'd0 : fp_byte;
  assign xe_valid_o = xw_valid_o && block_start;
  assign xe_addr_o  = {4'd0, xw_addr_o[15:4]};
  assign xe_data_o  = max_q;

  // ---- memories ----
  wire logic [3:0] j = !index_q[3] ? {1'b0, index_q[2:0]} : !index_q[2] ? {2'b0, index_q[1:0]} :
                       !index_q[1] ? {3'b0, index_q[0]} : 4'd0;
  wire logic [3:0] w = !index_q[3] ? 4'd8 : !index_q[2] ? 4'd4 : !index_q[1] ? 4'd2 : 4'd1;
  logic [3:0] partial;
  always_comb
    if (dot_q)                             partial = row_q;
    else if (phase_q == Tree)              partial = other ? j | w : j;
    else if (is_sum || state_q == Clear)   partial = index_q[3:0];
    else                                   partial = {3'd0, is_argmax && (state_q == Mark || state_q == Final)};
  // T, a partial result or a word of VMEM.
  logic use_t, use_s, use_partial;
  always_comb begin
    use_s       = scalar || state_q == Keep;
    use_t       = 1'b0;
    use_partial = 1'b0;
    case (state_q)
      Clear: use_partial = 1'b1;
      Final: use_partial = 1'b1;
      Mark:  use_partial = 1'b1;
      Copy:  use_t = 1'b1;
      First, Second:
        if (phase_q == Func)                             use_t = 1'b1;
        else if (phase_q == Reduce || phase_q == Sum) begin
          use_t       = !other;
          use_partial = other;
        end else if (phase_q == Tree)                    use_partial = 1'b1;
      Write:
        case (phase_q)
          Op:      use_t = (use_fn && !is_mov) || red != 2'd0;
          Func:    use_t = red != 2'd0;
          Term: begin
            use_t       = !first_q;
            use_partial = first_q && !last_q;
          end
          Sum:     use_partial = !last_q;
          default: use_partial = 1'b1;
        endcase
      default: ;
    endcase
  end
  wire logic own_scratch = use_t || use_s || use_partial;
  wire logic free    = state_q == Idle || state_q == Converted;
  wire logic read    = state_q == First || (state_q == Second && !single && !(is_quant && !dot_q) && phase_q != Term) ||
                       state_q == Copy || state_q == Scalar || state_q == Final;
  wire logic write   = (state_q == Write && !(is_quant && !dot_q)) || state_q == Clear || state_q == Keep || state_q == Mark || state_q == FinalWrite;
  wire logic [15:0] own = own_scratch ? {10'd0, use_s, use_t, partial & {4{use_partial}}} : sum;
  wire logic convert = mw_valid_i && mw_format_i != 2'd0;
  assign mw_ready_o = (state_q == Idle && !convert) || (state_q == Converted && !fp_busy);
  assign mr_ready_o = free && !mw_valid_i;
  wire logic move_write = mw_valid_i && mw_ready_o;
  wire logic scratch = free ? (mw_valid_i ? mw_scratch_i : mr_scratch_i) : own_scratch;
  wire logic [15:0] addr  = !free ? own : scratch ? 16'd16 : mw_valid_i ? mw_addr_i : mr_addr_i;
  wire logic raw          = (bare_mov && state_q != Converted) || (phase_q == Reduce && is_argmax) || state_q == Keep || state_q == Mark || state_q == FinalWrite;
  wire logic [31:0] result = raw ? in : fp_y;
  logic [31:0] w_data;
  always_comb begin
    w_data = result;
    if (state_q == Idle)       w_data = mw_data_i;
    else if (state_q == Clear) w_data = {{9{red[1] && index_q[3:0] == 4'd0}}, is_argmax && index_q[3:0] == 4'd0, 22'd0};
    else if (dot_q)            w_data = {result[31:1], result[0] ^ (planted_i && !scratch)};
  end
  mx_vmem_ram #(.Words(2 * VmemWords), .SinglePort(1)) u_vmem (
    .clk_i, .re_i(read || (mr_valid_i && mr_ready_o)), .raddr_i({scratch, addr[VmemBits-1:0]}), .rdata_o(r_data),
    .we_i(write || move_write), .waddr_i({scratch, addr[VmemBits-1:0]}), .wdata_i(w_data)
  );
  assign mr_data_o  = r_data;
  assign vm_valid_o = (write || move_write) && !scratch;
  assign vm_unit_o  = free ? 2'd1 : {dot_q, 1'b0};
  assign vm_addr_o  = addr & 16'(VmemWords - 1);
  assign vm_data_o  = w_data;

  mx_xmem #(.BusBits(8), .Rows(1), .Tokens(1), .VecLanes(1), .XmemElems(XmemElems)) u_xmem (
    .clk_i, .xw_valid_i(xw_valid_o), .xw_bank_i(4'd0), .xw_addr_i(sum), .xw_mask_i(1'b1), .xw_data_i(xw_data_o),
    .xe_valid_i(xe_valid_o), .xe_bank_i(4'd0), .xe_addr_i(xe_addr_o), .xe_data_i(max_q),
    .x_en_i(x_en), .x_addr_i(x_addr), .x_data_o(x_data), .e_en_i(x_en), .e_addr_i(e_addr), .e_data_o(e_data),
    .pr_valid_i, .pr_ready_o, .pr_bank_i(4'd0), .pr_addr_i, .pr_data_o, .pr_exp_o
  );

  // ---- what to do next ----
  wire logic taken     = ends_in_a && is_loop && sum != 16'd0;
  wire logic over      = fp_busy;
  wire logic tree_ends = index_q[3:0] == 4'd14;
  logic go_dot_q, go_vec_q;  // a command was accepted
  wire logic ready = state_q == Idle && !go_dot_q && !go_vec_q;
  always_ff @(posedge clk_i) begin
    go_dot_q <= rst_ni && dot_valid_i && ready;
    go_vec_q <= rst_ni && vec_valid_i && ready;
  end
  logic swap_q, turn_d;  // the operation that ended wants its operands turned
  always_ff @(posedge clk_i) swap_q <= fp_swap;
  always_comb begin
    turn_d = turn_q;
    if (state_q == Wait && !over) turn_d = swap_q && !turn_q;
    else if (state_q == Wait || state_q == Second || state_q == First) turn_d = turn_q;
    else turn_d = 1'b0;
  end
  always_comb begin
    state_d = state_q;
    case (state_q)
      Idle:    state_d = go_dot_q ? Line : go_vec_q ? Load : convert ? Convert : Idle;
      Convert: if (load_p) state_d = Converted;
      Converted: if (!fp_busy) state_d = Idle;
      Load:    if (index_q[2:0] == 3'd7) state_d = Fetch;
      Fetch:   state_d = Decode;
      Decode:  state_d = !legal || op == mx_pkg::UOP_END ? Idle : is_li ? Fetch : red != 2'd0 && is_vec ? Clear :
                         !is_vec && !is_quant ? OpA : bcast && is_vec ? Scalar : Count;
      OpA:     state_d = ends_in_a ? Fetch : OpB;
      OpB:     state_d = Fetch;
      Clear:   if (index_q[3:0] == 4'd15) state_d = bcast ? Scalar : Count;
      Scalar:  state_d = Keep;
      Keep:    state_d = Count;
      Count:   state_d = !at_end || (is_quant && (round_q || !block_start)) ? First : !is_vec || red == 2'd0 ? Fetch :
                         is_sum ? First : Final;
      First:   state_d = Second;
      Second:  state_d = bare_mov ? Write : scan ? Next : single ? Wait : Third;
      Third:   state_d = Wait;
      Wait:
        if (!over) begin
          if (swap_q)                                state_d = First;
          else if (phase_q == Reduce && is_argmax)   state_d = fp_gt ? Copy : Next;
          else                                       state_d = Write;
        end
      Copy:    state_d = Write;
      Write:
        if (dot_q)                    state_d = phase_q == Term && !first_q ? First : Line;
        else if (is_quant)            state_d = Next;
        else
          case (phase_q)
            Op:      state_d = use_t ? First : Next;
            Func:    state_d = use_t ? First : Next;
            Tree:    state_d = tree_ends ? Final : First;
            default: state_d = is_argmax ? Mark : Next;
          endcase
      Mark:    state_d = Next;
      Next:    state_d = is_quant && round_q && block_end && dead_q ? Fetch : Count;
      Final:   state_d = FinalWrite;
      FinalWrite: state_d = Fetch;
      Line:    state_d = line_valid && fp_op_q == FpTerm ? Second : mac_done ? Idle : Line;
      default: state_d = Idle;
    endcase
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) state_q <= Idle;
    else         state_q <= state_d;
    if (!rst_ni || (state_q == Line && state_d == Idle)) dot_q <= 1'b0;
    else if (state_q == Idle)                            dot_q <= go_dot_q;
    turn_q <= turn_d;
    if (state_q == Idle) pc_q <= vec_entry_i[PcBits-1:0];
    else if (taken)      pc_q <= insn[PcBits-1:0];
    else if ((state_q != Idle && state_q != Load && state_q != Fetch && state_d == Fetch)) pc_q <= pc_q + 1'b1;
    case (state_q)
      Line:    phase_q <= Term;
      Count:   phase_q <= at_end && is_sum ? Tree : Op;
      Write:   if (dot_q) phase_q <= phase_q == Term && !first_q ? Sum : Term;
               else if (phase_q == Op) phase_q <= use_fn && !is_mov ? Func : Reduce;
               else if (phase_q == Func) phase_q <= Reduce;
      default: if (state_q == Idle || state_q == Fetch) phase_q <= Op;
    endcase
  end
  wire logic index_zero = state_q == Idle || (state_q == Decode && !dot_q) || (state_q == Clear && index_q[3:0] == 4'd15) ||
                          (state_q == Count && at_end && is_sum);
  wire logic index_next = state_q == Load || state_q == Clear || state_q == Next || (state_q == Write && phase_q == Tree && !dot_q) ||
                          (state_q == Write && dot_q && !scratch);
  wire logic back = state_q == Next && is_quant && block_end && !round_q;  // to the block's first
  always_ff @(posedge clk_i) begin
    if (index_zero)                             index_q <= '0;
    else if (state_q == OpA && !ends_in_a)      index_q <= u_q;
    else if (back)                              index_q[6:0] <= index_q[6:0] & ~in_block;
    else if (index_next)                        index_q <= index_q + 1'b1;
  end
  always_ff @(posedge clk_i) begin
    if (state_q == Decode) begin
      round_q <= 1'b0;
      dead_q  <= 1'b0;
    end else if (state_q == Next && block_end) begin
      round_q <= !round_q;
      dead_q  <= 1'b0;
    end else if (state_q == Count && at_end) dead_q <= 1'b1;
  end

  assign vec_ready_o = ready;
  assign dot_ready_o = ready;
  assign dot_busy_o  = dot_q || go_dot_q;
  assign vec_busy_o  = go_vec_q || bad_q || (state_q != Idle && state_q != Convert && state_q != Converted && !dot_q);
  assign progress_o  = state_q == Next || state_q == Fetch;
  logic bad_q;
  always_ff @(posedge clk_i) bad_q <= rst_ni && state_q == Decode && !legal;
  assign fault_o     = bad_q ? mx_pkg::FAULT_UCODE : mx_pkg::FAULT_NONE;

  wire logic unused = ^{vec_entry_i, uc_addr_i, ends_in_decode};

endmodule

`default_nettype wire
