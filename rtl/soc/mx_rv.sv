// RV32I processor core, machine mode only, small first: several cycles per
// instruction, one adder, registers in one copy of block RAM.
//
// Bus (rtl/soc/README.md): bus_valid_o with address, strobes (0: read) and data
// stays as it is until bus_ready_i, which ends the transfer with bus_rdata_i or
// bus_error_i. bus_ready_i comes a cycle after bus_valid_o rises or later, never
// in the first cycle of a transfer. Addresses are of words; a read is of a word.
//
// Cycles per instruction where a transfer takes 2 (its least) and instructions
// follow each other; W more for each transfer that takes 2 + W:
//   3       integer operations, LUI, AUIPC; FENCE; WFI that need not wait
//   4       set less than; JAL, JALR; branch not taken
//   5       branch taken; control registers; MRET
//   4 + n   shift by n places; with FastShift 4
//   6       loads, stores
//   37, 39  product; quotient or remainder (product with FastMul: 7)
//   7       an interrupt, or what traps before it is executed; 8 to 10 other traps
// The next instruction is requested in the last cycle of those that end with a
// register written, so its first cycle is hidden there.
//
// Parameters: ResetPc: first instruction. HartId. MulDiv: M extension. FastShift:
// barrel shifter. FastMul: products through a multiplier. CycleBits: of mcycle.
// Fault plants a fault for tests of tests (see where it is used); 0: none.
//
// Traps: interrupts are taken between instructions; mtvec knows only direct
// mode. mtval holds the address of misaligned or failed accesses and targets,
// else 0. A trap leaves rd and memory unchanged.
//
// obs_*: for verification only. obs_begin_o: the earlier instruction or trap is
// complete, and insn at pc begins, or with obs_irq_o an interrupt is taken in
// its place. obs_write_o: one of 64 words (registers; 32 + .. control registers)
// is written.
//
// Reset: synchronous. Registers are not cleared (they start as zeros).
`include "check.svh"
`default_nettype none

module mx_rv #(
  parameter logic [31:0] ResetPc   = 32'h0,
  parameter logic [31:0] HartId    = 32'h0,
  parameter int unsigned MulDiv    = 0,
  parameter int unsigned FastShift = 0,
  parameter int unsigned FastMul   = 0,
  parameter int unsigned CycleBits = 64,
  parameter int unsigned Fault     = 0
) (
  input  wire logic        clk_i,
  input  wire logic        rst_ni,

  output      logic        bus_valid_o,
  input  wire logic        bus_ready_i,
  output      logic        bus_fetch_o,  // of an instruction
  output      logic [31:0] bus_addr_o,
  output      logic [3:0]  bus_wstrb_o,
  output      logic [31:0] bus_wdata_o,
  input  wire logic [31:0] bus_rdata_i,
  input  wire logic        bus_error_i,

  input  wire logic        irq_external_i,
  input  wire logic        irq_timer_i,
  input  wire logic        irq_software_i,

  output      logic        obs_begin_o,
  output      logic        obs_irq_o,
  output      logic [31:0] obs_pc_o,
  output      logic [31:0] obs_insn_o,
  output      logic        obs_write_o,
  output      logic [5:0]  obs_addr_o,
  output      logic [31:0] obs_data_o
);

  // Fetch: wait for the instruction; rs1 is read. Decode: rs1 is there, rs2 is
  // read. Execute: most are done. Then, by instruction:
  //   Finish   write what is not in the adder, or a return address
  //   Shift    a place per cycle, then write
  //   Read, Update   of a control register
  //   Memory   transfer;  Divide   wait for mx_rv_muldiv
  //   Branch   to pc + immediate, if it is taken
  // A trap: Value (write mtval), Leave (write mepc), Vector (load mtvec), Jump.
  // MRET: Vector (load mepc), Jump.
  typedef enum logic [3:0] {
    Fetch, Decode, Execute, Finish, Shift, Read, Update, Memory, Divide, Branch, Value, Leave, Vector, Jump
  } state_e;
  state_e state_q, state_d;

  // Words of mx_rv_regs that hold control registers: {10, csr[6], csr[2:0]}.
  localparam logic [5:0] WordMtvec = 6'b100101;
  localparam logic [5:0] WordMepc  = 6'b101001;
  localparam logic [5:0] WordMtval = 6'b101011;

  // ---- the instruction ----

  logic [31:0] insn_q;
  logic        failed_q;  // its fetch met a bus error
  logic illegal, lui, auipc, jal, jalr, branch, load, store, op, op_imm, mul_div, fence, csr, csr_ram, ecall, ebreak,
        mret, wfi;
  mx_rv_decode #(.MulDiv(MulDiv)) u_decode (
    .insn_i(insn_q), .illegal_o(illegal), .lui_o(lui), .auipc_o(auipc), .jal_o(jal), .jalr_o(jalr),
    .branch_o(branch), .load_o(load), .store_o(store), .op_o(op), .op_imm_o(op_imm), .mul_div_o(mul_div),
    .fence_o(fence), .csr_o(csr), .csr_ram_o(csr_ram), .ecall_o(ecall), .ebreak_o(ebreak), .mret_o(mret),
    .wfi_o(wfi)
  );
  wire logic [2:0] funct3 = insn_q[14:12];
  wire logic       got = state_q == Fetch && bus_ready_i;
  always_ff @(posedge clk_i) if (got) {failed_q, insn_q} <= {bus_error_i, bus_rdata_i};

  // What the states after Decode need of it, and decide quickly with.
  wire logic alu    = op || op_imm;
  wire logic shifts = alu && funct3[1:0] == 2'b01;
  wire logic sets   = alu && funct3[2:1] == 2'b01;  // rd = a < b
  logic simple_q;    // done in Execute
  logic bitwise_q;   // xor, or, and
  logic exchange_q;  // csrrw, csrrwi
  logic clear_q;     // csrrc, csrrci
  logic shift_q, set_q, jump_q, branch_q, load_q, store_q, csr_q, csr_ram_q, mul_div_q;
  always_ff @(posedge clk_i) if (state_q == Decode) begin
    simple_q   <= lui || auipc || (alu && !shifts && !sets);
    bitwise_q  <= alu && funct3[2];
    shift_q    <= shifts;
    set_q      <= sets;
    jump_q     <= jal || jalr;
    branch_q   <= branch;
    load_q     <= load;
    store_q    <= store;
    csr_q      <= csr;
    csr_ram_q  <= csr_ram;
    mul_div_q  <= mul_div;
    exchange_q <= csr && funct3[1:0] == 2'b01;
    clear_q    <= csr && funct3[1:0] == 2'b11;
  end

  // ---- state ----

  logic [31:2] pc_q;        // after Decode (of a branch: after Execute) that of the next instruction
  logic [31:0] a_q;         // first operand, address, return address
  logic [4:0]  places_q;    // still to shift
  logic        less_q;      // a < b, of the cycle before
  logic        taken_q;     // in Branch: it is taken
  logic        advanced_q;  // of a trap: pc_q is of the next instruction

  logic [31:0] result, word;
  logic [31:1] sum;
  logic        equal, less, misaligned, done, pending, irq, busy;
  logic [3:0]  irq_cause;
  logic        trap;
  logic [3:0]  cause;

  wire logic sleep     = wfi && !failed_q;
  wire logic begin_now = state_q == Decode && (!sleep || pending);
  wire logic take_irq  = irq && !sleep;  // an interrupt that ends WFI is taken after it
  wire logic wrong     = failed_q || illegal || ecall || ebreak;  // ends in Decode
  wire logic taken     = (funct3[2] ? less : equal) != funct3[0];
  wire logic astray    = sum[1];  // a jump to an address that no instruction can have
  wire logic shifted   = FastShift != 0 || places_q == '0;

  always_comb begin
    trap  = 1'b0;
    cause = 4'd0;
    case (state_q)
      Decode: begin
        trap  = take_irq && begin_now || wrong;
        cause = take_irq ? irq_cause : failed_q ? 4'd1 : illegal ? 4'd2 : ecall ? 4'd11 : 4'd3;
      end
      Execute: trap = jump_q && astray;
      Branch:  trap = taken_q && astray;
      Memory: begin
        trap  = misaligned || (bus_ready_i && bus_error_i);
        cause = {1'b0, 1'b1, store_q, !misaligned};
      end
      default: ;
    endcase
  end

  // The last cycle of an instruction that leaves the bus free.
  wire logic writes = (state_q == Execute && simple_q) || state_q == Finish || (state_q == Shift && shifted);
  wire logic last   = writes || state_q == Update || (state_q == Branch && !taken_q);

  always_comb begin
    state_d = state_q;
    case (state_q)
      Fetch:   if (bus_ready_i) state_d = Decode;
      Decode:  if (begin_now) state_d = fence || wfi ? Fetch : mret ? Vector : Execute;
      Execute: state_d = shift_q ? Shift : set_q || jump_q ? Finish : branch_q ? Branch
                       : load_q || store_q ? Memory : csr_q ? Read : mul_div_q ? Divide : Fetch;
      Shift:   if (shifted) state_d = Fetch;
      Read:    state_d = Update;
      Memory:  if (bus_ready_i) state_d = Fetch;
      Divide:  if (!busy) state_d = Finish;
      Value:   state_d = Leave;
      Leave:   state_d = Vector;
      Vector:  state_d = Jump;
      default: state_d = Fetch;  // Finish, Update, Branch, Jump
    endcase
    if (trap) state_d = Value;
  end
  always_ff @(posedge clk_i) begin
    if (!rst_ni) state_q <= Fetch;
    else         state_q <= state_d;
  end
  always_ff @(posedge clk_i) if (trap) advanced_q <= state_q != Decode || !branch;

  // ---- registers ----

  logic        word_read, word_write;
  logic [5:0]  word_read_addr, word_write_addr;
  logic [31:0] word_data;
  assign word_read = state_q == Fetch || state_q == Decode || state_q == Leave;
  always_comb begin
    if (state_q == Leave)      word_read_addr = WordMtvec;
    else if (state_q == Fetch) word_read_addr = {1'b0, bus_rdata_i[19:15]};
    else if (mret)             word_read_addr = WordMepc;
    else if (csr)              word_read_addr = {2'b10, insn_q[26], insn_q[22:20]};
    else                       word_read_addr = {1'b0, insn_q[24:20]};
  end
  wire logic load_now = state_q == Memory && bus_ready_i && !bus_error_i && load_q;
  wire logic write_rd = writes || state_q == Read || load_now;
  always_comb begin
    if (state_q == Value)       word_write_addr = WordMtval;
    else if (state_q == Leave)  word_write_addr = WordMepc;
    else if (state_q == Update) word_write_addr = {2'b10, insn_q[26], insn_q[22:20]};
    else                        word_write_addr = {1'b0, insn_q[11:7]};
  end
  assign word_write = (write_rd && insn_q[11:7] != '0) || (state_q == Update && csr_ram_q)
                      || state_q == Value || state_q == Leave;
  mx_rv_regs u_regs (
    .clk_i, .rst_ni, .read_i(word_read), .read_addr_i(word_read_addr), .read_data_o(word),
    .write_i(word_write), .write_addr_i(word_write_addr), .write_data_i(word_data)
  );

  // ---- operands and result ----

  // The first operand, by state.
  logic [31:0] shift_step;
  assign shift_step = funct3[2] ? {insn_q[30] && a_q[31], a_q[31:1]} : {a_q[30:0], 1'b0};
  always_ff @(posedge clk_i) begin
    case (state_q)
      Decode: begin
        if (trap ? !failed_q || take_irq : lui) a_q <= '0;
        else if (auipc || jal || failed_q)      a_q <= {pc_q, 2'b00};
        else if (csr && funct3[2])              a_q <= {27'd0, insn_q[19:15]};
        else                                    a_q <= word;
      end
      Execute: begin
        if (branch_q || (jump_q && !astray))        a_q <= {pc_q, 2'b00};
        else if (load_q || store_q || jump_q)       a_q <= {result[31:1], result[0] && !jump_q};
        else if (clear_q)                           a_q <= result;  // a and b
      end
      Branch:  if (astray) a_q <= result;
      Shift:   a_q <= shift_step;
      Value:   a_q <= {pc_q, 2'b00};
      Vector:  a_q <= word;
      default: ;
    endcase
  end
  always_ff @(posedge clk_i) begin
    if (state_q == Execute)    places_q <= b[4:0];
    else if (state_q == Shift) places_q <= places_q - 1'b1;
  end
  always_ff @(posedge clk_i) {taken_q, less_q} <= {taken, less};

  // The second: a word, or what is in other_q: the immediate, or a control
  // register; in Leave 3, whose complement is -4; else 0. It stays while a
  // branch or an access to a control register needs it.
  logic [31:0] imm, csr_data, other_q, b;
  logic        from_word_q, invert_q, carry_q;
  mx_rv_imm u_imm (
    .insn_i(insn_q[31:7]), .i_i(op_imm || load || jalr), .s_i(store), .b_i(branch), .u_i(lui || auipc), .j_i(jal),
    .imm_o(imm)
  );
  wire logic keep = (state_q == Execute && (branch_q || csr_q)) || (state_q == Read && !exchange_q);
  wire logic back = state_q == Value && advanced_q;
  always_ff @(posedge clk_i) begin
    if (state_q == Decode && !trap) other_q <= imm | (csr && !csr_ram ? csr_data : 32'd0);
    else if (!keep)                 other_q <= {30'd0, {2{back}}};
  end
  always_ff @(posedge clk_i) begin
    if (state_q == Decode && !trap) from_word_q <= op || branch || (csr && csr_ram);
    else if (!keep || branch_q)     from_word_q <= 1'b0;
  end
  wire logic subtracts = sets || branch || (op && funct3 == 3'd0 && insn_q[30]);
  always_ff @(posedge clk_i) begin
    invert_q <= (state_q == Decode && subtracts && !trap) || back;
    carry_q  <= state_q == Decode && subtracts && !trap;
  end
  assign b = from_word_q ? word : other_q;

  logic       add;
  logic [1:0] bitwise;
  always_comb begin
    case (state_q)
      Execute: add = !(bitwise_q || branch_q || csr_q);
      Finish:  add = jump_q;
      Shift:   add = FastShift == 0;
      Update:  add = exchange_q;
      default: add = state_q != Read && state_q != Memory;
    endcase
    case (state_q)
      Execute: bitwise = csr_q ? 2'd3 : branch_q ? 2'd0 : funct3[1:0];
      Update:  bitwise = clear_q ? 2'd0 : 2'd2;
      default: bitwise = 2'd1;
    endcase
  end
  mx_rv_alu #(.Fault(Fault)) u_alu (
    .a_i(a_q), .b_i(b), .invert_i(invert_q), .carry_i(carry_q), .sum_i(add), .bitwise_i(bitwise),
    .unsigned_i(branch_q ? funct3[1] : funct3[0]), .sum_o(sum), .result_o(result), .equal_o(equal), .less_o(less)
  );

  // What comes from elsewhere is added to a result of 0.
  logic [31:0] loaded, barrel, muldiv;
  wire logic   outside = state_q == Finish && !jump_q;
  wire logic [31:0] merged = result | (state_q == Memory ? loaded : 32'd0)
                             | (FastShift != 0 && state_q == Shift ? barrel : 32'd0)
                             | (outside && mul_div_q ? muldiv : 32'd0) | {31'd0, outside && set_q && less_q};
  // mepc and mtvec hold addresses of words.
  wire logic aligned = state_q == Update && insn_q[21:20] == 2'b01 && Fault != 3;
  assign word_data = {merged[31:2], merged[1:0] & {2{!aligned}}};

  // ---- program counter ----

  wire logic to_next = (begin_now && !branch) || (state_q == Execute && branch_q);
  wire logic to_sum  = ((state_q == Execute && jump_q) || (state_q == Branch && taken_q)) && !astray || state_q == Jump;
  always_ff @(posedge clk_i) begin
    if (!rst_ni)      pc_q <= ResetPc[31:2];
    else if (to_next) pc_q <= pc_q + 1'b1;
    else if (to_sum)  pc_q <= sum[31:2];
  end

  // ---- bus ----

  logic [3:0] strobes;
  wire logic  on_data = state_q == Memory;
  mx_rv_lanes #(.Fault(Fault)) u_lanes (
    .size_i(funct3[1:0]), .addr_i(a_q[1:0]), .unsigned_i(funct3[2]), .misaligned_o(misaligned),
    .store_i(word), .wdata_o(bus_wdata_o), .wstrb_o(strobes), .rdata_i(bus_rdata_i), .load_o(loaded)
  );
  assign bus_valid_o = rst_ni && (state_q == Fetch || last || (on_data && !misaligned));
  assign bus_fetch_o = !on_data;
  assign bus_addr_o  = {on_data ? a_q[31:2] : pc_q, 2'b00};
  assign bus_wstrb_o = strobes & {4{on_data && store_q}};

  // ---- parts ----

  mx_rv_csr #(.HartId(HartId), .CycleBits(CycleBits)) u_csr (
    .clk_i, .rst_ni, .irq_external_i, .irq_timer_i, .irq_software_i, .pending_o(pending), .irq_o(irq),
    .irq_cause_o(irq_cause), .trap_i(trap), .cause_i({state_q == Decode && take_irq, cause}),
    .return_i(state_q == Decode && mret && !trap), .addr_i(insn_q[31:20]), .read_o(csr_data),
    .write_i(state_q == Update), .write_data_i(result)
  );
  if (FastShift != 0) begin : g_shift
    mx_rv_shift u_shift (
      .data_i(a_q), .places_i(places_q), .right_i(funct3[2]), .arithmetic_i(insn_q[30]), .data_o(barrel)
    );
  end else begin : g_no_shift
    assign barrel = '0;
  end
  if (MulDiv != 0) begin : g_muldiv
    mx_rv_muldiv #(.FastMul(FastMul)) u_muldiv (
      .clk_i, .rst_ni, .start_i(state_q == Execute && mul_div_q), .funct3_i(funct3), .a_i(a_q), .b_i(word),
      .done_o(done), .result_o(muldiv)
    );
  end else begin : g_no_muldiv
    assign done   = 1'b1;
    assign muldiv = '0;
  end
  assign busy = !done;

  assign obs_begin_o = begin_now;
  assign obs_irq_o   = take_irq;
  assign obs_pc_o    = {pc_q, 2'b00};
  assign obs_insn_o  = insn_q;
  assign obs_write_o = word_write;
  assign obs_addr_o  = word_write_addr;
  assign obs_data_o  = word_data;

`ifdef CHECKS
  logic        waited_q;  // the cycle before belongs to the same transfer
  logic [67:0] request_q;
  wire logic [67:0] request = {bus_addr_o, bus_wstrb_o, bus_wdata_o & {32{bus_wstrb_o != '0}}};
  always_ff @(posedge clk_i) begin
    waited_q  <= rst_ni && bus_valid_o && !bus_ready_i;
    request_q <= request;
  end
`endif
  `RESET_FIRST
  `REQUIRE(answer_takes_a_cycle, !bus_ready_i || waited_q)
  `CHECK(request_stays, !waited_q || (bus_valid_o && request == request_q))

endmodule

`default_nettype wire
