// FP32 arithmetic over many cycles, for devices with few logic cells: every
// operation of fp_add, fp_mul, fp_fn, fp_term and fp_max and the rounding of
// QUANT, to the bit, with one adder and shifts by one place.
//
// op_i and what goes with it are steady from the first load until the end. The
// operands come on in_i one after the other:
//   load_p_i  the first; Canon and Fn start with it
//   load_q_i  the second, at least a cycle later; starts the others
// busy_o is set from the cycle after the start to the end; y_o stays until the next
// load. swap_o marks the last cycle of an operation that wants its operands in the
// other order: load them again.
//
//   Canon  p as operations read it; hidden_i is the top bit of its significand
//   Add    p + q (sub_i: p - q)    Mul  p * q    Max  the greater
//   Above  gt_o: p > q, as ARGMAX has it; only the loads matter, y_o is lost
//   Fn     fn_i 1 exp2, 2 reciprocal, 3 reciprocal square root
//   Term   p {x[23], x_exp, x[22:0]} of the dot product x, q the scale
//          as FP32, but with hidden_i, the top bit of its significand, and nan_i; frac_i;
//          plus_i: a zero is +0, as the sum of the first term
//   Quant  p {0, scale byte, zeros}, q the element, bits_i; byte_o: the element
//          rounded
//
// Layout: a significand has its top bit at 33; a result is shifted to have it at
// 34 and rounded to 24 bits, at bit 11. Reset: synchronous, to idle.
`default_nettype none

module fp_serial (
  input  wire logic        clk_i,
  input  wire logic        rst_ni,

  input  wire logic [2:0]  op_i,
  input  wire logic        sub_i,
  input  wire logic [1:0]  fn_i,
  input  wire logic [3:0]  frac_i,
  input  wire logic [1:0]  bits_i,
  input  wire logic        hidden_i,
  input  wire logic        nan_i,
  input  wire logic        plus_i,
  input  wire logic        load_p_i,
  input  wire logic        load_q_i,
  input  wire logic [31:0] in_i,

  output      logic        busy_o,
  output      logic        swap_o,
  output      logic        gt_o,
  output      logic [31:0] y_o,
  output      logic [7:0]  byte_o
);

  localparam logic [2:0] Canon = 3'd0, Add = 3'd1, Mul = 3'd2, Max = 3'd3, Fn = 3'd4, Term = 3'd5, Quant = 3'd6,
                         Above = 3'd7;
  wire logic is_add   = op_i == Add;
  wire logic is_mul   = op_i == Mul;
  wire logic is_max   = op_i == Max || op_i == Above;
  wire logic is_fn    = op_i == Fn;
  wire logic is_term  = op_i == Term;
  wire logic is_quant = op_i == Quant;
  wire logic is_exp2  = is_fn && !fn_i[1];
  wire logic is_rsqrt = is_fn && fn_i == 2'd3;

  localparam logic [3:0] Idle = 4'd0, Align = 4'd1, Sum1 = 4'd2, Sum2 = 4'd3, Product = 4'd4, Norm = 4'd5, Round1 = 4'd6,
                         Round2 = 4'd7, Order = 4'd8, Point = 4'd9, Look = 4'd10, Slope1 = 4'd11, Slope2 = 4'd12, Raise = 4'd13,
                         Start = 4'd14, Head = 4'd15;
  logic [3:0] state_q;

  // ---- the operand on its way in ----
  wire logic [7:0] in_exp  = in_i[30:23];
  wire logic       in_zero = in_exp == 8'd0;
  wire logic       in_top  = in_exp == 8'hFF;
  wire logic       in_some = in_i[22:0] != 23'd0;
  wire logic       in_sign = in_i[31];

  // ---- registers ----
  logic [34:0] p_q;
  logic [34:2] q_q;
  logic signed [9:0] e_q;      // exponent of a top bit at p_q[34]
  logic [4:0]  d_q;            // shifts or cycles to go
  logic        far_q, neg_q;   // q is lost in p; q is the larger
  logic        sign_q, q_sign_q, sub_q, sticky_q, swapped_q, bank_q;
  logic        p_nan_q, p_inf_q, p_zero_q, q_nan_q, q_inf_q, q_zero_q;

  // ---- the adder ----
  // Subtracting what lost bits on its way: one less, and the sticky bit stays.
  logic         cin, flip;
  wire logic [33:0] total = {1'b0, p_q[34:2]} + {1'b0, q_q} + {33'd0, cin};
  wire logic        carry = total[33];
  wire logic [34:2] sum   = total[32:0] ^ {33{flip}};
  assign flip = state_q == Sum2 && neg_q;
  wire logic sub_now = is_term ? in_sign : is_fn && (fn_i[1] || in_sign);  // of the first operand
  always_comb
    case (state_q)
      Sum1:    cin = sub_q && !sticky_q;
      Sum2:    cin = sub_q && !sticky_q && !neg_q && !is_fn;
      Order:   cin = op_i == Max || sign_q;  // Above: positive, and equal is not enough
      Point:   cin = is_exp2 && !far_q;
      Idle:    cin = sub_q;  // the second load: p = 0 + q
      default: cin = 1'b0;
    endcase

  // ---- exponents: one adder ----
  logic [9:0]  e_a, e_b;
  logic        e_cin;
  wire logic [9:0] e_sum = e_a + e_b + {9'd0, e_cin};
  wire logic [6:0] bias  = is_term ? {2'b11, frac_i[3], !frac_i[3], frac_i[2:0]} : 7'd127;  // 104 + frac
  wire logic adds_exp = is_mul || is_term;
  always_comb begin
    e_a   = e_q;
    e_b   = 10'd0;
    e_cin = 1'b0;
    case (state_q)
      Idle:
        if (load_p_i) begin
          e_a   = 10'd0;
          e_b   = {2'd0, in_exp};
          e_cin = 1'b1;
        end else e_b = adds_exp ? {2'd0, in_exp} : {2'b11, ~in_exp};
      Product: begin
        e_b   = {3'b111, ~bias};
        e_cin = 1'b1;
      end
      Norm:   e_b = 10'h3FF;
      Round2: e_cin = 1'b1;  // taken with carry, which comes late
      Head: begin
        e_a = is_rsqrt ? ~{1'b0, e_q[9:1]} : ~e_q;
        e_b = is_exp2 ? 10'd135 : is_rsqrt ? 10'd192 : 10'd256;
      end
      Look: begin
        e_a = 10'd0;
        e_b = {2'd0, !p_q[34], p_q[33:27]};
      end
      default: ;
    endcase
  end

  wire logic d_none = d_q == 5'd0;
  wire logic e_far  = e_sum[8:5] != 4'd0 || (&e_sum[4:0]);
  wire logic e_neg  = e_sum[9];

  // ---- significands ----
  logic [31:0] slope_rom;
  logic [23:0] start_rom;
  wire logic [8:0] segment = {is_rsqrt, is_rsqrt ? bank_q : fn_i[1], p_q[26:20]};
  fn_rom u_rom (.clk_i, .en_i(state_q == Look), .slope_addr_i(segment), .slope_o(slope_rom),
                .start_addr_i(segment), .start_o(start_rom));

  logic [31:0] slope_q;  // 14 bits below the slope
  mx_mul16 u_slope (.clk_i, .a_i({4'd0, slope_rom[11:0]}), .b_i({3'd0, p_q[19:7]}),
                    .c_i({slope_rom[29:12], 14'd0}), .y_o(slope_q));

  // 24 x 24 bits in four blocks, each with its addition and register.
  wire logic [23:0] a = {p_q[33:32] & ~{2{is_fn}}, p_q[31:10]};
  wire logic [23:0] b = q_q[33:10];
  logic [31:0] low_q, cross_a_q, cross_b_q, high_q;
  mx_mul16 u_low     (.clk_i, .a_i(a[15:0]), .b_i(b[15:0]), .c_i(32'd0), .y_o(low_q));
  mx_mul16 u_cross_a (.clk_i, .a_i({8'd0, a[23:16]}), .b_i(b[15:0]), .c_i({16'd0, low_q[31:16]}), .y_o(cross_a_q));
  mx_mul16 u_cross_b (.clk_i, .a_i(a[15:0]), .b_i({8'd0, b[23:16]}), .c_i(cross_a_q), .y_o(cross_b_q));
  mx_mul16 u_high    (.clk_i, .a_i({8'd0, a[23:16]}), .b_i({8'd0, b[23:16]}), .c_i({16'd0, cross_b_q[31:16]}),
                      .y_o(high_q));

  wire logic align_shift = state_q == Align && !neg_q && !far_q && !d_none;
  wire logic move_up     = (state_q == Norm && !p_q[34]) || (state_q == Raise && !d_none);
  wire logic take_sum    = (state_q == Idle && load_q_i) || state_q == Sum2 || state_q == Round2 || state_q == Point;
  wire logic take_prod   = state_q == Product && d_none;
  always_ff @(posedge clk_i) begin
    if (load_p_i)       p_q <= '0;
    else if (take_sum)  p_q <= {sum[34:3], sum[2] && !is_fn, p_q[1:0]};
    else if (take_prod) p_q <= {high_q[15:0], cross_b_q[15:0], low_q[15:13]};
    else if (move_up)   p_q <= {p_q[33:0], 1'b0};
  end

  wire logic up       = p_q[10] && (p_q[11] || p_q[9:0] != 10'd0 || sticky_q) && !is_fn;
  wire logic [6:0] limit = 7'd127 >> {2'd2 - bits_i, 1'b0};
  wire logic at_limit = is_quant && p_q[17:11] == limit;
  wire logic q_turn   = is_add && sub_i && !swapped_q;
  wire logic load_sub = load_p_i ? sub_now : is_max || (is_add && (in_sign ^ q_turn ^ sign_q));
  wire logic top_bit  = !load_p_i ? !is_term || hidden_i : is_term || is_quant ? in_sign : op_i != Canon || hidden_i;
  always_ff @(posedge clk_i) begin
    if (load_p_i || load_q_i)      q_q <= {1'b0, top_bit, in_i[22:0], 8'd0} ^ {33{load_sub}};
    else if (align_shift)          q_q <= {sub_q, q_q[34:3]};
    else if (state_q == Slope2)    q_q <= {7'd0, slope_q[31:14], 8'd0};
    else if (state_q == Start)     q_q <= {2'b01, start_rom, slope_rom[31:30], 5'd0};
    else if (state_q == Round1)    q_q <= {23'd0, up && !at_limit, 9'd0};
    else if (state_q == Align && far_q) q_q <= '0;
  end

  always_ff @(posedge clk_i) begin
    if (load_p_i || (load_q_i && adds_exp) || (take_prod && !is_fn) || (state_q == Norm && !p_q[34]) || (state_q == Round2 && carry) ||
        (state_q == Head && !is_exp2) || (state_q == Look && is_exp2)) e_q <= e_sum;
  end

  // ---- shifts and cycles to go ----
  always_ff @(posedge clk_i)
    if (load_q_i)                                  d_q <= adds_exp ? 5'd4 : e_sum[4:0];
    else if (state_q == Head && is_quant)          d_q <= {2'b10, 2'd2 - bits_i, 1'b0};
    else if (state_q == Head)                      d_q <= is_exp2 ? e_sum[4:0] : 5'd6;
    else if (state_q == Slope2)                    d_q <= 5'd12;
    else if (state_q == Raise && d_none)           d_q <= 5'd4;
    else if (!d_none)                              d_q <= d_q - 1'b1;

  logic headed_q;  // Quant: the shift that all elements share has begun
  always_ff @(posedge clk_i) begin
    if (load_p_i) begin
      sign_q   <= in_sign ^ (is_add && sub_i && swapped_q);
      p_nan_q  <= in_top && (in_some || is_term);
      p_inf_q  <= in_top && !in_some && !is_term;
      p_zero_q <= in_zero && !is_term;
      q_nan_q  <= 1'b0;
      q_inf_q  <= 1'b0;
      q_zero_q <= 1'b0;
    end else if (load_q_i) begin
      if (is_term) sign_q <= sign_q ^ in_sign;
      q_sign_q <= in_sign ^ q_turn;
      q_nan_q  <= is_term ? nan_i : in_top && in_some;
      q_inf_q  <= in_top && !in_some && !is_term;
      q_zero_q <= in_zero && !is_term;
    end else if (state_q == Sum2 && is_add) sign_q <= sign_q ^ neg_q;
    else if (state_q == Product && is_mul && take_prod) sign_q <= sign_q ^ q_sign_q;
    if (load_p_i || load_q_i) sub_q <= load_sub;
    else if (state_q == Align && far_q) sub_q <= 1'b0;
    if (load_p_i || load_q_i)           sticky_q <= 1'b0;
    else if (align_shift)               sticky_q <= sticky_q || (q_q[2] ^ sub_q);
    else if (take_prod)                 sticky_q <= low_q[12:0] != 13'd0;
    if (load_q_i) begin
      far_q <= e_far || in_zero;
      neg_q <= e_neg;
    end else if (state_q == Head && is_exp2) begin
      far_q <= e_far;
      neg_q <= e_neg;
    end else if (load_p_i)                      {far_q, neg_q} <= 2'b00;
    else if (state_q == Sum1 && sub_q)          neg_q <= !carry;
    if (state_q == Head) begin
      bank_q   <= e_q[0];
      headed_q <= 1'b1;
    end else if (load_p_i || load_q_i) headed_q <= 1'b0;
    if (!rst_ni)                                     swapped_q <= 1'b0;
    else if (swap_o)                                 swapped_q <= 1'b1;
    else if (state_q != Idle && state_q != Align && state_q != Order) swapped_q <= 1'b0;
  end

  // ---- order of the operands ----
  wire logic both_zero = p_zero_q && q_zero_q;
  wire logic equal     = neg_q ? 1'b0 : !far_q && d_none;
  wire logic reaches   = neg_q ? 1'b0 : !equal || carry;           // |p| >= |q|; positive, of Above: >
  wire logic same      = sign_q == q_sign_q;
  wire logic above     = same ? (sign_q ? !reaches : reaches) : q_sign_q;
  wire logic keep_p    = same ? reaches ^ sign_q : q_sign_q;
  assign swap_o = (state_q == Align && is_add && neg_q) || (state_q == Order && op_i == Max && !keep_p && !swapped_q);
  always_ff @(posedge clk_i) if (state_q == Order) gt_o <= ((above && !both_zero) || q_nan_q) && !p_nan_q;

  // ---- what to do next ----
  always_ff @(posedge clk_i) begin
    if (!rst_ni) state_q <= Idle;
    else
      case (state_q)
        Idle:
          if (load_p_i && (is_fn || op_i == Canon)) state_q <= is_fn ? Head : Sum2;
          else if (load_q_i) state_q <= adds_exp ? Product : is_max ? Order : Align;
        Head:    state_q <= Align;  // exp2: shift to whole and fraction
        Align:
          if (is_add && neg_q)                 state_q <= Idle;
          else if (far_q || d_none)            state_q <= is_fn ? Point : !is_quant ? Sum1 : headed_q || far_q ? Sum2 : Head;
        Sum1:    state_q <= Sum2;
        Sum2:    state_q <= is_quant ? Round1 : Norm;
        Product: if (d_none) state_q <= is_fn ? Start : Norm;
        Order:   state_q <= op_i == Max && (keep_p || swapped_q) ? Norm : Idle;
        Norm:    if (p_q[34] || p_q == '0) state_q <= Round1;
        Round1:  state_q <= Round2;
        Round2:  state_q <= Idle;
        Point:   state_q <= Look;
        Look:    state_q <= Slope1;
        Slope1:  state_q <= Slope2;
        Slope2:  state_q <= Raise;
        Raise:   if (d_none) state_q <= Product;
        Start:   state_q <= Sum2;
        default: state_q <= Idle;
      endcase
  end
  assign busy_o = state_q != Idle;

  // ---- the result ----
  wire logic one_sign = is_exp2 ? 1'b0 : sign_q;
  logic nan, inf, zero;
  wire logic none     = p_q == '0 && state_q == Norm;
  logic none_q;
  always_ff @(posedge clk_i) if (state_q == Norm) none_q <= none;
  wire logic special  = p_inf_q || neg_q;  // exp2: out of range
  always_comb begin
    nan  = p_nan_q || q_nan_q;
    inf  = p_inf_q || (is_mul && q_inf_q);
    zero = p_zero_q || none_q;
    case (op_i)
      Add:     if (p_inf_q && q_inf_q && sign_q != q_sign_q) nan = 1'b1;
      Mul: begin
        if ((p_inf_q && q_zero_q) || (p_zero_q && q_inf_q)) nan = 1'b1;
        if (q_zero_q) zero = 1'b1;
      end
      Fn: begin
        if (is_rsqrt && sign_q && !p_zero_q) nan = 1'b1;
        inf  = is_exp2 ? special && !sign_q : p_zero_q;
        zero = is_exp2 ? special && sign_q : p_inf_q;
      end
      default: ;
    endcase
    if (!e_q[9] && (e_q[8] || (&e_q[7:0])) && !zero) inf = 1'b1;
    if ((e_q[9] || e_q == 10'd0) && !inf) zero = 1'b1;
  end
  wire logic bare = nan || inf || zero;
  wire logic plus = nan || (is_term && zero && (none_q || plus_i)) || (is_add && zero && (p_zero_q || none_q) && sign_q != q_sign_q);
  assign y_o = {one_sign && !plus, nan || inf ? 8'hFF : zero ? 8'd0 : e_q[7:0], nan || (p_q[33] && !bare),
                p_q[32:11] & {22{!bare}}};

  wire logic [6:0] size = neg_q ? limit : p_q[17:11];
  assign byte_o = ({1'b0, size} ^ {8{q_sign_q}}) + {7'd0, q_sign_q};

  wire logic unused = &{high_q[31:16], slope_q[13:0]};

endmodule

`default_nettype wire
