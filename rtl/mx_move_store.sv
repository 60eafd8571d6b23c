// STORE, PUTROW, PUTCOL, PUTEXP: words of the vector memory, or codes and
// scales of the activation memory, to memory.
//
// A command is a walk of steps. A step reads one word of a source memory and
// adds some bytes to the beat being built; the step that completes the beat
// hands it to mx_write. Bytes of a command are written in ascending order:
//   STORE   a 32-bit word per step
//   PUTROW  per block the scale's byte, alone; then a byte of codes per step,
//           gathered while they fall into one beat
//   PUTCOL  a byte per step and beat: one row, or two planar rows with 4 bits
//   PUTEXP  a byte
//
// Commands: valid/ready; one at a time. busy_o: from the cycle after the command
// until the last beat is handed over. Nothing to write: no effect, no check.
// FAULT_ALIGN: an address or stride is not a multiple of the beat; nothing is
// done. FAULT_RANGE: a beat with a byte at or beyond mem_size_i; it is not
// written, the beats before it are. After a fault nothing is accepted until
// reset.
// Sources: valid/ready, data in the cycle after the transfer. With HoldWord the
// last XMEM word is kept, and codes in it are not read again: the dot array, which
// comes first, leaves few cycles to others.
// Latency: 3 cycles from the command to the first beat. Throughput: a step
// per cycle and a cycle more per beat. Reset: idle.
`include "check.svh"
`default_nettype none

module mx_move_store #(
  parameter int unsigned BusBits = 128,
  parameter int unsigned Rows    = 1,
  parameter int unsigned Group   = 16,
  parameter int unsigned Lanes   = 32,  // elements of an XMEM word
  parameter int unsigned HoldWord = Lanes > 8 ? 1 : 0
) (
  input  wire logic                 clk_i,
  input  wire logic                 rst_ni,
  output      logic                 busy_o,
  output      logic [3:0]           fault_o,
  input  wire logic [31:0]          mem_size_i,

  input  wire logic                 cmd_valid_i,
  output      logic                 cmd_ready_o,
  input  wire logic [4:0]           cmd_op_i,
  input  wire logic [31:0]          cmd_addr_i,
  input  wire logic [15:0]          cmd_count_i,   // STORE: words; PUTCOL: rows, even with 4 bits
  input  wire logic [15:0]          cmd_blocks_i,  // PUTROW
  input  wire logic [15:0]          cmd_at_i,      // VMEM word or XMEM element
  input  wire logic [1:0]           cmd_bits_i,    // 0: 4 bits, else 8
  input  wire logic [1:0]           cmd_block_i,
  input  wire logic [3:0]           cmd_bank_i,
  input  wire logic [31:0]          cmd_row_i,
  input  wire logic [31:0]          cmd_stride_i,  // PUTCOL

  output      logic                 mr_valid_o,
  input  wire logic                 mr_ready_i,
  output      logic [15:0]          mr_addr_o,
  input  wire logic [31:0]          mr_data_i,
  output      logic                 pr_valid_o,
  input  wire logic                 pr_ready_i,
  output      logic [3:0]           pr_bank_o,
  output      logic [15:0]          pr_addr_o,
  input  wire logic [8*Lanes-1:0]   pr_data_i,
  input  wire logic [7:0]           pr_exp_i,

  output      logic                 w_valid_o,
  input  wire logic                 w_ready_i,
  output      logic [31:0]          w_addr_o,
  output      logic [BusBits/8-1:0] w_strb_o,
  output      logic [BusBits-1:0]   w_data_o
);

  localparam int unsigned Bytes     = BusBits / 8;
  localparam int unsigned ByteBits  = $clog2(Bytes);
  localparam int unsigned HighBits  = 32 - ByteBits;
  localparam int unsigned GroupBits = $clog2(Group);
  localparam int unsigned Scales    = Group / Bytes;  // beats of a unit's scales
  localparam int unsigned Slice     = Bytes / Rows;   // bytes of a slice in a beat
  localparam int unsigned LaneBits  = $clog2(Lanes);

  // ---- command ----
  wire logic is_store = cmd_op_i == mx_pkg::OP_STORE;
  wire logic is_row   = cmd_op_i == mx_pkg::OP_PUTROW;
  wire logic is_col   = cmd_op_i == mx_pkg::OP_PUTCOL;
  wire logic is_exp   = cmd_op_i == mx_pkg::OP_PUTEXP;
  wire logic nibbles  = cmd_bits_i == 2'd0;
  wire logic [2:0]  log_line = 3'd4 + {1'b0, cmd_block_i} - 3'(is_row && nibbles);
  wire logic [15:0] count    = is_row ? cmd_blocks_i : cmd_count_i;
  wire logic        some     = is_exp || count != 16'd0;
  wire logic [9:0]  unit     = 10'(Scales) + (10'(Scales) << log_line);  // beats
  wire logic misaligned = (!is_exp && cmd_addr_i[ByteBits-1:0] != '0) ||
                          (is_col && cmd_stride_i[ByteBits-1:0] != '0);

  logic                 store_q, row_q, col_q, nibbles_q;
  logic [3:0]           bank_q;
  logic [2:0]           log_line_q;
  logic [HighBits-1:0]  stride_q;  // beats from unit to unit; STORE: 1
  logic [HighBits-1:0]  base_q;    // beat of the unit
  logic [15:0]          at_q;      // next word or element
  logic [15:0]          count_q;   // words, blocks or rows to go
  logic [GroupBits-1:0] line_q;    // of the group
  logic [6:0]           byte_q;    // of the line; STORE and PUTEXP: of the beat
  logic                 scale_q;   // PUTROW: the next step is the scale
  logic                 active_q, halted_q;
  logic [3:0]           fault_q;

  wire logic cmd_fire = cmd_valid_i && cmd_ready_o;
  assign cmd_ready_o = !busy_o && !halted_q;

  // ---- step: which bytes of which beat ----
  logic [GroupBits+6:0] code_beat;
  logic [ByteBits-1:0]  code_lane;
  mx_move_place #(.BusBits(BusBits), .Rows(Rows), .Group(Group)) u_place (
    .line_i(line_q), .log_line_i(log_line_q), .byte_i(byte_q), .beat_o(code_beat), .lane_o(code_lane)
  );

  wire logic single    = !(store_q || row_q || col_q);  // PUTEXP
  wire logic exp_step  = scale_q || single;
  wire logic code_step = (row_q && !scale_q) || col_q;
  wire logic row_codes = row_q && !scale_q;
  wire logic [ByteBits-1:0] span = store_q ? ByteBits'(3) : '0;  // bytes of the step - 1
  wire logic [ByteBits-1:0] lane = code_step ? code_lane :
                                   scale_q ? ByteBits'(line_q) : byte_q[ByteBits-1:0];
  wire logic [ByteBits-1:0] top  = lane | span;  // last byte of the step
  wire logic [HighBits-1:0] skip = scale_q ? HighBits'(line_q) >> ByteBits :
                                   (code_step ? HighBits'(code_beat) : '0) +
                                   (row_codes ? HighBits'(Scales) : '0);

  wire logic by_two     = col_q && nibbles_q;  // rows of a step
  wire logic last_item  = single || count_q == (by_two ? 16'd2 : 16'd1);
  wire logic line_ends  = byte_q == ~(7'h7f << log_line_q);
  wire logic beat_ends  = row_codes ? line_ends || (lane & ByteBits'(Slice - 1)) == ByteBits'(Slice - 1) :
                          store_q ? top == '1 || last_item : 1'b1;
  wire logic group_ends = line_q == (nibbles_q ? GroupBits'(Group / 2 - 1) : GroupBits'(Group - 1));
  wire logic item_ends  = row_q ? row_codes && line_ends : 1'b1;
  wire logic unit_ends  = store_q ? beat_ends : col_q ? group_ends : item_ends;

  // The data come a cycle after the step; then the beat must be free.
  logic arrive_q, complete_q, valid_q;
  logic in_range;
  wire logic w_fire = w_valid_o && w_ready_i;
  wire logic safe   = !(arrive_q && complete_q) && !(valid_q && !w_fire);
  wire logic held;  // the step's code is in the word kept
  wire logic reads  = pr_valid_o && pr_ready_i;
  wire logic step   = (mr_valid_o && mr_ready_i) || reads || (active_q && safe && held);

  assign mr_valid_o = active_q && safe && store_q;
  assign pr_valid_o = active_q && safe && !store_q && !held;
  assign mr_addr_o  = at_q;
  assign pr_addr_o  = at_q;
  assign pr_bank_o  = bank_q;

  // ---- walk ----
  wire logic [15:0] advance = scale_q ? 16'd0 : code_step && nibbles_q ? 16'd2 : 16'd1;

  always_ff @(posedge clk_i) begin
    if (!rst_ni)                                  active_q <= 1'b0;
    else if (cmd_fire)                            active_q <= some && !misaligned;
    else if (step && item_ends && last_item)      active_q <= 1'b0;
  end
  always_ff @(posedge clk_i) begin
    if (cmd_fire) begin
      store_q    <= is_store;
      row_q      <= is_row;
      col_q      <= is_col;
      nibbles_q  <= nibbles;
      bank_q     <= cmd_bank_i;
      log_line_q <= log_line;
      stride_q   <= is_col ? cmd_stride_i[31:ByteBits] : is_row ? HighBits'(unit) : HighBits'(1);
      base_q     <= cmd_addr_i[31:ByteBits];
      at_q       <= cmd_at_i;
      count_q    <= count;
      line_q     <= is_row ? cmd_row_i[GroupBits-1:0] : '0;
      byte_q     <= is_col ? cmd_row_i[6:0] & ~(7'h7f << log_line) :
                    is_exp ? 7'(cmd_addr_i[ByteBits-1:0]) : 7'd0;
      scale_q    <= is_row;
    end else if (step) begin
      at_q <= at_q + advance;
      if (item_ends) count_q <= count_q - (by_two ? 16'd2 : 16'd1);
      if (unit_ends) base_q <= base_q + stride_q;
      if (col_q) line_q <= group_ends ? '0 : line_q + 1'b1;
      if (row_q) scale_q <= item_ends;
      if (row_codes) byte_q <= line_ends ? 7'd0 : byte_q + 1'b1;
      if (store_q) byte_q <= 7'(ByteBits'(byte_q + 7'd4));
    end
  end

  // ---- the word kept ----
  wire logic [8*Lanes-1:0] word;
  if (HoldWord != 0) begin : g_hold
    logic                 kept_q, fresh_q;  // a word was read in this command; in the last cycle
    logic [15:LaneBits]   kept_at_q;
    logic [8*Lanes-1:0]   word_q;
    always_ff @(posedge clk_i) begin
      fresh_q <= reads;
      if (!rst_ni || cmd_fire) kept_q <= 1'b0;
      else if (reads)          kept_q <= 1'b1;
      if (reads)   kept_at_q <= at_q[15:LaneBits];
      if (fresh_q) word_q    <= pr_data_i;
    end
    assign held = kept_q && code_step && at_q[15:LaneBits] == kept_at_q;
    assign word = fresh_q ? pr_data_i : word_q;
  end else begin : g_no_hold
    assign held = 1'b0;
    assign word = pr_data_i;
  end

  // ---- the word read, laid out over the beat; its bytes repeat ----
  logic [Bytes-1:0]    bytes_q;  // of the beat that the step brings
  logic [LaneBits-1:0] from_q;   // element in the XMEM word
  logic                exp_q;

  wire logic [LaneBits-1:0] pair_at   = {from_q[LaneBits-1:1], 1'b0};
  wire logic [15:0]         pair      = word[{pair_at, 3'd0} +: 16];
  wire logic [7:0]          code_byte = nibbles_q ? {pair[11:8], pair[3:0]} :
                                        from_q[0] ? pair[15:8] : pair[7:0];
  wire logic [7:0]          one_byte  = exp_q ? pr_exp_i : code_byte;

  logic [BusBits-1:0] source;
  logic [Bytes-1:0]   in_step;
  for (genvar i = 0; i < Bytes; i++) begin : g_lane
    assign source[8*i +: 8] = store_q ? mr_data_i[8*(i % 4) +: 8] : one_byte;
    assign in_step[i] = (ByteBits'(i) | span) == top;
  end

  // ---- the beat ----
  logic [HighBits-1:0] w_addr_q;
  logic [ByteBits-1:0] w_top_q;  // last byte, for the range
  logic [Bytes-1:0]    w_strb_q;
  logic [BusBits-1:0]  w_data_q;

  assign in_range  = {w_addr_q, w_top_q} < mem_size_i;
  assign w_valid_o = valid_q && in_range;
  assign w_addr_o  = {w_addr_q, {ByteBits{1'b0}}};
  assign w_strb_o  = w_strb_q;
  assign w_data_o  = w_data_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      arrive_q <= 1'b0;
      valid_q  <= 1'b0;
      w_strb_q <= '0;
    end else begin
      arrive_q <= step;
      valid_q  <= (arrive_q && complete_q) || (valid_q && !w_fire);
      if (w_fire)        w_strb_q <= '0;
      else if (arrive_q) w_strb_q <= w_strb_q | bytes_q;
    end
  end
  always_ff @(posedge clk_i) begin
    if (step) begin
      complete_q <= beat_ends;
      bytes_q    <= in_step;
      from_q     <= at_q[LaneBits-1:0];
      exp_q      <= exp_step;
      w_addr_q   <= base_q + skip;
      w_top_q    <= top;
    end
  end
  for (genvar i = 0; i < Bytes; i++) begin : g_data
    always_ff @(posedge clk_i) if (arrive_q && bytes_q[i]) w_data_q[8*i +: 8] <= source[8*i +: 8];
  end

  // ---- faults ----
  wire logic align_bad = cmd_fire && some && misaligned;
  wire logic range_bad = valid_q && !in_range && !halted_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      halted_q <= 1'b0;
      fault_q  <= mx_pkg::FAULT_NONE;
    end else begin
      halted_q <= halted_q || align_bad || range_bad;
      fault_q  <= range_bad ? mx_pkg::FAULT_RANGE :
                  align_bad ? mx_pkg::FAULT_ALIGN : mx_pkg::FAULT_NONE;
    end
  end
  assign fault_o = fault_q;
  assign busy_o  = active_q || arrive_q || valid_q;

  wire logic unused = &{1'b0, cmd_row_i[31:7]};

  `RESET_FIRST
  `CHECK(beat_is_free, !arrive_q || !valid_q)
  `CHECK(one_step_kind, !(mr_valid_o && pr_valid_o))
  `CHECK(beat_has_bytes, !w_valid_o || w_strb_q != '0)

endmodule

`default_nettype wire
