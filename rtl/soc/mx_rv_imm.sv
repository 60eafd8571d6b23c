// The immediate of an instruction, by its format.
//
// Combinational. The format is one of i_i, s_i, b_i, u_i, j_i; none: 0.
`default_nettype none

module mx_rv_imm (
  input  wire logic [31:7] insn_i,
  input  wire logic        i_i,
  input  wire logic        s_i,
  input  wire logic        b_i,
  input  wire logic        u_i,
  input  wire logic        j_i,
  output      logic [31:0] imm_o
);

  wire logic any  = i_i || s_i || b_i || u_i || j_i;
  wire logic sign = any && insn_i[31];

  assign imm_o[31]    = sign;
  assign imm_o[30:20] = u_i ? insn_i[30:20] : {11{sign}};
  assign imm_o[19:12] = u_i || j_i ? insn_i[19:12] : {8{sign}};
  assign imm_o[11]    = ((i_i || s_i) && insn_i[31]) || (b_i && insn_i[7]) || (j_i && insn_i[20]);
  assign imm_o[10:5]  = any && !u_i ? insn_i[30:25] : 6'd0;
  assign imm_o[4:1]   = i_i || j_i ? insn_i[24:21] : s_i || b_i ? insn_i[11:8] : 4'd0;
  assign imm_o[0]     = (i_i && insn_i[20]) || (s_i && insn_i[7]);

endmodule

`default_nettype wire
