// The weight stream for devices with few logic cells and a bus of 32 bits. The
// contract is that of mx_stream; but the range of a segment is checked request by
// request, so that beats of a segment that passes MEM_SIZE come (req_bad_i, see
// mx_serial_bus).
//
// A command is put word by word from its instruction: the beats of a segment, then
// what stands in place of the address, which cmd_shift_o moves on: address, segments
// (cmd_word_i[15:0]), stride. So the instruction's words follow each other there.
// Commands wait in a RAM, four words each: beats of a segment, segment's address,
// segments to go, stride. The one at the head is worked on in place:
//   Load1, Load2  the address and the beats of a segment go to registers
//   Run           requests: a window of BurstBeats beats, or a beat
//   Next1, Next2  the address is advanced
//   Count         and the segments counted
// Latency: 5 cycles from a command to its first request; 7 between segments.
// Throughput: a request every two cycles. Reset: empty.
`include "check.svh"
`default_nettype none

module mx_serial_stream #(
  parameter int unsigned BurstBeats      = 8,
  parameter int unsigned StreamFifoBeats = 32,
  parameter int unsigned StreamQueue     = 4
) (
  input  wire logic        clk_i,
  input  wire logic        rst_ni,
  output      logic        empty_o,
  output      logic [3:0]  fault_o,

  input  wire logic        cmd_valid_i,
  output      logic        cmd_ready_o,
  input  wire logic [31:0] cmd_word_i,      // the address; shifted by a word, the segments; by two, the stride
  input  wire logic [15:0] cmd_segments_i,  // before the first shift
  input  wire logic [31:0] cmd_seg_beats_i, // before the first shift
  output      logic        cmd_shift_o,

  output      logic        req_valid_o,
  input  wire logic        req_ready_i,
  input  wire logic        req_bad_i,
  output      logic [31:0] req_addr_o,
  output      logic [7:0]  req_len_o,
  input  wire logic        r_valid_i,
  input  wire logic [31:0] r_data_i,

  output      logic        s_valid_o,
  input  wire logic        s_ready_i,
  output      logic [31:0] s_data_o
);

  localparam int unsigned QueueBits = $clog2(StreamQueue);
  localparam int unsigned BurstBits = $clog2(BurstBeats);
  localparam int unsigned FreeBits  = $clog2(StreamFifoBeats);

  typedef enum logic [2:0] {Idle, Load1, Load2, Run, Next1, Next2, Count, Bad} state_e;
  state_e state_q;

  // ---- queue: written a word per cycle while the work on the head rests ----
  logic [QueueBits:0]   put_q, get_q;   // commands ever
  logic [1:0]           word_q;         // of the command that comes
  (* no_rw_check *) logic [31:0] queue [4 * StreamQueue];
  logic [31:0] head;                    // the word read last
  wire logic some    = cmd_segments_i != 16'd0 && cmd_seg_beats_i != 32'd0;
  wire logic full    = put_q[QueueBits] != get_q[QueueBits] && put_q[QueueBits-1:0] == get_q[QueueBits-1:0];
  wire logic waiting = put_q != get_q;
  wire logic works   = state_q == Next2 || state_q == Count;  // writes the head
  wire logic first   = word_q == 2'd0;
  wire logic put     = cmd_valid_i && (some || !first) && !full && !works;
  assign cmd_ready_o = (!some && first) || (put && word_q == 2'd3);
  assign cmd_shift_o = put && !first;

  localparam logic [1:0] Beats = 2'd0, Address = 2'd1, Segments = 2'd2, Stride = 2'd3;
  logic [31:0] addr_q, left_q;
  wire logic [31:0] put_word = first ? cmd_seg_beats_i : cmd_word_i;  // of Segments 16 bits count
  logic [1:0] read_word;
  always_comb
    case (state_q)
      Load1:      read_word = Beats;
      Load2, Run: read_word = Stride;
      Next1:      read_word = Address;
      Next2:      read_word = Segments;
      default:    read_word = Address;
    endcase
  // Next1: the stride is read, and goes to left_q; Next2: the address; Count: left_q is -1.
  wire logic [31:0] sum = head + left_q;
  always_ff @(posedge clk_i) begin
    if (put || works)
      queue[works ? {get_q[QueueBits-1:0], state_q == Count ? Segments : Address} : {put_q[QueueBits-1:0], word_q}] <= works ? sum : put_word;
    head <= queue[{get_q[QueueBits-1:0], read_word}];
  end
  wire logic last_segment = head[15:0] == 16'd1;

  // ---- requests ----
  logic [FreeBits:0] free_q, held;  // beats of the FIFO neither held nor promised
  logic fifo_ready;
  wire logic fire     = req_valid_o && req_ready_i;
  logic burst, none, settled_q;  // of the cycle before; addr_q and left_q are as then
  always_ff @(posedge clk_i) begin
    burst     <= addr_q[2 +: BurstBits] == '0 && left_q[31:BurstBits] != '0;
    none      <= left_q == '0;
    settled_q <= state_q == Run && !fire;
  end
  wire logic room     = (free_q >> BurstBits) != '0;
  wire logic s_fire   = s_valid_o && s_ready_i;
  assign req_valid_o  = state_q == Run && settled_q && !none && room && !align_bad;
  assign req_addr_o   = {addr_q[31:2], 2'b00};
  assign req_len_o    = burst ? 8'(BurstBeats - 1) : 8'd0;
  wire logic [FreeBits:0] less = burst ? (FreeBits + 1)'(BurstBeats) : (FreeBits + 1)'(1);

  always_ff @(posedge clk_i) begin
    if (state_q == Load1) addr_q <= head;
    else if (fire)        addr_q <= addr_q + (burst ? 32'(4 * BurstBeats) : 32'd4);
    if (state_q == Next2)                          left_q <= '1;
    else if (state_q == Load2 || state_q == Next1) left_q <= head;
    else if (fire)        left_q <= left_q - (burst ? 32'(BurstBeats) : 32'd1);
    if (!rst_ni) free_q <= (FreeBits + 1)'(StreamFifoBeats);
    else         free_q <= free_q - (fire ? less : '0) + (FreeBits + 1)'(s_fire);
  end

  // ---- order ----
  wire logic align_bad = state_q == Run && (addr_q[1:0] != 2'd0 || head[1:0] != 2'd0);  // head: the stride
  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      state_q <= Idle;
      put_q   <= '0;
      get_q   <= '0;
      word_q  <= '0;
    end else begin
      if (put) word_q <= word_q + 1'b1;
      if (put && word_q == 2'd3) put_q <= put_q + 1'b1;
      case (state_q)
        Idle:    if (waiting) state_q <= Load1;
        Load1:   state_q <= Load2;
        Load2:   state_q <= Run;
        Run:     if (align_bad || req_bad_i) state_q <= Bad; else if (settled_q && none) state_q <= Next1;
        Next1:   state_q <= Next2;
        Next2:   state_q <= Count;
        Count: begin
          state_q <= Idle;
          if (last_segment) get_q <= get_q + 1'b1;
        end
        default: ;
      endcase
    end
  end
  assign fault_o = align_bad ? mx_pkg::FAULT_ALIGN : req_bad_i ? mx_pkg::FAULT_RANGE : mx_pkg::FAULT_NONE;

  mx_fifo #(.Width(32), .Depth(StreamFifoBeats)) u_data (
    .clk_i, .rst_ni,
    .in_valid_i(r_valid_i), .in_ready_o(fifo_ready), .in_data_i(r_data_i),
    .out_valid_o(s_valid_o), .out_ready_i(s_ready_i), .out_data_o(s_data_o),
    .count_o(held)
  );
  assign empty_o = !waiting && word_q == '0 && free_q[FreeBits];

  wire logic unused = ^{held, fifo_ready};

endmodule

`default_nettype wire
