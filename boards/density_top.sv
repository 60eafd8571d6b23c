// Dot products of Lanes signed 4-bit weights and signed 8-bit activations, for
// boards/density.sh and tests/rtl/tb_mx_lane.c. Registered in and out: results
// come two cycles after the operands. Rows rows of weights share the activations.
//   Variant 0  a loop of + and *            1  * and mx_tree_sum
//           2  mx_dot_mul and mx_tree_sum   3  mx_lane_dot with Chain
//           4  mx_lane_share with Step      5  mx_lane_pair
`default_nettype none

module density_top #(
  parameter int unsigned Variant = 3,
  parameter int unsigned Lanes   = 32,
  parameter int unsigned Rows    = 1,
  parameter int unsigned Chain   = 2,
  parameter int unsigned Step    = 12,
  localparam int unsigned YBits  = 12 + $clog2(Lanes)
) (
  input  wire logic                    clk_i,
  input  wire logic [Rows*Lanes*4-1:0] w_i,
  input  wire logic [Lanes*8-1:0]      x_i,
  output      logic [Rows*YBits-1:0]   y_o
);

  logic [Rows*Lanes*4-1:0] w_q;
  logic [Lanes*8-1:0]      x_q;
  logic [Rows*YBits-1:0]   y;
  always_ff @(posedge clk_i) begin
    w_q <= w_i;
    x_q <= x_i;
    y_o <= y;
  end

  if (Variant == 0) begin : g_loop
    always_comb
      for (int r = 0; r < Rows; r++) begin
        y[YBits*r +: YBits] = '0;
        for (int i = 0; i < Lanes; i++)
          y[YBits*r +: YBits] = y[YBits*r +: YBits] + YBits'($signed(w_q[4*(Lanes*r+i) +: 4]))
                                                    * YBits'($signed(x_q[8*i +: 8]));
      end

  end else if (Variant <= 2) begin : g_tree
    for (genvar r = 0; r < Rows; r++) begin : g_row
      wire logic [Lanes*12-1:0] products;
      for (genvar i = 0; i < Lanes; i++) begin : g_lane
        wire logic signed [3:0]  w = w_q[4*(Lanes*r+i) +: 4];
        wire logic signed [7:0]  x = x_q[8*i +: 8];
        wire logic signed [15:0] product;
        if (Variant == 1) begin : g_times
          assign product = 16'(w) * 16'(x);
        end else begin : g_mul
          mx_dot_mul #(.WeightBits(4)) u_mul (.w_i(w), .x_i(x), .y_o(product));
        end
        assign products[12*i +: 12] = product[11:0];
        wire logic unused = ^product[15:12];
      end
      mx_tree_sum #(.Inputs(Lanes), .Width(12)) u_sum (
        .x_i(products), .y_o(y[YBits*r +: YBits])
      );
    end

  end else if (Variant == 3) begin : g_chain
    for (genvar r = 0; r < Rows; r++) begin : g_row
      mx_lane_dot #(.Lanes(Lanes), .Chain(Chain)) u_dot (
        .w_i(w_q[4*Lanes*r +: 4*Lanes]), .x_i(x_q), .y_o(y[YBits*r +: YBits])
      );
    end

  end else if (Variant == 4) begin : g_share
    // The tree lacks an adder for the last lane's carry; that lane's own adds it.
    wire logic [Rows*Lanes*12-1:0] products;
    wire logic [Rows*Lanes-1:0]    carries;
    for (genvar i = 0; i < Lanes; i++) begin : g_lane
      wire logic [Rows*4-1:0]  w;
      wire logic [Rows*12-1:0] product;
      wire logic [Rows-1:0]    carry;
      for (genvar r = 0; r < Rows; r++) begin : g_row
        assign w[4*r +: 4] = w_q[4*(Lanes*r+i) +: 4];
        assign carries[Lanes*r+i] = carry[r];
        if (r == 0 || i < Lanes - 1) begin : g_same
          assign products[12*(Lanes*r+i) +: 12] = product[12*r +: 12];
        end else begin : g_exact
          wire logic [12:0] exact;
          mx_lane_add #(.Width(12)) u_add (
            .a_i(product[12*r +: 12]), .b_i(12'd0), .carry_i(carry[r]), .y_o(exact)
          );
          assign products[12*(Lanes*r+i) +: 12] = exact[11:0];
          wire logic unused = exact[12];
        end
      end
      mx_lane_share #(.Rows(Rows), .Step(Step)) u_share (
        .w_i(w), .x_i(x_q[8*i +: 8]), .y_o(product), .carry_o(carry)
      );
    end
    for (genvar r = 0; r < Rows; r++) begin : g_row
      mx_lane_sum #(.Inputs(Lanes), .Width(12)) u_sum (
        .x_i(products[12*Lanes*r +: 12*Lanes]), .carry_i(carries[Lanes*r +: Lanes-1]),
        .y_o(y[YBits*r +: YBits])
      );
      wire logic unused = carries[Lanes*r+Lanes-1];
    end

  end else begin : g_pair
    for (genvar r = 0; r < Rows; r++) begin : g_row
      wire logic [Lanes/2*13-1:0] sums;
      wire logic [Lanes/2-1:0]    carries;
      for (genvar i = 0; i < Lanes / 2; i++) begin : g_lanes
        wire logic [12:0] sum;
        mx_lane_pair u_pair (
          .w_i(w_q[4*Lanes*r+8*i +: 8]), .x_i(x_q[16*i +: 16]),
          .y_o(sum), .carry_o(carries[i])
        );
        if (i < Lanes / 2 - 1) begin : g_same
          assign sums[13*i +: 13] = sum;
        end else begin : g_exact
          wire logic [13:0] exact;
          mx_lane_add #(.Width(13)) u_add (
            .a_i(sum), .b_i(13'd0), .carry_i(carries[i]), .y_o(exact)
          );
          assign sums[13*i +: 13] = exact[12:0];
          wire logic unused = exact[13];
        end
      end
      mx_lane_sum #(.Inputs(Lanes / 2), .Width(13)) u_sum (
        .x_i(sums), .carry_i(carries[Lanes/2-2:0]), .y_o(y[YBits*r +: YBits])
      );
    end
  end

endmodule

`default_nettype wire
