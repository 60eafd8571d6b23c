// The FP32 of one element as LOAD reads it: mx_fp_from_* of golden/fp32.h.
//
// Combinational. element_i holds the element in its low bits.
`default_nettype none

module mx_move_float (
  input  wire logic [1:0]  format_i,  // 0 FP32, 1 BF16, 2 E8M0, 3 FP16
  input  wire logic [31:0] element_i,
  output      logic [31:0] y_o
);

  wire logic is_fp32 = format_i == 2'd0;
  wire logic is_bf16 = format_i == 2'd1;
  wire logic is_e8m0 = format_i == 2'd2;
  wire logic is_fp16 = format_i == 2'd3;

  // ---- FP16: a subnormal is shifted until its leading one drops out ----
  wire logic [4:0] half_exp  = element_i[14:10];
  wire logic [9:0] half_frac = element_i[9:0];
  wire logic       subnormal = half_exp == 5'd0;

  wire logic [9:0] n0 = half_frac;
  wire logic       z3 = n0[9:2] == 8'd0;
  wire logic [9:0] n1 = z3 ? {n0[1:0], 8'd0} : n0;
  wire logic       z2 = n1[9:6] == 4'd0;
  wire logic [9:0] n2 = z2 ? {n1[5:0], 4'd0} : n1;
  wire logic       z1 = n2[9:8] == 2'd0;
  wire logic [9:0] n3 = z1 ? {n2[7:0], 2'd0} : n2;
  wire logic       z0 = !n3[9];
  wire logic [8:0] n4 = z0 ? {n3[7:0], 1'b0} : n3[8:0];  // below the leading one

  // 112 + exponent, or 112 less the leading zeros, of which there are 0 to 9
  wire logic [3:0] zeros    = {z3, z2, z1, z0};
  wire logic [7:0] half_to  = subnormal ? {3'b011, zeros == 4'd0, -zeros}
                                        : {half_exp[4], {3{!half_exp[4]}}, half_exp[3:0]};
  wire logic [9:0] frac_to  = subnormal ? {n4, 1'b0} : half_frac;

  // ---- classes ----
  wire logic bf16_frac = element_i[6:0] != 7'd0;
  wire logic half_zero = half_frac == 10'd0;
  wire logic zero = (is_bf16 && element_i[14:7] == 8'd0) || (is_fp16 && subnormal && half_zero);
  wire logic top  = is_fp16 && half_exp == 5'd31;  // infinity or NaN
  wire logic nan  = (is_bf16 && element_i[14:7] == 8'hff && bf16_frac) ||
                    (is_e8m0 && element_i[7:0] == 8'hff) || (top && !half_zero);

  // ---- fields ----
  wire logic       sign = is_fp32 ? element_i[31] : !is_e8m0 && element_i[15];
  wire logic [7:0] exp  = is_fp32 ? element_i[30:23] : is_bf16 ? element_i[14:7] :
                          is_e8m0 ? element_i[7:0] : half_to;
  wire logic [9:0] frac = is_fp32 ? element_i[22:13] : is_bf16 ? {element_i[6:0], 3'd0} :
                          is_e8m0 ? 10'd0 : frac_to;

  assign y_o[31]    = sign && !nan;
  assign y_o[30:23] = (exp & {8{!zero}}) | {8{top}};
  assign y_o[22]    = (frac[9] && !zero) || nan;
  assign y_o[21:13] = frac[8:0] & {9{!(zero || nan)}};
  assign y_o[12:0]  = element_i[12:0] & {13{is_fp32}};

endmodule

`default_nettype wire
