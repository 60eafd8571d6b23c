// rtl/mx_mul16.sv as one SB_MAC16. Put in after synth_ice40, which rewrites the
// SB_MAC16 that it finds.
// Parameters not named are 0.
`default_nettype none

module mx_mul16 (
  input  wire        clk_i,
  input  wire [15:0] a_i,
  input  wire [15:0] b_i,
  input  wire [31:0] c_i,
  output wire [31:0] y_o
);

  SB_MAC16 #(
    .TOPOUTPUT_SELECT(2'b01), .TOPADDSUB_LOWERINPUT(2'b10), .TOPADDSUB_UPPERINPUT(1'b1), .TOPADDSUB_CARRYSELECT(2'b11),
    .BOTOUTPUT_SELECT(2'b01), .BOTADDSUB_LOWERINPUT(2'b10), .BOTADDSUB_UPPERINPUT(1'b1)
  ) u_mac (
    .CLK(clk_i), .CE(1'b1), .A(a_i), .B(b_i), .C(c_i[31:16]), .D(c_i[15:0]), .O(y_o),
    .AHOLD(1'b0), .BHOLD(1'b0), .CHOLD(1'b0), .DHOLD(1'b0),
    .IRSTTOP(1'b0), .IRSTBOT(1'b0), .ORSTTOP(1'b0), .ORSTBOT(1'b0),
    .OLOADTOP(1'b0), .OLOADBOT(1'b0), .ADDSUBTOP(1'b0), .ADDSUBBOT(1'b0),
    .OHOLDTOP(1'b0), .OHOLDBOT(1'b0), .CI(1'b0), .ACCUMCI(1'b0), .SIGNEXTIN(1'b0)
  );

endmodule

`default_nettype wire
