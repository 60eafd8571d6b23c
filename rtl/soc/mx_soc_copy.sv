// Copies words from the flash chip to the SDRAM, and counts them in a CRC-32: in
// words of 16 clocks of the flash, several times as quickly as the processor can.
//
// *_we_i: wdata_i becomes where from, where to, or the CRC. start_i, with the number
// of words in wdata_i[15:0], stays until done_o; error_o with it: a word could not be
// read or written, those after it were not tried, and the CRC is unknown. A destination without its
// upper bit is none: words only count. flash_*, memory_*: as of a slow slave of
// mx_soc_bus, one access at a time; a word takes 10 cycles or what flash and SDRAM take.
// Reset: synchronous; the registers stay.
`default_nettype none

module mx_soc_copy (
  input  wire logic        clk_i,
  input  wire logic        rst_ni,

  input  wire logic [31:0] wdata_i,
  input  wire logic        from_we_i,
  input  wire logic        to_we_i,
  input  wire logic        crc_we_i,
  output      logic [31:0] crc_o,
  input  wire logic        start_i,
  output      logic        done_o,
  output      logic        error_o,

  output      logic        flash_valid_o,
  input  wire logic        flash_ready_i,
  output      logic [31:0] flash_addr_o,
  input  wire logic [31:0] flash_rdata_i,
  input  wire logic        flash_error_i,
  output      logic        memory_valid_o,
  input  wire logic        memory_ready_i,
  output      logic [31:0] memory_addr_o,
  output      logic [31:0] memory_wdata_o,
  input  wire logic        memory_error_i
);

  typedef enum logic [1:0] {Idle, Read, Write} state_e;
  state_e      state_q;
  logic [15:0] left_q;    // words
  logic [3:0]  digits_q;  // of the word, of 4 bits, still to be counted
  logic [31:0] crc_q, data_q, digit_q;
  logic [23:2] from_q;
  logic [31:2] to_q;
  logic        stored_q;

  wire logic got       = state_q == Read && flash_ready_i;
  wire logic stored    = stored_q || (memory_valid_o && memory_ready_i);
  wire logic word_ends = state_q == Write && stored && digits_q == '0;
  wire logic fails     = (got && flash_error_i) || (memory_valid_o && memory_ready_i && memory_error_i);
  wire logic begins    = state_q == Idle && start_i && !done_o;

  assign flash_valid_o  = state_q == Read;
  assign memory_valid_o = state_q == Write && !stored_q;
  assign flash_addr_o   = {8'd0, from_q, 2'b00};
  assign memory_addr_o  = {to_q, 2'b00};
  assign memory_wdata_o = data_q;
  assign crc_o          = crc_q;

  always_ff @(posedge clk_i) begin
    done_o  <= rst_ni && (fails || (word_ends && left_q == 16'd1) || (begins && wdata_i[15:0] == '0));
    error_o <= fails;
    if (!rst_ni || fails)                             state_q <= Idle;
    else if (begins && wdata_i[15:0] != '0)           state_q <= Read;
    else if (got)                                     state_q <= Write;
    else if (word_ends)                               state_q <= left_q == 16'd1 ? Idle : Read;
    if (begins)         left_q <= wdata_i[15:0];
    else if (word_ends) left_q <= left_q - 1'b1;
    stored_q <= got ? !to_q[31] : stored;
    if (got) data_q <= flash_rdata_i;
  end

  always_ff @(posedge clk_i) begin
    if (from_we_i)      from_q <= wdata_i[23:2];
    else if (word_ends) from_q <= from_q + 1'b1;
    if (to_we_i)                    to_q <= wdata_i[31:2];
    else if (word_ends && to_q[31]) to_q[30:2] <= to_q[30:2] + 1'b1;
  end

  // ---- CRC: four bits a cycle ----
  logic [31:0] crc;
  always_comb begin
    crc = crc_q;
    for (int i = 0; i < 4; i++) crc = {1'b0, crc[31:1]} ^ (32'hedb88320 & {32{crc[0] ^ digit_q[i]}});
  end
  always_ff @(posedge clk_i) begin
    if (fails)                digits_q <= '0;
    else if (got)             digits_q <= 4'd8;
    else if (digits_q != '0)  digits_q <= digits_q - 1'b1;
    digit_q  <= got ? flash_rdata_i : {4'd0, digit_q[31:4]};
    if (crc_we_i)             crc_q <= wdata_i;
    else if (digits_q != '0)  crc_q <= crc;
  end

endmodule

`default_nettype wire
