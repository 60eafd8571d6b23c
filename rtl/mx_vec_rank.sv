// Reductions MAX and ARGMAX of the vector unit.
//
// Each lane keeps its best {key, ~index}: a key ascends with the value as an
// unsigned integer, and of equal keys the lower index wins. The same compare
// then folds the lanes into lane 0. In MAX NaN has the highest key and +0 is
// above -0; in ARGMAX NaN has the lowest key and zeros are equal.
//
// Handshake: clear_i before the first group; valid_i takes a group, of which
// lane_i says the lanes; finish_i with the last group, or later if there was
// none. ready_o is set VecLanes cycles after finish_i, for one cycle, with
// result_o. Throughput one group per cycle. Reset: synchronous, active low.
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

  // Bit 0: folding may end. Shifts down from finish_i on.
  logic [VecLanes-1:0] fold_q;
  always_ff @(posedge clk_i) begin
    if (!rst_ni) fold_q <= '0;
    else begin
      fold_q <= fold_q >> 1;
      fold_q[VecLanes-1] <= finish_i;
    end
  end
  assign ready_o = fold_q[0];

  logic [(VecLanes+1)*48-1:0] best;  // one more lane, unused by the fold
  assign best[VecLanes*48 +: 48] = start;
  for (genvar l = 0; l < VecLanes; l++) begin : g_lane
    wire logic [31:0] v    = data_i[32*l +: 32];
    wire logic        zero = v[30:23] == 8'd0;
    wire logic        nan  = v[30:23] == 8'hFF && v[22:0] != 23'd0;
    logic [31:0] key;
    always_comb begin
      if (nan)       key = {32{!argmax_i}};
      else if (zero) key = {32{v[31] && !argmax_i}} ^ 32'h8000_0000;
      else           key = v ^ {1'b1, {31{v[31]}}};
    end

    wire logic [15:0] index = index_i | 16'(l);
    wire logic        fold  = l == 0 && fold_q != '0;
    wire logic [47:0] rival = fold ? best[48*(l+1) +: 48] : {key, ~index};
    logic [47:0] best_q;
    wire logic        wins  = rival > best_q;
    always_ff @(posedge clk_i) begin
      if (clear_i) best_q <= start;
      else if (valid_i ? lane_i[l] && wins : fold && wins) best_q <= rival;
      else if (fold_q != '0 && l != 0) best_q <= best[48*(l+1) +: 48];
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
