// Buffer of the scales or zero points of two units (a unit is one block of
// GROUP rows), as they come in beats; read by row.
//
// Write: beat `word` of the section of unit `half`. Read: the row whose place
// in its slice is `entry`; y_o holds 16 bits per slice in the next cycle and
// until the next read. wide: a row has 2 bytes, else 1, zero-extended. planar:
// rows 2i and 2i+1 are neighbours in a slice. One read and one write per
// cycle, not of the same beat. No reset.
`default_nettype none

module mx_dot_side #(
  parameter int unsigned BusBits = 128,
  parameter int unsigned Rows    = 1,
  parameter int unsigned Group   = 16,
  parameter int unsigned Bytes   = 2,  // of a row at most: 1 or 2
  localparam int unsigned EntryBits = $clog2(Group / Rows)
) (
  input  wire logic                 clk_i,

  input  wire logic                 we_i,
  input  wire logic                 we_half_i,
  input  wire logic [3:0]           we_word_i,
  input  wire logic [BusBits-1:0]   data_i,

  input  wire logic                 re_i,
  input  wire logic                 re_half_i,
  input  wire logic [EntryBits-1:0] re_entry_i,
  input  wire logic                 re_planar_i,
  input  wire logic                 re_wide_i,
  output      logic [16*Rows-1:0]   y_o
);

  localparam int unsigned Words    = Group * Bytes * 8 / BusBits;
  localparam int unsigned AddrBits = $clog2(2 * Words);

  // A window is two entries of each slice: 2 * Rows neighbouring rows.
  localparam int unsigned WindowBits = 2 * Rows * 16;          // 2 bytes a row
  localparam int unsigned Windows    = BusBits / WindowBits;   // in a beat
  localparam int unsigned PlaceBits  = EntryBits + 1;

  wire logic [PlaceBits-1:0] pair = PlaceBits'(re_entry_i[EntryBits-1:1]);
  // Window and beat of the row; with 1 byte a row a window holds two pairs.
  wire logic [PlaceBits-1:0] window = re_wide_i ? pair : pair >> 1;
  wire logic [PlaceBits-1:0] word   = window >> $clog2(Windows);

  (* no_rw_check *) logic [BusBits-1:0] mem_q [2*Words];
  logic [BusBits-1:0]   beat_q;
  logic [PlaceBits-1:0] window_q;
  logic                 odd_pair_q, odd_q, planar_q, wide_q;
  always_ff @(posedge clk_i)
    if (we_i) mem_q[AddrBits'(we_word_i) | (we_half_i ? AddrBits'(Words) : '0)] <= data_i;
  always_ff @(posedge clk_i)
    if (re_i) beat_q <= mem_q[AddrBits'(word) | (re_half_i ? AddrBits'(Words) : '0)];
  always_ff @(posedge clk_i)
    if (re_i) begin
      window_q   <= window & PlaceBits'(Windows - 1);
      odd_pair_q <= pair[0];
      odd_q      <= re_entry_i[0];
      planar_q   <= re_planar_i;
      wide_q     <= re_wide_i && Bytes == 2;
    end

  logic [WindowBits-1:0] rows;
  if (Windows == 1) begin : g_one
    assign rows = beat_q;
  end else begin : g_many
    assign rows = beat_q[WindowBits * 32'(window_q) +: WindowBits];
  end
  wire logic [WindowBits/2-1:0] bytes = odd_pair_q ? rows[WindowBits-1:WindowBits/2]
                                                   : rows[WindowBits/2-1:0];

  for (genvar r = 0; r < Rows; r++) begin : g_row
    wire logic [15:0] even_wide = planar_q ? rows[16*(2*r) +: 16] : rows[16*r +: 16];
    wire logic [15:0] odd_wide  = planar_q ? rows[16*(2*r+1) +: 16] : rows[16*(Rows+r) +: 16];
    wire logic [7:0]  even_byte = planar_q ? bytes[8*(2*r) +: 8] : bytes[8*r +: 8];
    wire logic [7:0]  odd_byte  = planar_q ? bytes[8*(2*r+1) +: 8] : bytes[8*(Rows+r) +: 8];
    assign y_o[16*r +: 16] = wide_q ? (odd_q ? odd_wide : even_wide)
                                    : {8'd0, odd_q ? odd_byte : even_byte};
  end

  wire logic unused = ^{we_word_i, word, window_q};

endmodule

`default_nettype wire
