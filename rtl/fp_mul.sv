// FP32 product y = a * b: mx_fp_mul of golden/fp32.h.
//
// Handshake: none; every edge takes operands. Latency 3: operands sampled at
// edge n are on y_o after edge n+2. Throughput 1 per cycle. No reset: y_o is
// unknown until the first operands have passed.
`default_nettype none

module fp_mul (
  input  wire logic        clk_i,
  input  wire logic [31:0] a_i,
  input  wire logic [31:0] b_i,
  output      logic [31:0] y_o
);

  // ---- 1: products of the significands' parts, which fit multiplier blocks ----
  wire logic [6:0]  a_high = {1'b1, a_i[22:17]};
  wire logic [6:0]  b_high = {1'b1, b_i[22:17]};
  logic [33:0] low_q;
  logic [23:0] cross_a_q, cross_b_q;
  logic [13:0] high_q;
  always_ff @(posedge clk_i) begin
    low_q     <= a_i[16:0] * b_i[16:0];
    cross_a_q <= a_high * b_i[16:0];
    cross_b_q <= a_i[16:0] * b_high;
    high_q    <= a_high * b_high;
  end

  // ---- 2: their sum ----
  wire logic [24:0] middle = {1'b0, cross_a_q} + {1'b0, cross_b_q};
  wire logic [30:0] upper   = {high_q, low_q[33:17]} + {6'd0, middle};
  wire logic [47:0] product = {upper, low_q[16:0]};
  logic [25:0] product2_q;  // bits 47..22, and the OR of bits 21..0
  logic        sticky2_q;
  always_ff @(posedge clk_i) begin
    product2_q <= product[47:22];
    sticky2_q  <= product[21:0] != 22'd0;
  end

  // ---- 1: exponents and special operands ----
  wire logic a_zero = a_i[30:23] == 8'd0;
  wire logic b_zero = b_i[30:23] == 8'd0;
  wire logic a_top  = a_i[30:23] == 8'hFF;
  wire logic b_top  = b_i[30:23] == 8'hFF;
  wire logic a_nan  = a_top && a_i[22:0] != 23'd0;
  wire logic b_nan  = b_top && b_i[22:0] != 23'd0;
  logic [8:0] exp_q;
  logic       sign_q, nan_q, inf_q, zero_q;
  always_ff @(posedge clk_i) begin
    exp_q  <= {1'b0, a_i[30:23]} + {1'b0, b_i[30:23]};
    nan_q  <= a_nan || b_nan || (a_top && b_zero) || (a_zero && b_top);
    inf_q  <= a_top || b_top;
    zero_q <= a_zero || b_zero;
    sign_q <= a_i[31] ^ b_i[31];
  end

  // ---- 2: bias; what lies out of range, for products below 2 and from 2 on ----
  // Before the rounding: 2^-126 may result from a carry out of exponent 0, and
  // infinity from one out of 254, each with the fraction 0 that it needs.
  logic [7:0] exp2_q;  // exponent sum - 128
  logic       low2_q, low2_top_q;    // exponent of the result < 0
  logic       high2_q, high2_top_q;  // > 254, or an operand infinite
  logic       bare2_q, bare2_top_q;  // either, or exponent 0: the fraction is 0
  logic       sign2_q, nan2_q;
  wire logic  zero     = zero_q && !inf_q;
  wire logic  ones     = exp_q[6:2] == 5'h1F;
  wire logic  below128 = exp_q[8:7] == 2'd0;
  wire logic  below127 = below128 && !(ones && exp_q[1:0] == 2'd3);
  wire logic  below126 = below128 && !(ones && exp_q[1]);
  wire logic  above381 = exp_q[8] && (exp_q[7] || (ones && exp_q[1]));
  wire logic  above380 = exp_q[8] && (exp_q[7] || (ones && exp_q[1:0] != 2'd0));
  always_ff @(posedge clk_i) begin
    exp2_q      <= exp_q[7:0] ^ 8'h80;
    low2_q      <= zero || below127;
    low2_top_q  <= zero || below126;
    high2_q     <= inf_q || above381;
    high2_top_q <= inf_q || above380;
    bare2_q     <= zero || inf_q || below128 || above381;
    bare2_top_q <= zero || inf_q || below127 || above380;
    sign2_q     <= sign_q && !nan_q;
    nan2_q      <= nan_q;
  end

  // ---- 3: normalise, round, pack ----
  wire logic        top      = product2_q[25];
  wire logic [22:0] fraction = top ? product2_q[24:2] : product2_q[23:1];
  wire logic        half     = top ? product2_q[1] : product2_q[0];
  wire logic        rest     = sticky2_q || (top && product2_q[0]);
  wire logic        round_up = half && (rest || fraction[0]);
  wire logic [30:0] packed_y = {exp2_q, fraction} + {6'd0, top, !top, 22'd0, round_up};
  wire logic        low  = top ? low2_top_q : low2_q;
  wire logic        high = top ? high2_top_q : high2_q;
  wire logic        bare = top ? bare2_top_q : bare2_q;

  always_ff @(posedge clk_i) begin
    y_o[31] <= sign2_q;
    if (low && !high) y_o[30:23] <= 8'd0;
    else              y_o[30:23] <= packed_y[30:23] | {8{high}};
    if (bare) y_o[21:0] <= 22'd0;
    else      y_o[21:0] <= packed_y[21:0];
    y_o[22] <= nan2_q || (packed_y[22] && !bare);
  end

endmodule

`default_nettype wire
