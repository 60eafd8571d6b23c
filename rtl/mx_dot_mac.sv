// Integer dot products of one slice and one token: Lanes products of signed
// bytes, a tree, and the partial sum over the chunks of a line.
//
// Lanes 0 .. Lanes/2-1 take 8-bit weights; the rest HighBits (8 or 4) bits, and
// with SoftHigh they use no multiplier blocks.
// Stages, each enabled by its step: en_i[2] products, en_i[3] half of the
// tree, en_i[4] sum and accumulate; sum_o is valid in the cycle after that.
// first_i and pair_i belong to the step at stage 4: first_i starts a sum;
// pair_i (planar) continues the sum of two steps ago instead of the last.
// Throughput one chunk per cycle. No reset.
`default_nettype none

module mx_dot_mac #(
  parameter int unsigned Lanes    = 32,
  parameter int unsigned HighBits = 8,
  parameter int unsigned SoftHigh = 0
) (
  input  wire logic                          clk_i,
  input  wire logic [4:2]                    en_i,
  input  wire logic                          first_i,
  input  wire logic                          pair_i,
  input  wire logic [Lanes/2*8-1:0]          w_low_i,
  input  wire logic [Lanes/2*HighBits-1:0]   w_high_i,
  input  wire logic [Lanes*8-1:0]            x_i,
  output      logic signed [23:0]            sum_o
);

  localparam int unsigned Half   = Lanes / 2;
  localparam int unsigned Levels = $clog2(Lanes);
  localparam int unsigned Early  = Levels / 2;       // tree levels before the register
  localparam int unsigned Parts  = Lanes >> Early;
  localparam int unsigned PartBits = 16 + Early;

  // ---- 2: products ----
  logic [Lanes*16-1:0] product_q;
  for (genvar i = 0; i < Half; i++) begin : g_low
    wire logic signed [7:0] w = w_low_i[8*i +: 8];
    wire logic signed [7:0] x = x_i[8*i +: 8];
    always_ff @(posedge clk_i) if (en_i[2]) product_q[16*i +: 16] <= 16'(w) * 16'(x);
  end
  for (genvar i = 0; i < Half; i++) begin : g_high
    wire logic signed [HighBits-1:0] w = w_high_i[HighBits*i +: HighBits];
    wire logic signed [7:0] x = x_i[8*(Half+i) +: 8];
    wire logic signed [15:0] product;
    if (SoftHigh != 0) begin : g_soft
      mx_dot_mul #(.WeightBits(HighBits)) u_mul (.w_i(w), .x_i(x), .y_o(product));
    end else begin : g_mul
      assign product = 16'(w) * 16'(x);
    end
    always_ff @(posedge clk_i) if (en_i[2]) product_q[16*(Half+i) +: 16] <= product;
  end

  // ---- 3: sums of 2^Early products ----
  logic [Parts*PartBits-1:0] part_q;
  for (genvar i = 0; i < Parts; i++) begin : g_part
    wire logic signed [PartBits-1:0] part;
    mx_tree_sum #(.Inputs(1 << Early), .Width(16)) u_sum (
      .x_i(product_q[(16 << Early)*i +: (16 << Early)]), .y_o(part)
    );
    always_ff @(posedge clk_i) if (en_i[3]) part_q[PartBits*i +: PartBits] <= part;
  end

  // ---- 4: their sum, and the chunks before ----
  // 128 * 2^14 at most: 23 bits signed.
  wire logic signed [16+Levels-1:0] chunk;
  mx_tree_sum #(.Inputs(Parts), .Width(PartBits)) u_sum (.x_i(part_q), .y_o(chunk));

  logic signed [23:0] last_q;  // the sum of one step before sum_o
  wire logic signed [23:0] carried = first_i ? 24'sd0 : pair_i ? last_q : sum_o;
  always_ff @(posedge clk_i) begin
    if (en_i[4]) begin
      sum_o  <= carried + 24'(chunk);
      last_q <= sum_o;
    end
  end

endmodule

`default_nettype wire
