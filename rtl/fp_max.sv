// FP32 maximum and comparison: mx_fp_max and mx_fp_gt of golden/fp32.h.
// Combinational: y_o = max(a, b), gt_o = a > b.
`default_nettype none

module fp_max (
  input  wire logic [31:0] a_i,
  input  wire logic [31:0] b_i,
  output      logic [31:0] y_o,
  output      logic        gt_o
);

  wire logic a_zero = a_i[30:23] == 8'd0;
  wire logic b_zero = b_i[30:23] == 8'd0;
  wire logic nan    = (a_i[30:23] == 8'hFF && a_i[22:0] != 23'd0) ||
                      (b_i[30:23] == 8'hFF && b_i[22:0] != 23'd0);

  // Below zero, a is the larger unless |a| >= |b|.
  logic above;
  mag_gt u_order (.a_i(a_i[30:0]), .b_i(b_i[30:0]), .or_equal_i(a_i[31]), .gt_o(above));
  wire logic same_sign = a_i[31] == b_i[31];
  wire logic pick_a    = same_sign ? above ^ a_i[31] : b_i[31];

  // All but the choice is done before pick_a is there.
  wire logic [31:0] a_out = {a_i[31] && !nan, a_i[30:23] | {8{nan}},
                             nan || (a_i[22] && !a_zero), a_i[21:0] & {22{!nan && !a_zero}}};
  wire logic [31:0] b_out = {b_i[31] && !nan, b_i[30:23] | {8{nan}},
                             nan || (b_i[22] && !b_zero), b_i[21:0] & {22{!nan && !b_zero}}};
  assign y_o = pick_a ? a_out : b_out;

  assign gt_o = pick_a && !nan && !(a_zero && b_zero);

endmodule

`default_nettype wire
