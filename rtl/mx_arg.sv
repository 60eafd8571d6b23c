// The instruction register and the address registers A[0..15], bit-serial.
//
// The instruction is shifted in word by word: w0 (lowest) to w3. Then fields get
// their A registers added in place, one bit per cycle, so that unit commands are
// slices of insn_o and acc_o. mx_seq orders the steps:
//
//   step   cycles      STREAM            MATMUL       LOAD, STORE  PUT*       ARG                 VEC         LOOP
//   pass1  33          addr += A         groups += A  addr += A    addr += A  add += A            acc = A, A  acc = A[d] - 1
//   pass2  33          segments, units   blocks += A  count += A   acc = A    acc = A[b]
//   shift  1 + shift                                                          add >>= shift
//   mult   16, ARG 32  {acc, units} =                                         A[d] = (add & mask)
//                      units * unit16                                                * mul + acc
//
// pass1 and pass2 are needed only if an A register other than A[0] is named
// (need1_o, need2_o), so most instructions take none. VEC: acc = {A[s], A[r]},
// 16 bits each. The product of STREAM, in units of 16 bytes, is product_o.
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
  input  wire logic [WordBits-1:0] word_i,
  input  wire logic                check_i,      // a new instruction is complete
  input  wire logic                pass1_i,
  input  wire logic                pass2_i,
  input  wire logic                shift_i,
  input  wire logic                mult_i,
  output      logic                done_o,       // of the step, in its last cycle
  output      logic                need1_o,
  output      logic                need2_o,

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
  wire logic pass      = pass1_i || pass2_i;
  wire logic reg_write = clean_i || (init_i && reg_busy_q);
  wire logic reg_done  = reg_write && count_q[4:0] == 5'd31;
  wire logic shift_done = count_q[4:0] == w0_q[mx_pkg::ARG_SHIFT_LSB +: 5];
  always_comb begin
    done_o = (pass && count_q[5]) || (shift_i && shift_done)
             || (mult_i && count_q[3:0] == 4'd15 && (is_stream || count_q[4]))
             || (clean_i && reg_done && reg_q == 4'd15) || (init_i && reg_done && reg_q == 4'd4);
  end
  always_ff @(posedge clk_i) begin
    if (done_o || reg_done || !(pass || shift_i || mult_i || reg_write)) count_q <= '0;
    else                                                                 count_q <= count_q + 1'b1;
  end
  always_ff @(posedge clk_i) begin
    if (!rst_ni)       reg_q <= '0;
    else if (reg_done) reg_q <= reg_q == 4'd15 ? 4'd1 : reg_q + 1'b1;
  end
  wire logic reg_take = init_i && !reg_busy_q && walk_slot_i == {1'b1, reg_q};
  always_ff @(posedge clk_i) reg_busy_q <= init_i && (reg_take || (reg_busy_q && !reg_done));

  // ---- which A register, which bit: 16-bit fields take bits 15:0 ----
  wire logic high    = count_q[4];
  wire logic halves  = is_matmul || is_vec || (pass2_i && (is_stream || is_copy));
  logic [3:0] index;
  logic       wanted;  // this half of the word has an addend
  always_comb begin
    if (pass2_i) index = is_arg || (is_stream && high) ? w0_q[19:16] : w0_q[15:12];
    else if (is_vec) index = high ? w0_q[25:22] : w0_q[21:18];
    else             index = is_arg ? w0_q[15:12] : w0_q[11:8];
    wanted = !(is_matmul && high != pass1_i) && !(is_copy && pass2_i && !high);
  end
  assign need1_o = is_vec ? w0_q[25:18] != 0
                   : is_arg ? w0_q[15:12] != 0
                   : (is_stream || is_matmul || is_copy || is_put || is_exp || is_loop) && w0_q[11:8] != 0;
  assign need2_o = (is_arg || is_stream ? w0_q[19:16] != 0 : 1'b0)
                   || ((is_stream || is_matmul || is_copy || is_put) && w0_q[15:12] != 0);

  // ---- the A registers, one bit at a time ----
  logic a_q[512];
  logic a_bit_q;
  logic a_we, a_data, sum, product_bit;
  logic [8:0] a_at;
  wire logic [4:0] last = count_q[4:0] - 1'b1;  // the bit that pass works on
  always_comb begin
    a_we = reg_write || (pass1_i && is_loop && count_q != 0) || (mult_i && is_arg && w0_q[11:8] != 0);
    a_at = {reg_write ? reg_q : w0_q[11:8], pass1_i ? last : count_q[4:0]};
    a_data = reg_write ? init_i && w3_q[0] : mult_i ? product_bit : sum;
  end
  always_ff @(posedge clk_i) if (a_we) a_q[a_at] <= a_data;
  always_ff @(posedge clk_i) if (pass) a_bit_q <= a_q[{index, high && !halves, count_q[3:0]}];

  // ---- the adder of the passes ----
  logic wanted_q, first_q, carry_q;
  wire logic step   = pass && count_q != 0;
  wire logic in_acc = pass1_i ? is_vec || is_loop : is_put || is_arg;
  wire logic in_w1  = pass1_i && !in_acc;
  wire logic in_w2  = pass2_i && !in_acc && !is_matmul;
  wire logic in_w3  = pass2_i && is_matmul;
  wire logic left   = in_acc ? is_loop : pass1_i ? w1_q[0] : is_matmul ? w3_q[0] : w2_q[0];
  wire logic right  = wanted_q && a_bit_q;
  wire logic carry  = carry_q && !first_q;
  assign sum = left ^ right ^ carry;
  always_ff @(posedge clk_i) begin
    wanted_q <= wanted;
    first_q  <= count_q == 0 || (pass2_i && count_q[3:0] == 0);  // the next bit begins a field
    carry_q  <= (left && right) || (left && carry) || (right && carry);
  end
  always_ff @(posedge clk_i) begin
    if (check_i)               nonzero_o <= 1'b0;
    else if (pass1_i && step)  nonzero_o <= nonzero_o || sum;
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
    else if (mult_i || (step && in_acc)) acc_q <= {mult_i ? total[32] : sum, total[31:1]};
  end

  // ---- the instruction; words shift right while they are worked on ----
  logic [127:0] loaded;
  if (WordBits == 128) begin : g_whole
    assign loaded = word_i;
  end else begin : g_words
    assign loaded = {word_i, insn_o[127:WordBits]};
  end
  wire logic step1 = (step && in_w1) || (shift_i && !shift_done) || (mult_i && is_arg);
  wire logic step2 = (step && in_w2) || (mult_i && is_arg);
  always_ff @(posedge clk_i) if (load_i) w0_q <= loaded[31:0];
  always_ff @(posedge clk_i) begin
    if (init_i)      w1_q <= '0;  // the target of the first jump
    else if (load_i) w1_q <= loaded[63:32];
    else if (step1)  w1_q <= {pass1_i && sum, w1_q[31:1]};
  end
  always_ff @(posedge clk_i) begin
    if (load_i)     w2_q[15:0] <= loaded[79:64];
    else if (step2) w2_q[15:0] <= w2_q[16:1];
    if (load_i)               w2_q[31:16] <= loaded[95:80];
    else if (step2 || mult_i) w2_q[31:16] <= {pass2_i ? sum : product_bit, w2_q[31:17]};
  end
  always_ff @(posedge clk_i) begin
    if (load_i)                                w3_q <= loaded[127:96];
    else if (reg_take)                         w3_q <= walk_data_i;
    else if ((step && in_w3) || (init_i && reg_write)) w3_q <= {sum, w3_q[31:1]};
  end

  assign insn_o    = {w3_q, w2_q, w1_q, w0_q};
  assign acc_o     = acc_q;
  assign product_o = {acc_q[11:0], w2_q[31:16]};

endmodule

`default_nettype wire
