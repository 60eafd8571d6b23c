// Commands to an SDR SDRAM chip: start-up, refresh, open rows, and a READ or
// WRITE of Columns * Rate columns for each access, as early as the chip's times allow.
//
// acc_*: an access stays until acc_done_o, the cycle that decides on its READ or
// WRITE; read_o and write_o come with that command at the pins, a cycle later.
// Rows stay open until another row of the bank is wanted or a refresh is due.
// Of one row, accesses follow each other every Columns cycles; a row of another
// bank is opened under the data of the access before.
// Rate: cycles of the chip's clock in one of ours. Commands count in the first.
// RefreshGroup rows are refreshed at a time, RefreshGroup times as seldom.
// ready_o: start-up is over. Cycles*: the chip's times in clock cycles, rounded
// up by mx_sdram. The pins are registers. Reset: synchronous; starts up again.
`include "check.svh"
`default_nettype none

module mx_sdram_bank #(
  parameter int unsigned Columns      = 4,  // cycles of an access, a power of two
  parameter int unsigned Rate         = 1,  // or 2; Columns * Rate up to 8
  parameter int unsigned ColumnBits   = 9,
  parameter int unsigned RowBits      = 13,
  parameter int unsigned CasLatency   = 2,
  parameter int unsigned RefreshGroup = 4,
  parameter int unsigned CyclesPowerUp = 10000,
  parameter int unsigned CyclesRefresh = 390,  // from one row's refresh to the next
  parameter int unsigned CyclesRcd = 2,
  parameter int unsigned CyclesRp  = 2,
  parameter int unsigned CyclesRas = 3,
  parameter int unsigned CyclesRc  = 4,
  parameter int unsigned CyclesRfc = 4,
  parameter int unsigned CyclesWr  = 2,
  parameter int unsigned CyclesMrd = 2
) (
  input  wire logic                  clk_i,
  input  wire logic                  rst_ni,
  output      logic                  ready_o,

  input  wire logic                  acc_valid_i,
  input  wire logic                  acc_write_i,
  input  wire logic [RowBits-1:0]    acc_row_i,
  input  wire logic [1:0]            acc_bank_i,
  input  wire logic [ColumnBits-1:0] acc_column_i,  // of the first
  output      logic                  acc_done_o,
  output      logic                  read_o,
  output      logic                  write_o,

  output      logic                  cke_o,
  output      logic                  cs_no,
  output      logic                  ras_no,
  output      logic                  cas_no,
  output      logic                  we_no,
  output      logic [1:0]            ba_o,
  output      logic [RowBits-1:0]    a_o
);

  // {ras_n, cas_n, we_n}
  localparam logic [2:0] Mode      = 3'b000;
  localparam logic [2:0] Refresh   = 3'b001;
  localparam logic [2:0] Precharge = 3'b010;
  localparam logic [2:0] Activate  = 3'b011;
  localparam logic [2:0] Write     = 3'b100;
  localparam logic [2:0] Read      = 3'b101;
  localparam logic [2:0] Nothing   = 3'b111;

  localparam int unsigned InitRefreshes = 8;
  localparam int unsigned Interval  = CyclesRefresh * RefreshGroup;
  localparam int unsigned TimerBits = $clog2((CyclesPowerUp > Interval ? CyclesPowerUp : Interval) + 1);
  localparam logic [RowBits-1:0] ModeWord = RowBits'({3'(CasLatency), 1'b0, 3'($clog2(Columns * Rate))});
  if (Columns * Rate > 8 || RefreshGroup > InitRefreshes || CasLatency < 2 || CasLatency > 3 || ColumnBits > 10 || RowBits < 11)
    $error("mx_sdram_bank: no such chip");

  // ---- how long commands must still wait: zero when they may go ----
  // Each is set to n - 1 when what it counts from is decided.
  localparam int unsigned ToWrite = (CasLatency + Rate - 1) / Rate + Columns + 1;  // from READ: the pins' turnaround
  localparam int unsigned WriteToPrecharge = Columns - 1 + CyclesWr;
  logic [3:0] rcd_q, rp_q, ras_q, rc_q, column_q, turn_q, wr_q;
  logic [2:0] command;
  logic [1:0] column_bank_q;  // of the last READ or WRITE
  function automatic logic [3:0] count(input logic set, input int unsigned cycles, input logic [3:0] now);
    count = set ? 4'(cycles - 1) : now != '0 ? now - 1'b1 : '0;
  endfunction
  wire logic column_now = command == Read || command == Write;
  always_ff @(posedge clk_i) begin
    rcd_q    <= count(command == Activate, CyclesRcd, rcd_q);
    rp_q     <= count(command == Precharge, CyclesRp, rp_q);
    ras_q    <= count(command == Activate, CyclesRas, ras_q);
    column_q <= count(column_now, Columns, column_q);
    turn_q   <= count(command == Read, ToWrite, turn_q);
    wr_q     <= count(command == Write, WriteToPrecharge, wr_q);
    if (command == Refresh)   rc_q <= 4'(CyclesRfc - 1);
    else if (command == Mode) rc_q <= 4'(CyclesMrd - 1);
    else                      rc_q <= count(command == Activate, CyclesRc, rc_q);
    if (column_now) column_bank_q <= acc_bank_i;
  end

  // ---- states: PowerUp, then Close, Rows (refreshes), Set (mode); afterwards
  // Serve, and from time to time Close and Rows ----
  typedef enum logic [2:0] {PowerUp, Close, Rows, Set, Serve} state_e;
  state_e state_q, state_d;
  logic [TimerBits-1:0] timer_q;
  logic [3:0]           refreshes_q;  // still to do
  logic                 due_q, ready_q;
  wire logic timer_end = timer_q == '0;
  always_ff @(posedge clk_i) begin
    if (!rst_ni)        timer_q <= TimerBits'(CyclesPowerUp);
    else if (timer_end) timer_q <= TimerBits'(Interval - 1);
    else                timer_q <= timer_q - 1'b1;
  end

  // ---- open rows ----
  logic [3:0]         open_q;
  logic [RowBits-1:0] row_q[4];
  wire logic opened = open_q[acc_bank_i];
  wire logic same   = row_q[acc_bank_i] == acc_row_i;
  always_ff @(posedge clk_i) if (command == Activate) row_q[acc_bank_i] <= acc_row_i;

  wire logic may_close_all = ras_q == '0 && wr_q == '0 && column_q == '0;
  wire logic may_close     = ras_q == '0 && wr_q == '0 && (column_q == '0 || acc_bank_i != column_bank_q);
  wire logic may_begin     = rp_q == '0 && rc_q == '0;  // ACTIVE, REFRESH, MODE
  wire logic may_access    = column_q == '0 && rcd_q == '0 && (!acc_write_i || turn_q == '0);
  wire logic close_all     = state_q == Close && may_close_all;

  always_comb begin
    command = Nothing;
    state_d = state_q;
    case (state_q)
      PowerUp: if (timer_end) state_d = Close;
      Close: if (may_close_all) begin
        command = Precharge;
        state_d = Rows;
      end
      Rows: if (may_begin) begin
        command = Refresh;
        if (refreshes_q == 4'd1) state_d = ready_q ? Serve : Set;
      end
      Set: if (may_begin) begin
        command = Mode;
        state_d = Serve;
      end
      default: begin
        if (due_q) state_d = Close;
        else if (acc_valid_i) begin
          if (!opened)      command = may_begin ? Activate : Nothing;
          else if (!same)   command = may_close ? Precharge : Nothing;
          else if (may_access) command = acc_write_i ? Write : Read;
        end
      end
    endcase
    if (!rst_ni) command = Nothing;
  end
  assign acc_done_o = column_now;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      state_q <= PowerUp;
      ready_q <= 1'b0;
      due_q   <= 1'b0;
      open_q  <= '0;
    end else begin
      state_q <= state_d;
      ready_q <= ready_q || state_q == Serve;
      due_q   <= (due_q && state_q != Close) || (timer_end && ready_q);
      if (close_all) open_q <= '0;
      else if (command == Activate || command == Precharge) open_q[acc_bank_i] <= command == Activate;
    end
    if (command == Refresh)   refreshes_q <= refreshes_q - 1'b1;
    else if (state_q != Rows) refreshes_q <= ready_q ? 4'(RefreshGroup) : 4'(InitRefreshes);
  end
  assign ready_o = ready_q;

  // ---- pins ----
  logic [RowBits-1:0] address;
  always_comb begin
    case (command)
      Activate:    address = acc_row_i;
      Mode:        address = ModeWord;
      default:     address = RowBits'(acc_column_i);  // bit 10 is 0: one bank, no precharge after it
    endcase
    if (state_q == Close) address[10] = 1'b1;
  end
  always_ff @(posedge clk_i) begin
    cke_o   <= 1'b1;
    cs_no   <= command == Nothing;
    {ras_no, cas_no, we_no} <= command;
    ba_o    <= state_q == Set ? 2'd0 : acc_bank_i;
    a_o     <= address;
    read_o  <= command == Read;
    write_o <= command == Write;
  end

  `RESET_FIRST
  `CHECK(refresh_not_late, !(due_q && timer_end))

endmodule

`default_nettype wire
