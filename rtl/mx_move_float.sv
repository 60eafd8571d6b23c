// The FP32 of one element as LOAD reads it: mx_fp_from_* of golden/fp32.h.
//
// Combinational. element_i holds the element in its low bits.
`default_nettype none

module mx_move_float (
  input  wire logic [1:0]  format_i,  // 0 FP32, 1 BF16, 2 E8M0, 3 FP16
  input  wire logic [31:0] element_i,
  output      logic [31:0] y_o
);

  // ---- FP16: subnormals are shifted until their leading one drops out ----
  wire logic       half_sign = element_i[15];
  wire logic [4:0] half_exp  = element_i[14:10];
  wire logic [9:0] half_frac = element_i[9:0];

  wire logic [9:0] n0 = half_frac;
  wire logic       z3 = n0[9:2] == 8'd0;
  wire logic [9:0] n1 = z3 ? {n0[1:0], 8'd0} : n0;
  wire logic       z2 = n1[9:6] == 4'd0;
  wire logic [9:0] n2 = z2 ? {n1[5:0], 4'd0} : n1;
  wire logic       z1 = n2[9:8] == 2'd0;
  wire logic [9:0] n3 = z1 ? {n2[7:0], 2'd0} : n2;
  wire logic       z0 = !n3[9];
  wire logic [8:0] n4 = z0 ? {n3[7:0], 1'b0} : n3[8:0];  // below the leading one

  wire logic subnormal = half_exp == 5'd0;
  // 112 + exponent, or 112 less the leading zeros
  wire logic [7:0] to_add   = subnormal ? ~{4'd0, z3, z2, z1, z0} : {3'd0, half_exp};
  wire logic [7:0] from_exp = 8'd112 + to_add + 8'(subnormal);
  wire logic [9:0] from_frac = subnormal ? {n4, 1'b0} : half_frac;

  logic [31:0] from_half;
  always_comb begin
    from_half = {half_sign, from_exp, from_frac, 13'd0};
    if (subnormal && half_frac == 10'd0) from_half = {half_sign, 31'd0};
    if (half_exp == 5'd31) begin
      from_half = half_frac == 10'd0 ? {half_sign, 8'hff, 23'd0} : 32'h7fc0_0000;
    end
  end

  // ---- BF16: subnormals become zeros ----
  logic [31:0] from_bfloat;
  always_comb begin
    from_bfloat = {element_i[15:0], 16'd0};
    if (element_i[14:7] == 8'd0) from_bfloat = {element_i[15], 31'd0};
    if (element_i[14:7] == 8'hff && element_i[6:0] != 7'd0) from_bfloat = 32'h7fc0_0000;
  end

  always_comb begin
    case (format_i)
      2'd0:    y_o = element_i;
      2'd1:    y_o = from_bfloat;
      2'd2:    y_o = element_i[7:0] == 8'hff ? 32'h7fc0_0000 : {1'b0, element_i[7:0], 23'd0};
      default: y_o = from_half;
    endcase
  end

endmodule

`default_nettype wire
