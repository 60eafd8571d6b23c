// Control and status registers behind AXI4-Lite, counters, watchdog, interrupt.
//
// The writable registers and the counters are words of one memory of 32, the
// *file*, which is walked without pause: each cycle one word is read, changed
// and written back. A word has the slot that its byte offset gives, and:
//   0x020 .. 0x050 (PROGRAM .. ARG4)   slot = offset / 4
//   0x080 .. 0x0a8 (counters)          slot = offset / 4 - 11
//   0, 1                               ID, BUILD_ID, never written
//   13                                 cycles until the watchdog fires
// Counters gather up to 32 events beside the file until their slot comes. A bus
// access is served when its slot comes by, so it takes up to 34 cycles (66 while
// the word is being cleared), and what it reads is exact as of that cycle.
//
// walk_slot_o, walk_data_o: the word that is passing by (mx_seq takes ARG1..4).
// start_o, soft_reset_o: one cycle; begin_i: the start was heard, counters clear.
// events_i: one bit per counter, in the order of the register map; the counters
// take 32 cycles to clear, in which only events_i[0] may be set.
// watchdog_o: one cycle, when progress_i was not seen for WATCHDOG cycles, up to
// 64 more; never when WATCHDOG is 0 or busy_i is not set.
//
// AXI4-Lite: AW and W in any order, one write and one read at a time, always
// OKAY. Reset: synchronous; the file takes 32 cycles to clear.
`default_nettype none

module mx_csr #(
  parameter logic [31:0] BuildId = 32'h0
) (
  input  wire logic        clk_i,
  input  wire logic        rst_ni,

  input  wire logic        s_axi_awvalid_i,
  output      logic        s_axi_awready_o,
  input  wire logic [11:0] s_axi_awaddr_i,
  input  wire logic        s_axi_wvalid_i,
  output      logic        s_axi_wready_o,
  input  wire logic [31:0] s_axi_wdata_i,
  input  wire logic [3:0]  s_axi_wstrb_i,
  output      logic        s_axi_bvalid_o,
  input  wire logic        s_axi_bready_i,
  output      logic [1:0]  s_axi_bresp_o,
  input  wire logic        s_axi_arvalid_i,
  output      logic        s_axi_arready_o,
  input  wire logic [11:0] s_axi_araddr_i,
  output      logic        s_axi_rvalid_o,
  input  wire logic        s_axi_rready_i,
  output      logic [31:0] s_axi_rdata_o,
  output      logic [1:0]  s_axi_rresp_o,
  output      logic        irq_o,

  output      logic        start_o,
  output      logic        soft_reset_o,
  input  wire logic        begin_i,
  input  wire logic        busy_i,
  input  wire logic        done_i,
  input  wire logic        fault_i,
  input  wire logic [3:0]  error_i,
  input  wire logic [31:0] error_pc_i,
  output      logic [31:0] program_o,
  output      logic [39:0] mem_base_o,
  output      logic [31:0] mem_size_o,
  output      logic [4:0]  walk_slot_o,
  output      logic [31:0] walk_data_o,
  input  wire logic [10:0] events_i,
  input  wire logic        progress_i,
  output      logic        watchdog_o
);

  localparam int unsigned Counters     = 11;
  localparam logic [4:0]  CounterSlot  = 5'd21;  // of CYCLES
  localparam logic [4:0]  WatchSlot    = 5'd13;  // beside WATCHDOG, which is copied into it
  localparam logic [4:0]  WatchdogSlot = mx_pkg::CSR_WATCHDOG[6:2];
  if (mx_pkg::CSR_FETCH_WAIT != mx_pkg::CSR_CYCLES + 12'(4 * (Counters - 1)) || mx_pkg::CSR_CYCLES != 12'h080
      || WatchSlot != WatchdogSlot + 5'd1 || mx_pkg::CSR_ARG1 != 12'h044
      || mx_pkg::CSR_ID != 12'h000 || mx_pkg::CSR_BUILD_ID != 12'h004)
    $error("mx_csr: the register map does not fit the slots");

  // Slot of a byte offset, and the slots that hold registers.
  localparam logic [31:0] WritableSlots =
      (32'h1f << mx_pkg::CSR_PROGRAM[6:2]) | (32'hf << mx_pkg::CSR_ARG1[6:2]);
  localparam logic [31:0] ReadableSlots =
      WritableSlots | (32'h1 << mx_pkg::CSR_ID[6:2]) | (32'h1 << mx_pkg::CSR_BUILD_ID[6:2]);
  function automatic logic [4:0] slot_of(input logic [7:2] offset);
    slot_of = offset[7] ? offset[6:2] + CounterSlot : offset[6:2];
  endfunction

  // The walk: slot_q is being changed while the next word is read.
  logic [31:0] file_q[32];
  initial begin
    file_q[mx_pkg::CSR_ID[6:2]]       = mx_pkg::CSR_ID_RESET;
    file_q[mx_pkg::CSR_BUILD_ID[6:2]] = BuildId;
  end
  logic [31:0] read_q, sum, word;
  logic [4:0]  slot_q;
  wire logic [4:0] next = slot_q + 1'b1;
  always_ff @(posedge clk_i) begin
    if (!rst_ni) slot_q <= 5'd31;
    else         slot_q <= next;
  end
  logic copy;  // the word of slot 13 is being replaced
  always_ff @(posedge clk_i) if (!copy) read_q <= file_q[next];  // RAM: never an address read and written

  // Clearing: everything after reset, counters at the start of a program.
  logic [5:0] clear_q;  // slots still to clear
  logic       clear_all_q;
  wire logic  is_counter  = slot_q >= CounterSlot;
  wire logic  is_constant = slot_q[4:1] == mx_pkg::CSR_ID[6:3];  // ID or BUILD_ID
  wire logic  clearing    = clear_q != 0 && (clear_all_q ? !is_constant : is_counter);
  always_ff @(posedge clk_i) begin
    if (!rst_ni || begin_i) clear_q <= 6'd32;
    else if (clear_q != 0)  clear_q <= clear_q - 1'b1;
  end
  always_ff @(posedge clk_i) begin
    if (!rst_ni)           clear_all_q <= 1'b1;
    else if (clear_q == 0) clear_all_q <= 1'b0;
  end

  // Events since the counter's last slot. CYCLES alone may already count while
  // counters are cleared: it keeps its events, up to two walks'.
  logic [6:0] gathered;
  logic [7*Counters-1:0] events_q;
  always_ff @(posedge clk_i)
    for (int i = 0; i < Counters; i++) begin
      if (!rst_ni || begin_i) events_q[7*i +: 7] <= '0;
      else if (slot_q == CounterSlot + 5'(i) && !(i == 0 && clearing))
        events_q[7*i +: 7] <= {6'b0, events_i[i]};
      else events_q[7*i +: 7] <= (events_q[7*i +: 7] + 7'(events_i[i])) & (i == 0 ? 7'h7f : 7'h3f);
    end
  always_comb begin
    gathered = '0;
    for (int i = 0; i < Counters; i++)
      if (slot_q == CounterSlot + 5'(i)) gathered = gathered | events_q[7*i +: 7];
  end

  wire logic [11:0] waddr = s_axi_awaddr_i & 12'hffc;
  wire logic [11:0] raddr = s_axi_araddr_i & 12'hffc;

  // A bus access is served in its slot and acknowledged in the next cycle.
  logic write_ack_q, read_ack_q;
  wire logic write_now = s_axi_awvalid_i && s_axi_wvalid_i && !write_ack_q && !s_axi_bvalid_o && !clearing
                         && slot_q == slot_of(waddr[7:2]);
  wire logic read_now  = s_axi_arvalid_i && !read_ack_q && !s_axi_rvalid_o && !clearing
                         && slot_q == slot_of(raddr[7:2]);
  wire logic file_write = write_now && waddr[11:7] == 0 && WritableSlots[slot_q];

  // The word passing by.
  // progress_i comes late in its cycle: it counts from the next, in seen_q.
  logic kept_q, seen_q, watch_on_q, copied_q;
  wire logic progress = kept_q || seen_q;
  wire logic is_watch = slot_q == WatchSlot;
  assign copy         = slot_q == WatchdogSlot && !file_write && !clearing && progress;
  always_comb begin
    sum  = read_q + (is_watch ? -32'd32 : {25'b0, gathered});
    word = clearing ? '0 : sum;
    for (int i = 0; i < 4; i++)
      if (file_write && s_axi_wstrb_i[i]) word[8*i +: 8] = s_axi_wdata_i[8*i +: 8];
    if (clearing && slot_q == WatchdogSlot) word = mx_pkg::CSR_WATCHDOG_RESET;
  end
  always_ff @(posedge clk_i)
    if (!is_constant && !(is_watch && copied_q)) file_q[copy ? WatchSlot : slot_q] <= word;
  assign walk_slot_o = slot_q;
  assign walk_data_o = read_q;

  // The watchdog's word is WATCHDOG, copied after progress, less 32 per walk.
  wire logic below_32 = read_q[31:5] == 0;
  always_ff @(posedge clk_i) begin
    copied_q <= copy;
    if (slot_q == WatchdogSlot) watch_on_q <= !below_32 || read_q[4:0] != 0;
    seen_q   <= progress_i;
    kept_q   <= !rst_ni || !busy_i || (progress && !copy);
  end
  always_ff @(posedge clk_i)
    watchdog_o <= is_watch && !copied_q && watch_on_q && busy_i && !progress && below_32;

  // Registers that act all the time have a copy outside the file.
  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      program_o  <= '0;
      mem_base_o <= '0;
      mem_size_o <= '0;
    end else if (file_write) begin
      if (slot_q == mx_pkg::CSR_PROGRAM[6:2])     program_o         <= word;
      if (slot_q == mx_pkg::CSR_MEM_BASE_LO[6:2]) mem_base_o[31:12] <= word[31:12];
      if (slot_q == mx_pkg::CSR_MEM_BASE_HI[6:2]) mem_base_o[39:32] <= word[7:0];
      if (slot_q == mx_pkg::CSR_MEM_SIZE[6:2])    mem_size_o        <= word;
    end
  end

  // Registers that are not in the file.
  wire logic act = write_now && s_axi_wstrb_i[0];
  always_ff @(posedge clk_i) begin
    start_o      <= rst_ni && act && waddr == mx_pkg::CSR_CONTROL
                    && s_axi_wdata_i[mx_pkg::CSR_CONTROL_START_BIT];
    soft_reset_o <= rst_ni && act && waddr == mx_pkg::CSR_CONTROL
                    && s_axi_wdata_i[mx_pkg::CSR_CONTROL_RESET_BIT];
  end

  logic irq_enable_q, irq_pending_q, ended_q;
  always_ff @(posedge clk_i) begin
    ended_q <= done_i || fault_i;
    if (!rst_ni)                                            irq_enable_q <= 1'b0;
    else if (act && waddr == mx_pkg::CSR_IRQ_ENABLE) irq_enable_q <= s_axi_wdata_i[0];
    if (!rst_ni)                                            irq_pending_q <= 1'b0;
    else if ((done_i || fault_i) && !ended_q && irq_enable_q) irq_pending_q <= 1'b1;
    else if (act && waddr == mx_pkg::CSR_IRQ_STATUS && s_axi_wdata_i[0]) irq_pending_q <= 1'b0;
  end
  assign irq_o = irq_pending_q;

  // Answers.
  wire logic in_file = raddr[11:8] == 0 && (raddr[7] ? is_counter : ReadableSlots[slot_q]);
  logic [31:0] answer;
  always_comb
    case (raddr)
      mx_pkg::CSR_STATUS:     answer = {29'b0, fault_i, done_i, busy_i};
      mx_pkg::CSR_ERROR:      answer = {28'b0, error_i};
      mx_pkg::CSR_ERROR_PC:   answer = error_i != 0 ? error_pc_i : '0;
      mx_pkg::CSR_IRQ_ENABLE: answer = {31'b0, irq_enable_q};
      mx_pkg::CSR_IRQ_STATUS: answer = {31'b0, irq_pending_q};
      default:                answer = in_file ? sum : '0;
    endcase
  always_ff @(posedge clk_i) begin
    write_ack_q <= rst_ni && write_now;
    read_ack_q  <= rst_ni && read_now;
    if (read_now) s_axi_rdata_o <= answer;
  end
  always_ff @(posedge clk_i) begin
    if (!rst_ni)              s_axi_bvalid_o <= 1'b0;
    else if (write_ack_q)     s_axi_bvalid_o <= 1'b1;
    else if (s_axi_bready_i)  s_axi_bvalid_o <= 1'b0;
    if (!rst_ni)              s_axi_rvalid_o <= 1'b0;
    else if (read_ack_q)      s_axi_rvalid_o <= 1'b1;
    else if (s_axi_rready_i)  s_axi_rvalid_o <= 1'b0;
  end
  assign s_axi_awready_o = write_ack_q;
  assign s_axi_wready_o  = write_ack_q;
  assign s_axi_arready_o = read_ack_q;
  assign s_axi_bresp_o   = 2'b00;
  assign s_axi_rresp_o   = 2'b00;

endmodule

`default_nettype wire
