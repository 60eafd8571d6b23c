// The move unit of mx_serial: LOAD, UCODE, STORE, PUTROW, PUTCOL and PUTEXP, an
// element at a time, for a bus of 32 bits, rows of 16 and one token.
//
// Commands: as of mx_move; cmd_* stay until busy_o is low again, and nothing else
// uses the on-chip memories meanwhile. Nothing to do: no effect, no check. Memory is
// read beat by beat: a word goes to its place at once, smaller elements wait in a
// scratch word of VMEM (mr_scratch_o, mw_scratch_o) for their turn. LOAD and UCODE
// first walk over all their beats to check the range. mw_format_o, mw_part_o: see
// mx_serial. Of PUT* every byte is a write of its own.
// fault_o: FAULT_ALIGN or FAULT_RANGE for a cycle; then nothing happens until reset.
// Reset: synchronous, to idle.
`default_nettype none

module mx_serial_move (
  input  wire logic        clk_i,
  input  wire logic        rst_ni,
  output      logic        busy_o,
  output      logic [3:0]  fault_o,

  input  wire logic        cmd_valid_i,
  output      logic        cmd_ready_o,
  input  wire logic [4:0]  cmd_op_i,
  input  wire logic [31:0] cmd_addr_i,
  input  wire logic [15:0] cmd_count_i,
  input  wire logic [15:0] cmd_blocks_i,
  input  wire logic [15:0] cmd_at_i,
  input  wire logic [1:0]  cmd_format_i,
  input  wire logic [1:0]  cmd_block_i,
  input  wire logic [31:0] cmd_row_i,
  input  wire logic [31:0] cmd_stride_i,

  output      logic        req_valid_o,  // to mx_serial_bus
  output      logic        req_write_o,
  output      logic        req_probe_o,
  input  wire logic        req_ready_i,
  input  wire logic        req_bad_i,
  output      logic [31:0] req_addr_o,
  output      logic [7:0]  req_len_o,
  input  wire logic        r_valid_i,
  input  wire logic [31:0] r_data_i,
  output      logic [3:0]  w_strb_o,
  output      logic [31:0] w_data_o,

  output      logic        mr_valid_o,
  output      logic        mr_scratch_o,
  output      logic [15:0] mr_addr_o,
  input  wire logic [31:0] mr_data_i,
  output      logic        mw_valid_o,
  output      logic        mw_scratch_o,
  output      logic [1:0]  mw_format_o,
  output      logic [1:0]  mw_part_o,
  input  wire logic        mw_ready_i,
  output      logic [15:0] mw_addr_o,
  output      logic [31:0] mw_data_o,
  output      logic        pr_valid_o,
  output      logic [15:0] pr_addr_o,
  input  wire logic [15:0] pr_data_i,
  input  wire logic [7:0]  pr_exp_i,

  output      logic        uc_we_o,
  output      logic [9:0]  uc_addr_o,
  output      logic [31:0] uc_data_o
);

  typedef enum logic [3:0] {Idle, Begin, Next, Request, Data, Part, Element, Read, Send, Advance, Halt} state_e;
  state_e state_q;

  wire logic is_ucode = cmd_op_i == mx_pkg::OP_UCODE;
  wire logic is_load  = cmd_op_i == mx_pkg::OP_LOAD || is_ucode;
  wire logic is_store = cmd_op_i == mx_pkg::OP_STORE;
  wire logic is_row   = cmd_op_i == mx_pkg::OP_PUTROW;
  wire logic is_col   = cmd_op_i == mx_pkg::OP_PUTCOL;
  wire logic is_exp   = cmd_op_i == mx_pkg::OP_PUTEXP;
  wire logic [1:0] format = cmd_format_i & {2{!is_ucode}};
  wire logic whole    = format == 2'd0;  // elements of LOAD are words
  wire logic nibbles  = !cmd_format_i[1];
  wire logic by_two   = !is_load && !is_store && nibbles;

  // ---- the walk ----
  logic        dry_q;    // only the range is checked
  logic        scale_q;  // PUTROW: the block's scale comes
  logic [15:0] index_q;  // element
  logic [15:0] block_q;  // PUTROW
  logic [31:0] base_q;   // of the beat, or of the unit's lines
  wire logic [15:0] count = is_row ? cmd_blocks_i : cmd_count_i;
  wire logic done      = !is_exp && (is_row ? block_q : index_q) == count;
  wire logic [6:0] in_block = {cmd_block_i == 2'd3, cmd_block_i[1], cmd_block_i != 2'd0, 4'hF};
  wire logic beat_end  = whole || (index_q[0] && (format[0] || index_q[1]));  // of LOAD, the element is its last
  wire logic beat_start = whole || !(index_q[0] || (index_q[1] && !format[0]));
  wire logic block_end = ((index_q[6:0] | {6'd0, by_two}) | ~in_block) == '1;
  wire logic group_end = (index_q[3:0] | {3'd0, by_two}) == 4'hF;
  wire logic [15:0] at = cmd_at_i + index_q;

  // ---- where a byte of PUT* lies ----
  wire logic [3:0] line   = is_row ? cmd_row_i[3:0] : nibbles ? {1'b0, index_q[3:1]} : index_q[3:0];
  wire logic [6:0] column = is_row ? (nibbles ? {1'b0, index_q[6:1]} : index_q[6:0]) : cmd_row_i[6:0];
  wire logic       short  = is_row && nibbles;  // a line is half as long
  wire logic [6:0] line_mask = short ? in_block >> 1 : in_block;
  wire logic [2:0] log_line  = 3'd4 + {1'b0, cmd_block_i} - {2'd0, short};
  wire logic [10:0] lines = {7'd0, line} << log_line;
  wire logic codes = (is_row && !scale_q) || is_col;
  wire logic [10:0] offset = codes ? lines | {4'd0, column & line_mask} : {7'd0, line & {4{is_row}}};
  logic [31:0] place_q;
  always_ff @(posedge clk_i) place_q <= base_q + {21'd0, offset};
  wire logic words  = is_load || is_store;

  logic [31:0] step;
  always_comb
    if (state_q == Begin) step = cmd_addr_i;
    else if (is_col)      step = cmd_stride_i;
    else if (is_row)      step = scale_q ? 32'd16 : 32'd16 << log_line;
    else                  step = 32'd4;
  wire logic moves = state_q == Begin ||
                     (state_q == Advance && (is_store || (is_load && beat_end) || (is_col && group_end) ||
                                             (is_row && (scale_q || block_end))));

  always_ff @(posedge clk_i) begin
    if (state_q == Idle || (state_q == Next && done)) base_q <= '0;
    else if (moves)                                   base_q <= base_q + step;
    if (state_q == Idle || state_q == Begin)          index_q <= '0;
    else if (state_q == Advance && !(is_row && scale_q))
      index_q <= index_q + (by_two ? 16'd2 : 16'd1);
    if (state_q == Idle)                                           block_q <= '0;
    else if (state_q == Advance && !scale_q && block_end)          block_q <= block_q + 1'b1;
    if (state_q == Idle)         scale_q <= is_row;
    else if (state_q == Advance) scale_q <= is_row && !scale_q && block_end;
    if (state_q == Idle)              dry_q <= is_load;
    else if (state_q == Next && done) dry_q <= 1'b0;
  end

  // ---- faults ----
  wire logic some       = is_exp || count != 16'd0;
  wire logic misaligned = (!is_exp && cmd_addr_i[1:0] != 2'd0) || (is_col && cmd_stride_i[1:0] != 2'd0);
  always_comb begin
    fault_o = mx_pkg::FAULT_NONE;
    if (state_q == Begin && some && misaligned) fault_o = mx_pkg::FAULT_ALIGN;
    if (req_bad_i)           fault_o = mx_pkg::FAULT_RANGE;
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) state_q <= Idle;
    else
      case (state_q)
        Idle:    if (cmd_valid_i) state_q <= Begin;
        Begin:   state_q <= !some ? Idle : misaligned ? Halt : Next;
        Next:
          if (done)         state_q <= dry_q ? Begin : Idle;
          else if (is_load) state_q <= dry_q || beat_start ? Request : Part;
          else              state_q <= Read;
        Request: if (req_bad_i) state_q <= Halt; else if (req_ready_i) state_q <= dry_q ? Advance : Data;
        Data:    if (r_valid_i) state_q <= whole ? Advance : Part;
        Part:    state_q <= Element;
        Element: if (mw_ready_i) state_q <= Advance;
        Read:    state_q <= Send;
        Send:
          if (req_bad_i)        state_q <= Halt;
          else if (req_ready_i) state_q <= is_exp ? Idle : Advance;
        Advance: state_q <= Next;
        default: state_q <= Halt;
      endcase
  end
  assign cmd_ready_o = state_q == Idle;
  assign busy_o      = state_q != Idle;

  // ---- memory ----
  assign req_valid_o = state_q == Request || state_q == Send;
  assign req_write_o = state_q == Send;
  assign req_probe_o = dry_q;
  assign req_addr_o  = {place_q[31:2], place_q[1:0] | {2{words}}};
  assign req_len_o   = 8'd0;
  wire logic [7:0] code = nibbles ? {pr_data_i[11:8], pr_data_i[3:0]} : index_q[0] ? pr_data_i[15:8] : pr_data_i[7:0];
  wire logic [7:0] one  = codes ? code : pr_exp_i;
  assign w_data_o  = is_store ? mr_data_i : {4{one}};
  for (genvar i = 0; i < 4; i++) begin : g_strobe
    assign w_strb_o[i] = is_store || place_q[1:0] == 2'(i);
  end

  // ---- on-chip memories ----
  assign mr_valid_o   = (state_q == Read && is_store) || state_q == Part;
  assign mr_scratch_o = state_q == Part;
  assign mr_addr_o    = at;
  assign mw_valid_o   = (state_q == Data && r_valid_i && !is_ucode) || (state_q == Element);
  assign mw_scratch_o = state_q == Data && !whole;
  assign mw_format_o  = state_q == Element ? format : 2'd0;
  assign mw_addr_o    = at;
  assign mw_part_o    = index_q[1:0];
  assign mw_data_o    = r_data_i;
  assign pr_valid_o   = state_q == Read && !is_store;
  assign pr_addr_o    = at;
  assign uc_we_o      = state_q == Data && r_valid_i && is_ucode;
  assign uc_addr_o    = at[9:0];
  assign uc_data_o    = r_data_i;

  wire logic unused = ^cmd_row_i[31:7];

endmodule

`default_nettype wire
