// FP32 sum y = a + b, or a - b with sub_i: mx_fp_add / mx_fp_sub of golden/fp32.h.
//
// Handshake: none; every edge takes operands. Latency 4: operands sampled at
// edge n are on y_o after edge n+3. Throughput 1 per cycle. No reset: y_o is
// unknown until the first operands have passed.
`default_nettype none

module fp_add (
  input  wire logic        clk_i,
  input  wire logic [31:0] a_i,
  input  wire logic [31:0] b_i,
  input  wire logic        sub_i,
  output      logic [31:0] y_o
);

  // ---- 1: order the operands by magnitude ----
  // Zero is "exponent 0", whatever the fraction: registers of its significand
  // are cleared. A NaN has the larger magnitude, so only that side is checked.
  wire logic b_sign = b_i[31] ^ sub_i;
  wire logic a_zero = a_i[30:23] == 8'd0;
  wire logic b_zero = b_i[30:23] == 8'd0;
  logic      b_larger;
  mag_gt u_order (.a_i(b_i[30:0]), .b_i(a_i[30:0]), .or_equal_i(1'b0), .gt_o(b_larger));
  wire logic small_zero = b_larger ? a_zero : b_zero;

  logic [7:0]  large_exp_q;
  logic [7:0]  small_exp_n_q;  // inverted
  logic [23:0] large_q, small_q;
  logic        sign_q, differ_q;
  always_ff @(posedge clk_i) begin
    large_exp_q   <= b_larger ? b_i[30:23] : a_i[30:23];
    small_exp_n_q <= ~(b_larger ? a_i[30:23] : b_i[30:23]);
    sign_q        <= b_larger ? b_sign : a_i[31];
    differ_q      <= a_i[31] ^ b_sign;
    if (a_zero && b_zero) large_q <= 24'd0;
    else                  large_q <= {1'b1, b_larger ? b_i[22:0] : a_i[22:0]};
    if (small_zero) small_q <= 24'd0;
    else            small_q <= {1'b1, b_larger ? a_i[22:0] : b_i[22:0]};
  end

  // ---- 2: align the smaller, two bits and a sticky bit below ----
  // From 32 places on it is less than half a last bit, even one of the binade
  // below, and counts as zero.
  wire logic [8:0] delta_x2 = {large_exp_q, 1'b1} + {small_exp_n_q, 1'b1};
  wire logic [7:0] delta    = delta_x2[8:1];
  wire logic       far      = delta[7:5] != 3'd0;

  wire logic [25:0] s0 = {small_q, 2'b0};
  wire logic [25:0] s1 = delta[0] ? {1'b0,  s0[25:1]}  : s0;
  wire logic [25:0] s2 = delta[1] ? {2'b0,  s1[25:2]}  : s1;
  wire logic [25:0] s3 = delta[2] ? {4'b0,  s2[25:4]}  : s2;
  wire logic [25:0] s4 = delta[3] ? {8'b0,  s3[25:8]}  : s3;
  wire logic [25:0] s5 = delta[4] ? {16'b0, s4[25:16]} : s4;
  wire logic lost = (delta[1] && s1[1:0]  != 2'd0)  || (delta[2] && s2[3:0]  != 4'd0) ||
                    (delta[3] && s3[7:0]  != 8'd0)  || (delta[4] && s4[15:0] != 16'd0);

  logic [25:0] addend_q;  // ones' complement when the signs differ
  logic        sticky_q;
  logic [23:0] large2_q;
  logic [7:0]  exp2_q;
  logic        sign2_q, differ2_q, nan2_q, inf2_q;
  wire logic   large_top = large_exp_q == 8'hFF;
  wire logic   small_top = small_exp_n_q == 8'h00;
  always_ff @(posedge clk_i) begin
    addend_q  <= (far ? 26'd0 : s5) ^ {26{differ_q}};
    sticky_q  <= lost;
    large2_q  <= large_q;
    exp2_q    <= large_exp_q;
    sign2_q   <= sign_q;
    differ2_q <= differ_q;
    nan2_q    <= large_top && (large_q[22:0] != 23'd0 || (differ_q && small_top));
    inf2_q    <= large_top;
  end

  // ---- 3: add; the first two steps of the normalisation ----
  // Subtracting a value with lost bits: one less, and the sticky bit stays.
  wire logic [27:0] sum_x2 = {1'b0, large2_q, 3'b001} +
                             {differ2_q, addend_q, differ2_q && !sticky_q};
  wire logic [27:0] n0  = {sum_x2[27:1], sticky_q};
  wire logic        z16 = n0[27:12] == 16'd0;
  wire logic [27:0] n1  = z16 ? {n0[11:0], 16'd0} : n0;
  wire logic        z8  = n1[27:20] == 8'd0;

  logic [27:0] n2_q;
  logic [7:0]  exp3_q;       // exponent + 2
  logic [4:0]  exp_low3_q;   // exponent, if exp_small3_q
  logic        exp_small3_q, exp_last3_q;  // below 32; 254
  logic [1:0]  some3_q;
  logic        sign3_q, differ3_q, nan3_q, inf3_q;
  always_ff @(posedge clk_i) begin
    n2_q         <= z8 ? {n1[19:0], 8'd0} : n1;
    some3_q      <= {!z16, !z8};
    exp3_q       <= exp2_q + 8'd2;
    exp_low3_q   <= exp2_q[4:0];
    exp_small3_q <= exp2_q[7:5] == 3'd0;
    exp_last3_q  <= exp2_q == 8'd254;
    sign3_q      <= sign2_q;
    differ3_q    <= differ2_q;
    nan3_q       <= nan2_q;
    inf3_q       <= inf2_q;
  end

  // ---- 4: the last steps, round, pack ----
  wire logic        z4 = n2_q[27:24] == 4'd0;
  wire logic [27:0] n3 = z4 ? {n2_q[23:0], 4'd0} : n2_q;
  wire logic        z2 = n3[27:26] == 2'd0;
  wire logic [27:0] n4 = z2 ? {n3[25:0], 2'd0} : n3;
  wire logic        z1 = !n4[27];
  wire logic [26:0] n5 = z1 ? {n4[25:0], 1'd0} : n4[26:0];  // below the leading one
  wire logic        none = z1 && !n4[26];                   // the sum is zero

  wire logic        round_up = n5[3] && (n5[4] || n5[2:0] != 3'd0);
  // exponent + 1 - shift. A round-up that overflows the fraction carries into
  // it, and of the largest numbers makes the pattern of infinity.
  wire logic [4:0]  shift_n  = {some3_q, !z4, !z2, !z1};
  wire logic [30:0] packed_y = {exp3_q, n5[26:4]} + {3'h7, shift_n, 22'd0, round_up};
  // Not after the rounding: sums below 2^-126 are exact.
  wire logic [6:0]  room_x2  = {1'b0, exp_low3_q, 1'b1} + {1'b0, shift_n, 1'b1};
  wire logic        under = none || (exp_small3_q && !room_x2[6]);  // shift > exponent
  wire logic        over  = inf3_q || (exp_last3_q && shift_n == 5'h1F);

  always_ff @(posedge clk_i) begin
    y_o[31] <= !nan3_q && sign3_q && !(none && differ3_q);
    if (under && !inf3_q) y_o[30:23] <= 8'd0;
    else                  y_o[30:23] <= packed_y[30:23] | {8{over}};
    if (under || over) y_o[21:0] <= 22'd0;
    else               y_o[21:0] <= packed_y[21:0];
    y_o[22] <= nan3_q || (packed_y[22] && !under && !over);
  end

  wire logic unused = &{delta_x2[0], sum_x2[0], room_x2[5:0]};

endmodule

`default_nettype wire
