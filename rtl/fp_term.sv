// One block's addend: the integer dot product under the block's exponents,
// rounded once to FP32. mx_fp_term of golden/fp32.h:
//   y = dot * scale * 2^(x_exp - 127 - frac)
//
// dot_i   |dot| <= 2^22
// kind_i  0: scale 1; 1: E8M0 in scale_i[7:0]; 2: IEEE half. 3 must not occur.
//
// Handshake: none; every edge takes operands. Latency 3: operands sampled at
// edge n are on y_o after edge n+2. Throughput 1 per cycle. No reset: y_o is
// unknown until the first operands have passed.
//
// Half = 0 leaves out kind 2, and with it the multiplier and the rounding.
`default_nettype none

module fp_term #(
  parameter int unsigned Half = 1
) (
  input  wire logic               clk_i,
  input  wire logic signed [23:0] dot_i,
  input  wire logic [1:0]         kind_i,
  input  wire logic [15:0]        scale_i,
  input  wire logic [7:0]         x_exp_i,
  input  wire logic [3:0]         frac_i,
  output      logic [31:0]        y_o
);

  // ---- 1: magnitude times significand of the scale ----
  wire logic        half_kind = Half != 0 && kind_i[1];
  wire logic        half_sub  = scale_i[14:10] == 5'd0;  // subnormal or zero
  wire logic        negative  = dot_i[23];
  wire logic [22:0] size      = (dot_i[22:0] ^ {23{negative}}) + {22'd0, negative};

  // A power of two is 1024 * 2^-10, and a subnormal half counts its fraction
  // double under the exponent field 0: value = significand * 2^(field - 25).
  logic [32:0] product_q;
  if (Half != 0) begin : g_half
    wire logic [10:0] half_sig = half_sub ? {scale_i[9:0], 1'b0} : {1'b1, scale_i[9:0]};
    wire logic [10:0] scale_sig = half_kind ? half_sig : 11'd1024;
    wire logic [33:0] product = size * scale_sig;
    always_ff @(posedge clk_i) product_q <= product[32:0];
    wire logic unused = product[33];
  end else begin : g_power
    always_ff @(posedge clk_i) product_q <= {size, 10'd0};
    wire logic unused = half_sub || scale_i[9:0] != 10'd0;
  end

  // The scale as an E8M0 exponent; 112 more than a half's field is the same.
  wire logic [7:0] half_exp  = {scale_i[14], {3{!scale_i[14]}}, scale_i[13:10]};
  wire logic [7:0] scale_exp = half_kind ? half_exp : kind_i[0] ? scale_i[7:0] : 8'd127;
  wire logic       scale_nan = half_kind ? scale_i[14:10] == 5'h1F
                                         : kind_i[0] && scale_i[7:0] == 8'hFF;
  logic [8:0] exp_q;
  logic [3:0] frac_q;
  logic       sign_q, nan_q;
  always_ff @(posedge clk_i) begin
    exp_q  <= {1'b0, scale_exp} + {1'b0, x_exp_i};
    frac_q <= frac_i;
    sign_q <= negative ^ (half_kind && scale_i[15]);
    nan_q  <= scale_nan || x_exp_i == 8'hFF;
  end

  // ---- 2: bias; the first steps of the normalisation ----
  // A one in bit 32 of the product has the biased exponent exp_q - frac - 105;
  // one more here makes the shift's inverse in step 3 its negative.
  wire logic [9:0]  bias = 10'd920 - {6'd0, frac_q};
  wire logic        z16 = product_q[32:17] == 16'd0;
  wire logic [32:0] n1  = z16 ? {product_q[16:0], 16'd0} : product_q;
  wire logic        z8  = n1[32:25] == 8'd0;
  wire logic [32:0] n2  = z8 ? {n1[24:0], 8'd0} : n1;
  wire logic        z4  = n2[32:29] == 4'd0;

  logic [32:0] n3_q;
  logic [9:0]  exp2_q;
  logic [2:0]  some2_q;
  logic        sign2_q, nan2_q;
  always_ff @(posedge clk_i) begin
    n3_q    <= z4 ? {n2[28:0], 4'd0} : n2;
    some2_q <= {!z16, !z8, !z4};
    exp2_q  <= {1'b0, exp_q} + bias;
    sign2_q <= sign_q;
    nan2_q  <= nan_q;
  end

  // ---- 3: the last steps, round, pack ----
  wire logic        z2 = n3_q[32:31] == 2'd0;
  wire logic [32:0] n4 = z2 ? {n3_q[30:0], 2'd0} : n3_q;
  wire logic        z1 = !n4[32];
  wire logic [31:0] n5 = z1 ? {n4[30:0], 1'd0} : n4[31:0];  // below the leading one
  wire logic        none = z1 && !n4[31];                   // the product is zero

  wire logic        round_up = n5[8] && (n5[9] || n5[7:0] != 8'd0);
  wire logic [9:0]  exp3     = exp2_q + {5'h1F, some2_q, !z2, !z1};
  wire logic [30:0] packed_y = {exp3[7:0], n5[31:9]} + {30'd0, round_up};
  // Out of range before the rounding: 2^-126 may result from a carry out of
  // exponent 0, and infinity from one out of 254, each with the fraction 0.
  wire logic        low  = none || exp3[9];
  wire logic        high = nan2_q || (!exp3[9] && (exp3[8] || exp3[7:0] == 8'hFF));
  wire logic        bare = low || exp3[8:0] == 9'd0 || high;

  always_ff @(posedge clk_i) begin
    y_o[31] <= sign2_q && !none && !nan2_q;
    if (low && !nan2_q) y_o[30:23] <= 8'd0;
    else                y_o[30:23] <= packed_y[30:23] | {8{high}};
    if (bare) y_o[21:0] <= 22'd0;
    else      y_o[21:0] <= packed_y[21:0];
    y_o[22] <= nan2_q || (packed_y[22] && !bare);
  end

endmodule

`default_nettype wire
