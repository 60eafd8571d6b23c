// mx_vec whose adder has a second user: the accumulators of a dot array, fed
// with random terms and stopped as mx_dot does. The same terms go through
// accumulators with an adder of their own, and the results must be the same.
`include "check.svh"
`default_nettype none

module mx_vec_shared #(
  parameter int unsigned VecLanes   = 1,
  parameter int unsigned VmemWords  = 1024,
  parameter int unsigned UcodeWords = 256,
  parameter int unsigned XmemElems  = 512,
  parameter int unsigned Tokens     = 1,
  parameter int unsigned SinglePort = 1,
  parameter int unsigned Split16    = 1,
  parameter int unsigned SharedAdd  = 1
) (
  input  wire logic                   clk_i,
  input  wire logic                   rst_ni,

  input  wire logic                   cmd_valid_i,
  output      logic                   cmd_ready_o,
  input  wire logic [9:0]             cmd_entry_i,
  input  wire logic [127:0]           cmd_u_i,

  input  wire logic                   uc_we_i,
  input  wire logic [9:0]             uc_addr_i,
  input  wire logic [31:0]            uc_data_i,

  output      logic                   ra_en_o,
  output      logic [15:0]            ra_addr_o,
  input  wire logic [VecLanes*32-1:0] ra_data_i,
  output      logic                   rb_en_o,
  output      logic [15:0]            rb_addr_o,
  input  wire logic [VecLanes*32-1:0] rb_data_i,

  output      logic                   vm_valid_o,
  output      logic [15:0]            vm_addr_o,
  output      logic [VecLanes-1:0]    vm_mask_o,
  output      logic [VecLanes*32-1:0] vm_data_o,

  output      logic                   xw_valid_o,
  output      logic [3:0]             xw_bank_o,
  output      logic [15:0]            xw_addr_o,
  output      logic [VecLanes-1:0]    xw_mask_o,
  output      logic [VecLanes*8-1:0]  xw_data_o,
  output      logic                   xe_valid_o,
  output      logic [3:0]             xe_bank_o,
  output      logic [15:0]            xe_addr_o,
  output      logic [7:0]             xe_data_o,

  output      logic                   busy_o,
  output      logic                   progress_o,
  output      logic [3:0]             fault_o
);

  logic        stop, idle, read, use_add, first, write;
  logic [3:0]  entry, place;
  logic [31:0] term, y;
  mx_vec #(
    .VecLanes(VecLanes), .VmemWords(VmemWords), .UcodeWords(UcodeWords), .XmemElems(XmemElems),
    .Tokens(Tokens), .SinglePort(SinglePort), .Split16(Split16), .SharedAdd(SharedAdd)
  ) u_vec (
    .*, .add_stop_o(stop), .add_idle_i(idle), .add_read_i(read), .add_entry_i(entry), .add_use_i(use_add),
    .add_first_i(first), .add_term_i(term), .add_write_i(write), .add_place_i(place), .add_y_o(y)
  );

  // Random sums; stage k of last_q as in mx_dot. Stage 7 of an entry comes at
  // least six cycles after that of the same entry before: there are 16.
  logic [31:0] random_q = 32'h1234_5678;
  always_ff @(posedge clk_i) begin
    random_q <= {random_q[30:0], random_q[31] ^ random_q[21] ^ random_q[1] ^ random_q[0]};
  end
  logic [12:1] last_q;
  wire logic   last = !stop && random_q[3:0] != 4'd0;
  always_ff @(posedge clk_i) last_q <= rst_ni ? {last_q[11:1], last} : '0;
  assign idle = last_q[8:1] == '0;

  wire logic [23:0] sum   = {{4{random_q[31]}}, random_q[31:12]};
  wire logic [7:0]  x_exp = {7'd60, random_q[7]};
  logic             first_q;  // of the row's sum, as often as not
  always_ff @(posedge clk_i) first_q <= random_q[9];

  logic        valid, own_valid;
  logic [31:0] data, own_data;
  mx_dot_acc #(.Rows(1), .Tokens(1), .Entries(16), .SharedAdd(1)) u_acc (
    .clk_i, .rst_ni, .last_i(last_q[12:5]), .first_i(first_q), .final_i(1'b1), .sum_i(sum),
    .kind_i(2'd0), .frac_i(4'd0), .scale_i('0), .x_exp_i(x_exp), .valid_o(valid), .data_o(data),
    .add_read_o(read), .add_entry_o(entry), .add_use_o(use_add), .add_first_o(first), .add_term_o(term),
    .add_write_o(write), .add_place_o(place), .add_y_i(y)
  );
  logic        unused_read, unused_use, unused_first, unused_write;
  logic [3:0]  unused_entry, unused_place;
  logic [31:0] unused_term;
  mx_dot_acc #(.Rows(1), .Tokens(1), .Entries(16)) u_own (
    .clk_i, .rst_ni, .last_i(last_q[12:5]), .first_i(first_q), .final_i(1'b1), .sum_i(sum),
    .kind_i(2'd0), .frac_i(4'd0), .scale_i('0), .x_exp_i(x_exp), .valid_o(own_valid), .data_o(own_data),
    .add_read_o(unused_read), .add_entry_o(unused_entry), .add_use_o(unused_use),
    .add_first_o(unused_first), .add_term_o(unused_term), .add_write_o(unused_write),
    .add_place_o(unused_place), .add_y_i('0)
  );
  wire logic unused = ^{unused_read, unused_entry, unused_use, unused_first, unused_term, unused_write,
                        unused_place};

  // The memories start with different contents: compare once every entry was first.
  logic [15:0] known_q;
  logic [3:0]  at_q;
  logic [11:8] started_q;
  always_ff @(posedge clk_i) begin
    started_q <= {started_q[10:8], first_q};
    if (!rst_ni) begin
      known_q <= '0;
      at_q    <= '0;
    end else if (valid) begin
      at_q          <= at_q + 1'b1;
      known_q[at_q] <= known_q[at_q] || started_q[11];
    end
  end
  `CHECK(same_time, valid == own_valid)
  `CHECK(same_sum, !valid || !(known_q[at_q] || started_q[11]) || data == own_data)

endmodule

`default_nettype wire
