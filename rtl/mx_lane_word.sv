// Numbers of Width bits at distances of Step bits in one signed word:
// y = sum of v[k] * 2^(Step k), v[k] = v_i[Width*k +: Width], signed. Count >= 2.
// Combinational, without adders: a number below zero takes 1 from the next one,
// which then changes up to its lowest bit set.
`default_nettype none

module mx_lane_word #(
  parameter int unsigned Count = 2,
  parameter int unsigned Width = 4,
  parameter int unsigned Step  = 12,
  localparam int unsigned YBits = Step * (Count - 1) + Width + 1
) (
  input  wire logic [Count*Width-1:0]  v_i,
  output      logic signed [YBits-1:0] y_o
);

  for (genvar k = 0; k < Count; k++) begin : g_number
    wire logic [Width-1:0] v = v_i[Width*k +: Width];
    wire logic below, negative;  // the word so far is, without and with this number
    wire logic [Width-1:0] changed;
    for (genvar i = 0; i < Width; i++) begin : g_bit
      if (i == 0) begin : g_lowest
        assign changed[i] = v[i] ^ below;
      end else begin : g_higher
        assign changed[i] = v[i] ^ (below && v[i-1:0] == '0);
      end
    end
    if (k == 0) begin : g_first
      assign below = 1'b0;
    end else begin : g_next
      assign below = g_number[k-1].negative;
    end
    assign negative = v[Width-1] || (v == '0 && below);
    if (k < Count - 1) begin : g_field
      assign y_o[Step*k +: Step] = {{(Step-Width){negative}}, changed};
    end else begin : g_top
      assign y_o[Step*k +: Width+1] = {negative, changed};
    end
  end

endmodule

`default_nettype wire
