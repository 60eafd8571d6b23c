// The instruction register and the address registers A[0..15], bit-serial.
//
// The instruction is shifted in word by word: w0 (lowest) to w3. Then fields get
// their A registers added in place, one bit per cycle, so that unit commands are
// slices of insn_o and acc_o. mx_seq orders the steps:
//
//   pass   33 cycles: two adders work side by side, the first on w1, the second
//          on w2, w3 or acc
//            STREAM       addr   += A[a]    segments += A[n], units += A[u]
//            MATMUL       groups += A[n]    blocks   += A[k]
//            LOAD, STORE  addr   += A[a]    count    += A[n]
//            PUTROW, PUTCOL  addr += A[a]   acc = A[r]
//            PUTEXP       addr   += A[a]
//            ARG          add    += A[a]    acc = A[b]
//            VEC                            acc = {A[s], A[r]}, 16 bits each
//            LOOP         A[d] = A[d] - 1
//   shift  1 + shift cycles, ARG: add >>= shift
//   mult   STREAM, 16 cycles: product_o = units * unit16
//          ARG, 32 cycles: A[d] = (add & mask) * mul + acc
//
// The pass is needed only if a register other than A[0] is named (need_o), so
// most instructions take none; acc is 0 without it.
// mult adds the multiplicand to acc for each bit of the multiplier and shifts acc
// right; the bits that leave it are the result. A[d] is written as its bits come.
//
// clean_i: clear the A registers, 32 cycles each, from where the last init_i
// ended. init_i: A[1..4] = walk_data_i, taken while walk_slot_i is 17 .. 20.
// Every step lasts until done_o; steps are exclusive; the cycle in which a step
// ends or none is ordered resets the step counter.
`default_nettype none

module mx_arg #(
  parameter int unsigned WordBits = 128
) (
  input  wire logic                clk_i,
  input  wire logic                rst_ni,

  input  wire logic                clean_i,
  input  wire logic                init_i,
  input  wire logic [4:0]          walk_slot_i,
  input  wire logic [31:0]         walk_data_i,

  input  wire logic                load_i,       // shift word_i in from the top
  input  wire logic                down_i,       // the same, but w0 stays
  input  wire logic [WordBits-1:0] word_i,
  input  wire logic                check_i,      // a new instruction is complete
  input  wire logic                pass_i,
  input  wire logic                shift_i,
  input  wire logic                mult_i,
  output      logic                done_o,       // of the step, in its last cycle
  output      logic                need_o,

  output      logic [127:0]        insn_o,
  output      logic [31:0]         acc_o,
  output      logic [27:0]         product_o,
  output      logic                nonzero_o     // the result of LOOP
);

  logic [31:0] w0_q, w1_q, w2_q, w3_q, acc_q;
  wire logic [4:0] op = w0_q[4:0];
  wire logic is_stream = op == mx_pkg::OP_STREAM;
  wire logic is_matmul = op == mx_pkg::OP_MATMUL;
  wire logic is_vec    = op == mx_pkg::OP_VEC;
  wire logic is_arg    = op == mx_pkg::OP_ARG;
  wire logic is_loop   = op == mx_pkg::OP_LOOP;
  wire logic is_copy   = op == mx_pkg::OP_LOAD || op == mx_pkg::OP_STORE;
  wire logic is_put    = op == mx_pkg::OP_PUTROW || op == mx_pkg::OP_PUTCOL;
  wire logic is_exp    = op == mx_pkg::OP_PUTEXP;

  // ---- steps ----
  logic [5:0] count_q;
  logic [3:0] reg_q;       // being cleaned or initialized
  logic       reg_busy_q;  // its word was taken from the walk
  wire logic reg_write = clean_i || (init_i && reg_busy_q);
  wire logic reg_done  = reg_write && count_q[4:0] == 5'd31;
  wire logic shift_done = count_q[4:0] == w0_q[mx_pkg::ARG_SHIFT_LSB +: 5];
  always_comb begin
    done_o = (pass_i && count_q[5]) || (shift_i && shift_done)
             || (mult_i && count_q[3:0] == 4'd15 && (is_stream || count_q[4]))
             || (clean_i && reg_done && reg_q == 4'd15) || (init_i && reg_done && reg_q == 4'd4);
  end
  always_ff @(posedge clk_i) begin
    if (done_o || reg_done || !(pass_i || shift_i || mult_i || reg_write)) count_q <= '0;
    else                                                                 count_q <= count_q + 1'b1;
  end
  always_ff @(posedge clk_i) begin
    if (!rst_ni)       reg_q <= '0;
    else if (reg_done) reg_q <= reg_q == 4'd15 ? 4'd1 : reg_q + 1'b1;
  end
  wire logic reg_take = init_i && !reg_busy_q && walk_slot_i == {1'b1, reg_q};
  always_ff @(posedge clk_i) reg_busy_q <= init_i && (reg_take || (reg_busy_q && !reg_done));

  // ---- which A registers: 16-bit fields take bits 15:0 ----
  wire logic high = count_q[4];
  wire logic [3:0] index1 = is_arg ? w0_q[15:12] : w0_q[11:8];
  logic [3:0] index2;
  always_comb begin
    if (is_vec) index2 = high ? w0_q[25:22] : w0_q[21:18];
    else        index2 = is_arg || (is_stream && high) ? w0_q[19:16] : w0_q[15:12];
  end
  assign need_o = (is_vec && w0_q[25:18] != 0)
                  || ((is_arg || is_stream) && w0_q[19:16] != 0)
                  || ((is_arg || is_stream || is_matmul || is_copy || is_put) && w0_q[15:12] != 0)
                  || ((is_loop || is_stream || is_matmul || is_copy || is_put || is_exp) && w0_q[11:8] != 0);

  // ---- the A registers, one bit at a time; a copy for each adder ----
  logic a1_q[512], a2_q[512];
  logic bit1_q, bit2_q;
  logic a_we, a_data, sum1, sum2, product_bit;
  logic [8:0] a_at;
  wire logic [4:0] last = count_q[4:0] - 1'b1;  // the bit that the adders work on
  always_comb begin
    a_we = reg_write || (pass_i && is_loop && count_q != 0) || (mult_i && is_arg && w0_q[11:8] != 0);
    a_at = {reg_write ? reg_q : w0_q[11:8], pass_i ? last : count_q[4:0]};
    a_data = reg_write ? init_i && w3_q[0] : mult_i ? product_bit : sum1;
  end
  always_ff @(posedge clk_i) if (a_we) a1_q[a_at] <= a_data;
  always_ff @(posedge clk_i) if (a_we) a2_q[a_at] <= a_data;
  always_ff @(posedge clk_i) begin
    if (pass_i) bit1_q <= a1_q[{index1, high && !is_matmul, count_q[3:0]}];
    if (pass_i) bit2_q <= a2_q[{index2, high && (is_put || is_arg), count_q[3:0]}];
  end

  // ---- the adders of the pass ----
  wire logic step   = pass_i && count_q != 0;
  wire logic in_acc = is_vec || is_loop || is_put || is_arg;
  logic first1_q, first2_q, want1_q, want2_q, carry1_q, carry2_q;
  wire logic left1  = is_loop || w1_q[0];
  wire logic left2  = in_acc ? 1'b0 : is_matmul ? w3_q[0] : w2_q[0];
  wire logic right1 = bit1_q && want1_q;
  wire logic right2 = bit2_q && want2_q;
  wire logic carry1 = carry1_q && !first1_q;
  wire logic carry2 = carry2_q && !first2_q;
  assign sum1 = left1 ^ right1 ^ carry1;
  assign sum2 = left2 ^ right2 ^ carry2;
  always_ff @(posedge clk_i) begin
    want1_q  <= !(is_matmul && !high) && !is_vec;
    want2_q  <= !(is_matmul && high) && !(is_copy && !high);
    first1_q <= count_q == 0;
    first2_q <= count_q[3:0] == 0;  // each half is a field of its own
    carry1_q <= (left1 && right1) || (left1 && carry1) || (right1 && carry1);
    carry2_q <= (left2 && right2) || (left2 && carry2) || (right2 && carry2);
  end
  always_ff @(posedge clk_i) begin
    if (check_i)   nonzero_o <= 1'b0;
    else if (step) nonzero_o <= nonzero_o || sum1;
  end

  // ---- the multiplier: acc = (acc + multiplicand, if the bit is set) / 2 ----
  wire logic mult_bit = mult_i && (is_stream ? w2_q[16] : w1_q[0] && w2_q[0]);
  logic [31:0] addend;
  logic [32:0] total;
  assign addend      = (is_stream ? {20'b0, w0_q[31:20]} : w3_q) & {32{mult_bit}};
  assign total       = {1'b0, acc_q} + {1'b0, addend};
  assign product_bit = total[0];
  always_ff @(posedge clk_i) begin
    if (check_i)                         acc_q <= '0;
    else if (mult_i || (step && in_acc)) acc_q <= {mult_i ? total[32] : sum2, total[31:1]};
  end

  // ---- the instruction; words shift right while they are worked on ----
  logic [127:0] loaded;
  if (WordBits == 128) begin : g_whole
    assign loaded = word_i;
  end else begin : g_words
    assign loaded = {word_i, insn_o[127:WordBits]};
  end
  wire logic step1 = (step && !is_loop) || (shift_i && !shift_done) || (mult_i && is_arg);
  wire logic step2 = (step && !in_acc && !is_matmul) || (mult_i && is_arg);
  wire logic step3 = (step && is_matmul) || (init_i && reg_write);
  always_ff @(posedge clk_i) if (load_i) w0_q <= loaded[31:0];
  always_ff @(posedge clk_i) begin
    if (clean_i || init_i) w1_q <= '0;  // the target of the first jump
    else if (load_i || down_i) w1_q <= loaded[63:32];
    else if (step1)        w1_q <= {pass_i && sum1, w1_q[31:1]};
  end
  always_ff @(posedge clk_i) begin
    if (load_i || down_i) w2_q[15:0] <= loaded[79:64];
    else if (step2) w2_q[15:0] <= w2_q[16:1];
    if (load_i || down_i)     w2_q[31:16] <= loaded[95:80];
    else if (step2 || mult_i) w2_q[31:16] <= {pass_i ? sum2 : product_bit, w2_q[31:17]};
  end
  always_ff @(posedge clk_i) begin
    if (load_i || down_i) w3_q <= loaded[127:96];
    else if (reg_take) w3_q <= walk_data_i;
    else if (step3)    w3_q <= {sum2, w3_q[31:1]};
  end

  assign insn_o    = {w3_q, w2_q, w1_q, w0_q};
  assign acc_o     = acc_q;
  assign product_o = {acc_q[11:0], w2_q[31:16]};

endmodule

`default_nettype wire
