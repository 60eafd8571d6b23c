// The netlist of boards/BOARD/top.sv as its board connects it, seen at the pads. A
// test is the crystal, the button, the adapter and the flash chip; clk_i is the clock
// behind the PLL. The chip drives what flash_oe_i says; flash_driven_o is what it or
// the FPGA drives.
`default_nettype none

module ice40_board #(
  parameter int unsigned Lines = 4  // of the flash
) (
  input  wire logic        clk_i,
  input  wire logic        rst_ni,  // the button, where there is one
  input  wire logic        rx_i,
  output wire logic        tx_o,
  output wire logic        busy_o,     // the green LED
  output wire logic        missing_o,  // the red LED
  output wire logic [31:0] clock_hz_o,
  output wire logic        cs_no,
  output wire logic        sck_o,
  output wire logic [3:0]  flash_o,
  output wire logic [3:0]  flash_driven_o,
  input  wire logic [3:0]  flash_i,
  input  wire logic [3:0]  flash_oe_i
);

  // Ports of any board, by their names in top.sv.
  wire logic clk12_i = clk_i, button_ni = rst_ni;
  wire logic led_red_no, led_green_no, flash_cs_no, flash_sck_o;
  tri  logic [Lines-1:0] flash_io;
  top u_top (.*);
  assign {missing_o, busy_o, cs_no, sck_o} = {~led_red_no, ~led_green_no, flash_cs_no, flash_sck_o};
  assign clock_hz_o = u_top.u_pll.hz;

  for (genvar i = 0; i < 4; i++) begin : g_pad
    if (i < Lines) begin : g_connected
      assign flash_io[i] = flash_oe_i[i] ? flash_i[i] : 1'bz;
      assign flash_o[i] = flash_io[i];
      assign flash_driven_o[i] = flash_io[i] !== 1'bz;
    end else begin : g_none
      assign {flash_o[i], flash_driven_o[i]} = 2'b00;
    end
  end

endmodule

`default_nettype wire
