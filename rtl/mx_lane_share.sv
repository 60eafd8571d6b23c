// Products of Rows signed 4-bit weights and one signed 8-bit activation from one
// multiplier: product k is y_i[k] + carry_o[k], y_o[12*k +: 12] signed.
// Combinational.
//
// The multiplier gets the weights at distances of Step bits. Each field of the
// word that comes out is short of 1 if the part of the word below is negative;
// carry_o gives it back where an adder takes it for nothing. A product is -1016
// to 1024, less the 1 -1017: 11 bits tell these values apart, though not as a
// two's complement number.
//   Step = 12, Rows = 2: 17 x 8 bits, for multipliers of 18 x 18 bits
//   Step = 11, Rows = 3: 27 x 8 bits, for the 27 x 18 bits of a DSP48E2
`default_nettype none

module mx_lane_share #(
  parameter int unsigned Rows = 2,
  parameter int unsigned Step = 12
) (
  input  wire logic [Rows*4-1:0]  w_i,
  input  wire logic signed [7:0]  x_i,
  output      logic [Rows*12-1:0] y_o,
  output      logic [Rows-1:0]    carry_o
);

  localparam int unsigned WordBits = Step * (Rows - 1) + 5;
  localparam int unsigned ProductBits = Step * (Rows - 1) + 12;

  wire logic signed [WordBits-1:0] word;
  mx_lane_word #(.Count(Rows), .Width(4), .Step(Step)) u_word (.v_i(w_i), .y_o(word));
  wire logic signed [ProductBits-1:0] product = ProductBits'(word) * ProductBits'(x_i);

  // The topmost field has 12 bits in any case.
  for (genvar k = 0; k < Rows; k++) begin : g_row
    wire logic [11:0] value;
    if (Step == 11 && k < Rows - 1) begin : g_tight
      wire logic [10:0] field = product[Step*k +: 11];
      assign value = {field[10] && field[9:0] != '0, field};
    end else begin : g_roomy
      assign value = product[Step*k +: 12];
    end
    assign y_o[12*k +: 12] = value;
    if (k == 0) begin : g_first
      assign carry_o[k] = 1'b0;
    end else begin : g_next
      assign carry_o[k] = g_row[k-1].value[11];
    end
  end

endmodule

`default_nettype wire
