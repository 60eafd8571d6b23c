// First-in first-out buffer, first word falls through.
//
// Handshake: valid/ready on both sides; a word moves when both are set. The
// words sit in a memory with one synchronous read port (block RAM when deep)
// and are fetched ahead into the output, so out_data_o is steady and full
// rate needs no combinational path from in to out. count_o counts every word
// held, wherever it is; Depth words fit.
// Latency: a word put in at edge n can be taken at edge n + 2, or n + 3 when
// Depth >= 64, where a register follows the memory. Throughput 1 word per
// cycle. Reset: empty; data is unknown until the first word.
`include "check.svh"
`default_nettype none

module mx_fifo #(
  parameter int unsigned Width = 8,
  parameter int unsigned Depth = 16  // words, a power of two, at least 2
) (
  input  wire logic                   clk_i,
  input  wire logic                   rst_ni,

  input  wire logic                   in_valid_i,
  output      logic                   in_ready_o,
  input  wire logic [Width-1:0]       in_data_i,

  output      logic                   out_valid_o,
  input  wire logic                   out_ready_i,
  output      logic [Width-1:0]       out_data_o,

  output      logic [$clog2(Depth):0] count_o
);

  localparam int unsigned AddrBits = $clog2(Depth);
  localparam bit OutputRegister = Depth >= 64;
  // Places of a wide memory that are never used let iCE40 synthesis prefer a
  // block RAM to registers.
  localparam int unsigned Places    = Width >= 64 && Depth < 8 ? 8 : Depth;
  localparam int unsigned PlaceBits = $clog2(Places);

  if (Depth < 2 || Depth != (1 << AddrBits)) begin : g_depth
    $error("mx_fifo: Depth must be a power of two, at least 2");
  end

  logic [Width-1:0]  memory [0:Places-1];
  logic [AddrBits:0] write_q, read_q;  // with one bit more than an address
  logic [AddrBits:0] count_q;
  logic              fetched_q;        // fetched_data_q holds a word
  logic [Width-1:0]  fetched_data_q;
  logic              take_fetched;

  wire logic in_fire  = in_valid_i && in_ready_o;
  wire logic out_fire = out_valid_o && out_ready_i;
  wire logic fetch    = write_q != read_q && (!fetched_q || take_fetched);

  assign in_ready_o = !count_q[AddrBits];
  assign count_o    = count_q;

  // The second condition always holds; with it, tools see that no address is
  // read and written in one cycle, and add no logic to define that case.
  wire logic same_place = write_q[AddrBits-1:0] == read_q[AddrBits-1:0];
  wire logic store      = in_fire && !(same_place && write_q[AddrBits] != read_q[AddrBits]);

  wire logic [PlaceBits-1:0] write_at = PlaceBits'(write_q[AddrBits-1:0]);
  wire logic [PlaceBits-1:0] read_at  = PlaceBits'(read_q[AddrBits-1:0]);

  always_ff @(posedge clk_i) if (store) memory[write_at] <= in_data_i;
  always_ff @(posedge clk_i) if (fetch) fetched_data_q <= memory[read_at];

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      write_q   <= '0;
      read_q    <= '0;
      count_q   <= '0;
      fetched_q <= 1'b0;
    end else begin
      if (in_fire) write_q <= write_q + 1'b1;
      if (fetch) read_q <= read_q + 1'b1;
      if (in_fire && !out_fire) count_q <= count_q + 1'b1;
      if (out_fire && !in_fire) count_q <= count_q - 1'b1;
      fetched_q <= fetch || (fetched_q && !take_fetched);
    end
  end

  if (OutputRegister) begin : g_register
    logic             out_valid_q;
    logic [Width-1:0] out_data_q;
    assign take_fetched = fetched_q && (!out_valid_q || out_ready_i);
    assign out_valid_o  = out_valid_q;
    assign out_data_o   = out_data_q;
    always_ff @(posedge clk_i) begin
      if (!rst_ni) out_valid_q <= 1'b0;
      else         out_valid_q <= take_fetched || (out_valid_q && !out_ready_i);
    end
    always_ff @(posedge clk_i) if (take_fetched) out_data_q <= fetched_data_q;
  end else begin : g_direct
    assign take_fetched = out_fire;
    assign out_valid_o  = fetched_q;
    assign out_data_o   = fetched_data_q;
  end

`ifdef CHECKS
  logic             past_q;  // the last edge was out of reset
  logic             in_stall_q, out_stall_q;
  logic [Width-1:0] in_data_q, out_data_q;
  initial past_q = 1'b0;
  always_ff @(posedge clk_i) begin
    past_q      <= rst_ni;
    in_stall_q  <= in_valid_i && !in_ready_o;
    in_data_q   <= in_data_i;
    out_stall_q <= out_valid_o && !out_ready_i;
    out_data_q  <= out_data_o;
  end
`endif
  `RESET_FIRST
  `REQUIRE(in_holds,  !(past_q && in_stall_q)  || (in_valid_i  && in_data_i  == in_data_q))
  `CHECK  (out_holds, !(past_q && out_stall_q) || (out_valid_o && out_data_o == out_data_q))
  `CHECK  (count_bounded, count_q <= (AddrBits + 1)'(Depth))
  `CHECK  (count_covers_memory, (AddrBits + 1)'(write_q - read_q) <= count_q)
  `CHECK  (valid_is_counted, !out_valid_o || count_q != '0)

endmodule

`default_nettype wire
