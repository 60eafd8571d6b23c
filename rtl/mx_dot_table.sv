// The decode table on its way to the lanes: TABLE brings eight entries at
// once, the lanes' copies (small RAMs in mx_dot_weights) take one per cycle.
//
// tbl_we_i is always taken; for 16 cycles after it busy_o is set and the whole
// table goes out on w_*. MATMULs that use it start after that, and those
// before it must have ended. Reset: synchronous; the entries stay, and are
// written again after it.
`default_nettype none

module mx_dot_table (
  input  wire logic        clk_i,
  input  wire logic        rst_ni,

  input  wire logic        tbl_we_i,
  input  wire logic        tbl_half_i,
  input  wire logic [63:0] tbl_data_i,

  output      logic        busy_o,
  output      logic [3:0]  w_addr_o,
  output      logic [7:0]  w_data_o
);

  logic [63:0] low_q, high_q;
  always_ff @(posedge clk_i) begin
    if (tbl_we_i && !tbl_half_i) low_q <= tbl_data_i;
    if (tbl_we_i && tbl_half_i)  high_q <= tbl_data_i;
  end

  always_ff @(posedge clk_i)
    if (!rst_ni || tbl_we_i) busy_o <= 1'b1;
    else if (&w_addr_o)      busy_o <= 1'b0;
  always_ff @(posedge clk_i)
    if (!rst_ni || tbl_we_i) w_addr_o <= 4'd0;
    else if (busy_o)         w_addr_o <= w_addr_o + 1'b1;

  wire logic [63:0] half = w_addr_o[3] ? high_q : low_q;
  assign w_data_o = half[{w_addr_o[2:0], 3'd0} +: 8];

endmodule

`default_nettype wire
