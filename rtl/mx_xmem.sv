// The activation memory: a bank per token with XmemElems signed bytes, in
// words of Lanes elements, and a scale byte per 16 elements.
//
// Writes, from the vector unit, are always taken: xw_* up to VecLanes elements
// at a multiple of VecLanes, xe_* a scale. Reads take one cycle: x_en_i reads
// word x_addr_i and e_en_i scale e_addr_i of all banks for the dot array; in
// cycles with neither, the move unit's pr_* reads the word that holds element
// pr_addr_i of one bank, and its scale. A read sees the writes of the cycles
// before its own; of a write in the same cycle to the same place, nothing is
// known. Banks and addresses are taken modulo their number and size.
//
// Throughput: one read and one write of each kind per cycle. No reset: the
// contents are unknown at power up (zero in simulation) and survive rst_ni.
`default_nettype none

module mx_xmem #(
  parameter int unsigned BusBits   = 128,
  parameter int unsigned Rows      = 1,
  parameter int unsigned Tokens    = 2,
  parameter int unsigned VecLanes  = 4,
  parameter int unsigned XmemElems = 4096,
  localparam int unsigned Lanes    = BusBits / (4 * Rows)
) (
  input  wire logic                      clk_i,

  input  wire logic                      xw_valid_i,
  input  wire logic [3:0]                xw_bank_i,
  input  wire logic [15:0]               xw_addr_i,
  input  wire logic [VecLanes-1:0]       xw_mask_i,
  input  wire logic [VecLanes*8-1:0]     xw_data_i,
  input  wire logic                      xe_valid_i,
  input  wire logic [3:0]                xe_bank_i,
  input  wire logic [15:0]               xe_addr_i,
  input  wire logic [7:0]                xe_data_i,

  input  wire logic                      x_en_i,
  input  wire logic [15:0]               x_addr_i,
  output      logic [Tokens*Lanes*8-1:0] x_data_o,
  input  wire logic                      e_en_i,
  input  wire logic [15:0]               e_addr_i,
  output      logic [Tokens*8-1:0]       e_data_o,

  input  wire logic                      pr_valid_i,
  output      logic                      pr_ready_o,
  input  wire logic [3:0]                pr_bank_i,
  input  wire logic [15:0]               pr_addr_i,
  output      logic [Lanes*8-1:0]        pr_data_o,
  output      logic [7:0]                pr_exp_o
);

  localparam int unsigned Words     = XmemElems / Lanes;
  localparam int unsigned WordBits  = $clog2(Words);
  localparam int unsigned LaneBits  = $clog2(Lanes);
  localparam int unsigned Scales    = XmemElems / 16;
  localparam int unsigned ScaleBits = $clog2(Scales);
  localparam int unsigned Parts     = Lanes / VecLanes;  // of a word, written at once
  localparam int unsigned PartBits  = $clog2(Parts);
  localparam int unsigned BankMask  = Tokens - 1;

  wire logic [WordBits-1:0] w_word = xw_addr_i[LaneBits +: WordBits];
  wire logic [PartBits-1:0] w_part = xw_addr_i[LaneBits-1 -: PartBits];
  wire logic [Lanes*8-1:0] w_data = {Parts{xw_data_i}};
  logic [Lanes-1:0] w_mask;
  always_comb
    for (int unsigned p = 0; p < Parts; p++)
      w_mask[VecLanes*p +: VecLanes] = w_part == PartBits'(p) ? xw_mask_i : '0;
  wire logic [3:0] w_bank = xw_bank_i & 4'(BankMask);
  wire logic [3:0] e_bank = xe_bank_i & 4'(BankMask);

  assign pr_ready_o = !x_en_i && !e_en_i;
  wire logic                 move   = pr_valid_i && pr_ready_o;
  wire logic [WordBits-1:0]  r_word = x_en_i ? x_addr_i[WordBits-1:0] : pr_addr_i[LaneBits +: WordBits];
  wire logic [ScaleBits-1:0] r_scale = e_en_i ? e_addr_i[ScaleBits-1:0] : pr_addr_i[4 +: ScaleBits];

  for (genvar t = 0; t < Tokens; t++) begin : g_bank
    (* no_rw_check *) logic [Lanes*8-1:0] elem_q [Words];
    (* no_rw_check *) logic [7:0]         scale_q [Scales];

    wire logic here = xw_valid_i && w_bank == 4'(t);
    always_ff @(posedge clk_i)
      if (here)
        for (int unsigned i = 0; i < Lanes; i++)
          if (w_mask[i]) elem_q[w_word][8*i +: 8] <= w_data[8*i +: 8];
    always_ff @(posedge clk_i)
      if (xe_valid_i && e_bank == 4'(t)) scale_q[xe_addr_i[ScaleBits-1:0]] <= xe_data_i;

    always_ff @(posedge clk_i)
      if (x_en_i || move) x_data_o[Lanes*8*t +: Lanes*8] <= elem_q[r_word];
    always_ff @(posedge clk_i)
      if (e_en_i || move) e_data_o[8*t +: 8] <= scale_q[r_scale];

`ifndef SYNTHESIS
    initial begin
      for (int unsigned i = 0; i < Words; i++) elem_q[i] = '0;
      for (int unsigned i = 0; i < Scales; i++) scale_q[i] = '0;
    end
`endif
  end

  if (Tokens == 1) begin : g_one
    assign pr_data_o = x_data_o;
    assign pr_exp_o  = e_data_o;
    wire logic unused = ^pr_bank_i;
  end else begin : g_banks
    localparam int unsigned BankBits = $clog2(Tokens);
    logic [BankBits-1:0] bank_q;
    always_ff @(posedge clk_i) if (move) bank_q <= pr_bank_i[BankBits-1:0];
    assign pr_data_o = x_data_o[Lanes*8 * 32'(bank_q) +: Lanes*8];
    assign pr_exp_o  = e_data_o[8 * 32'(bank_q) +: 8];
    wire logic unused = ^pr_bank_i;
  end

  // Bits above the sizes, and below the units of the addresses.
  wire logic unused = ^{xw_addr_i, xe_addr_i, x_addr_i, e_addr_i, pr_addr_i};

endmodule

`default_nettype wire
