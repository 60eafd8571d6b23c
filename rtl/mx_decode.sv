// Instruction check: is this instruction legal in this parameter set?
//
// Combinational. Legal means: a known code, no bit set outside its fields and
// `wait`, and a format that the set has. Whether a program begins with IDENT
// and whether its build_id fits is mx_seq's business.
`default_nettype none

module mx_decode #(
  parameter int unsigned Tokens    = 2,
  parameter int unsigned Codebook  = 1,
  parameter int unsigned ZeroPoint = 1
) (
  input  wire logic [127:0] insn_i,
  output      logic         illegal_o
);

  wire logic [4:0] op = insn_i[4:0];

  logic [127:0] reserved;
  always_comb
    case (op)
      mx_pkg::OP_HALT:   reserved = mx_pkg::RESERVED_HALT;
      mx_pkg::OP_IDENT:  reserved = mx_pkg::RESERVED_IDENT;
      mx_pkg::OP_FENCE:  reserved = mx_pkg::RESERVED_FENCE;
      mx_pkg::OP_ARG:    reserved = mx_pkg::RESERVED_ARG;
      mx_pkg::OP_LOOP:   reserved = mx_pkg::RESERVED_LOOP;
      mx_pkg::OP_TABLE:  reserved = mx_pkg::RESERVED_TABLE;
      mx_pkg::OP_STREAM: reserved = mx_pkg::RESERVED_STREAM;
      mx_pkg::OP_MATMUL: reserved = mx_pkg::RESERVED_MATMUL;
      mx_pkg::OP_VEC:    reserved = mx_pkg::RESERVED_VEC;
      mx_pkg::OP_LOAD:   reserved = mx_pkg::RESERVED_LOAD;
      mx_pkg::OP_STORE:  reserved = mx_pkg::RESERVED_STORE;
      mx_pkg::OP_PUTROW: reserved = mx_pkg::RESERVED_PUTROW;
      mx_pkg::OP_PUTCOL: reserved = mx_pkg::RESERVED_PUTCOL;
      mx_pkg::OP_PUTEXP: reserved = mx_pkg::RESERVED_PUTEXP;
      mx_pkg::OP_UCODE:  reserved = mx_pkg::RESERVED_UCODE;
      default:           reserved = '0;
    endcase
  wire logic known = op <= mx_pkg::OP_UCODE;

  // MATMUL.
  wire logic [1:0] bits     = insn_i[mx_pkg::MATMUL_BITS_LSB +: 2];
  wire logic [1:0] scale    = insn_i[mx_pkg::MATMUL_SCALE_LSB +: 2];
  wire logic       zero     = insn_i[mx_pkg::MATMUL_ZERO_LSB];
  wire logic       codebook = insn_i[mx_pkg::MATMUL_CODEBOOK_LSB];
  wire logic       planar   = insn_i[mx_pkg::MATMUL_PLANAR_LSB];
  wire logic [3:0] tokens   = insn_i[mx_pkg::MATMUL_TOKENS_LSB +: 4];
  wire logic       bad_matmul =
      bits == 2'd3 || scale == 2'd3 || {1'b0, tokens} >= 5'(Tokens)
      || (codebook && (Codebook == 0 || bits != 2'd0))
      || (zero && ZeroPoint == 0)
      || (planar && (bits != 2'd0 || scale != 2'd0 || zero || codebook))
      || insn_i[mx_pkg::MATMUL_X_LSB +: 4] != 0;

  // PUTROW, PUTCOL, PUTEXP: bank and x are at the same place in all three.
  wire logic bad_put  = {1'b0, insn_i[mx_pkg::PUTROW_BANK_LSB +: 4]} >= 5'(Tokens)
                        || insn_i[mx_pkg::PUTROW_X_LSB +: 4] != 0;
  wire logic bad_code = insn_i[mx_pkg::PUTROW_BITS_LSB];  // bits is 1 or 3
  wire logic odd_rows = insn_i[mx_pkg::PUTCOL_COUNT_LSB] && !insn_i[mx_pkg::PUTCOL_BITS_LSB + 1];

  logic bad_format;
  always_comb
    case (op)
      mx_pkg::OP_MATMUL: bad_format = bad_matmul;
      mx_pkg::OP_PUTROW: bad_format = bad_put || bad_code;
      mx_pkg::OP_PUTCOL: bad_format = bad_put || bad_code || odd_rows;
      mx_pkg::OP_PUTEXP: bad_format = bad_put;
      mx_pkg::OP_LOOP:   bad_format = insn_i[mx_pkg::LOOP_D_LSB +: 4] == 0;
      default:           bad_format = 1'b0;
    endcase

  assign illegal_o = !known || |(insn_i & reserved) || bad_format;

endmodule

`default_nettype wire
