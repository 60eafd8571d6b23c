// Instruction fetch on demand, for devices with few logic cells and a bus of 32
// bits: an instruction is read when it is wanted, and its words go straight to
// their register.
//
// want_i: the instruction at pc_i (unit: 16 bytes, relative to MEM_BASE) is wanted,
// until range_o (it lies beyond MEM_SIZE) or its fourth word. word_valid_o with
// word_data_o: a word, lowest first; it must be taken. Beats that arrive while
// want_i is low are dropped. idle_o: no request and no beat on its way; a request
// starts only then. Reset: synchronous.
`default_nettype none

module mx_serial_fetch (
  input  wire logic        clk_i,
  input  wire logic        rst_ni,

  input  wire logic        want_i,
  input  wire logic [27:0] pc_i,
  output      logic        range_o,
  output      logic        idle_o,
  output      logic        word_valid_o,
  output      logic [31:0] word_data_o,

  output      logic        req_valid_o,
  input  wire logic        req_ready_i,
  input  wire logic        req_bad_i,
  output      logic [31:0] req_addr_o,
  output      logic [7:0]  req_len_o,
  input  wire logic        r_valid_i,
  input  wire logic [31:0] r_data_i
);

  logic       asked_q;  // the request was accepted, its beats are to come
  logic       stale_q;  // nobody wants them any more
  logic [1:0] beat_q;
  always_ff @(posedge clk_i) begin
    if (!rst_ni)                             asked_q <= 1'b0;
    else if (req_valid_o && req_ready_i)     asked_q <= 1'b1;
    else if (r_valid_i && beat_q == 2'd3)    asked_q <= 1'b0;
    if (!rst_ni)        beat_q <= '0;
    else if (r_valid_i) beat_q <= beat_q + 1'b1;
    if (!asked_q)     stale_q <= 1'b0;
    else if (!want_i) stale_q <= 1'b1;
  end

  assign req_valid_o  = want_i && !asked_q;
  assign req_addr_o   = {pc_i, 4'd0};
  assign req_len_o    = 8'd3;
  assign range_o      = req_bad_i;
  assign idle_o       = !asked_q;
  assign word_valid_o = r_valid_i && want_i && !stale_q;
  assign word_data_o  = r_data_i;

endmodule

`default_nettype wire
