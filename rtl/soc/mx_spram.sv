// Writable memory of 32-bit words behind one port, for single-port RAM of FPGAs:
// a word is read or, by bytes, written in a cycle. rdata_o holds the word read last.
// No reset; contents are zero at the start of simulation only.
`default_nettype none

module mx_spram #(
  parameter int unsigned Words = 16384
) (
  input  wire logic                     clk_i,
  input  wire logic                     en_i,
  input  wire logic [3:0]               wstrb_i,  // 0: a read
  input  wire logic [$clog2(Words)-1:0] addr_i,
  input  wire logic [31:0]              wdata_i,
  output      logic [31:0]              rdata_o
);

  (* no_rw_check *) logic [31:0] mem [0:Words-1];
`ifndef SYNTHESIS
  initial for (int i = 0; i < Words; i++) mem[i] = 32'd0;
`endif

  always_ff @(posedge clk_i)
    if (en_i) begin
      if (wstrb_i == 4'd0) rdata_o <= mem[addr_i];
      for (int i = 0; i < 4; i++) if (wstrb_i[i]) mem[addr_i][8*i +: 8] <= wdata_i[8*i +: 8];
    end

endmodule

`default_nettype wire
