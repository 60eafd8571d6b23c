// mx_tree_sum is the sum, taken one number after another.
module equal_tree_sum #(
  parameter int unsigned Inputs = 32,
  parameter int unsigned Width  = 16
) (
  input wire logic [Inputs*Width-1:0] x_i
);
  localparam int unsigned SumBits = Width + $clog2(Inputs);
  logic signed [SumBits-1:0] y, sum;
  mx_tree_sum #(.Inputs(Inputs), .Width(Width)) u_sum (.x_i, .y_o(y));
  always_comb begin
    sum = '0;
    for (int i = 0; i < Inputs; i++)
      sum = sum + {{(SumBits-Width){x_i[Width*i + Width-1]}}, x_i[Width*i +: Width]};
    assert (y == sum);
  end
endmodule
