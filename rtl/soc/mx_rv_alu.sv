// Sum, bitwise operations and comparison of a and b.
//
// Combinational. sum_i: a + b, or with invert_i a + ~b + carry_i. Otherwise by
// bitwise_i: 0 xor, 1 b, 2 or, 3 and (as funct3 has them). The comparisons want invert_i and carry_i
// (they come from a - b), equal_o also !sum_i and xor.
`default_nettype none

module mx_rv_alu #(
  parameter int unsigned Fault = 0  // 1: the signed comparison forgets that signs differ
) (
  input  wire logic [31:0] a_i,
  input  wire logic [31:0] b_i,
  input  wire logic        invert_i,
  input  wire logic        carry_i,
  input  wire logic        sum_i,
  input  wire logic [1:0]  bitwise_i,
  input  wire logic        unsigned_i,
  output      logic [31:1] sum_o,  // whatever sum_i
  output      logic [31:0] result_o,
  output      logic        equal_o,
  output      logic        less_o
);

  wire logic [31:0] b = b_i ^ {32{invert_i}};
  logic             carry;  // of a - b: a >= b, unsigned
  logic             unused;
  logic [31:0]      sum;
  assign {carry, sum, unused} = {1'b0, a_i, 1'b1} + {1'b0, b, carry_i};
  assign sum_o = sum[31:1];

  logic [31:0] bitwise;
  always_comb begin
    case (bitwise_i)
      2'd0:    bitwise = a_i ^ b;
      2'd1:    bitwise = b;
      2'd2:    bitwise = a_i | b;
      default: bitwise = a_i & b;
    endcase
  end
  assign result_o = sum_i ? sum : bitwise;
  assign equal_o  = &bitwise;
  assign less_o   = unsigned_i || Fault == 1 || a_i[31] == b_i[31] ? !carry : a_i[31];

endmodule

`default_nettype wire
