// What an instruction is: one flag per kind, none when it is illegal.
//
// Combinational. Legal are RV32I, M with MulDiv, Zicsr on the control registers
// listed below, FENCE and FENCE.I (which do nothing: there are no caches), and
// ECALL, EBREAK, MRET and WFI.
`default_nettype none

module mx_rv_decode #(
  parameter int unsigned MulDiv = 0
) (
  input  wire logic [31:0] insn_i,

  output      logic        illegal_o,
  output      logic        lui_o,
  output      logic        auipc_o,
  output      logic        jal_o,
  output      logic        jalr_o,
  output      logic        branch_o,
  output      logic        load_o,
  output      logic        store_o,
  output      logic        op_o,      // register with register, without M
  output      logic        op_imm_o,  // register with immediate
  output      logic        mul_div_o,
  output      logic        fence_o,
  output      logic        csr_o,
  output      logic        csr_ram_o, // held in mx_rv_regs
  output      logic        ecall_o,
  output      logic        ebreak_o,
  output      logic        mret_o,
  output      logic        wfi_o
);

  wire logic [4:0]  opcode = insn_i[6:2];
  wire logic [2:0]  funct3 = insn_i[14:12];
  wire logic [6:0]  funct7 = insn_i[31:25];
  wire logic [11:0] csr    = insn_i[31:20];
  wire logic        whole  = insn_i[1:0] == 2'b11;  // a 32-bit instruction

  // In OP and OP-IMM funct7 is 0, but for SUB and the arithmetic shift.
  wire logic plain   = funct7 == 7'h00;
  wire logic shift   = funct3[1:0] == 2'b01;
  wire logic variant = funct7 == 7'h20;

  assign lui_o     = whole && opcode == 5'h0d;
  assign auipc_o   = whole && opcode == 5'h05;
  assign jal_o     = whole && opcode == 5'h1b;
  assign jalr_o    = whole && opcode == 5'h19 && funct3 == 3'd0;
  assign branch_o  = whole && opcode == 5'h18 && funct3[2:1] != 2'b01;
  assign load_o    = whole && opcode == 5'h00 && funct3[1:0] != 2'b11 && funct3 != 3'd6;
  assign store_o   = whole && opcode == 5'h08 && !funct3[2] && funct3[1:0] != 2'b11;
  assign op_imm_o  = whole && opcode == 5'h04 && (!shift || plain || (variant && funct3[2]));
  assign op_o      = whole && opcode == 5'h0c && (plain || (variant && (funct3 == 3'd0 || funct3 == 3'd5)));
  assign mul_div_o = MulDiv != 0 && whole && opcode == 5'h0c && funct7 == 7'h01;
  assign fence_o   = whole && opcode == 5'h03 && funct3[2:1] == 2'b00;

  // SYSTEM. mhartid alone is read-only: csrrs and csrrc must name x0 or 0.
  wire logic system = whole && opcode == 5'h1c;
  wire logic exact  = system && insn_i[19:7] == '0;
  wire logic writes = funct3[1:0] == 2'b01 || insn_i[19:15] != '0;
  logic      in_flops;
  always_comb begin
    case (csr)
      12'h300, 12'h304, 12'h342, 12'h344: in_flops = 1'b1;      // mstatus, mie, mcause, mip
      12'hb00, 12'hb80:                   in_flops = 1'b1;      // mcycle, mcycleh
      12'hf14:                            in_flops = !writes;   // mhartid
      default:                            in_flops = 1'b0;
    endcase
  end
  // mtvec, mscratch, mepc, mtval
  wire logic in_ram = csr == 12'h305 || csr == 12'h340 || csr == 12'h341 || csr == 12'h343;
  assign csr_ram_o = in_ram;
  assign csr_o     = system && funct3[1:0] != 2'b00 && (in_flops || in_ram);
  assign ecall_o   = exact && csr == 12'h000;
  assign ebreak_o  = exact && csr == 12'h001;
  assign mret_o    = exact && csr == 12'h302;
  assign wfi_o     = exact && csr == 12'h105;

  assign illegal_o = !(lui_o || auipc_o || jal_o || jalr_o || branch_o || load_o || store_o || op_imm_o || op_o
                       || mul_div_o || fence_o || csr_o || ecall_o || ebreak_o || mret_o || wfi_o);

endmodule

`default_nettype wire
