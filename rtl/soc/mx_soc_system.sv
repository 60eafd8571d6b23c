// The words of region SYSTEM (firmware/soc.def): serial line, time, interrupts,
// facts of the board, lights.
//
// valid_i stays, with what comes beside it, until ready_o, a cycle later or, of a
// byte to send, when there is room, or, of COPY_WORDS, with copy_done_i. Words only: a narrower write is an error, as
// are words that do not exist or are read only. rdata_o is 0 without ready_o.
// irq_*_o are registers. The time's upper half follows its lower by a cycle.
// Reset: synchronous.
`default_nettype none

module mx_soc_system #(
  parameter int unsigned ClockHz      = 50000000,
  parameter int unsigned BaudRate     = 115200,
  parameter int unsigned UartDepth    = 256,
  parameter logic [31:0] Board        = 32'h0,
  parameter int unsigned MemoryBytes  = 33554432,
  parameter int unsigned FlashBytes   = mx_soc_pkg::FLASH_BYTES,
  parameter logic [31:0] TimeStart    = 32'h0  // the time after reset, for tests
) (
  input  wire logic        clk_i,
  input  wire logic        rst_ni,

  input  wire logic        valid_i,
  output      logic        ready_o,
  input  wire logic [11:0] addr_i,
  input  wire logic [3:0]  wstrb_i,
  input  wire logic [31:0] wdata_i,
  output      logic [31:0] rdata_o,
  output      logic        error_o,

  input  wire logic        accel_irq_i,
  output      logic        irq_external_o,
  output      logic        irq_timer_o,

  input  wire logic        memory_ready_i,
  input  wire logic        flash_ready_i,
  input  wire logic        flash_missing_i,
  input  wire logic [7:0]  flash_id_i,

  output      logic        copy_from_we_o,  // of mx_soc_copy's registers, with wdata_i
  output      logic        copy_to_we_o,
  output      logic        copy_crc_we_o,
  input  wire logic [31:0] copy_crc_i,
  output      logic        copy_start_o,    // until copy_done_i
  input  wire logic        copy_done_i,
  input  wire logic        copy_error_i,

  input  wire logic        rx_i,
  output      logic        tx_o,
  output      logic [7:0]  leds_o
);

  // ---- transfers ----
  logic uart_room;
  wire logic [4:0] word  = addr_i[6:2];
  wire logic write   = wstrb_i != '0;
  wire logic refused = addr_i[11:7] != '0
                       || (write ? !mx_soc_pkg::SYS_WRITABLE[word] || wstrb_i != 4'hf : !mx_soc_pkg::SYS_READABLE[word]);
  wire logic copies  = write && word == mx_soc_pkg::SYS_COPY_WORDS && !refused;
  wire logic waits   = (write && word == mx_soc_pkg::SYS_UART_DATA && !uart_room) || (copies && !copy_done_i);
  wire logic answer  = valid_i && !ready_o && (refused || !waits);
  wire logic reads   = answer && !refused && !write;
  wire logic writes  = answer && !refused && write;
  always_ff @(posedge clk_i) begin
    ready_o <= rst_ni && answer;
    error_o <= rst_ni && answer && (refused || (copies && copy_error_i));
  end
  assign copy_from_we_o = writes && word == mx_soc_pkg::SYS_COPY_FROM;
  assign copy_to_we_o   = writes && word == mx_soc_pkg::SYS_COPY_TO;
  assign copy_crc_we_o  = writes && word == mx_soc_pkg::SYS_COPY_CRC;
  assign copy_start_o   = valid_i && !ready_o && copies;

  // ---- serial line ----
  logic       arrived, lost, lost_q;
  logic [7:0] arrived_data;
  mx_uart #(.ClocksPerBit((ClockHz + BaudRate / 2) / BaudRate), .RxDepth(UartDepth)) u_uart (
    .clk_i(clk_i), .rst_ni(rst_ni), .rx_i(rx_i), .tx_o(tx_o),
    .in_valid_i(writes && word == mx_soc_pkg::SYS_UART_DATA), .in_ready_o(uart_room), .in_data_i(wdata_i[7:0]),
    .out_valid_o(arrived), .out_ready_i(reads && word == mx_soc_pkg::SYS_UART_DATA), .out_data_o(arrived_data),
    .lost_o(lost)
  );
  always_ff @(posedge clk_i)
    lost_q <= rst_ni && (lost || (lost_q && !(reads && word == mx_soc_pkg::SYS_UART_STATUS)));

  // ---- time ----
  logic [31:0] low_q, high_q, held_q, compare_low_q, compare_high_q;
  logic        carry_q, hold_q, low_reached_q, high_beyond_q, high_equal_q;
  always_ff @(posedge clk_i) begin
    low_q   <= rst_ni ? low_q + 1'b1 : TimeStart;
    carry_q <= rst_ni && low_q == '1;
    high_q  <= rst_ni ? high_q + 32'(carry_q) : '0;
    hold_q  <= reads && word == mx_soc_pkg::SYS_TIME_LO;
    if (hold_q) held_q <= high_q;
    if (!rst_ni) compare_low_q <= '1;
    else if (writes && word == mx_soc_pkg::SYS_COMPARE_LO) compare_low_q <= wdata_i;
    if (!rst_ni) compare_high_q <= '1;
    else if (writes && word == mx_soc_pkg::SYS_COMPARE_HI) compare_high_q <= wdata_i;
    low_reached_q <= low_q >= compare_low_q;
    high_beyond_q <= high_q > compare_high_q;
    high_equal_q  <= high_q == compare_high_q;
    irq_timer_o   <= rst_ni && (high_beyond_q || (high_equal_q && low_reached_q));
  end

  // ---- interrupts, lights ----
  logic [1:0] enable_q;
  wire logic [1:0] pending = {arrived, accel_irq_i};
  always_ff @(posedge clk_i) begin
    if (!rst_ni) enable_q <= '0;
    else if (writes && word == mx_soc_pkg::SYS_IRQ_ENABLE) enable_q <= wdata_i[1:0];
    if (!rst_ni) leds_o <= '0;
    else if (writes && word == mx_soc_pkg::SYS_LED) leds_o <= wdata_i[7:0];
    irq_external_o <= rst_ni && (pending & enable_q) != '0;
  end

  // ---- what is read ----
  logic [31:0] data;
  always_comb begin
    case (word)
      mx_soc_pkg::SYS_UART_DATA:    data = {!arrived, 23'd0, arrived_data};
      mx_soc_pkg::SYS_UART_STATUS:  data = {29'd0, lost_q, arrived, uart_room};
      mx_soc_pkg::SYS_TIME_LO:      data = low_q;
      mx_soc_pkg::SYS_TIME_HI:      data = held_q;
      mx_soc_pkg::SYS_COMPARE_LO:   data = compare_low_q;
      mx_soc_pkg::SYS_COMPARE_HI:   data = compare_high_q;
      mx_soc_pkg::SYS_IRQ_ENABLE:   data = {30'd0, enable_q};
      mx_soc_pkg::SYS_IRQ_STATUS:   data = {30'd0, pending};
      mx_soc_pkg::SYS_CLOCK_HZ:     data = 32'(ClockHz);
      mx_soc_pkg::SYS_MEMORY_BYTES: data = memory_ready_i ? 32'(MemoryBytes) : '0;
      mx_soc_pkg::SYS_FLASH_STATUS: data = {16'd0, flash_id_i, 6'd0, flash_ready_i && flash_missing_i,
                                            flash_ready_i && !flash_missing_i};
      mx_soc_pkg::SYS_FLASH_BYTES:  data = 32'(FlashBytes);
      mx_soc_pkg::SYS_LED:          data = {24'd0, leds_o};
      mx_soc_pkg::SYS_BOARD:        data = Board;
      mx_soc_pkg::SYS_COPY_CRC:     data = copy_crc_i;
      default:                      data = '0;
    endcase
  end
  always_ff @(posedge clk_i) rdata_o <= data & {32{reads}};

  wire logic unused = ^addr_i[1:0];

endmodule

`default_nettype wire
