// The processor and the accelerator in front of one memory (mx_sdram).
//
// cpu_*: a slow slave of mx_soc_bus: a word within a beat. The processor's
// accesses go first, each between two bursts or writes of the accelerator, and
// are answered when they are done: what the processor has written, the
// accelerator reads. IDs at the memory: 0 accelerator, 1 processor.
// acc_*: the accelerator's AXI4 master, whose requests pass through; it takes
// data and answers at once. Reset: synchronous.
`include "check.svh"
`default_nettype none

module mx_soc_memory #(
  parameter int unsigned BusBits = 64
) (
  input  wire logic                 clk_i,
  input  wire logic                 rst_ni,

  input  wire logic                 cpu_valid_i,
  output      logic                 cpu_ready_o,
  input  wire logic [31:0]          cpu_addr_i,
  input  wire logic [3:0]           cpu_wstrb_i,
  input  wire logic [31:0]          cpu_wdata_i,
  output      logic [31:0]          cpu_rdata_o,
  output      logic                 cpu_error_o,

  input  wire logic                 acc_arvalid_i,
  output      logic                 acc_arready_o,
  input  wire logic [39:0]          acc_araddr_i,
  input  wire logic [7:0]           acc_arlen_i,
  output      logic                 acc_rvalid_o,
  input  wire logic                 acc_awvalid_i,
  output      logic                 acc_awready_o,
  input  wire logic [39:0]          acc_awaddr_i,
  input  wire logic                 acc_wvalid_i,
  output      logic                 acc_wready_o,
  input  wire logic [BusBits-1:0]   acc_wdata_i,
  input  wire logic [BusBits/8-1:0] acc_wstrb_i,
  output      logic                 acc_bvalid_o,

  output      logic                 arvalid_o,
  input  wire logic                 arready_i,
  output      logic [39:0]          araddr_o,
  output      logic [7:0]           arlen_o,
  output      logic                 arid_o,
  input  wire logic                 rvalid_i,
  input  wire logic [BusBits-1:0]   rdata_i,
  input  wire logic [1:0]           rresp_i,
  input  wire logic                 rid_i,
  output      logic                 awvalid_o,
  input  wire logic                 awready_i,
  output      logic [39:0]          awaddr_o,
  output      logic                 awid_o,
  output      logic                 wvalid_o,
  input  wire logic                 wready_i,
  output      logic [BusBits-1:0]   wdata_o,
  output      logic [BusBits/8-1:0] wstrb_o,
  input  wire logic                 bvalid_i,
  input  wire logic [1:0]           bresp_i,
  input  wire logic                 bid_i
);

  localparam int unsigned Lanes    = BusBits / 32;
  localparam int unsigned ByteBits = $clog2(BusBits / 8);
  wire logic [4:0] lane = cpu_addr_i[6:2] & 5'(Lanes - 1);
  wire logic [39:0] cpu_beat = {8'd0, cpu_addr_i[31:ByteBits], {ByteBits{1'b0}}};

  // What the processor asks for, until it is accepted. A request that is on the
  // memory's channels stays there.
  logic cpu_read_q, cpu_write_q, asked_q, read_held_q, write_held_q;
  wire logic cpu_reads  = cpu_read_q && !read_held_q;
  wire logic cpu_writes = cpu_write_q && !write_held_q;
  wire logic ask        = cpu_valid_i && !asked_q;
  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      cpu_read_q   <= 1'b0;
      cpu_write_q  <= 1'b0;
      asked_q      <= 1'b0;
      read_held_q  <= 1'b0;
      write_held_q <= 1'b0;
    end else begin
      asked_q      <= cpu_valid_i && !cpu_ready_o;
      cpu_read_q   <= (ask && cpu_wstrb_i == '0) || (cpu_read_q && !(cpu_reads && arready_i));
      cpu_write_q  <= (ask && cpu_wstrb_i != '0) || (cpu_write_q && !(cpu_writes && awready_i));
      read_held_q  <= acc_arvalid_i && !cpu_reads && !arready_i;
      write_held_q <= acc_awvalid_i && acc_wvalid_i && !cpu_writes && !awready_i;
    end
  end

  assign arvalid_o     = cpu_reads || acc_arvalid_i;
  assign araddr_o      = cpu_reads ? cpu_beat : acc_araddr_i;
  assign arlen_o       = cpu_reads ? 8'd0 : acc_arlen_i;
  assign arid_o        = cpu_reads;
  assign acc_arready_o = arready_i && !cpu_reads;
  assign acc_rvalid_o  = rvalid_i && !rid_i;

  assign awvalid_o     = cpu_writes || acc_awvalid_i;
  assign wvalid_o      = cpu_writes || acc_wvalid_i;
  assign awaddr_o      = cpu_writes ? cpu_beat : acc_awaddr_i;
  assign awid_o        = cpu_writes;
  assign wdata_o       = cpu_writes ? {Lanes{cpu_wdata_i}} : acc_wdata_i;
  assign wstrb_o       = cpu_writes ? (BusBits / 8)'(cpu_wstrb_i) << {lane, 2'b00} : acc_wstrb_i;
  assign acc_awready_o = awready_i && !cpu_writes;
  assign acc_wready_o  = wready_i && !cpu_writes;
  assign acc_bvalid_o  = bvalid_i && !bid_i;

  wire logic read_ends  = rvalid_i && rid_i;
  wire logic write_ends = bvalid_i && bid_i;
  assign cpu_ready_o = read_ends || write_ends;
  assign cpu_error_o = read_ends ? rresp_i[1] : bresp_i[1];
  always_comb begin
    cpu_rdata_o = '0;
    for (int i = 0; i < Lanes; i++) cpu_rdata_o = cpu_rdata_o | (rdata_i[32*i +: 32] & {32{lane == 5'(i)}});
  end

  wire logic unused = &{1'b0, rresp_i[0], bresp_i[0], cpu_addr_i[1:0]};

  `RESET_FIRST
  `CHECK(answer_expected, !cpu_ready_o || asked_q)

endmodule

`default_nettype wire
