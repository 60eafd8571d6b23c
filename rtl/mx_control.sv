// The state of the device: idle, running, stopping; faults and soft reset.
//
// start_i (ignored unless idle and without a fault) begins a program: run_o is
// set until HALT, a fault or a reset. halt_i ends it; DONE follows when the
// fetches still on their way have arrived. The first fault in a program, in the
// order of faults_i from the lowest, is kept in error_o. After a fault and for
// soft_reset_i, stop_o is held until bus_idle_i has been set for 8 cycles, then
// clear_o resets the units for 2 cycles, then busy_o falls.
//
// Faults arrive as codes, 0 for none, for one cycle. fault_now_o is
// combinational. Reset: synchronous, to idle.
`default_nettype none

module mx_control #(
  parameter int unsigned Sources = 6
) (
  input  wire logic                 clk_i,
  input  wire logic                 rst_ni,

  input  wire logic                 start_i,
  input  wire logic                 soft_reset_i,
  input  wire logic                 halt_i,
  input  wire logic                 fetch_idle_i,
  input  wire logic                 bus_idle_i,
  input  wire logic [4*Sources-1:0] faults_i,

  output      logic                 begin_o,     // start_i was heard
  output      logic                 run_o,
  output      logic                 fault_now_o,
  output      logic                 stop_o,
  output      logic                 clear_o,
  output      logic                 busy_o,
  output      logic                 done_o,
  output      logic                 fault_o,
  output      logic [3:0]           error_o
);

  localparam logic [2:0] Idle = 3'd0, Run = 3'd1, Drain = 3'd2, Stop = 3'd3, Clear = 3'd4;
  localparam int unsigned StopCycles = 8, ClearCycles = 2;

  logic [2:0] state_q;
  logic [2:0] count_q;  // cycles in Stop with an idle bus, or in Clear
  logic       soft_q;   // the stop is a soft reset's

  logic [3:0] first;
  always_comb begin
    first = mx_pkg::FAULT_NONE;
    for (int i = Sources - 1; i >= 0; i--)
      if (faults_i[4*i +: 4] != 0) first = faults_i[4*i +: 4];
  end
  assign fault_now_o = (state_q == Run || state_q == Drain) && first != 0;

  wire logic stopped = bus_idle_i && count_q == 3'(StopCycles - 1);
  wire logic cleared = count_q == 3'(ClearCycles - 1);
  assign begin_o = start_i && !soft_reset_i && state_q == Idle && !fault_o;

  always_ff @(posedge clk_i) begin
    if (!rst_ni)                                                 state_q <= Idle;
    else if (soft_reset_i && state_q != Stop && state_q != Clear) state_q <= Stop;
    else
      case (state_q)
        Idle:    if (begin_o) state_q <= Run;
        Run:     if (fault_now_o) state_q <= Stop; else if (halt_i) state_q <= Drain;
        Drain:   if (fault_now_o) state_q <= Stop; else if (fetch_idle_i) state_q <= Idle;
        Stop:    if (stopped) state_q <= Clear;
        Clear:   if (cleared) state_q <= Idle;
        default: state_q <= Idle;
      endcase
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni)                                count_q <= '0;
    else if (state_q == Stop && bus_idle_i)     count_q <= stopped ? '0 : count_q + 1'b1;
    else if (state_q == Clear && !cleared)      count_q <= count_q + 1'b1;
    else                                        count_q <= '0;
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni || (state_q == Clear && cleared)) soft_q <= 1'b0;
    else if (soft_reset_i)                        soft_q <= 1'b1;
  end

  wire logic ended    = state_q == Clear && cleared;
  wire logic soft_now = soft_q || soft_reset_i;
  always_ff @(posedge clk_i) begin
    if (!rst_ni || begin_o || (ended && soft_now))  done_o <= 1'b0;
    else if (state_q == Drain && !fault_now_o && fetch_idle_i && !soft_reset_i) done_o <= 1'b1;
  end
  always_ff @(posedge clk_i) begin
    if (!rst_ni)    fault_o <= 1'b0;
    else if (ended) fault_o <= !soft_now;
  end
  always_ff @(posedge clk_i) begin
    if (!rst_ni || begin_o || (ended && soft_now)) error_o <= '0;
    else if (fault_now_o)                        error_o <= first;
  end

  assign run_o   = state_q == Run;
  assign stop_o  = state_q == Stop || state_q == Clear;
  assign clear_o = state_q == Clear;
  assign busy_o  = state_q != Idle;

endmodule

`default_nettype wire
