// mx_lane_sum is the sum of the numbers and the bits, taken one after another,
// for numbers that leave room for a bit each. Its adders are taken for what
// equal_lane_add proves them to be.
module equal_lane_sum #(
  parameter int unsigned Inputs = 32,
  parameter int unsigned Width  = 12
) (
  input wire logic [Inputs*Width-1:0] x_i,
  input wire logic [Inputs-2:0]       carry_i
);
  localparam int unsigned SumBits = Width + $clog2(Inputs);
  localparam logic [Width-1:0] Largest = {1'b0, {(Width-1){1'b1}}};
  logic signed [SumBits-1:0] y, sum;
  mx_lane_sum #(.Inputs(Inputs), .Width(Width)) u_sum (.x_i, .carry_i, .y_o(y));
  for (genvar i = 0; i < Inputs; i++) begin : g_room
    always_comb assume (x_i[Width*i +: Width] != Largest);
  end
  always_comb begin
    sum = '0;
    for (int i = 0; i < Inputs; i++)
      sum = sum + {{(SumBits-Width){x_i[Width*i + Width-1]}}, x_i[Width*i +: Width]};
    for (int i = 0; i < Inputs - 1; i++) sum = sum + {{(SumBits-1){1'b0}}, carry_i[i]};
    assert (y == sum);
  end
endmodule

module mx_lane_add #(
  parameter int unsigned Width = 16
) (
  input  wire logic signed [Width-1:0] a_i,
  input  wire logic signed [Width-1:0] b_i,
  input  wire logic                    carry_i,
  output wire logic signed [Width:0]   y_o
);
  wire logic signed [Width:0] a = a_i, b = b_i;
  assign y_o = a + b + $signed({1'b0, carry_i});
endmodule
