// Check of a microinstruction: is it legal (golden/ucode.def), and of the vector
// form? Combinational.
`default_nettype none

module mx_uop_decode (
  input  wire logic [31:0] insn_i,
  output      logic        legal_o,
  output      logic        vec_o
);

  logic [31:0] reserved;
  always_comb begin
    legal_o  = 1'b1;
    vec_o    = 1'b0;
    reserved = 32'd0;
    case (insn_i[31:27])
      mx_pkg::UOP_END:  reserved = mx_pkg::URESERVED_END;
      mx_pkg::UOP_LI:   reserved = mx_pkg::URESERVED_LI;
      mx_pkg::UOP_ADDI: reserved = mx_pkg::URESERVED_ADDI;
      mx_pkg::UOP_ADDU: reserved = mx_pkg::URESERVED_ADDU;
      mx_pkg::UOP_LOOPU: begin
        reserved = mx_pkg::URESERVED_LOOPU;
        legal_o  = insn_i[mx_pkg::U_IMM_A_LSB +: 4] == 4'd0;
      end
      mx_pkg::UOP_QUANT: begin
        reserved = mx_pkg::URESERVED_QUANT;
        legal_o  = insn_i[mx_pkg::U_QUANT_BITS_LSB +: 2] != 2'd3;
      end
      mx_pkg::UOP_ADD, mx_pkg::UOP_SUB: begin
        reserved = mx_pkg::URESERVED_ADD;
        legal_o  = insn_i[mx_pkg::U_VEC_RED_LSB +: 2] != 2'd1;
        vec_o    = 1'b1;
      end
      mx_pkg::UOP_MOV, mx_pkg::UOP_MUL, mx_pkg::UOP_MAX: begin
        reserved = mx_pkg::URESERVED_MOV;
        vec_o    = 1'b1;
      end
      default: legal_o = 1'b0;
    endcase
    if ((insn_i & reserved) != 32'd0) legal_o = 1'b0;
  end

endmodule

`default_nettype wire
