// LOAD and UCODE: beats from memory, one element per cycle to the vector
// memory or the control store.
//
// Commands: valid/ready; one at a time. FAULT_ALIGN: the address is not a
// multiple of the beat; FAULT_RANGE: a beat with a byte at or beyond
// mem_size_i; either before any beat is requested. busy_o: from the cycle
// after the command until its last element is written, or after a fault until
// reset. count 0: no effect, no check.
// Read client: as in mx_read. The bursts are short, so that a small FIFO
// overlaps the memory with the unpacking.
// Writes: mw_valid/ready, or uc_we_o which is always taken; both share address
// and data. Latency: 1 cycle to the first request, 3 from the first beat to
// its first write. Throughput: 1 element per cycle. Reset: idle.
`include "check.svh"
`default_nettype none

module mx_move_load #(
  parameter int unsigned BusBits    = 128,
  parameter int unsigned BurstBeats = 16
) (
  input  wire logic               clk_i,
  input  wire logic               rst_ni,
  output      logic               busy_o,
  output      logic [3:0]         fault_o,
  input  wire logic [31:0]        mem_size_i,

  input  wire logic               cmd_valid_i,
  output      logic               cmd_ready_o,
  input  wire logic               cmd_ucode_i,   // UCODE, else LOAD
  input  wire logic [31:0]        cmd_addr_i,
  input  wire logic [15:0]        cmd_count_i,   // elements
  input  wire logic [15:0]        cmd_at_i,
  input  wire logic [1:0]         cmd_format_i,  // of LOAD

  output      logic               req_valid_o,
  input  wire logic               req_ready_i,
  output      logic [31:0]        req_addr_o,
  output      logic [7:0]         req_len_o,
  input  wire logic               r_valid_i,
  input  wire logic [BusBits-1:0] r_data_i,

  output      logic               mw_valid_o,
  input  wire logic               mw_ready_i,
  output      logic               uc_we_o,
  output      logic [15:0]        write_addr_o,
  output      logic [31:0]        write_data_o
);

  localparam int unsigned ByteBits  = $clog2(BusBits / 8);
  localparam int unsigned LoadBurst = BurstBeats < 8 ? BurstBeats : 8;

  // ---- command ----
  logic                ucode_q;
  logic [1:0]          format_q, log_size_q;  // log_size: bytes of an element
  logic [15:0]         left_q;                // elements not yet taken
  logic                some_q;                // there are some
  logic [ByteBits-1:0] offset_q;              // of the next element in its beat
  logic                write_q;               // an element waits to be written
  logic [15:0]         addr_q;
  logic [31:0]         data_q;                // as it is in memory

  wire logic        cmd_fire   = cmd_valid_i && cmd_ready_o;
  wire logic        cmd_some   = cmd_count_i != 16'd0;
  wire logic        misaligned = cmd_addr_i[ByteBits-1:0] != '0;
  wire logic [1:0]  format     = cmd_ucode_i ? 2'd0 : cmd_format_i;
  wire logic [1:0]  log_size   = format == 2'd0 ? 2'd2 : format == 2'd2 ? 2'd0 : 2'd1;
  wire logic [17:0] bytes      = 18'(cmd_count_i) << log_size;
  wire logic [18:0] rounded    = 19'(bytes) + 19'(BusBits / 8 - 1);

  assign busy_o      = some_q || write_q;
  assign cmd_ready_o = !busy_o;

  // ---- memory ----
  logic               s_valid, s_ready, run_ready, run_idle, range_bad;
  logic [BusBits-1:0] s_data;

  mx_stream_run #(
    .BusBits(BusBits), .BurstBeats(LoadBurst), .FifoBeats(2 * LoadBurst), .CountBits(19 - ByteBits)
  ) u_run (
    .clk_i, .rst_ni, .idle_o(run_idle), .range_bad_o(range_bad), .mem_size_i,
    .start_valid_i(cmd_fire && cmd_some && !misaligned), .start_ready_o(run_ready),
    .start_addr_i(cmd_addr_i[31:ByteBits]), .start_beats_i(rounded[18:ByteBits]),
    .req_valid_o, .req_ready_i, .req_addr_o, .req_len_o, .r_valid_i, .r_data_i,
    .s_valid_o(s_valid), .s_ready_i(s_ready), .s_data_o(s_data)
  );

  // ---- faults: the element count stays, so the unit stays busy ----
  logic align_bad_q, told_q;
  wire logic tell = (range_bad || align_bad_q) && !told_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      align_bad_q <= 1'b0;
      told_q      <= 1'b0;
    end else begin
      if (cmd_fire) align_bad_q <= cmd_some && misaligned;
      told_q <= told_q || tell;
    end
  end
  assign fault_o = !tell ? mx_pkg::FAULT_NONE : range_bad ? mx_pkg::FAULT_RANGE : mx_pkg::FAULT_ALIGN;

  // ---- elements ----
  wire logic write_fire = write_q && (ucode_q || mw_ready_i);
  wire logic take       = s_valid && (!write_q || write_fire);
  wire logic [ByteBits:0]   next_offset = {1'b0, offset_q} + ((ByteBits + 1)'(1) << log_size_q);
  wire logic [ByteBits-1:0] word_offset = (offset_q >> 2) << 2;
  wire logic [31:0] word = s_data[{word_offset, 3'd0} +: 32];
  wire logic [15:0] half = log_size_q != 2'd2 && offset_q[1] ? word[31:16] : word[15:0];
  wire logic [7:0]  low  = log_size_q == 2'd0 && offset_q[0] ? half[15:8] : half[7:0];

  assign s_ready = take && (next_offset[ByteBits] || left_q == 16'd1);

  mx_move_float u_float (.format_i(format_q), .element_i(data_q), .y_o(write_data_o));

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      left_q  <= 16'd0;
      some_q  <= 1'b0;
      write_q <= 1'b0;
    end else begin
      write_q <= take || (write_q && !write_fire);
      if (cmd_fire) left_q <= cmd_count_i;
      else if (take) left_q <= left_q - 1'b1;
      if (cmd_fire) some_q <= cmd_some;
      else if (take) some_q <= left_q != 16'd1;
    end
  end
  always_ff @(posedge clk_i) begin
    if (cmd_fire) begin
      ucode_q    <= cmd_ucode_i;
      format_q   <= format;
      log_size_q <= log_size;
      offset_q   <= '0;
      addr_q     <= cmd_at_i;
    end else begin
      if (take) offset_q <= next_offset[ByteBits-1:0];
      if (write_fire) addr_q <= addr_q + 1'b1;
    end
  end
  always_ff @(posedge clk_i) if (take) data_q <= {word[31:16], half[15:8], low};

  assign mw_valid_o   = write_q && !ucode_q;
  assign uc_we_o      = write_q && ucode_q;
  assign write_addr_o = addr_q;

  wire logic unused = &{1'b0, run_ready, run_idle, rounded[ByteBits-1:0]};

  `RESET_FIRST
  `CHECK(run_accepted, !cmd_fire || run_ready)
  `CHECK(idle_is_empty, busy_o || run_idle)

endmodule

`default_nettype wire
