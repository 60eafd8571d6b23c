// 64 words of 32 bits for mx_rv, in block RAM: registers x0 to x31, and above
// them the control registers that are nothing but storage.
//
// A word read appears the cycle after `read_i` and stays until the next read.
// Never read a word in the cycle that writes it. Starts as zeros; word 0 (x0)
// must never be written. One copy: rs1 and rs2 are read one after the other.
`include "check.svh"
`default_nettype none

module mx_rv_regs (
  input  wire logic        clk_i,
  input  wire logic        rst_ni,

  input  wire logic        read_i,
  input  wire logic [5:0]  read_addr_i,
  output      logic [31:0] read_data_o,
  input  wire logic        write_i,
  input  wire logic [5:0]  write_addr_i,
  input  wire logic [31:0] write_data_i
);

  logic [31:0] word_q[64];
  initial for (int i = 0; i < 64; i++) word_q[i] = '0;

  always_ff @(posedge clk_i) if (read_i) read_data_o <= word_q[read_addr_i];
  always_ff @(posedge clk_i) if (write_i && rst_ni) word_q[write_addr_i] <= write_data_i;

  `CHECK(never_read_and_written, !(read_i && write_i) || read_addr_i != write_addr_i)
  `CHECK(x0_is_zero, !write_i || write_addr_i != '0)

endmodule

`default_nettype wire
