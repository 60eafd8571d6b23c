// Element pipeline of the vector unit: r = fn(op(a, b)) for VecLanes elements,
// and the adders that sums borrow.
//
// Handshake: none. issue_i: operands were addressed; a_i, b_i come in the next
// cycle. out_valid_o with the result, out_last_o repeats issue_last_i. op, fn
// are constant while anything is in the pipe.
// Latency from issue_i to out_valid_o: 2 + (0 MOV MAX, 3 MUL, 4 ADD SUB), and
// with a function FnLatency more, + VecLanes if VecLanes > 1.
// Throughput: one group per cycle; with a function, one per VecLanes cycles, and
// the user spaces issue_i so.
// Adders: with sum_i, lane l adds sum_a_i[l] and sum_b_o[l] (the result in
// out_data_o, -0 where lane_i is not set); add_y_o follows 4 cycles later.
// hold_i puts hold_data_i in place of the result, for one use in the next cycle.
// Reset: synchronous, active low; valid bits only.
`default_nettype none

module mx_vec_lanes #(
  parameter int unsigned VecLanes = 1
) (
  input  wire logic                   clk_i,
  input  wire logic                   rst_ni,

  input  wire logic [4:0]             op_i,
  input  wire logic [1:0]             fn_i,
  input  wire logic                   issue_i,
  input  wire logic                   issue_last_i,
  input  wire logic [VecLanes*32-1:0] a_i,
  input  wire logic [VecLanes*32-1:0] b_i,
  output      logic                   out_valid_o,
  output      logic                   out_last_o,
  output      logic [VecLanes*32-1:0] out_data_o,

  input  wire logic                   sum_i,
  input  wire logic [VecLanes-1:0]    lane_i,
  input  wire logic [VecLanes*32-1:0] sum_a_i,
  output      logic [VecLanes*32-1:0] add_y_o,
  input  wire logic                   tree_i,  // operands are held ones
  input  wire logic                   hold_i,
  input  wire logic [VecLanes*32-1:0] hold_data_i
);

  localparam int unsigned FnLatency = 6;  // Latency of fp_fn
  localparam int unsigned FnDelay   = FnLatency + (VecLanes > 1 ? VecLanes : 0);
  localparam logic [31:0] MinusZero = 32'h8000_0000;

  wire logic is_add = op_i == mx_pkg::UOP_ADD || op_i == mx_pkg::UOP_SUB;
  wire logic is_mul = op_i == mx_pkg::UOP_MUL;
  wire logic is_max = op_i == mx_pkg::UOP_MAX;
  wire logic use_fn = fn_i != 2'd0;

  // ---- operations ----
  logic [VecLanes*32-1:0] mul_y, max_y, sum_b, op_y;
  logic [VecLanes-1:0]    unused_gt;
  for (genvar l = 0; l < VecLanes; l++) begin : g_lane
    wire logic [31:0] a     = a_i[32*l +: 32];
    wire logic [31:0] b     = b_i[32*l +: 32];
    wire logic [31:0] out   = out_data_o[32*l +: 32];
    assign sum_b[32*l +: 32] = lane_i[l] || tree_i ? out : MinusZero;

    fp_add u_add (
      .clk_i,
      .a_i  (sum_i ? sum_a_i[32*l +: 32] : a),
      .b_i  (sum_i ? sum_b[32*l +: 32] : b),
      .sub_i(op_i == mx_pkg::UOP_SUB),
      .y_o  (add_y_o[32*l +: 32])
    );
    fp_mul u_mul (.clk_i, .a_i(a), .b_i(b), .y_o(mul_y[32*l +: 32]));
    fp_max u_max (.a_i(a), .b_i(b), .y_o(max_y[32*l +: 32]), .gt_o(unused_gt[l]));

    always_comb begin
      op_y[32*l +: 32] = a;
      if (hold_i)      op_y[32*l +: 32] = hold_data_i[32*l +: 32];
      else if (is_add) op_y[32*l +: 32] = add_y_o[32*l +: 32];
      else if (is_mul) op_y[32*l +: 32] = mul_y[32*l +: 32];
      else if (is_max) op_y[32*l +: 32] = max_y[32*l +: 32];
    end
  end

  // Stage k holds what was issued k + 1 cycles ago.
  logic [4:0] valid_q, last_q;
  always_ff @(posedge clk_i) begin
    valid_q <= rst_ni ? {valid_q[3:0], issue_i} : 5'd0;
    last_q  <= {last_q[3:0], issue_last_i};
  end
  wire logic op_valid = is_add ? valid_q[4] : is_mul ? valid_q[3] : valid_q[0];
  wire logic op_last  = is_add ? last_q[4]  : is_mul ? last_q[3]  : last_q[0];

  logic                   result_valid_q, result_last_q;
  logic [VecLanes*32-1:0] result_q;
  always_ff @(posedge clk_i) begin
    result_valid_q <= rst_ni && op_valid;
    result_last_q  <= op_last;
  end

  // ---- function: one element per cycle, the lowest lane of result_q ----
  logic [31:0]            fn_y;
  logic [VecLanes*32-1:0] fn_group;
  fp_fn u_fn (.clk_i, .fn_i, .a_i(result_q[31:0]), .y_o(fn_y));

  logic [FnDelay-1:0] fn_valid_q, fn_last_q;
  always_ff @(posedge clk_i) begin
    fn_valid_q <= rst_ni ? {fn_valid_q[FnDelay-2:0], result_valid_q && use_fn} : '0;
    fn_last_q  <= {fn_last_q[FnDelay-2:0], result_last_q};
  end

  if (VecLanes == 1) begin : g_one
    always_ff @(posedge clk_i) result_q <= op_y;
    assign fn_group = fn_y;
  end else begin : g_many
    // The group moves through the function unit lane by lane and is collected.
    logic [VecLanes*32-1:0] collect_q;
    always_ff @(posedge clk_i) begin
      if (op_valid || hold_i) result_q <= op_y;
      else                    result_q <= {32'd0, result_q[VecLanes*32-1:32]};
      collect_q <= {fn_y, collect_q[VecLanes*32-1:32]};
    end
    assign fn_group = collect_q;
  end

  assign out_valid_o = use_fn ? fn_valid_q[FnDelay-1] : result_valid_q;
  assign out_last_o  = use_fn ? fn_last_q[FnDelay-1] : result_last_q;
  assign out_data_o  = use_fn && !tree_i ? fn_group : result_q;

endmodule

`default_nettype wire
