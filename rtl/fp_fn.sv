// FP32 exp2, reciprocal and reciprocal square root: mx_fp_exp2, mx_fp_recip,
// mx_fp_rsqrt of golden/fn.h, to the bit.
//
// fn_i    1: 2^a; 2: 1/a; 3: 1/sqrt(a). 0 counts as 1.
//
// Handshake: none; every edge takes an operand. Latency 6: an operand sampled
// at edge n is on y_o after edge n+5. Throughput 1 per cycle, the functions in
// any order. No reset: y_o is unknown until the first operand has passed.
`default_nettype none

module fp_fn (
  input  wire logic        clk_i,
  input  wire logic [1:0]  fn_i,
  input  wire logic [31:0] a_i,
  output      logic [31:0] y_o
);

  localparam int unsigned Latency = 6;

  // What becomes of the result at the end.
  localparam logic [1:0] Normal = 2'd0, Zero = 2'd1, Inf = 2'd2, Nan = 2'd3;

  // ---- 1: exponent of the result, or distance to shift; special operands ----
  wire logic       exp2  = !fn_i[1];
  wire logic       rsqrt = fn_i == 2'd3;
  wire logic [7:0] exp   = a_i[30:23];
  wire logic       top   = exp == 8'hFF;
  wire logic       none  = exp == 8'd0;
  wire logic       nan   = top && a_i[22:0] != 23'd0;

  //   exp2   134 - exp             right shift of 1.f to a unit of 2^-24
  //   recip  126 - exp             exponent of the result - 127
  //   rsqrt   63 - (exp + 1) / 2   exponent of the result - 127
  wire logic [8:0] n_exp   = rsqrt ? {2'b11, ~exp[7:1]} : {1'b1, ~exp};
  wire logic [8:0] base    = exp2 ? 9'd135 : rsqrt ? 9'd63 : 9'd127;
  wire logic [9:0] turn_x2 = {n_exp, 1'b1} + {base, rsqrt && !exp[0]};
  wire logic [8:0] turn    = turn_x2[9:1];

  // recip and rsqrt have the fraction at the place of exp2's: a shift of 7.
  wire logic [4:0]  shift = exp2 ? turn[4:0] : 5'd7;
  wire logic        far   = exp2 && turn[8:5] != 4'd0;
  wire logic [26:0] w0    = {1'b1, a_i[22:0], 3'd0};
  wire logic [26:0] w1    = shift[0] ? {1'b0, w0[26:1]} : w0;

  logic [26:0] wide_q;
  logic [2:0]  shift_q;
  logic [8:0]  turn_q;
  logic        exp2_q, invert_q;
  logic [1:0]  bank1_q, kind1_q;
  logic        sign1_q;
  always_ff @(posedge clk_i) begin
    if (far) wide_q <= 27'd0;
    else     wide_q <= shift[1] ? {2'b0, w1[26:2]} : w1;
    shift_q  <= shift[4:2];
    turn_q   <= turn;
    exp2_q   <= exp2;
    invert_q <= !exp2 || a_i[31];
    bank1_q  <= {rsqrt, rsqrt ? !exp[0] : !exp2};
    sign1_q  <= !exp2 && a_i[31];
    if (nan || (rsqrt && a_i[31] && !none))     kind1_q <= Nan;
    else if (exp2 ? turn[8] && !a_i[31] : none) kind1_q <= Inf;
    else if (exp2 ? turn[8] : top)              kind1_q <= Zero;
    else                                        kind1_q <= Normal;
  end

  // ---- 2: the rest of the shift; turn round ----
  wire logic [32:0] w2 = shift_q[0] ? {4'd0, wide_q, 2'd0} : {wide_q, 6'd0};
  wire logic [32:0] w3 = shift_q[1] ? {8'd0, w2[32:8]} : w2;
  wire logic [32:0] w4 = shift_q[2] ? {16'd0, w3[32:16]} : w3;

  logic [8:0]  whole2_q;  // exponent of the result - 127
  logic [23:0] place2_q;  // v, before the round-up of exp2's argument
  logic        up_q;
  logic [1:0]  bank2_q, kind2_q;
  logic        sign2_q;
  always_ff @(posedge clk_i) begin
    whole2_q <= exp2_q ? {1'b0, w4[32:25]} ^ {9{invert_q}} : turn_q;
    place2_q <= w4[24:1] ^ {24{invert_q}};
    up_q     <= exp2_q && (w4[0] ^ invert_q);
    bank2_q  <= bank1_q;
    kind2_q  <= kind1_q;
    sign2_q  <= sign1_q;
  end

  // ---- 3: v; coefficients of its segment ----
  wire logic [32:0] place = {whole2_q, place2_q} + {32'd0, up_q};
  wire logic [8:0]  segment = {bank2_q, place[23:17]};

  logic [31:0] slope3;
  logic [23:0] start5;
  logic [8:0]  segment3_q, segment4_q;
  fn_rom u_rom (.clk_i, .en_i(1'b1), .slope_addr_i(segment), .slope_o(slope3),
                .start_addr_i(segment4_q), .start_o(start5));

  logic [16:0] d3_q, d4_q;
  logic [8:0]  whole3_q, whole4_q;
  logic [7:0]  whole5_q;
  logic [1:0]  low4_q, low5_q;  // of c0
  logic [1:0]  kind3_q, kind4_q;
  logic        sign3_q, sign4_q, sign5_q;
  always_ff @(posedge clk_i) begin
    d3_q       <= place[16:0];
    d4_q       <= d3_q;
    segment3_q <= segment;
    segment4_q <= segment3_q;
    low4_q     <= slope3[31:30];
    low5_q     <= low4_q;
    whole3_q   <= place[32:24];
    whole4_q   <= whole3_q;
    whole5_q   <= whole4_q[7:0];
    kind3_q    <= kind2_q;
    kind4_q    <= kind3_q;
    sign3_q    <= sign2_q;
    sign4_q    <= sign3_q;
    sign5_q    <= sign4_q && kind4_q != Nan;
  end

  // Out of range before the carry of step 6: 2^-126 may result from one out of
  // exponent 0, and infinity from one out of 254, each with the fraction 0.
  wire logic least = whole4_q[8] && whole4_q[6:1] == 6'd0;  // -128 or -127, or lower
  wire logic low4  = kind4_q == Zero || (whole4_q[8] && !whole4_q[7]) || (least && !whole4_q[0]);
  wire logic high4 = kind4_q[1] || (!whole4_q[8] && whole4_q[7]);
  logic zero5_q, high5_q, bare5_q, nan5_q;
  always_ff @(posedge clk_i) begin
    zero5_q <= low4 && !kind4_q[1];
    high5_q    <= high4;
    bare5_q    <= low4 || least || high4;
    nan5_q     <= kind4_q == Nan;
  end

  // ---- 4: slope = c1 + c2 * d ----
  logic [31:0] slope_q;  // 14 bits below the slope
  always_ff @(posedge clk_i) slope_q <= slope3[11:0] * d3_q[16:4] + {slope3[29:12], 14'd0};
  wire logic [17:0] slope = slope_q[31:14];

  // ---- 5: rise = slope * d ----
  logic [19:0] rise_q;
  wire logic [34:0] product = slope * d4_q;
  always_ff @(posedge clk_i) rise_q <= product[34:15];

  // ---- 6: c0 + rise; a carry out of it raises the exponent ----
  wire logic [33:0] packed_y = {whole5_q, start5, low5_q} + {8'd127, 6'd0, rise_q};

  always_ff @(posedge clk_i) begin
    y_o[31] <= sign5_q;
    if (zero5_q) y_o[30:23] <= 8'd0;
    else            y_o[30:23] <= packed_y[33:26] | {8{high5_q}};
    if (bare5_q) y_o[21:0] <= 22'd0;
    else         y_o[21:0] <= packed_y[24:3];
    y_o[22] <= nan5_q || (packed_y[25] && !bare5_q);
  end

  wire logic unused_bits = &{product[14:0], turn_x2[0], slope_q[13:0], packed_y[2:0], Latency[0]};

endmodule

`default_nettype wire
