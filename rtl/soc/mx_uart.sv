// Serial line, 8 data bits, no parity, 1 stop bit, lowest bit first.
//
// in_*: bytes to send, valid/ready. out_*: bytes that arrived, valid/ready;
// RxDepth of them are held, what comes when all places are taken is lost: lost_o
// for a cycle.
// A byte whose stop bit is 0 is dropped, and so is what follows until the line
// is 1 again. rx_i needs no synchronizer.
// ClocksPerBit: of both directions, at least 4; the other end may be wrong by
// 4 % where it is 16 or more. Reset: synchronous; the line is 1.
`default_nettype none

module mx_uart #(
  parameter int unsigned ClocksPerBit = 104,
  parameter int unsigned RxDepth      = 1  // 1, or a power of two
) (
  input  wire logic       clk_i,
  input  wire logic       rst_ni,
  input  wire logic       rx_i,
  output      logic       tx_o,

  input  wire logic       in_valid_i,
  output      logic       in_ready_o,
  input  wire logic [7:0] in_data_i,

  output      logic       out_valid_o,
  input  wire logic       out_ready_i,
  output      logic [7:0] out_data_o,
  output      logic       lost_o
);

  localparam int unsigned CountBits = $clog2(ClocksPerBit);
  localparam logic [CountBits-1:0] BitCount  = CountBits'(ClocksPerBit - 1);
  // From the edge of the start bit to its middle, less what the synchronizer takes.
  localparam logic [CountBits-1:0] HalfCount = CountBits'(ClocksPerBit / 2 - 1);

  if (ClocksPerBit < 4) begin : g_slow
    $error("mx_uart: ClocksPerBit must be at least 4");
  end

  // ---- sending: the stop bit fills up from above; done when only it is left ----
  logic [9:0]           tx_q;  // bit under way lowest; 1 when idle
  logic [CountBits-1:0] tx_count_q;
  wire logic            tx_tick = tx_count_q == '0;

  assign in_ready_o = tx_q == 10'h1 && tx_tick;
  assign tx_o       = tx_q[0];

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      tx_q       <= 10'h1;
      tx_count_q <= '0;
    end else if (in_valid_i && in_ready_o) begin
      tx_q       <= {1'b1, in_data_i, 1'b0};
      tx_count_q <= BitCount;
    end else if (!tx_tick) begin
      tx_count_q <= tx_count_q - 1'b1;
    end else if (tx_q != 10'h1) begin
      tx_q       <= {1'b0, tx_q[9:1]};
      tx_count_q <= BitCount;
    end
  end

  // ---- receiving: a 1 that starts on top is at the bottom when the stop bit comes ----
  localparam logic [9:0] Begin = 10'h200;
  logic                 sync_q, line_q;
  logic [9:0]           rx_q;       // then 8 bits of data above the start bit
  logic                 active_q;   // a byte is under way
  logic                 broken_q;   // waits for a 1
  logic [CountBits-1:0] rx_count_q;
  wire logic            rx_tick = active_q && rx_count_q == '0;
  wire logic            spike   = rx_q == Begin && line_q;  // no start bit
  wire logic            rx_end  = rx_tick && rx_q[0];
  wire logic            arrived = rx_end && line_q;

  always_ff @(posedge clk_i) begin
    sync_q <= rx_i || !rst_ni;
    line_q <= sync_q || !rst_ni;
    if (!rst_ni) begin
      active_q <= 1'b0;
      broken_q <= 1'b0;
    end else begin
      active_q <= active_q ? !(rx_tick && (rx_q[0] || spike)) : !line_q && !broken_q;
      broken_q <= !line_q && (broken_q || rx_end);
    end
    if (!active_q)    rx_q <= Begin;
    else if (rx_tick) rx_q <= {line_q, rx_q[9:1]};
    if (!active_q)    rx_count_q <= HalfCount;
    else if (rx_tick) rx_count_q <= BitCount;
    else              rx_count_q <= rx_count_q - 1'b1;
  end

  if (RxDepth == 1) begin : g_one
    logic       valid_q;
    logic [7:0] data_q;
    assign out_valid_o = valid_q;
    assign out_data_o  = data_q;
    assign lost_o      = arrived && valid_q && !out_ready_i;
    always_ff @(posedge clk_i) begin
      if (!rst_ni) valid_q <= 1'b0;
      else         valid_q <= arrived || (valid_q && !out_ready_i);
      if (arrived && (!valid_q || out_ready_i)) data_q <= rx_q[9:2];
    end
  end else begin : g_fifo
    logic [$clog2(RxDepth):0] count;
    logic                     room, pending_q;  // a byte that arrived, until the FIFO takes it
    logic [7:0]               data_q;
    assign lost_o = arrived && pending_q && !room;
    always_ff @(posedge clk_i) begin
      if (!rst_ni) pending_q <= 1'b0;
      else         pending_q <= arrived || (pending_q && !room);
      if (arrived && !(pending_q && !room)) data_q <= rx_q[9:2];
    end
    mx_fifo #(.Width(8), .Depth(RxDepth)) u_fifo (
      .clk_i(clk_i), .rst_ni(rst_ni), .in_valid_i(pending_q), .in_ready_o(room), .in_data_i(data_q),
      .out_valid_o(out_valid_o), .out_ready_i(out_ready_i), .out_data_o(out_data_o), .count_o(count)
    );
    wire logic unused = |count;
  end

endmodule

`default_nettype wire
