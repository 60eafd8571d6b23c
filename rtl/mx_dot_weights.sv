// Weights of one slice: from the bits of a beat to signed bytes per lane.
//
// Stage 0 (step_i): picks the chunk's codes out of the slice's part of the
// beat and of the beat before (6 bits: four chunks of 3/4 beat from three
// beats). Stage 1 (en_i, the cycle after): decode table, zero point. Weights
// are at w_*_o in the cycle after that. Throughput one chunk per cycle.
// No reset.
//
// Mode, for stage 0: eight_i, six_i, else 4 bits; planar_i; phase_i is the
// step's place in the beat (0 and 1: planar and half-beat chunks, 0 to 3: six
// bits, else 0). take_i: the beat is consumed. For stage 1: full_i, the chunk
// has Lanes elements and not Lanes/2; table_i, codes index the decode table,
// which is written through table_*.
`default_nettype none

module mx_dot_weights #(
  parameter int unsigned Lanes     = 32,
  parameter int unsigned Codebook  = 1,
  parameter int unsigned ZeroPoint = 1,
  localparam int unsigned HighBits = Codebook != 0 || ZeroPoint != 0 ? 8 : 4
) (
  input  wire logic                        clk_i,

  input  wire logic                        step_i,
  input  wire logic                        take_i,
  input  wire logic [1:0]                  phase_i,
  input  wire logic                        planar_i,
  input  wire logic                        six_i,
  input  wire logic                        eight_i,
  input  wire logic [4*Lanes-1:0]          data_i,

  input  wire logic                        table_we_i,
  input  wire logic [3:0]                  table_addr_i,
  input  wire logic [7:0]                  table_data_i,

  input  wire logic                        en_i,
  input  wire logic                        full_i,
  input  wire logic                        table_i,
  input  wire logic [7:0]                  zero_i,
  output      logic [Lanes/2*8-1:0]        w_low_o,
  output      logic [Lanes/2*HighBits-1:0] w_high_o
);

  localparam int unsigned Half = Lanes / 2;

  // ---- 0: codes ----
  // Six bits: the upper three quarters of the last beat taken.
  logic [3*Lanes-1:0] hold_q;
  always_ff @(posedge clk_i) if (take_i && six_i) hold_q <= data_i[4*Lanes-1:Lanes];

  logic [3*Lanes-1:0] six;
  always_comb
    case (phase_i)
      2'd0:    six = data_i[3*Lanes-1:0];
      2'd1:    six = {data_i[2*Lanes-1:0], hold_q[3*Lanes-1:2*Lanes]};
      2'd2:    six = {data_i[Lanes-1:0], hold_q[3*Lanes-1:Lanes]};
      default: six = hold_q;
    endcase

  logic [Half*8-1:0] low_q;   // sign-extended codes
  logic [Half*4-1:0] high_q;  // 4-bit codes
  for (genvar i = 0; i < Half; i++) begin : g_code
    wire logic [3:0] four = planar_i ? (phase_i[0] ? data_i[8*i+4 +: 4] : data_i[8*i +: 4])
                                     : (phase_i[0] ? data_i[4*(Half+i) +: 4] : data_i[4*i +: 4]);
    wire logic [5:0] of_six = six[6*i +: 6];
    always_ff @(posedge clk_i)
      if (step_i) low_q[8*i +: 8] <= eight_i ? data_i[8*i +: 8]
                                   : six_i   ? {{2{of_six[5]}}, of_six}
                                             : {{4{four[3]}}, four};
  end
  always_ff @(posedge clk_i) if (step_i) high_q <= data_i[4*Lanes-1:2*Lanes];

  // ---- 1: values ----
  for (genvar i = 0; i < Half; i++) begin : g_value
    wire logic [7:0] low = low_q[8*i +: 8];
    wire logic [3:0] high = high_q[4*i +: 4];
    wire logic [7:0] low_value, high_value;
    if (Codebook != 0) begin : g_table
      // A copy for each lane: two 16 x 4 RAMs of LUTs are less than a multiplexer.
      logic [7:0] low_table_q [16];
      logic [7:0] high_table_q [16];
      always_ff @(posedge clk_i) if (table_we_i) low_table_q[table_addr_i] <= table_data_i;
      always_ff @(posedge clk_i) if (table_we_i) high_table_q[table_addr_i] <= table_data_i;
      assign low_value  = table_i ? low_table_q[low[3:0]] : low;
      assign high_value = table_i ? high_table_q[high] : {{4{high[3]}}, high};
    end else begin : g_no_table
      assign low_value  = low;
      assign high_value = {{4{high[3]}}, high};
    end
    wire logic [7:0] low_w  = ZeroPoint != 0 ? low_value - zero_i : low_value;
    wire logic [7:0] high_w = ZeroPoint != 0 ? high_value - zero_i : high_value;
    always_ff @(posedge clk_i)
      if (en_i) begin
        w_low_o[8*i +: 8]                <= low_w;
        w_high_o[HighBits*i +: HighBits] <= full_i ? high_w[HighBits-1:0] : '0;
      end
    if (HighBits != 8) begin : g_unused
      wire logic unused = ^high_w[7:HighBits];
    end
  end

  if (Codebook == 0) begin : g_no_table
    wire logic unused = ^{table_i, table_we_i, table_addr_i, table_data_i};
  end
  if (ZeroPoint == 0) begin : g_no_zero
    wire logic unused = ^zero_i;
  end

endmodule

`default_nettype wire
