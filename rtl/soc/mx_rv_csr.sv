// Control registers of mx_rv that are more than storage: interrupts, mcause,
// mcycle, mhartid. (mtvec, mscratch, mepc and mtval are words of mx_rv_regs.)
//
// addr_i selects what read_o shows, combinationally; a write (write_i) takes
// effect at the next edge. Writable: MIE and MPIE of mstatus (MPP is always
// machine mode), bits 3, 7 and 11 of mie, bits 31 and 3..0 of mcause.
//
// trap_i (one cycle): MPIE takes MIE, MIE falls, mcause takes cause_i (bit 4:
// interrupt). return_i (one cycle): MIE takes MPIE, MPIE rises.
// pending_o: an enabled interrupt waits, whatever MIE; irq_o: one to be taken,
// and irq_cause_o which: external, then software, then timer.
// Interrupt inputs are levels, synchronous to clk_i; mip follows a cycle later.
// mcycle counts CycleBits (32 to 64) bits of cycles since reset; writes to it
// are ignored, and mcycleh reads 0 beyond CycleBits.
`default_nettype none

module mx_rv_csr #(
  parameter logic [31:0] HartId    = 32'h0,
  parameter int unsigned CycleBits = 64
) (
  input  wire logic        clk_i,
  input  wire logic        rst_ni,

  input  wire logic        irq_external_i,
  input  wire logic        irq_timer_i,
  input  wire logic        irq_software_i,
  output      logic        pending_o,
  output      logic        irq_o,
  output      logic [3:0]  irq_cause_o,

  input  wire logic        trap_i,
  input  wire logic [4:0]  cause_i,
  input  wire logic        return_i,

  input  wire logic [11:0] addr_i,
  output      logic [31:0] read_o,
  input  wire logic        write_i,
  input  wire logic [31:0] write_data_i
);

  logic                 mie_q, mpie_q;     // of mstatus
  logic [2:0]           enable_q, wait_q;  // of mie, mip: external, timer, software
  logic [4:0]           cause_q;           // interrupt, code
  logic [CycleBits-1:0] cycle_q;
  wire logic [63:0]     cycle = 64'(cycle_q);

  wire logic is_mstatus = addr_i[11:8] == 4'h3 && addr_i[6] == 1'b0 && addr_i[2:0] == 3'd0;
  wire logic is_mie     = addr_i[11:8] == 4'h3 && addr_i[6] == 1'b0 && addr_i[2:0] == 3'd4;
  wire logic is_mcause  = addr_i[11:8] == 4'h3 && addr_i[6] == 1'b1 && addr_i[2:0] == 3'd2;
  wire logic is_mip     = addr_i[11:8] == 4'h3 && addr_i[6] == 1'b1 && addr_i[2:0] == 3'd4;
  wire logic is_mcycle  = addr_i[11:8] == 4'hb && !addr_i[7];
  wire logic is_mcycleh = addr_i[11:8] == 4'hb && addr_i[7];
  wire logic is_mhartid = addr_i[11:8] == 4'hf;

  function automatic logic [31:0] lines(input logic [2:0] bits);
    lines = {20'd0, bits[2], 3'd0, bits[1], 3'd0, bits[0], 3'd0};
  endfunction
  assign read_o = (is_mstatus ? {19'd0, 2'b11, 3'd0, mpie_q, 3'd0, mie_q, 3'd0} : 32'd0)
                | (is_mie ? lines(enable_q) : 32'd0)
                | (is_mip ? lines(wait_q) : 32'd0)
                | (is_mcause ? {cause_q[4], 27'd0, cause_q[3:0]} : 32'd0)
                | (is_mcycle ? cycle[31:0] : 32'd0)
                | (is_mcycleh ? cycle[63:32] : 32'd0)
                | (is_mhartid ? HartId : 32'd0);

  always_ff @(posedge clk_i) begin
    if (!rst_ni) cycle_q <= '0;
    else         cycle_q <= cycle_q + 1'b1;
  end
  always_ff @(posedge clk_i) begin
    if (!rst_ni) wait_q <= '0;
    else         wait_q <= {irq_external_i, irq_timer_i, irq_software_i};
  end
  always_ff @(posedge clk_i) begin
    if (!rst_ni)                enable_q <= '0;
    else if (write_i && is_mie) enable_q <= {write_data_i[11], write_data_i[7], write_data_i[3]};
  end
  always_ff @(posedge clk_i) begin
    if (!rst_ni)                    {mpie_q, mie_q} <= 2'b00;
    else if (trap_i)                {mpie_q, mie_q} <= {mie_q, 1'b0};
    else if (return_i)              {mpie_q, mie_q} <= {1'b1, mpie_q};
    else if (write_i && is_mstatus) {mpie_q, mie_q} <= {write_data_i[7], write_data_i[3]};
  end
  always_ff @(posedge clk_i) begin
    if (!rst_ni)                   cause_q <= '0;
    else if (trap_i)               cause_q <= cause_i;
    else if (write_i && is_mcause) cause_q <= {write_data_i[31], write_data_i[3:0]};
  end

  wire logic unused = &{1'b0, addr_i[5:3], write_data_i[30:12], write_data_i[10:8], write_data_i[6:4]};

  wire logic [2:0] ready = wait_q & enable_q;
  assign pending_o   = ready != '0;
  assign irq_o       = pending_o && mie_q;
  assign irq_cause_o = ready[2] ? 4'd11 : ready[0] ? 4'd3 : 4'd7;

endmodule

`default_nettype wire
