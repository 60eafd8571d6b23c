// Bytes, halves and words on the lanes of a 32-bit bus.
//
// Combinational. size_i: 0 byte, 1 half, 2 word; addr_i: lowest bits of the
// address. A store is repeated on all lanes and selected by strobes; a load is
// moved to bit 0 and extended with its sign unless unsigned_i.
`default_nettype none

module mx_rv_lanes #(
  parameter int unsigned Fault = 0  // 2: halves are never extended with their sign
) (
  input  wire logic [1:0]  size_i,
  input  wire logic [1:0]  addr_i,
  input  wire logic        unsigned_i,
  output      logic        misaligned_o,

  input  wire logic [31:0] store_i,
  output      logic [31:0] wdata_o,
  output      logic [3:0]  wstrb_o,

  input  wire logic [31:0] rdata_i,
  output      logic [31:0] load_o
);

  assign misaligned_o = (size_i[0] && addr_i[0]) || (size_i[1] && addr_i != 2'd0);

  wire logic [7:0] odd = size_i == 2'd0 ? store_i[7:0] : store_i[15:8];
  assign wdata_o[7:0]   = store_i[7:0];
  assign wdata_o[15:8]  = odd;
  assign wdata_o[23:16] = size_i[1] ? store_i[23:16] : store_i[7:0];
  assign wdata_o[31:24] = size_i[1] ? store_i[31:24] : odd;
  assign wstrb_o[0] = size_i[1] || addr_i == 2'd0;
  assign wstrb_o[1] = size_i[1] || (!addr_i[1] && (size_i[0] || addr_i[0]));
  assign wstrb_o[2] = size_i[1] || (addr_i[1] && !addr_i[0]);
  assign wstrb_o[3] = size_i[1] || (addr_i[1] && (size_i[0] || addr_i[0]));

  wire logic [15:0] half = addr_i[1] ? rdata_i[31:16] : rdata_i[15:0];
  wire logic [7:0]  low  = addr_i[0] ? half[15:8] : half[7:0];
  wire logic        sign = !unsigned_i && (size_i[0] ? half[15] && Fault != 2 : low[7]);
  assign load_o[7:0]   = low;
  assign load_o[15:8]  = size_i == 2'd0 ? {8{sign}} : half[15:8];
  assign load_o[31:16] = size_i[1] ? rdata_i[31:16] : {16{sign}};

endmodule

`default_nettype wire
