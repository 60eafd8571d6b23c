// The sum of Lanes products of a signed 4-bit and a signed 8-bit number: a chain
// of Booth steps, first the low digits of all weights, then on top of their sum,
// less its two lowest bits, the high digits. The sum is y_o + carry_o.
// Combinational, 2 Lanes - 1 adders deep.
//
// carry_o is the 1 that the first step lacks (mx_lane_digit); an adder below
// takes it for nothing. Exact: carry_o is 0, for one more adder. On families
// with LUT6 that adder's LUTs are those of the digit.
`default_nettype none

module mx_lane_chain #(
  parameter int unsigned Lanes = 2,
  parameter int unsigned Exact = 0,
  localparam int unsigned YBits = 12 + $clog2(Lanes)
) (
  input  wire logic [Lanes*4-1:0]      w_i,
  input  wire logic [Lanes*8-1:0]      x_i,
  output      logic signed [YBits-1:0] y_o,
  output      logic                    carry_o
);

  // A digit times x is 256 at most, in magnitude; the sum of all 1024 Lanes.
  localparam int unsigned LowBits = $clog2(256 * Lanes + 1) + 1;

  for (genvar i = 0; i < Lanes; i++) begin : g_low
    localparam int unsigned Bits = $clog2(256 * (i + 1) + 1) + 1;
    wire logic [Bits-1:0] sum;
    wire logic [2:0] code = {w_i[4*i +: 2], 1'b0};
    wire logic [7:0] x = x_i[8*i +: 8];
    if (i > 0) begin : g_next
      localparam int unsigned RestBits = $clog2(256 * i + 1) + 1;
      mx_lane_booth #(.ABits(RestBits), .YBits(Bits), .Lowest(1)) u_step (
        .a_i(g_low[i-1].sum), .code_i(code), .x_i(x), .y_o(sum)
      );
    end else if (Exact != 0) begin : g_exact
      mx_lane_booth #(.ABits(Bits), .YBits(Bits), .Lowest(1), .First(1)) u_step (
        .a_i('0), .code_i(code), .x_i(x), .y_o(sum)
      );
      assign carry_o = 1'b0;
    end else begin : g_first
      wire logic [8:0] multiple;
      mx_lane_digit #(.Lowest(1)) u_digit (.code_i(code), .x_i(x), .y_o(multiple));
      assign sum = {multiple[8], multiple};
      assign carry_o = code[2];
    end
  end

  wire logic [LowBits-1:0] low = g_low[Lanes-1].sum;
  for (genvar i = 0; i < Lanes; i++) begin : g_high
    localparam int unsigned Bits =
      i == Lanes - 1 ? YBits - 2 : $clog2(64 * Lanes + 256 * (i + 1) + 2) + 1;
    localparam int unsigned RestBits =
      i == 0 ? LowBits - 2 : $clog2(64 * Lanes + 256 * i + 2) + 1;
    wire logic [Bits-1:0] sum;
    wire logic [RestBits-1:0] rest;
    if (i == 0) begin : g_first
      assign rest = low[LowBits-1:2];
    end else begin : g_next
      assign rest = g_high[i-1].sum;
    end
    mx_lane_booth #(.ABits(RestBits), .YBits(Bits)) u_step (
      .a_i(rest), .code_i(w_i[4*i+1 +: 3]), .x_i(x_i[8*i +: 8]), .y_o(sum)
    );
  end

  assign y_o = {g_high[Lanes-1].sum, low[1:0]};

endmodule

`default_nettype wire
