// fp_max behind the clock port that tests/rtl/tb.h asks of every module.
`default_nettype none

module fp_max_clocked (
  input  wire logic        clk_i,
  input  wire logic [31:0] a_i,
  input  wire logic [31:0] b_i,
  output      logic [31:0] y_o,
  output      logic        gt_o
);

  fp_max u_max (.a_i, .b_i, .y_o, .gt_o);
  wire logic unused = clk_i;

endmodule

`default_nettype wire
