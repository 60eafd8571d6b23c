// rtl/mx_mac16.sv as one SB_MAC16: 16 x 16 bits with its accumulator, which
// clear_i loads from C and D. Put in after synth_ice40 (mx_mul16.v).
// Parameters not named are 0.
`default_nettype none

module mx_mac16 (
  input  wire        clk_i,
  input  wire        en_i,
  input  wire        clear_i,
  input  wire [15:0] a_i,
  input  wire [15:0] b_i,
  output wire [31:0] y_o
);

  SB_MAC16 #(
    .A_SIGNED(1'b1), .B_SIGNED(1'b1),
    .TOPOUTPUT_SELECT(2'b01), .TOPADDSUB_LOWERINPUT(2'b10), .TOPADDSUB_CARRYSELECT(2'b11),
    .BOTOUTPUT_SELECT(2'b01), .BOTADDSUB_LOWERINPUT(2'b10)
  ) u_mac (
    .CLK(clk_i), .CE(en_i), .A(a_i), .B(b_i), .C(16'd0), .D(16'd0), .O(y_o),
    .AHOLD(1'b0), .BHOLD(1'b0), .CHOLD(1'b0), .DHOLD(1'b0),
    .IRSTTOP(1'b0), .IRSTBOT(1'b0), .ORSTTOP(1'b0), .ORSTBOT(1'b0),
    .OLOADTOP(clear_i), .OLOADBOT(clear_i), .ADDSUBTOP(1'b0), .ADDSUBBOT(1'b0),
    .OHOLDTOP(1'b0), .OHOLDBOT(1'b0), .CI(1'b0), .ACCUMCI(1'b0), .SIGNEXTIN(1'b0)
  );

endmodule

`default_nettype wire
