// Reduction SUM of the vector unit: 16 partial sums and their tree, over the
// lanes' adders (mx_vec_lanes). Partial p belongs to lane p mod VecLanes, slot
// p / VecLanes: one address for all lanes, one group per cycle.
//
// A sum returns to its slot 5 cycles after it was taken from there. A slot is
// taken again 16 / VecLanes groups later; where that is 4 cycles (VecLanes = 4
// and a group in each cycle) the adder's output is the partial.
// Handshake: clear_i before the first group; valid_i takes a group, whose values
// the adders add to a_o in the same cycle; finish_i with the last group, or
// later if there was none. Then, for each level w = 8, 4, 2, 1, the second
// operands are held in the lanes (hold_o, hold_data_o) and the first go to a_o.
// ready_o with result_o for one cycle, 54, 40, 34 cycles after finish_i for
// VecLanes 1, 2, 4 (3 less without a group). Reset: synchronous, active low.
`include "check.svh"
`default_nettype none

module mx_vec_sum #(
  parameter int unsigned VecLanes = 1
) (
  input  wire logic                   clk_i,
  input  wire logic                   rst_ni,

  input  wire logic                   clear_i,
  input  wire logic                   valid_i,
  input  wire logic                   finish_i,
  output      logic [VecLanes*32-1:0] a_o,
  input  wire logic [VecLanes*32-1:0] add_y_i,
  output      logic                   tree_o,
  output      logic                   hold_o,
  output      logic [VecLanes*32-1:0] hold_data_o,
  output      logic                   ready_o,
  output      logic [31:0]            result_o
);

  localparam int unsigned Slots    = 16 / VecLanes;
  localparam int unsigned SlotBits = $clog2(Slots);

  // ---- groups taken: slot of the next one; the top bit stays once set ----
  logic [SlotBits:0] groups_q;
  wire logic [SlotBits:0] groups_next = groups_q + (SlotBits+1)'(1);
  wire logic all_used = groups_q[SlotBits];
  always_ff @(posedge clk_i) begin
    if (clear_i) groups_q <= '0;
    else if (valid_i) groups_q <= {all_used || groups_next[SlotBits], groups_next[SlotBits-1:0]};
  end

  // ---- adds under way ----
  logic       issue_q;   // a pair of the tree
  logic [3:0] adding_q;  // bit 3: add_y_i is a sum
  always_ff @(posedge clk_i) begin
    adding_q <= rst_ni ? {adding_q[2:0], valid_i || issue_q} : 4'd0;
  end
  wire logic drained = !issue_q && adding_q[2:0] == 3'd0;

  // ---- the tree ----
  // A pair takes two cycles: second operand's slot is read, then the first's.
  logic                tree_q, read_q, second_q;
  logic [1:0]          level_q;  // log2 w
  logic [SlotBits-1:0] pair_q;
  logic                last_level_q;
  wire logic [3:0]          w     = 4'd1 << level_q;
  wire logic [SlotBits-1:0] pairs = SlotBits'(w >> $clog2(VecLanes));  // 0: w < VecLanes
  wire logic                last_pair = pairs == '0 || pair_q == pairs - SlotBits'(1);

  always_ff @(posedge clk_i) begin
    if (!rst_ni || clear_i) begin
      tree_q       <= 1'b0;
      read_q       <= 1'b0;
      last_level_q <= 1'b0;
      issue_q      <= 1'b0;
    end else begin
      issue_q <= read_q && !second_q;
      if (finish_i) tree_q <= 1'b1;
      if (tree_q && !read_q && drained && !last_level_q) read_q <= 1'b1;
      else if (read_q && !second_q && last_pair) begin
        read_q       <= 1'b0;
        last_level_q <= level_q == 2'd0;
      end
    end
  end

  always_ff @(posedge clk_i) begin
    if (!read_q) begin
      second_q <= 1'b1;
      pair_q   <= '0;
    end else begin
      second_q <= !second_q;
      if (!second_q) pair_q <= pair_q + SlotBits'(1);
    end
    if (clear_i) level_q <= 2'd3;
    else if (read_q && !second_q && last_pair) level_q <= level_q - 2'd1;
  end

  // ---- partial sums ----
  logic [SlotBits-1:0]    read_slot, write_slot_q;
  logic [VecLanes*32-1:0] partial;
  always_comb begin
    if (!read_q)       read_slot = valid_i ? groups_next[SlotBits-1:0] : groups_q[SlotBits-1:0];
    else if (second_q) read_slot = pair_q + pairs;
    else               read_slot = pair_q;
  end
  always_ff @(posedge clk_i) begin
    if (clear_i || (tree_q && !read_q && drained)) write_slot_q <= '0;
    else if (adding_q[3]) write_slot_q <= write_slot_q + SlotBits'(1);
  end
  for (genvar l = 0; l < VecLanes; l++) begin : g_lane
    (* no_rw_check *) logic [31:0] mem [0:Slots-1];
    logic [31:0] partial_q;
    always_ff @(posedge clk_i) begin
      if (adding_q[3]) mem[write_slot_q] <= add_y_i[32*l +: 32];
      partial_q <= mem[read_slot];
    end
    assign partial[32*l +: 32] = partial_q;
  end

  // A slot that no group has used reads as +0: while groups come, every one in
  // the first round; in the first level, those from groups_q on.
  logic zero_q;
  always_ff @(posedge clk_i) begin
    zero_q <= level_q == 2'd3 && !all_used && read_slot >= groups_q[SlotBits-1:0];
  end
  wire logic zero    = tree_q ? zero_q : !all_used;
  wire logic forward = Slots == 4 && !tree_q && adding_q[0];
  assign a_o = zero ? '0 : forward ? add_y_i : partial;

  // Second operands: of the same lane, or of lane l + w.
  assign tree_o = tree_q;
  assign hold_o = read_q && !second_q;
  for (genvar l = 0; l < VecLanes; l++) begin : g_hold
    localparam int unsigned Above1 = (l + 1) % VecLanes;
    localparam int unsigned Above2 = (l + 2) % VecLanes;
    always_comb begin
      hold_data_o[32*l +: 32] = partial[32*l +: 32];
      if (VecLanes >= 2 && level_q == 2'd0) hold_data_o[32*l +: 32] = partial[32*Above1 +: 32];
      if (VecLanes >= 4 && level_q == 2'd1) hold_data_o[32*l +: 32] = partial[32*Above2 +: 32];
      if (zero_q) hold_data_o[32*l +: 32] = 32'd0;
    end
  end

  assign ready_o  = last_level_q && adding_q[3];
  assign result_o = add_y_i[31:0];

  `CHECK(no_group_in_tree, !(tree_q && valid_i))

endmodule

`default_nettype wire
