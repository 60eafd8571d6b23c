// Integer dot products of MATMUL, one weight per cycle: walks the weight stream
// (golden/stream.h) of rows of 16, for one token.
//
// run_i is set while a MATMUL runs, with steady cmd_*; done_o: all lines were
// taken. A line is the dot product of one row and block: line_valid_o with sum_o,
// row_o, first_o and last_o (of the row's blocks), scale_o and x_exp_o; line_take_i
// lets the next begin. Lines come in the order of the stream, of planar pairs
// the even first.
// XMEM: words of two elements; x_en_o, x_addr_o, the data in the next cycle; the
// scale of a block is read all the time.
// A beat takes 8 cycles, a line three more than its weights. Counters as in
// mx_dot_ctrl. Reset: run_i low for a cycle.
`default_nettype none

module mx_serial_mac (
  input  wire logic        clk_i,
  input  wire logic        run_i,

  input  wire logic [1:0]  cmd_bits_i,
  input  wire logic [1:0]  cmd_scale_i,
  input  wire logic        cmd_planar_i,
  input  wire logic [1:0]  cmd_block_i,
  input  wire logic [15:0] cmd_x_i,
  input  wire logic [15:0] cmd_groups_i,
  input  wire logic [15:0] cmd_blocks_i,

  input  wire logic        s_valid_i,
  output      logic        s_ready_o,
  input  wire logic [31:0] s_data_i,

  output      logic        x_en_o,
  output      logic [15:0] x_addr_o,
  input  wire logic [15:0] x_data_i,
  output      logic [15:0] e_addr_o,
  input  wire logic [7:0]  e_data_i,

  output      logic        line_valid_o,
  input  wire logic        line_take_i,
  output      logic [23:0] sum_o,
  output      logic [3:0]  row_o,
  output      logic        first_o,
  output      logic        last_o,
  output      logic [15:0] scale_o,
  output      logic [7:0]  x_exp_o,
  output      logic        done_o,

  output      logic        took_o,
  output      logic        starved_o,
  output      logic        blocked_o
);

  wire logic four   = cmd_bits_i == 2'd0;
  wire logic six    = cmd_bits_i == 2'd1;
  wire logic planar = four && cmd_planar_i;

  // ---- places ----
  logic        scales_q;  // in the section of scales
  logic        ends_q;    // a line's codes are all taken
  logic        second_q;  // the odd line of a planar pair
  logic        done_q;
  logic [2:0]  nibble_q;
  logic [1:0]  part_q;    // of a code: nibbles taken; 6 bits: of two codes
  logic [6:0]  elem_q;    // of the line, or byte of the scales
  logic [3:0]  row_q;
  logic [6:0]  x_q;       // of the block's elements, / 16
  logic [15:0] block_q, group_q;  // from 1
  wire logic some = cmd_blocks_i != 16'd0 && cmd_groups_i != 16'd0;
  assign done_o  = !some || done_q;
  assign first_o = block_q == 16'd1;
  assign last_o  = block_q == cmd_blocks_i;
  assign row_o   = row_q;

  // ---- this cycle's nibble ----
  wire logic wants   = run_i && !done_o && !ends_q;
  wire logic step    = wants && s_valid_i;
  wire logic [3:0] nibble = s_data_i[{nibble_q, 2'd0} +: 4];
  wire logic beat_end = nibble_q == 3'd7;
  assign s_ready_o = wants && beat_end;
  assign took_o    = step && beat_end;
  assign starved_o = wants && !s_valid_i;
  assign blocked_o = line_valid_o && !line_take_i;

  logic [3:0] low_q;  // the nibble before
  always_ff @(posedge clk_i) if (step) low_q <= nibble;
  logic [7:0] code;
  always_comb
    if (four)           code = {{4{nibble[3]}}, nibble};
    else if (!six)      code = {nibble, low_q};
    else if (part_q[1]) code = {{2{nibble[3]}}, nibble, low_q[3:2]};
    else                code = {{2{nibble[1]}}, nibble[1:0], low_q};
  wire logic whole    = scales_q ? part_q[0] : four || part_q != 2'd0;  // a code, or a byte, is complete
  wire logic next     = step && whole && !(planar && !scales_q && !part_q[0]);
  wire logic [6:0] last_elem = scales_q ? {2'd0, cmd_scale_i[1], 4'hF} :
                               {cmd_block_i == 2'd3, cmd_block_i[1], cmd_block_i != 2'd0, 4'hF};
  wire logic end_elem = elem_q == last_elem;

  always_ff @(posedge clk_i) begin
    if (!run_i)    nibble_q <= '0;
    else if (step) nibble_q <= nibble_q + 1'b1;
    if (!run_i)    part_q <= '0;
    else if (step) part_q <= (!scales_q && six ? part_q[1] : part_q[0]) ? 2'd0 : part_q + 1'b1;
    if (!run_i)    elem_q <= '0;
    else if (next) elem_q <= end_elem ? '0 : elem_q + 1'b1;
  end

  // ---- products ----
  logic [7:0] weight_q;
  logic [1:0] en_q;  // even and odd sum
  logic       odd_q;
  always_ff @(posedge clk_i) begin
    if (step) weight_q <= code;
    en_q  <= {2{step && whole && !scales_q}} & (planar && part_q[0] ? 2'b10 : 2'b01);
    odd_q <= elem_q[0];
  end
  wire logic [7:0] x = odd_q ? x_data_i[15:8] : x_data_i[7:0];
  wire logic clear   = !run_i || (line_take_i && (second_q || !planar));
  logic [31:0] even, odd;
  mx_mac16 u_even (.clk_i, .en_i(en_q[0] || clear), .clear_i(clear), .a_i({{8{weight_q[7]}}, weight_q}), .b_i({{8{x[7]}}, x}),
                   .y_o(even));
  mx_mac16 u_odd  (.clk_i, .en_i(en_q[1] || clear), .clear_i(clear), .a_i({{8{weight_q[7]}}, weight_q}), .b_i({{8{x[7]}}, x}),
                   .y_o(odd));
  assign sum_o    = second_q ? odd[23:0] : even[23:0];
  assign x_en_o   = run_i;
  assign x_addr_o = {6'd0, x_q + {4'd0, elem_q[6:4]}, elem_q[3:1]};
  assign e_addr_o = {9'd0, x_q};
  assign x_exp_o  = e_data_i;

  // ---- lines, units, groups ----
  wire logic code_end = next && end_elem && !scales_q;
  wire logic line_end = line_take_i && (second_q || !planar);
  wire logic unit_end = line_take_i && row_q == 4'd15;
  wire logic group_end = unit_end && last_o;
  assign line_valid_o = ends_q && en_q == 2'b00;
  always_ff @(posedge clk_i) begin
    if (!run_i)                                          done_q <= 1'b0;
    else if (group_end && group_q == cmd_groups_i) done_q <= 1'b1;
    if (!run_i || line_end) ends_q <= 1'b0;
    else if (code_end)      ends_q <= 1'b1;
    if (!run_i)           second_q <= 1'b0;
    else if (line_take_i) second_q <= planar && !second_q;
    if (!run_i || unit_end)                  scales_q <= cmd_scale_i != 2'd0;
    else if (next && end_elem)               scales_q <= 1'b0;
    if (!run_i)           row_q <= '0;
    else if (line_take_i) row_q <= row_q + 1'b1;
    if (!run_i || group_end) block_q <= 16'd1;
    else if (unit_end)       block_q <= block_q + 1'b1;
    if (!run_i)         group_q <= 16'd1;
    else if (group_end) group_q <= group_q + 1'b1;
    if (!run_i || group_end) x_q <= cmd_x_i[10:4];
    else if (unit_end)       x_q <= x_q + (7'd1 << cmd_block_i);
  end

  // ---- scales of the unit, by row ----
  (* no_rw_check *) logic [15:0] scale_mem [16];
  wire logic wide = cmd_scale_i[1];
  wire logic [1:0] scale_we = {wide && elem_q[0], !(wide && elem_q[0])} & {2{step && scales_q && part_q[0]}};
  wire logic [3:0] scale_at = wide ? elem_q[4:1] : elem_q[3:0];
  wire logic [7:0] scale_in = {nibble, low_q};
  always_ff @(posedge clk_i) begin
    if (scale_we[0]) scale_mem[scale_at][7:0]  <= scale_in;
    if (scale_we[1]) scale_mem[scale_at][15:8] <= scale_in;
  end
  always_ff @(posedge clk_i) scale_o <= scale_mem[row_q];

  wire logic unused = ^{cmd_x_i, even[31:24], odd[31:24]};

endmodule

`default_nettype wire
