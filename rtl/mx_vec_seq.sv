// Microsequencer of the vector unit: control store, registers U[0..15], scalar
// microinstructions, and the operands of the others (golden/ucode.def).
//
// Command: while idle, a valid command is accepted after 8 cycles, in which its
// U0..U7 are written; U8..U15 keep their values. busy_o from the cycle after.
// Handing over: load_a_o, load_b_o, load_n_o say that u_o holds U[a], U[b] (the
// bank for QUANT) or U[n]; then run_o is set until done_i, with u_o = U[dst].
// scalar_o: the cycle before run_o; the time to read VMEM[U[b]].
// Cycles: LI, END 2; ADDI, LOOPU 3; ADDU 4; others 5 before run_o.
// progress_o: with the last cycle of a microinstruction. fault_o: one cycle,
// after which the unit is idle.
// Reset: synchronous, active low; U and the control store keep their contents.
`include "check.svh"
`default_nettype none

module mx_vec_seq #(
  parameter int unsigned UcodeWords = 256
) (
  input  wire logic         clk_i,
  input  wire logic         rst_ni,

  input  wire logic         cmd_valid_i,
  output      logic         cmd_ready_o,
  input  wire logic [9:0]   cmd_entry_i,
  input  wire logic [127:0] cmd_u_i,

  input  wire logic         uc_we_i,
  input  wire logic [9:0]   uc_addr_i,
  input  wire logic [31:0]  uc_data_i,

  output      logic [31:0]  insn_o,
  output      logic         quant_o,   // insn_o is QUANT
  output      logic [15:0]  u_o,
  output      logic         load_a_o,
  output      logic         load_b_o,
  output      logic         load_n_o,
  output      logic         scalar_o,
  output      logic         run_o,
  input  wire logic         done_i,

  output      logic         busy_o,
  output      logic         progress_o,
  output      logic [3:0]   fault_o
);

  localparam int unsigned PcBits = $clog2(UcodeWords);

  localparam logic [2:0] StIdle   = 3'd0;
  localparam logic [2:0] StFetch  = 3'd1;  // control store is read
  localparam logic [2:0] StDecode = 3'd2;  // U[a], or U[d] of LOOPU, is read
  localparam logic [2:0] StA      = 3'd3;  // and is in u_o; U[b] is read
  localparam logic [2:0] StB      = 3'd4;  // U[n] is read
  localparam logic [2:0] StN      = 3'd5;  // U[dst] is read
  localparam logic [2:0] StRun    = 3'd6;

  logic [2:0]        state_q, state_d;
  logic [2:0]        load_q;  // next of U0..U7
  logic [PcBits-1:0] pc_q;

  // ---- control store ----
  (* no_rw_check *) logic [31:0] store [0:UcodeWords-1];
  logic [31:0] insn_q;
  always_ff @(posedge clk_i) begin
    if (uc_we_i) store[uc_addr_i[PcBits-1:0]] <= uc_data_i;
    if (state_q == StFetch) insn_q <= store[pc_q];
  end
  assign insn_o = insn_q;

  // ---- decode ----
  wire logic [4:0] op = insn_q[31:27];
  logic legal, is_vec;
  mx_uop_decode u_decode (.insn_i(insn_q), .legal_o(legal), .vec_o(is_vec));
  wire logic is_loop = op == mx_pkg::UOP_LOOPU;
  wire logic is_addi = op == mx_pkg::UOP_ADDI;
  wire logic is_li   = op == mx_pkg::UOP_LI;
  assign quant_o = op == mx_pkg::UOP_QUANT;

  // ---- registers ----
  (* no_rw_check *) logic [15:0] u_mem [0:15];
  logic [15:0] u_q, addend_q;
  logic [3:0]  u_raddr, u_waddr;
  logic        u_we;
  logic [15:0] u_wdata;

  always_comb begin
    case (state_q)
      StDecode: u_raddr = is_loop ? insn_q[23:20] : insn_q[19:16];
      StA:      u_raddr = insn_q[15:12];
      StB:      u_raddr = insn_q[11:8];
      default:  u_raddr = insn_q[23:20];
    endcase
  end

  always_ff @(posedge clk_i) begin
    if (u_we) u_mem[u_waddr] <= u_wdata;
    u_q <= u_mem[u_raddr];
  end
  assign u_o = u_q;

  // One adder: ADDI, LOOPU in StA, ADDU in StB.
  always_ff @(posedge clk_i) begin
    if (state_q == StDecode) addend_q <= is_loop ? 16'hFFFF : insn_q[15:0];
    else if (state_q == StA) addend_q <= u_q;
  end
  wire logic [15:0] sum = u_q + addend_q;

  wire logic ends_in_a = state_q == StA && (is_addi || is_loop);
  wire logic ends_in_b = state_q == StB && !is_vec && !quant_o;  // ADDU
  wire logic loading   = state_q == StIdle && cmd_valid_i;
  always_comb begin
    u_we    = loading || ends_in_a || ends_in_b || (state_q == StDecode && is_li && legal);
    u_waddr = loading ? {1'b0, load_q} : insn_q[23:20];
    u_wdata = sum;
    if (loading) u_wdata = cmd_u_i[16*load_q +: 16];
    else if (state_q == StDecode) u_wdata = insn_q[15:0];
  end

  // ---- state ----
  wire logic ends_in_decode = state_q == StDecode && legal && (is_li || op == mx_pkg::UOP_END);
  wire logic ends_in_run    = state_q == StRun && done_i;
  wire logic taken          = ends_in_a && is_loop && sum != 16'd0;

  always_comb begin
    state_d = state_q;
    case (state_q)
      StIdle:   if (cmd_valid_i && load_q == 3'd7) state_d = StFetch;
      StFetch:  state_d = StDecode;
      StDecode: state_d = !legal || op == mx_pkg::UOP_END ? StIdle : is_li ? StFetch : StA;
      StA:      state_d = ends_in_a ? StFetch : StB;
      StB:      state_d = ends_in_b ? StFetch : StN;
      StN:      state_d = StRun;
      StRun:    if (done_i) state_d = StFetch;
      default:  state_d = StIdle;
    endcase
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      state_q <= StIdle;
      load_q  <= 3'd0;
    end else begin
      state_q <= state_d;
      load_q  <= loading ? load_q + 3'd1 : 3'd0;
    end
  end

  always_ff @(posedge clk_i) begin
    if (state_q == StIdle) pc_q <= cmd_entry_i[PcBits-1:0];
    else if (taken) pc_q <= insn_q[PcBits-1:0];
    else if (progress_o) pc_q <= pc_q + PcBits'(1);
  end

  assign cmd_ready_o = state_q == StIdle && load_q == 3'd7;
  assign busy_o      = state_q != StIdle;
  assign progress_o  = ends_in_decode || ends_in_a || ends_in_b || ends_in_run;
  assign fault_o     = state_q == StDecode && !legal ? mx_pkg::FAULT_UCODE : mx_pkg::FAULT_NONE;
  assign load_a_o    = state_q == StA;
  assign load_b_o    = state_q == StB;
  assign load_n_o    = state_q == StN;
  assign scalar_o    = state_q == StN;
  assign run_o       = state_q == StRun;

  wire logic unused = &{cmd_entry_i, uc_addr_i};  // high bits

  `CHECK(done_only_in_run, !done_i || state_q == StRun)

endmodule

`default_nettype wire
