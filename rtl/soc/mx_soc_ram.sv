// RAM of 32-bit words with byte strobes. Read data comes in the next cycle; a
// write leaves it undefined. Starts as zeros; no reset.
`default_nettype none

module mx_soc_ram #(
  parameter int unsigned Words = 4096
) (
  input  wire logic                     clk_i,
  input  wire logic [$clog2(Words)-1:0] addr_i,
  input  wire logic [3:0]               wstrb_i,
  input  wire logic [31:0]              wdata_i,
  output      logic [31:0]              rdata_o
);

  // A memory for each byte: no tool has to guess the strobes.
  for (genvar b = 0; b < 4; b++) begin : g_byte
    logic [7:0] mem [Words];
    logic [7:0] data_q;
    initial for (int i = 0; i < Words; i++) mem[i] = 8'd0;
    always_ff @(posedge clk_i) begin
      if (wstrb_i[b]) mem[addr_i] <= wdata_i[8*b +: 8];
      else            data_q <= mem[addr_i];
    end
    assign rdata_o[8*b +: 8] = data_q;
  end

endmodule

`default_nettype wire
