// The M extension for mx_rv: a bit per cycle, with one adder for all; with
// FastMul products take a multiplier (DSP blocks).
//
// start_i (one cycle): begin funct3_i of a_i and b_i, which must stay until
// done_o. done_o stays, with result_o, until the next start.
// Cycles from start to done: products 33 (FastMul: 2), quotients and
// remainders 35.
`default_nettype none

module mx_rv_muldiv #(
  parameter int unsigned FastMul = 0
) (
  input  wire logic        clk_i,
  input  wire logic        rst_ni,
  input  wire logic        start_i,
  input  wire logic [2:0]  funct3_i,
  input  wire logic [31:0] a_i,
  input  wire logic [31:0] b_i,
  output      logic        done_o,
  output      logic [31:0] result_o
);

  // funct3: 0 MUL, 1 MULH, 2 MULHSU, 3 MULHU, 4 DIV, 5 DIVU, 6 REM, 7 REMU
  wire logic divide     = funct3_i[2];
  wire logic high       = funct3_i[1:0] != 2'd0;                     // of a product
  wire logic remainder  = funct3_i[1];
  wire logic a_negative = a_i[31] && (divide ? !funct3_i[0] : funct3_i[1:0] != 2'd3);
  wire logic b_negative = b_i[31] && (divide ? !funct3_i[0] : !funct3_i[1]);

  // Quotients and remainders are of |a|, and get their sign at the end. A
  // quotient by 0 is all ones as it comes, and stays so.
  wire logic negate = remainder ? a_negative : a_negative != b_negative && b_i != '0;

  typedef enum logic [1:0] {Done, Sign, Steps, Fix} state_e;
  state_e      state_q;
  logic [4:0]  step_q;
  logic [32:0] high_q;  // product: upper part, signed; division: remainder so far
  logic [31:0] low_q;   // product: bits of b still to come below bits of the result; division: dividend, quotient

  // The adder: 34 bits, signed.
  logic [33:0] x, y, sum;
  logic        subtract;
  wire logic   last = step_q == 5'd31;
  always_comb begin
    case (state_q)
      Steps: begin
        x        = divide ? {1'b0, high_q[31:0], low_q[31]} : {high_q[32], high_q};
        y        = divide ? {{2{b_negative}}, b_i} : low_q[0] ? {{2{a_negative}}, a_i} : '0;
        subtract = divide ? !b_negative : last && b_negative;  // the sign bit of b counts negative
      end
      default: begin
        x        = '0;
        y        = {2'b00, state_q == Fix && remainder ? high_q[31:0] : low_q};
        subtract = 1'b1;
      end
    endcase
  end
  assign sum = x + (y ^ {34{subtract}}) + 34'(subtract);

  wire logic slow = divide || FastMul == 0;
  always_ff @(posedge clk_i) begin
    if (!rst_ni)              state_q <= Done;
    else if (start_i && slow) state_q <= divide ? Sign : Steps;
    else begin
      case (state_q)
        Sign:    state_q <= Steps;
        Steps:   if (last) state_q <= divide ? Fix : Done;
        default: state_q <= Done;
      endcase
    end
  end
  always_ff @(posedge clk_i) step_q <= state_q == Steps ? step_q + 1'b1 : '0;

  always_ff @(posedge clk_i) begin
    if (start_i) begin
      high_q <= '0;
      low_q  <= divide ? a_i : b_i;
    end else begin
      case (state_q)
        Sign: if (a_negative) low_q <= sum[31:0];
        Steps: begin
          if (divide) high_q <= {1'b0, sum[33] ? x[31:0] : sum[31:0]};
          else        high_q <= sum[33:1];
          low_q <= divide ? {low_q[30:0], !sum[33]} : {sum[0], low_q[31:1]};
        end
        Fix: begin
          if (negate && remainder)  high_q[31:0] <= sum[31:0];
          if (negate && !remainder) low_q        <= sum[31:0];
        end
        default: ;
      endcase
    end
  end

  if (FastMul != 0) begin : g_fast
    // Unsigned; the upper half of a negative operand's product counts the other
    // operand too often.
    logic [31:0] a_q, b_q, excess_q;
    logic [63:0] product_q;
    logic        first_q, second_q;
    always_ff @(posedge clk_i) begin
      a_q       <= a_i;
      b_q       <= b_i;
      product_q <= a_q * b_q;
      excess_q  <= (a_negative ? b_i : 32'd0) + (b_negative ? a_i : 32'd0);
    end
    wire logic [31:0] upper = product_q[63:32] - excess_q;
    always_ff @(posedge clk_i) begin
      first_q  <= rst_ni && start_i && !divide;
      second_q <= rst_ni && first_q;
    end
    assign done_o   = state_q == Done && !first_q && !second_q;
    assign result_o = divide ? (remainder ? high_q[31:0] : low_q) : high ? upper : product_q[31:0];
  end else begin : g_slow
    assign done_o   = state_q == Done;
    assign result_o = (divide ? remainder : high) ? high_q[31:0] : low_q;
  end

endmodule

`default_nettype wire
