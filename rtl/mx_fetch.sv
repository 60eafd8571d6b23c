// Instruction fetch: reads the program ahead in lines of up to 64 bytes.
//
// go_valid_i/go_ready_o: forget everything fetched and continue at go_addr_i
//   (unit: 16 bytes, relative to MEM_BASE). Ready when the beats of older
//   requests have arrived; they are dropped.
// word_valid_o/word_ready_i/word_data_o: instruction words in program order,
//   lowest bits of an instruction first; 128 / WordBits of them each.
// range_o: the next word lies beyond mem_size_i. Reading ahead never faults: a
//   line that passes the end is read up to the last whole unit (the larger of
//   16 bytes and a beat) and no further.
// stop_i: drops what is held and requests nothing until the next go.
// idle_o: no request and no beat on its way.
//
// Requests are lines or ends of lines, aligned to a line, so they never cross
// a burst window. Latency: 3 cycles from go to the request, 2 from a beat to its
// word. Throughput: one word per cycle. Reset: synchronous; data is X.
`include "check.svh"
`default_nettype none

module mx_fetch #(
  parameter  int unsigned BusBits    = 128,
  parameter  int unsigned BurstBeats = 16,
  localparam int unsigned WordBits   = BusBits < 128 ? BusBits : 128
) (
  input  wire logic                clk_i,
  input  wire logic                rst_ni,

  input  wire logic                go_valid_i,
  output      logic                go_ready_o,
  input  wire logic [27:0]         go_addr_i,
  input  wire logic                stop_i,
  input  wire logic [31:0]         mem_size_i,
  output      logic                range_o,
  output      logic                idle_o,

  output      logic                word_valid_o,
  input  wire logic                word_ready_i,
  output      logic [WordBits-1:0] word_data_o,

  output      logic                req_valid_o,
  input  wire logic                req_ready_i,
  output      logic [31:0]         req_addr_o,
  output      logic [7:0]          req_len_o,
  input  wire logic                r_valid_i,
  input  wire logic [BusBits-1:0]  r_data_i
);

  // A unit is what a request counts in: an instruction, or a beat that holds two.
  localparam int unsigned UnitBytes   = BusBits > 128 ? BusBits / 8 : 16;
  localparam int unsigned UnitBeats   = UnitBytes * 8 / BusBits;
  localparam int unsigned WindowUnits = BurstBeats / UnitBeats;
  localparam int unsigned LineUnits   = 64 / UnitBytes < WindowUnits ? 64 / UnitBytes : WindowUnits;
  localparam int unsigned Depth       = 2 * LineUnits * UnitBeats;  // beats
  localparam int unsigned UnitLsb     = $clog2(UnitBytes);
  localparam int unsigned AddrBits    = 32 - UnitLsb;
  localparam int unsigned LineBits    = $clog2(LineUnits);
  localparam int unsigned PtrBits     = $clog2(Depth);
  if (LineUnits < 2) $error("mx_fetch: BurstBeats too small");

  logic                active_q;   // a go came, and no stop since
  logic                single_q;   // the line passes the end: request one unit
  logic                end_q;      // the next unit passes the end
  logic [AddrBits-1:0] next_q;     // next unit to request, or being requested
  logic                req_valid_q;
  logic [LineBits:0]   req_units_q;
  logic [PtrBits:0]    asked_q, write_q, read_q;  // beats requested, arrived, used; modulo 2 * Depth
  logic                out_valid_q;

  wire logic flush    = stop_i || go_valid_i;
  wire logic go       = go_valid_i && go_ready_o;
  wire logic req_fire = req_valid_q && req_ready_i;

  // What to request: up to the end of the line, or one unit.
  logic [AddrBits-1:0]  probe;      // last unit of the request
  logic [LineBits:0]    units;
  logic [PtrBits:0]     beats;
  logic                 in_range, has_room, req_start;
  wire logic [PtrBits:0] promised = asked_q - read_q;
  assign probe     = single_q ? next_q : next_q | AddrBits'(LineUnits - 1);
  assign in_range  = probe < mem_size_i[31:UnitLsb];
  assign units     = single_q ? (LineBits + 1)'(1) : (LineBits + 1)'(LineUnits) - {1'b0, next_q[LineBits-1:0]};
  assign beats     = (PtrBits + 1)'(units) << $clog2(UnitBeats);
  assign has_room  = promised <= (PtrBits + 1)'(Depth / 2);  // so there is room for a line
  assign req_start = active_q && !req_valid_q && !end_q && in_range && has_room && !flush;

  always_ff @(posedge clk_i) begin
    if (!rst_ni || stop_i) active_q <= 1'b0;
    else if (go)           active_q <= 1'b1;
  end
  always_ff @(posedge clk_i) begin
    if (flush) begin
      single_q <= 1'b0;
      end_q    <= 1'b0;
    end else if (active_q && !req_valid_q && !in_range) begin
      single_q <= 1'b1;
      end_q    <= single_q;
    end
  end
  always_ff @(posedge clk_i) begin
    if (go)            next_q <= go_addr_i[27-:AddrBits];
    else if (req_fire) next_q <= next_q + AddrBits'(req_units_q);
  end
  always_ff @(posedge clk_i) begin
    if (!rst_ni)        req_valid_q <= 1'b0;
    else if (req_start) req_valid_q <= 1'b1;
    else if (req_fire)  req_valid_q <= 1'b0;
  end
  always_ff @(posedge clk_i) if (req_start) req_units_q <= units;

  assign go_ready_o  = idle_o;
  assign req_valid_o = req_valid_q;
  assign req_addr_o  = {next_q, UnitLsb'(0)};
  assign req_len_o   = (8'(req_units_q) << $clog2(UnitBeats)) - 8'd1;

  // The buffer, with its output register in the memory's read port.
  logic [BusBits-1:0] buffer_q[Depth];
  logic [BusBits-1:0] out_q;
  wire logic take = r_valid_i && !flush;
  wire logic pop;                    // the output beat is used up
  wire logic fill = read_q != write_q && (!out_valid_q || pop) && !flush && !take;  // RAM: never both
  always_ff @(posedge clk_i) if (take) buffer_q[write_q[PtrBits-1:0]] <= r_data_i;
  always_ff @(posedge clk_i) if (fill) out_q <= buffer_q[read_q[PtrBits-1:0]];

  wire logic [PtrBits:0] write_next = write_q + (PtrBits + 1)'(r_valid_i);
  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      asked_q <= '0;
      write_q <= '0;
      read_q  <= '0;
    end else begin
      if (req_start) asked_q <= asked_q + beats;
      write_q <= write_next;
      if (flush)     read_q <= write_next;
      else if (fill) read_q <= read_q + 1'b1;
    end
  end
  always_ff @(posedge clk_i) begin
    if (!rst_ni || flush) out_valid_q <= 1'b0;
    else if (fill)        out_valid_q <= 1'b1;
    else if (pop)         out_valid_q <= 1'b0;
  end

  assign range_o      = active_q && end_q && asked_q == read_q && !out_valid_q;
  assign idle_o       = !req_valid_q && asked_q == write_q;
  assign word_valid_o = out_valid_q;

  if (BusBits > 128) begin : g_half
    // A beat holds two instructions; half_q selects one.
    logic half_q;
    always_ff @(posedge clk_i) begin
      if (go)                                half_q <= go_addr_i[0];
      else if (word_valid_o && word_ready_i) half_q <= !half_q;
    end
    assign pop         = word_ready_i && half_q;
    assign word_data_o = half_q ? out_q[WordBits +: WordBits] : out_q[0 +: WordBits];
  end else begin : g_whole
    assign pop         = word_ready_i;
    assign word_data_o = out_q;
  end

  `RESET_FIRST
  `REQUIRE(only_what_was_asked, !r_valid_i || asked_q != write_q)
  `CHECK(buffer_holds_what_it_promised, promised <= (PtrBits + 1)'(Depth))

endmodule

`default_nettype wire
