// The instruction register and the address registers A[0..15].
//
// The instruction is shifted in, word by word; then the steps that mx_seq
// orders add the A registers to its fields *in place*, so that unit commands are
// plain slices of insn_o. One 32-bit adder does it all, one step per cycle:
//
//   step    reads A of       STREAM         MATMUL         VEC        LOAD, STORE   PUT*     ARG            LOOP
//   read    [11:8]
//   sum1    [15:12]          addr += A      groups += A    acc  = A   addr  += A    addr+=A                 acc = A - 1
//   sum2    [19:16]          segments += A  acc = blocks+A            count += A             add += A
//   sum3                     units += A                                                      acc = A
//   shift                                                                                    w1 >>= 1
//   mult                                                                                     acc += mul if w1 & mask & 1;
//                                                                                            w1 >>= 1, mask >>= 1, mul <<= 1
//   scale                    acc = 2 * acc + units if the top bit of unit16; unit16 <<= 1
//
// VEC reads [21:18] and [25:22] instead of the first two. operand_o is the A
// register read last: A[s] of VEC, A[r] of PUTROW and PUTCOL.
//
// Steps are exclusive. Latency: results one cycle after the step. Reset: none;
// init_we_i fills A before a program.
`default_nettype none

module mx_arg #(
  parameter int unsigned WordBits = 128
) (
  input  wire logic                clk_i,

  input  wire logic                init_we_i,    // A[init_index_i] = init_use_i ? init_data_i : 0
  input  wire logic [3:0]          init_index_i,
  input  wire logic                init_use_i,
  input  wire logic [31:0]         init_data_i,
  input  wire logic                clear_i,      // w1 = 0: jump to instruction 0

  input  wire logic                load_i,       // shift word_i in from the top
  input  wire logic [WordBits-1:0] word_i,
  input  wire logic                read_i,
  input  wire logic                sum1_i,
  input  wire logic                sum2_i,
  input  wire logic                sum3_i,
  input  wire logic                shift_i,
  input  wire logic                mult_i,
  input  wire logic                scale_i,
  input  wire logic                write_i,      // A[d] = acc

  output      logic [127:0]        insn_o,
  output      logic [31:0]         acc_o,
  output      logic [31:0]         operand_o,
  output      logic                count_done_o, // shift or scale need no more steps
  output      logic                mult_done_o   // further mult steps would change nothing
);

  localparam int unsigned ScaleSteps = mx_pkg::STREAM_UNIT16_W;

  logic [31:0] w0_q, w1_q, w2_q, w3_q, acc_q;
  wire logic [4:0] op = w0_q[4:0];

  wire logic is_stream = op == mx_pkg::OP_STREAM;
  wire logic is_matmul = op == mx_pkg::OP_MATMUL;
  wire logic is_vec    = op == mx_pkg::OP_VEC;
  wire logic is_arg    = op == mx_pkg::OP_ARG;
  wire logic is_loop   = op == mx_pkg::OP_LOOP;
  wire logic is_copy   = op == mx_pkg::OP_LOAD || op == mx_pkg::OP_STORE;

  // The A registers: one write port, one read port.
  logic [31:0] a_q[16];
  logic [31:0] operand_q;
  logic [3:0]  read_index;
  wire logic        a_we    = init_we_i || (write_i && w0_q[11:8] != 0);
  wire logic [3:0]  a_index = init_we_i ? init_index_i : w0_q[11:8];
  wire logic [31:0] a_data  = (init_data_i & {32{init_use_i}}) | (acc_q & {32{!init_we_i}});
  always_comb begin
    if (sum2_i)      read_index = w0_q[19:16];
    else if (sum1_i) read_index = is_vec ? w0_q[25:22] : w0_q[15:12];
    else             read_index = is_vec ? w0_q[21:18] : w0_q[11:8];
  end
  wire logic a_re = !a_we && (read_i || sum1_i || (sum2_i && (is_stream || is_arg)));  // RAM: never both
  always_ff @(posedge clk_i) if (a_we) a_q[a_index] <= a_data;
  always_ff @(posedge clk_i) if (a_re) operand_q <= a_q[read_index];

  // The adder.
  logic [31:0] left, right;
  wire logic [31:0] sum = left + right;
  wire logic from_acc = mult_i || (sum3_i && is_arg) || (sum1_i && (is_loop || is_vec));
  always_comb begin
    if (scale_i)               left = {acc_q[30:0], 1'b0};
    else if (from_acc)         left = acc_q | {32{is_loop}};
    else if (sum1_i || is_arg) left = w1_q;
    else if (is_matmul)        left = {16'b0, w3_q[15:0]};
    else                       left = w2_q;
  end
  wire logic high = (is_matmul && sum1_i) || (is_copy && sum2_i) || (is_stream && sum3_i);
  always_comb begin
    if (mult_i)       right = w3_q;
    else if (scale_i) right = w0_q[31] ? {16'b0, w2_q[31:16]} : '0;
    else if (high)    right = {operand_q[15:0], 16'b0};
    else              right = operand_q;
  end

  // The accumulator is zero when the first step begins.
  wire logic acc_we = (sum1_i && (is_vec || is_loop)) || (sum2_i && is_matmul) || (sum3_i && is_arg) || (mult_i && w1_q[0] && w2_q[0]) || scale_i;
  always_ff @(posedge clk_i) begin
    if (read_i)      acc_q <= '0;
    else if (acc_we) acc_q <= sum;
  end

  // The instruction. Loading shifts by whole words.
  logic [127:0] loaded;
  if (WordBits == 128) begin : g_whole
    assign loaded = word_i;
  end else begin : g_words
    assign loaded = {word_i, insn_o[127:WordBits]};
  end

  wire logic w1_sum    = (sum1_i && !(is_vec || is_loop || is_arg)) || (sum2_i && is_arg);
  wire logic w2_sum_lo = sum2_i && is_stream;
  wire logic w2_sum_hi = (sum2_i && is_copy) || (sum3_i && is_stream);
  always_ff @(posedge clk_i) begin
    if (load_i)       w0_q <= loaded[31:0];
    else if (scale_i) w0_q[31:20] <= {w0_q[30:20], 1'b0};
  end
  always_ff @(posedge clk_i) begin
    if (clear_i)                w1_q <= '0;
    else if (load_i)            w1_q <= loaded[63:32];
    else if (w1_sum)            w1_q <= sum;
    else if (shift_i || mult_i) w1_q <= {1'b0, w1_q[31:1]};
  end
  always_ff @(posedge clk_i) begin
    if (load_i)      w2_q <= loaded[95:64];
    else if (mult_i) w2_q <= {1'b0, w2_q[31:1]};
    else begin
      if (w2_sum_lo) w2_q[15:0]  <= sum[15:0];
      if (w2_sum_hi) w2_q[31:16] <= sum[31:16];
    end
  end
  always_ff @(posedge clk_i) begin
    if (load_i)      w3_q <= loaded[127:96];
    else if (mult_i) w3_q <= {w3_q[30:0], 1'b0};
  end

  // Steps left of shift (ARG) or scale (STREAM).
  logic [4:0] count_q;
  always_ff @(posedge clk_i) begin
    if (sum3_i)                  count_q <= is_arg ? w0_q[mx_pkg::ARG_SHIFT_LSB +: 5] : 5'(ScaleSteps);
    else if (shift_i || scale_i) count_q <= count_q - 1'b1;
  end

  assign count_done_o = count_q == 0;
  assign mult_done_o  = w1_q == 0;
  assign insn_o       = {w3_q, w2_q, w1_q, w0_q};
  assign acc_o        = acc_q;
  assign operand_o    = operand_q;

endmodule

`default_nettype wire
