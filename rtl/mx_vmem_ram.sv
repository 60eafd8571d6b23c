// RAM of 32-bit words with a read and a write port, or one port for both.
//
// Read data comes in the next cycle and stays until the next read. Reading a
// word in the cycle in which it is written gives an undefined word.
// SinglePort = 1: the user never reads and writes in one cycle. No reset;
// contents are zero at the start of simulation only, as single-port RAM of
// FPGAs may not have initial contents.
`default_nettype none

module mx_vmem_ram #(
  parameter int unsigned Words      = 8192,
  parameter int unsigned SinglePort = 0
) (
  input  wire logic                     clk_i,
  input  wire logic                     re_i,
  input  wire logic [$clog2(Words)-1:0] raddr_i,
  output      logic [31:0]              rdata_o,
  input  wire logic                     we_i,
  input  wire logic [$clog2(Words)-1:0] waddr_i,
  input  wire logic [31:0]              wdata_i
);

  (* no_rw_check *) logic [31:0] mem [0:Words-1];
`ifndef SYNTHESIS
  initial for (int i = 0; i < Words; i++) mem[i] = 32'd0;
`endif

  if (SinglePort != 0) begin : g_one
    wire logic [$clog2(Words)-1:0] addr = we_i ? waddr_i : raddr_i;
    always_ff @(posedge clk_i) begin
      if (we_i) mem[addr] <= wdata_i;
      else if (re_i) rdata_o <= mem[addr];
    end
  end else begin : g_two
    always_ff @(posedge clk_i) begin
      if (we_i) mem[waddr_i] <= wdata_i;
      if (re_i) rdata_o <= mem[raddr_i];
    end
  end

endmodule

`default_nettype wire
