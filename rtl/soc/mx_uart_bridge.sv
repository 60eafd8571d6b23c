// The board's end of the serial line (firmware/mx_frame.def) without a processor:
// from a serial line to the registers and the memory of the accelerator. The same
// accesses and answers as firmware/mx_serial_board.c.
//
// csr_axi_*: AXI4-Lite master for s_axi_* of mxforge. mem_axi_*: AXI4 master, one
// access of one beat at a time, 32 of the BusBits bits of a beat (the others are
// masked); addresses are MemBase + what the host says, which must not reach beyond
// MemBytes. irq_i: level. ClockHz, MemBase (a multiple of MemBytes rounded up to a
// power of two), MemBytes, FlashBytes: what the host is told.
//
// Everything is done bit by bit: a byte takes 8 cycles to or from byte_q, the
// address and the count are changed by walking them through an adder of one bit in
// 32 cycles. The line is slower than that: at ClocksPerBit = 4 an access to memory
// may take 40 cycles without loss, in general 20 * ClocksPerBit - 40; a byte lost
// to a slower one is found by the checksum.
// Reset: synchronous, active low. In a reset of the bus's owner reset this too.
`default_nettype none

module mx_uart_bridge #(
  parameter int unsigned ClocksPerBit = 104,
  parameter int unsigned RxDepth      = 1,
  parameter int unsigned BusBits      = 32,
  parameter int unsigned ClockHz      = 12000000,
  parameter logic [39:0] MemBase      = 40'h0,
  parameter int unsigned MemBytes     = 131072,
  parameter int unsigned FlashBytes   = 0  // of MemBytes, the first
) (
  input  wire logic                 clk_i,
  input  wire logic                 rst_ni,
  input  wire logic                 rx_i,
  output      logic                 tx_o,
  input  wire logic                 irq_i,

  output      logic                 csr_axi_awvalid_o,
  input  wire logic                 csr_axi_awready_i,
  output      logic [11:0]          csr_axi_awaddr_o,
  output      logic                 csr_axi_wvalid_o,
  input  wire logic                 csr_axi_wready_i,
  output      logic [31:0]          csr_axi_wdata_o,
  output      logic [3:0]           csr_axi_wstrb_o,
  input  wire logic                 csr_axi_bvalid_i,
  output      logic                 csr_axi_bready_o,
  input  wire logic [1:0]           csr_axi_bresp_i,
  output      logic                 csr_axi_arvalid_o,
  input  wire logic                 csr_axi_arready_i,
  output      logic [11:0]          csr_axi_araddr_o,
  input  wire logic                 csr_axi_rvalid_i,
  output      logic                 csr_axi_rready_o,
  input  wire logic [31:0]          csr_axi_rdata_i,
  input  wire logic [1:0]           csr_axi_rresp_i,

  output      logic                 mem_axi_awvalid_o,
  input  wire logic                 mem_axi_awready_i,
  output      logic [39:0]          mem_axi_awaddr_o,
  output      logic                 mem_axi_wvalid_o,
  input  wire logic                 mem_axi_wready_i,
  output      logic [BusBits-1:0]   mem_axi_wdata_o,
  output      logic [BusBits/8-1:0] mem_axi_wstrb_o,
  input  wire logic                 mem_axi_bvalid_i,
  output      logic                 mem_axi_bready_o,
  input  wire logic [1:0]           mem_axi_bresp_i,
  output      logic                 mem_axi_arvalid_o,
  input  wire logic                 mem_axi_arready_i,
  output      logic [39:0]          mem_axi_araddr_o,
  input  wire logic                 mem_axi_rvalid_i,
  output      logic                 mem_axi_rready_o,
  input  wire logic [BusBits-1:0]   mem_axi_rdata_i,
  input  wire logic [1:0]           mem_axi_rresp_i
);

  localparam logic [7:0] FlagByte   = 8'(mx_frame_pkg::FLAG);
  localparam logic [7:0] EscapeByte = 8'(mx_frame_pkg::ESCAPE);
  if (mx_frame_pkg::KIND_WRITE != 1 || mx_frame_pkg::SPACE_LSB != 1 || mx_frame_pkg::KIND_FILL != 8
      || mx_frame_pkg::SEQ_LSB != 4 || mx_frame_pkg::SEQ_BITS != 4 || mx_frame_pkg::DAMAGED != 1
      || mx_frame_pkg::REFUSED != 2 || mx_frame_pkg::FLIP != 32 || mx_frame_pkg::HEAD_BYTES != 6
      || mx_frame_pkg::CRC_BYTES != 4 || mx_frame_pkg::WAIT_END_BIT != 31 || mx_frame_pkg::WAIT_CLOCKS != 32)
    $error("mx_uart_bridge: the protocol does not fit");

  // ---- line ----
  logic       in_valid, in_ready, out_valid, out_ready, lost;
  logic [7:0] in_data, out_data;
  mx_uart #(.ClocksPerBit(ClocksPerBit), .RxDepth(RxDepth)) u_uart (
    .clk_i(clk_i), .rst_ni(rst_ni), .rx_i(rx_i), .tx_o(tx_o),
    .in_valid_i(in_valid), .in_ready_o(in_ready), .in_data_i(in_data),
    .out_valid_o(out_valid), .out_ready_i(out_ready), .out_data_o(out_data), .lost_o(lost)
  );

  // ---- states ----
  typedef enum logic [3:0] {
    Hunt,                            // for FLAG
    Head, HeadCrc, Data, DataCrc,    // arriving
    Bus,                             // an access, or a look at the interrupt
    Step,                            // addr + 4, count - 1
    Flag, Word, Tag, TagCrc          // answering
  } state_e;
  state_e      state_q, state_d;
  logic [5:0]  bit_q;      // of the field, or of Step
  logic        shift_q;    // a bit is moved in each cycle
  logic        escape_q;   // the next byte is FLIPped
  logic [7:0]  byte_q;     // arriving or leaving
  logic [31:0] crc_q, data_q, addr_q;
  logic [7:0]  count_q, tag_q;
  logic [3:0]  last_seq_q;
  logic        bad_q, refused_q, carry_q, borrow_q;

  wire logic       is_write = tag_q[0];
  wire logic [1:0] space    = tag_q[2:1];
  wire logic       is_csr   = space == 2'(mx_frame_pkg::SPACE_CSR);
  wire logic       is_mem   = space == 2'(mx_frame_pkg::SPACE_MEMORY);
  wire logic       is_wait  = space == 2'(mx_frame_pkg::SPACE_WAIT);
  wire logic       streams  = is_mem && !tag_q[3];

  wire logic receiving = state_q == Head || state_q == HeadCrc || state_q == Data || state_q == DataCrc;
  wire logic sending   = state_q == Word || state_q == Tag || state_q == TagCrc;
  wire logic in_crc    = state_q == HeadCrc || state_q == DataCrc || state_q == TagCrc;

  // Bits of the field, or of Step, are through.
  wire logic full = state_q == Head ? bit_q[5] && bit_q[4] : state_q == Tag ? bit_q[3] : bit_q[5];

  // ---- bytes ----
  wire logic is_flag   = out_data == FlagByte;
  wire logic is_escape = out_data == EscapeByte;
  assign out_ready = state_q == Hunt || (receiving && !shift_q && !full);
  wire logic take  = out_ready && out_valid;
  wire logic start = take && is_flag;
  wire logic load  = take && receiving && !is_flag && !is_escape;

  wire logic special = (byte_q == FlagByte || byte_q == EscapeByte) && !escape_q;
  wire logic ready_byte = sending && !shift_q && bit_q != 6'd0;  // byte_q holds 8 new bits
  assign in_valid = state_q == Flag || ready_byte;
  assign in_data  = state_q == Flag ? FlagByte
                  : special         ? EscapeByte : {byte_q[7:6], byte_q[5] ^ escape_q, byte_q[4:0]};
  wire logic taken = in_valid && in_ready;
  wire logic sent  = taken && (state_q == Flag || !special);

  // The bit that moves: from the line, or to it.
  logic tag_bit, bit_out;
  always_comb begin
    case (bit_q[2:0])
      3'd0:    tag_bit = bad_q;
      3'd1:    tag_bit = refused_q;
      default: tag_bit = tag_q[0];
    endcase
    bit_out = state_q == Word ? data_q[0] : state_q == Tag ? tag_bit : !crc_q[0];
  end
  wire logic bit_now  = sending ? bit_out : byte_q[0];
  wire logic feedback = !in_crc && (bit_now ^ crc_q[0]);

  localparam logic [31:0] Poly = 32'hedb88320;
  always_ff @(posedge clk_i) begin
    if (load)         byte_q <= {out_data[7:6], out_data[5] ^ escape_q, out_data[4:0]};
    else if (shift_q) byte_q <= {bit_out, byte_q[7:1]};
    if (start)        crc_q <= '1;
    else if (shift_q) crc_q <= {in_crc, crc_q[31:1]} ^ (Poly & {32{feedback}});
  end

  // ---- address, count, tag ----
  wire logic in_head = state_q == Head && shift_q;
  wire logic stepping = state_q == Step && !full;
  always_ff @(posedge clk_i) begin
    if (in_head)       addr_q <= {byte_q[0], addr_q[31:1]};
    else if (stepping) addr_q <= {addr_q[0] ^ carry_q, addr_q[31:1]};
    carry_q <= stepping && (bit_q == 6'd1 || (carry_q && addr_q[0]));  // + 4
    if (in_head)                            count_q <= {addr_q[0], count_q[7:1]};
    else if (stepping && bit_q[4:3] == 2'd0) count_q <= {count_q[0] ^ borrow_q, count_q[7:1]};
    if (state_q != Step)                    borrow_q <= 1'b1;  // stays set when count was 0
    else if (bit_q[5:3] == 3'd0)              borrow_q <= borrow_q && !count_q[0];
    if (in_head)                            tag_q <= {count_q[0], tag_q[7:1]};
    else if (state_q == Tag && shift_q)     tag_q <= {tag_q[0], tag_q[7:1]};
  end

  // ---- accesses ----
  localparam int unsigned Lanes = BusBits / 32;
  logic        address_q, write_q;  // still to be taken by the bus
  logic [31:0] mem_word, fact;
  wire logic   on_bus    = state_q == Bus;
  wire logic   csr_reply = is_write ? csr_axi_bvalid_i : csr_axi_rvalid_i;
  wire logic   mem_reply = is_write ? mem_axi_bvalid_i : mem_axi_rvalid_i;
  wire logic   csr_error = is_write ? csr_axi_bresp_i[1] : csr_axi_rresp_i[1];
  wire logic   mem_error = is_write ? mem_axi_bresp_i[1] : mem_axi_rresp_i[1];
  wire logic   waited    = irq_i || addr_q[31] || is_write;
  wire logic   replied   = is_csr ? csr_reply : is_mem ? mem_reply : !is_wait || waited;
  wire logic   error     = is_csr ? csr_error : is_mem ? mem_error : is_write;
  wire logic   accepted  = is_write ? (is_csr ? csr_axi_awready_i : mem_axi_awready_i)
                                    : (is_csr ? csr_axi_arready_i : mem_axi_arready_i);

  always_ff @(posedge clk_i) begin
    if (!on_bus)       address_q <= 1'b1;
    else if (accepted) address_q <= 1'b0;
    if (!on_bus)                                                 write_q <= 1'b1;
    else if (is_csr ? csr_axi_wready_i : mem_axi_wready_i)       write_q <= 1'b0;
  end

  always_comb begin
    case (addr_q[4:2])
      3'(mx_frame_pkg::FACT_PROTOCOL):    fact = {16'(mx_frame_pkg::MAGIC), 16'(mx_frame_pkg::VERSION)};
      3'(mx_frame_pkg::FACT_CLOCK_HZ):    fact = ClockHz;
      3'(mx_frame_pkg::FACT_MEMORY_BASE): fact = MemBase[39:8];
      3'(mx_frame_pkg::FACT_MEMORY_BYTES): fact = MemBytes;
      default:                            fact = FlashBytes;
    endcase
  end

  wire logic unused = ^{lost, csr_axi_bresp_i[0], csr_axi_rresp_i[0], mem_axi_bresp_i[0], mem_axi_rresp_i[0]};
  wire logic get = on_bus && replied && !is_write;
  always_ff @(posedge clk_i) begin
    if (get) data_q <= is_csr ? csr_axi_rdata_i : is_mem ? mem_word : is_wait ? {31'h0, irq_i} : fact;
    else if (shift_q && (state_q == Data || state_q == Word)) data_q <= {byte_q[0], data_q[31:1]};
  end

  assign csr_axi_awvalid_o = on_bus && is_csr && is_write && address_q;
  assign csr_axi_wvalid_o  = on_bus && is_csr && is_write && write_q;
  assign csr_axi_arvalid_o = on_bus && is_csr && !is_write && address_q;
  assign csr_axi_bready_o  = on_bus && is_csr;
  assign csr_axi_rready_o  = on_bus && is_csr;
  assign csr_axi_awaddr_o  = addr_q[11:0];
  assign csr_axi_araddr_o  = addr_q[11:0];
  assign csr_axi_wdata_o   = data_q;
  assign csr_axi_wstrb_o   = 4'hf;

  localparam logic [39:0] MemMask = (40'h1 << $clog2(MemBytes)) - 40'h1;
  wire logic [39:0] mem_addr = MemBase | ({8'h0, addr_q} & MemMask);
  assign mem_axi_awvalid_o = on_bus && is_mem && is_write && address_q;
  assign mem_axi_wvalid_o  = on_bus && is_mem && is_write && write_q;
  assign mem_axi_arvalid_o = on_bus && is_mem && !is_write && address_q;
  assign mem_axi_bready_o  = on_bus && is_mem;
  assign mem_axi_rready_o  = on_bus && is_mem;
  assign mem_axi_awaddr_o  = mem_addr;
  assign mem_axi_araddr_o  = mem_addr;
  assign mem_axi_wdata_o   = {Lanes{data_q}};
  if (Lanes == 1) begin : g_lane
    assign mem_word        = mem_axi_rdata_i;
    assign mem_axi_wstrb_o = 4'hf;
  end else begin : g_lanes
    wire logic [$clog2(Lanes)-1:0] lane = addr_q[$clog2(Lanes)+1:2];
    assign mem_word        = mem_axi_rdata_i[32*lane +: 32];
    assign mem_axi_wstrb_o = (BusBits/8)'(4'hf) << {lane, 2'b00};
  end

  // ---- the way through the states ----
  wire logic same_seq = tag_q[7:4] == last_seq_q;
  wire logic field_in = receiving && !shift_q && full;
  always_comb begin
    state_d = state_q;
    case (state_q)
      Head:    if (field_in) state_d = HeadCrc;
      HeadCrc: if (field_in) state_d = bad_q ? Hunt : is_write ? Data : Flag;
      Data:    if (field_in) state_d = streams ? Bus : DataCrc;
      DataCrc: if (field_in) state_d = bad_q || same_seq || streams ? Flag : Bus;
      Bus:     if (replied)  state_d = is_write ? Step : Word;
               else if (is_wait) state_d = Step;
      Word:    if (sent && full) state_d = is_wait ? Tag : Step;
      Step:    if (full) begin
                 if (is_wait && !is_write) state_d = Bus;
                 else if (!borrow_q)       state_d = is_write && streams ? Data : Bus;
                 else                      state_d = !is_write ? Tag : streams ? DataCrc : Flag;
               end
      Flag:    if (taken) state_d = is_write ? Tag : Bus;
      Tag:     if (sent && full) state_d = TagCrc;
      TagCrc:  if (sent && full) state_d = Hunt;
      default: ;  // Hunt ends with FLAG
    endcase
    if (start) state_d = Head;
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) state_q <= Hunt;
    else         state_q <= state_d;

    if (state_d != state_q || start)  bit_q <= '0;
    else if (shift_q || stepping)     bit_q <= bit_q + 1'b1;

    if (!rst_ni || start)             shift_q <= 1'b0;
    else if (shift_q)                 shift_q <= bit_q[2:0] != 3'd7;
    else                              shift_q <= load || (sending && bit_q[2:0] == 3'd0 && (bit_q == 6'd0 || (sent && !full)));

    if (start || load || sent)        escape_q <= 1'b0;
    else if (take || taken)           escape_q <= 1'b1;

    if (start)                                                  bad_q <= 1'b0;
    else if (receiving && in_crc && shift_q && byte_q[0] == crc_q[0]) bad_q <= 1'b1;
    if (start)                         refused_q <= 1'b0;
    else if (on_bus && replied && error) refused_q <= 1'b1;

    if (!rst_ni) last_seq_q <= '0;
    else if (field_in && !bad_q && (state_q == DataCrc || (state_q == HeadCrc && !is_write))) last_seq_q <= tag_q[7:4];
  end

endmodule

`default_nettype wire
