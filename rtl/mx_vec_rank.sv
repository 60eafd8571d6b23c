// Reductions MAX and ARGMAX of the vector unit.
//
// Each lane keeps its best {key, ~index}: a key ascends with the value as an
// unsigned integer, and of equal keys the lower index wins. The same compare
// then folds the lanes into lane 0. In MAX NaN has the highest key and +0 is
// above -0; in ARGMAX NaN has the lowest key and zeros are equal.
//
// Handshake: clear_i before the first group; valid_i takes a group, of which
// lane_i says the lanes; finish_i with the last group, or later if there was
// none. ready_o is set VecLanes + 1 cycles after finish_i, for one cycle,
// with result_o. Throughput one group per cycle. Reset: synchronous, active low.
`default_nettype none

module mx_vec_rank #(
  parameter int unsigned VecLanes = 1
) (
  input  wire logic                   clk_i,
  input  wire logic                   rst_ni,

  input  wire logic                   argmax_i,
  input  wire logic                   clear_i,
  input  wire logic                   valid_i,
  input  wire logic [VecLanes-1:0]    lane_i,
  input  wire logic [15:0]            index_i,  // of lane 0
  input  wire logic [VecLanes*32-1:0] data_i,
  input  wire logic                   finish_i,
  output      logic                   ready_o,
  output      logic [31:0]            result_o
);

  localparam logic [31:0] KeyMinusInf = 32'h007F_FFFF;
  wire logic [47:0] start = {argmax_i ? 32'd0 : KeyMinusInf, 16'hFFFF};

  // One stage to make the keys, then one to compare. Folding starts when the last
  // group has been compared; at bit 0 it has ended.
  logic              valid_q;
  logic [VecLanes:0] fold_q;
  always_ff @(posedge clk_i) begin
    valid_q <= rst_ni && valid_i;
    if (!rst_ni) fold_q <= '0;
    else         fold_q <= {finish_i, fold_q[VecLanes:1]};
  end
  wire logic fold = fold_q[VecLanes-1:0] != '0;
  assign ready_o = fold_q[0];

  logic [(VecLanes+1)*48-1:0] best;  // one more lane, that never wins
  assign best[VecLanes*48 +: 48] = start;
  for (genvar l = 0; l < VecLanes; l++) begin : g_lane
    wire logic [31:0] v    = data_i[32*l +: 32];
    wire logic        zero = v[30:23] == 8'd0;
    wire logic        nan  = v[30:23] == 8'hFF && v[22:0] != 23'd0;
    logic        on_q;
    logic [31:0] key_q;
    logic [15:0] index_q;
    always_ff @(posedge clk_i) begin
      on_q    <= lane_i[l];
      index_q <= index_i | 16'(l);
      if (nan)       key_q <= {32{!argmax_i}};
      else if (zero) key_q <= {32{v[31] && !argmax_i}} ^ 32'h8000_0000;
      else           key_q <= v ^ {1'b1, {31{v[31]}}};
    end

    // Folding: the best of the next lane comes to lane 0, those above move down.
    wire logic [47:0] above = best[48*(l+1) +: 48];
    wire logic [47:0] rival = l == 0 && fold ? above : {key_q, ~index_q};
    logic [47:0] best_q;
    wire logic        wins  = rival > best_q && (fold || on_q);
    always_ff @(posedge clk_i) begin
      if (clear_i) best_q <= start;
      else if (fold && l != 0) best_q <= above;
      else if ((valid_q || fold) && wins) best_q <= rival;
    end
    assign best[48*l +: 48] = best_q;
  end

  wire logic [31:0] key = best[47:16];
  always_comb begin
    if (argmax_i)   result_o = {16'd0, ~best[15:0]};
    else if (&key)  result_o = 32'h7FC0_0000;
    else            result_o = key ^ {1'b1, {31{!key[31]}}};
  end

endmodule

`default_nettype wire
