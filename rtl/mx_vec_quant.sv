// QUANT of the vector unit: FP32 to MXINT blocks (golden/mxint.h).
//
// A block is read twice: through port A for its greatest exponent, through port
// B for the elements. Per group of VecLanes elements: read, align, round, write;
// blocks follow each other without a gap. Cycles: 2 * blocks * length / VecLanes
// + 3. Writes are always taken. Fixed blocks take both passes too, since a NaN
// or infinity anywhere empties the whole block.
// Handshake: run_i is set until done_o, with left_i = elements from the block's
// first on (above 0), which the user lowers by the block length at
// block_done_o. read_a_o, read_b_o: the next group of the port, whose data comes
// in the next cycle. x_valid_o with x_data_o; x_first_o and x_last_o mark the
// block's first and last group; scale_o belongs to the last.
// Reset: synchronous, active low.
`default_nettype none

module mx_vec_quant #(
  parameter int unsigned VecLanes = 1
) (
  input  wire logic                   clk_i,
  input  wire logic                   rst_ni,

  input  wire logic                   run_i,
  output      logic                   done_o,
  input  wire logic [1:0]             bits_i,
  input  wire logic [1:0]             block_i,
  input  wire logic                   fixed_i,
  input  wire logic [15:0]            left_i,
  input  wire logic                   final_i,  // left_i is no more than a block
  output      logic                   block_done_o,

  output      logic                   read_a_o,
  output      logic                   read_b_o,
  input  wire logic [VecLanes*32-1:0] a_i,
  input  wire logic [VecLanes*32-1:0] b_i,

  output      logic                   x_valid_o,
  output      logic                   x_first_o,
  output      logic                   x_last_o,
  output      logic [VecLanes*8-1:0]  x_data_o,
  output      logic [7:0]             scale_o
);

  // ---- read: element within the block, of lane 0 ----
  logic       issued_all_q, second_q;
  logic [6:0] at_q;
  wire logic [6:0] last_at = (7'd16 << block_i) - 7'(VecLanes);
  wire logic       last    = at_q == last_at;
  wire logic       read    = run_i && !issued_all_q;
  assign read_a_o     = read && !second_q;
  assign read_b_o     = read && second_q;
  assign block_done_o = read_b_o && last;
  always_ff @(posedge clk_i) begin
    if (!rst_ni || !run_i) begin
      issued_all_q <= 1'b0;
      second_q     <= 1'b0;
      at_q         <= 7'd0;
    end else if (read) begin
      at_q         <= last ? 7'd0 : at_q + 7'(VecLanes);
      second_q     <= second_q ^ last;
      issued_all_q <= block_done_o && final_i;
    end
  end

  // Elements past the last are zeros.
  logic [VecLanes-1:0] live;
  for (genvar l = 0; l < VecLanes; l++) begin : g_live
    assign live[l] = left_i[15:7] != 9'd0 || (at_q | 7'(l)) < left_i[6:0];
  end

  // ---- align: the data is here ----
  logic                a_valid_q, b_valid_q, first1_q, last1_q, final1_q;
  logic [VecLanes-1:0] live_q;
  always_ff @(posedge clk_i) begin
    a_valid_q <= rst_ni && read_a_o;
    b_valid_q <= rst_ni && read_b_o;
    first1_q  <= at_q == 7'd0;
    last1_q   <= last;
    final1_q  <= final_i;
    live_q  <= live;
  end

  // Scale so far: the greatest exponent; with fixed_i 127 + F, until 255 comes.
  // The lanes are compared with it while they are compared with each other.
  logic [7:0] max_q;
  wire logic [7:0] so_far = !first1_q ? max_q : fixed_i ? {5'b10000, bits_i, 1'b1} : 8'd0;
  logic [7:0] top;     // of the lanes
  logic       higher;  // counts instead of so_far
  always_comb begin
    top    = 8'd0;
    higher = 1'b0;
    for (int l = 0; l < VecLanes; l++) begin
      if (live_q[l] && a_i[32*l+23 +: 8] >= top) begin
        top    = a_i[32*l+23 +: 8];
        higher = fixed_i ? top == 8'hFF : a_i[32*l+23 +: 8] > so_far;
      end
    end
  end
  wire logic [7:0] max = higher ? top : so_far;
  always_ff @(posedge clk_i) if (a_valid_q) max_q <= max;

  // ---- round: eight leading bits, of which the lowest is the first dropped ----
  logic       valid2_q, first2_q, last2_q, final2_q;
  logic [7:0] scale2_q;
  always_ff @(posedge clk_i) begin
    valid2_q <= rst_ni && b_valid_q;
    first2_q <= first1_q;
    last2_q  <= last1_q;
    final2_q <= final1_q;
    scale2_q <= max_q;
  end

  wire logic [2:0] fraction_less = {2'd2 - bits_i, 1'b0};  // 6 - F
  wire logic [6:0] limit         = 7'd127 >> fraction_less;  // Q
  for (genvar l = 0; l < VecLanes; l++) begin : g_lane
    wire logic [31:0] v     = b_i[32*l +: 32];
    wire logic [8:0]  below = {1'b0, max_q} - {1'b0, v[30:23]};
    wire logic        over  = below[8];  // with fixed_i only: the head becomes Q
    wire logic [3:0]  shift = {1'b0, below[2:0] & {3{!over}}} + {1'b0, fraction_less};
    wire logic        none  = !live_q[l] || v[30:23] == 8'd0 || max_q == 8'hFF ||
                              (!over && below[7:3] != 5'd0) || shift[3];
    logic       sign2_q, sticky2_q;
    logic [7:0] head2_q;
    logic [2:0] shift2_q;
    always_ff @(posedge clk_i) begin
      sign2_q   <= v[31];
      shift2_q  <= shift[2:0];
      head2_q   <= none ? 8'd0 : {1'b1, v[22:16] | {7{over}}};
      sticky2_q <= v[15:0] != 16'd0;
    end

    wire logic [14:0] shifted  = {head2_q, 7'd0} >> shift2_q;
    wire logic        rest     = sticky2_q || shifted[6:0] != 7'd0;
    wire logic        round_up = shifted[7] && (rest || shifted[8]) && shifted[14:8] != limit;
    wire logic [6:0]  size     = shifted[14:8] + {6'd0, round_up};
    logic [7:0] x_q;
    always_ff @(posedge clk_i) x_q <= ({1'b0, size} ^ {8{sign2_q}}) + {7'd0, sign2_q};
    assign x_data_o[8*l +: 8] = x_q;
  end

  // ---- write ----
  logic final3_q;
  always_ff @(posedge clk_i) begin
    x_valid_o <= rst_ni && valid2_q;
    x_first_o <= first2_q;
    x_last_o  <= last2_q;
    final3_q  <= final2_q;
    scale_o   <= scale2_q;
  end
  assign done_o = x_valid_o && x_last_o && final3_q;

endmodule

`default_nettype wire
