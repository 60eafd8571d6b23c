// Where a byte of a line of codes lies in the code section of a stream unit:
// golden/stream.h, with all sizes powers of two.
//
// Combinational. Line q of 2^log_line_i bytes lies in slice q mod Rows; beat j
// of the section carries bytes j * Slice .. of every slice, slice 0 lowest.
`default_nettype none

module mx_move_place #(
  parameter int unsigned BusBits = 128,
  parameter int unsigned Rows    = 1,
  parameter int unsigned Group   = 16
) (
  input  wire logic [$clog2(Group)-1:0]     line_i,
  input  wire logic [2:0]                   log_line_i,  // 3 to 7
  input  wire logic [6:0]                   byte_i,      // in the line
  output      logic [$clog2(Group)+6:0]     beat_o,      // of the code section
  output      logic [$clog2(BusBits/8)-1:0] lane_o       // byte of the beat
);

  localparam int unsigned ByteBits  = $clog2(BusBits / 8);
  localparam int unsigned Slice     = BusBits / 8 / Rows;  // bytes of a slice in a beat
  localparam int unsigned SliceBits = $clog2(Slice);
  localparam int unsigned AtBits    = $clog2(Group) + 7;

  wire logic [AtBits-1:0]   line     = AtBits'(line_i) >> $clog2(Rows);
  wire logic [AtBits-1:0]   in_slice = (line << log_line_i) | AtBits'(byte_i);
  wire logic [ByteBits-1:0] slice    = ByteBits'(line_i & ($clog2(Group))'(Rows - 1));

  assign beat_o = in_slice >> SliceBits;
  assign lane_o = (slice << SliceBits) | (ByteBits'(in_slice) & ByteBits'(Slice - 1));

endmodule

`default_nettype wire
