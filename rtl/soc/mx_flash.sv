// Reader of a serial NOR flash of 16 MB or less (commands of Winbond W25Q, which
// others share). AXI4 slave for reads: INCR bursts of 32-bit words that do not
// cross 4 KB, one at a time; addresses are multiples of 4.
//
// Lines: 4 reads by EBh (after setting QE in status register 2, if it is not set,
// by 50h and 31h: until power-off), 2 by BBh, 1 by 0Bh. Of a word, 32 / Lines
// clocks of the flash. The chip stays selected after a burst and gives the word
// that follows: a burst at the next address goes on without a command, and without
// a lost clock if it comes within those of a word. Any other address, and each
// window of 4 KB, begins with a command: DeselectCycles + 8 + 32 / Lines clocks,
// and 4 more if Lines = 4. While rready_i is 0 with a word at hand, the clock rests.
//
// Divide = 1: a clock of the flash in each cycle with sck_o = 1, low in its first
// and high in its second half (an output cell with two data inputs, 0 and sck_o).
// Divide = 2: sck_o is the flash's clock, a register. io_*: of IO0 (DI), IO1 (DO),
// IO2 (WP), IO3 (HOLD); the chip's data are taken at the end of a clock. With Lines
// < 4 IO2 and IO3 are held high.
//
// After reset, and again after release from power-down, PowerUpCycles (at most 512,
// rounded up to a power of two; at least 20 us) pass. The chip is taken out of a
// continuous read (FFh, with two lines FFh FFh), woken (ABh), asked at most 1024 *
// 2^LenBits times whether it is busy (05h), and for its manufacturer (9Fh). Then
// ready_o is set; reads wait for that. missing_o, with ready_o: the chip says nothing
// (manufacturer 00h or FFh), or stays busy, or keeps QE cleared; reads are answered
// with SLVERR. id_o: the manufacturer.
// LenBits: of arlen_i that count. Reset: synchronous; deselects the chip.
`default_nettype none

module mx_flash #(
  parameter int unsigned Lines          = 4,
  parameter int unsigned Divide         = 1,
  parameter int unsigned PowerUpCycles  = 512,
  parameter int unsigned DeselectCycles = 2,  // 2..8, at least 50 ns
  parameter int unsigned LenBits        = 8
) (
  input  wire logic        clk_i,
  input  wire logic        rst_ni,
  output      logic        ready_o,
  output      logic        missing_o,
  output      logic [7:0]  id_o,

  input  wire logic        arvalid_i,
  output      logic        arready_o,
  input  wire logic [23:0] araddr_i,
  input  wire logic [7:0]  arlen_i,
  output      logic        rvalid_o,
  input  wire logic        rready_i,
  output      logic [31:0] rdata_o,
  output      logic [1:0]  rresp_o,
  output      logic        rlast_o,

  output      logic        cs_no,
  output      logic        sck_o,
  output      logic [3:0]  io_o,
  output      logic [3:0]  io_oe_o,
  input  wire logic [3:0]  io_i
);

  localparam int unsigned CountBits = 5 - $clog2(Lines);
  localparam int unsigned WaitBit   = $clog2(PowerUpCycles);
  if (Lines != 1 && Lines != 2 && Lines != 4) $error("mx_flash: Lines must be 1, 2 or 4");
  if (Divide != 1 && Divide != 2) $error("mx_flash: Divide must be 1 or 2");
  if (PowerUpCycles > 512 || DeselectCycles < 2 || DeselectCycles > 8 || LenBits < 1 || LenBits > 8)
    $error("mx_flash: parameter out of range");

  // ---- commands: an opcode, then a byte from or to the chip, or an address ----
  typedef enum logic [2:0] {
    Resume  = 3'd0,  // FFh; with two lines FFh FFh
    Release = 3'd1,  // ABh
    Status1 = 3'd2,  // 05h
    Status2 = 3'd3,  // 35h
    Enable  = 3'd4,  // 50h
    SetQe   = 3'd5,  // 31h 02h
    Id      = 3'd6,  // 9Fh
    ReadOn  = 3'd7
  } command_e;
  typedef enum logic [2:0] {Gap, Opcode, Byte, Address, Dummy, Data, Dead} state_e;
  command_e   command_q, command_d;
  state_e     state_q, state_d;
  logic [7:0] sent;  // the opcode, or with Opcode under way the byte
  localparam logic [7:0] ReadCode = Lines == 4 ? 8'heb : Lines == 2 ? 8'hbb : 8'h0b;
  always_comb
    case (command_q)
      Resume:  sent = 8'hff;
      Release: sent = 8'hab;
      Id:      sent = 8'h9f;
      Status1: sent = 8'h05;
      Status2: sent = 8'h35;
      Enable:  sent = 8'h50;
      SetQe:   sent = state_q == Opcode ? 8'h02 : 8'h31;
      default: sent = ReadCode;
    endcase
  wire logic reads    = command_q == ReadOn;
  wire logic has_byte = command_q != Release && command_q != Enable && (command_q != Resume || Lines == 2);

  // ---- clock ----
  logic [CountBits-1:0] step_q;
  logic                 full_q, burst_q;
  wire logic dead     = state_q == Dead;
  wire logic handover = rvalid_o && rready_i;
  wire logic clocks   = state_q == Data ? !full_q || handover : state_q != Gap && !dead;
  logic      step;  // the end of a clock of the flash
  if (Divide == 1) begin : g_full
    assign sck_o = clocks;
    assign step  = clocks;
  end else begin : g_half
    logic sck_q;
    always_ff @(posedge clk_i) sck_q <= rst_ni && clocks && !sck_q && state_d != Gap;
    assign sck_o = sck_q;
    assign step  = sck_q;
  end

  // ---- order ----
  logic [21:0] next_q;  // word to be handed over next; 9:0: before ReadOn a counter
  logic [LenBits-1:0] len_q;
  wire logic window_end = &next_q[9:0];
  wire logic accept     = arvalid_i && arready_o;
  wire logic goes_on    = state_q == Data && next_q == araddr_i[23:2];
  logic      waits_q;  // this gap lasts PowerUpCycles
  wire logic deselected = step_q[2:0] == 3'(DeselectCycles - 1);
  logic count_end;
  always_comb
    case (state_q)
      Gap:     count_end = waits_q ? next_q[WaitBit] ^ command_q[1]
                                 : deselected && (!reads || burst_q);
      Opcode:  count_end = step && step_q[2:0] == 3'd7;
      Byte:    count_end = step && step_q[2:0] == 3'd7;
      Dummy:   count_end = step && step_q[1:0] == 2'd3;
      default: count_end = step && step_q == '1;
    endcase

  // The byte, at its last clock: DO of each clock.
  logic [7:0]  byte_in;
  logic [31:0] shift_q;
  always_comb
    for (int i = 0; i < 8; i++) byte_in[i] = i == 0 ? io_i[1] : shift_q[Lines * (i - 1) + (Lines == 1 ? 0 : 1)];
  wire logic no_chip = byte_in == 8'h00 || byte_in == 8'hff;
  wire logic command_end = count_end && state_q == (has_byte ? Byte : Opcode);
  wire logic polled  = state_q == Byte && count_end && command_q == Status1;
  wire logic given_up = polled && window_end && len_q == '0;
  always_comb begin
    command_d = command_q;
    if (command_end)
      case (command_q)
        Resume:  command_d = Release;
        Release: command_d = Status1;
        Status1: if (!byte_in[0]) command_d = Lines == 4 ? Status2 : Id;
        Status2: command_d = byte_in[1] ? Id : Enable;
        Enable:  command_d = SetQe;
        SetQe:   command_d = Status1;
        default: command_d = ReadOn;
      endcase
  end
  always_comb begin
    state_d = state_q;
    case (state_q)
      Gap:     if (count_end) state_d = Opcode;
      Opcode:  if (count_end) state_d = reads ? Address : has_byte ? Byte : Gap;
      Byte:    if (count_end) state_d = given_up || (command_q == Id && no_chip) ? Dead : Gap;
      Address: if (count_end) state_d = Lines == 4 ? Dummy : Data;
      Dummy:   if (count_end) state_d = Data;
      Data:    if ((accept && !goes_on) || (handover && window_end)) state_d = Gap;
      default: ;
    endcase
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      state_q   <= Gap;
      command_q <= Resume;
      cs_no     <= 1'b1;
      waits_q   <= 1'b1;
    end else begin
      if (command_end) waits_q <= command_q == Release;
      state_q   <= state_d;
      command_q <= command_d;
      cs_no     <= state_d == Gap || state_d == Dead;
    end
    if (state_d != state_q)                     step_q <= '0;
    else if (state_q == Gap ? !deselected : step) step_q <= step_q + 1'b1;
  end

  // ---- bursts ----
  wire logic counts = handover || polled || (state_q == Gap && waits_q);
  always_ff @(posedge clk_i) begin
    if (!rst_ni)       next_q[9:0] <= '0;
    else if (accept)   next_q[9:0] <= araddr_i[11:2];
    else if (counts)   next_q[9:0] <= next_q[9:0] + 1'b1;
    if (accept)        next_q[21:10] <= araddr_i[23:12];
    if (!rst_ni)       len_q <= '1;
    else if (accept)   len_q <= arlen_i[LenBits-1:0];
    else if (handover || (polled && window_end)) len_q <= len_q - 1'b1;
    if (!rst_ni)       burst_q <= 1'b0;
    else               burst_q <= accept || (burst_q && !(handover && rlast_o));
    full_q <= state_d == Data && (full_q ? !handover : state_q == Data && count_end);
  end
  assign ready_o   = reads || dead;
  assign missing_o = dead;
  assign arready_o = ready_o && !burst_q;
  assign rvalid_o  = burst_q && (full_q || dead);
  assign rlast_o   = len_q == '0;
  assign rresp_o   = {dead, 1'b0};
  assign rdata_o   = {shift_q[7:0], shift_q[15:8], shift_q[23:16], shift_q[31:24]};

  // ---- lines: what is sent leaves on top, Lines bits at a time; what comes fills up ----
  logic [31:0] single;  // a byte, on IO0
  always_comb begin
    single = '0;
    for (int i = 0; i < 8; i++) single[32 - 8 * Lines + Lines * i] = sent[i];
  end
  logic [Lines-1:0] arriving;
  if (Lines == 1) begin : g_one_line
    assign arriving = io_i[1];
  end else begin : g_lines
    assign arriving = io_i[Lines-1:0];
  end
  always_ff @(posedge clk_i) begin
    if (count_end && state_d == Address)                          shift_q <= {next_q, 2'b00, 8'hff};
    else if (count_end && (state_d == Opcode || state_d == Byte)) shift_q <= single;
    else if (step)                                                shift_q <= {shift_q[31-Lines:0], arriving};
    if (count_end && state_q == Byte && command_q == Id) id_o <= byte_in;
  end

  logic drives_q, wide_q;  // the chip does not; all lines carry what is sent
  // BBh has no pause between its mode, whose last bits do not count, and the data.
  wire logic turns = Lines == 2 && state_q == Address && step_q[CountBits-1:1] == '1;
  always_ff @(posedge clk_i) begin
    wide_q   <= Lines != 1 && state_d == Address && !turns;
    drives_q <= Lines == 1 || !(state_d == Dummy || state_d == Data || turns);
  end
  assign io_oe_o = {{2{Lines != 4 || drives_q}}, wide_q, drives_q};
  assign io_o[0] = shift_q[32-Lines];
  assign io_o[1] = Lines != 1 && shift_q[32 - Lines + (Lines == 1 ? 0 : 1)];
  assign io_o[3:2] = Lines == 4 && wide_q ? shift_q[31:30] : 2'b11;

  wire logic unused = ^{araddr_i[1:0], arlen_i, io_i};

endmodule

`default_nettype wire
