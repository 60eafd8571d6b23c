// The move unit: LOAD, UCODE (mx_move_load), STORE, PUTROW, PUTCOL, PUTEXP
// (mx_move_store). Commands take effect in order.
//
// Commands: valid/ready, final values (address registers applied); fields not
// used by an operation are ignored. LOAD and UCODE are accepted when all
// writes before them have been answered, since they may read what these wrote.
// busy_o: from the cycle after a command until its last effect is visible.
// fault_o: FAULT_ALIGN or FAULT_RANGE for one cycle; after it nothing is
// accepted or sent until reset.
// Memory: read client of mx_read, client of mx_write with its idle_o.
// On-chip memories: requests valid/ready; data of mr_ and pr_ come in the
// cycle after the transfer; uc_we_o is always taken.
// Latency and throughput: see the two units. Reset: idle.
`default_nettype none

module mx_move #(
  parameter int unsigned BusBits    = 128,
  parameter int unsigned Rows       = 1,
  parameter int unsigned Group      = 16,
  parameter int unsigned Lanes      = 32,  // BusBits / (4 * Rows)
  parameter int unsigned BurstBeats = 16
) (
  input  wire logic                 clk_i,
  input  wire logic                 rst_ni,
  output      logic                 busy_o,
  output      logic [3:0]           fault_o,
  input  wire logic [31:0]          mem_size_i,

  input  wire logic                 cmd_valid_i,
  output      logic                 cmd_ready_o,
  input  wire logic [4:0]           cmd_op_i,
  input  wire logic [31:0]          cmd_addr_i,
  input  wire logic [15:0]          cmd_count_i,
  input  wire logic [15:0]          cmd_blocks_i,
  input  wire logic [15:0]          cmd_at_i,      // dst, src or x
  input  wire logic [1:0]           cmd_format_i,  // format of LOAD, bits of PUT*
  input  wire logic [1:0]           cmd_block_i,
  input  wire logic [3:0]           cmd_bank_i,
  input  wire logic [31:0]          cmd_row_i,
  input  wire logic [31:0]          cmd_stride_i,

  output      logic                 req_valid_o,
  input  wire logic                 req_ready_i,
  output      logic [31:0]          req_addr_o,
  output      logic [7:0]           req_len_o,
  input  wire logic                 r_valid_i,
  input  wire logic [BusBits-1:0]   r_data_i,

  output      logic                 w_valid_o,
  input  wire logic                 w_ready_i,
  output      logic [31:0]          w_addr_o,
  output      logic [BusBits/8-1:0] w_strb_o,
  output      logic [BusBits-1:0]   w_data_o,
  input  wire logic                 w_idle_i,

  output      logic                 mr_valid_o,
  input  wire logic                 mr_ready_i,
  output      logic [15:0]          mr_addr_o,
  input  wire logic [31:0]          mr_data_i,
  output      logic                 mw_valid_o,
  input  wire logic                 mw_ready_i,
  output      logic [15:0]          mw_addr_o,
  output      logic [31:0]          mw_data_o,

  output      logic                 pr_valid_o,
  input  wire logic                 pr_ready_i,
  output      logic [3:0]           pr_bank_o,
  output      logic [15:0]          pr_addr_o,
  input  wire logic [8*Lanes-1:0]   pr_data_i,
  input  wire logic [7:0]           pr_exp_i,

  output      logic                 uc_we_o,
  output      logic [9:0]           uc_addr_o,
  output      logic [31:0]          uc_data_o
);

  wire logic is_ucode = cmd_op_i == mx_pkg::OP_UCODE;
  wire logic is_load  = cmd_op_i == mx_pkg::OP_LOAD || is_ucode;

  logic       load_ready, store_ready, load_busy, store_busy;
  logic [3:0] load_fault, store_fault;

  wire logic load_may_start  = is_load && store_ready && w_idle_i;
  wire logic store_may_start = !is_load && load_ready;

  assign cmd_ready_o = (load_may_start && load_ready) || (store_may_start && store_ready);
  assign busy_o      = load_busy || store_busy || !w_idle_i;
  assign fault_o     = load_fault | store_fault;

  mx_move_load #(.BusBits(BusBits), .BurstBeats(BurstBeats)) u_load (
    .clk_i, .rst_ni, .busy_o(load_busy), .fault_o(load_fault), .mem_size_i,
    .cmd_valid_i(cmd_valid_i && load_may_start), .cmd_ready_o(load_ready), .cmd_ucode_i(is_ucode),
    .cmd_addr_i, .cmd_count_i, .cmd_at_i, .cmd_format_i,
    .req_valid_o, .req_ready_i, .req_addr_o, .req_len_o, .r_valid_i, .r_data_i,
    .mw_valid_o, .mw_ready_i, .uc_we_o, .write_addr_o(mw_addr_o), .write_data_o(mw_data_o)
  );
  assign uc_addr_o = mw_addr_o[9:0];
  assign uc_data_o = mw_data_o;

  mx_move_store #(.BusBits(BusBits), .Rows(Rows), .Group(Group), .Lanes(Lanes)) u_store (
    .clk_i, .rst_ni, .busy_o(store_busy), .fault_o(store_fault), .mem_size_i,
    .cmd_valid_i(cmd_valid_i && store_may_start), .cmd_ready_o(store_ready), .cmd_op_i,
    .cmd_addr_i, .cmd_count_i, .cmd_blocks_i, .cmd_at_i, .cmd_bits_i(cmd_format_i), .cmd_block_i,
    .cmd_bank_i, .cmd_row_i, .cmd_stride_i,
    .mr_valid_o, .mr_ready_i, .mr_addr_o, .mr_data_i,
    .pr_valid_o, .pr_ready_i, .pr_bank_o, .pr_addr_o, .pr_data_i, .pr_exp_i,
    .w_valid_o, .w_ready_i, .w_addr_o, .w_strb_o, .w_data_o
  );

endmodule

`default_nettype wire
