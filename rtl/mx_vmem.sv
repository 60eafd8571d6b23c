// Vector memory: VmemWords FP32 words, in two RAM copies (read ports A and B)
// that take the same writes. A copy is one RAM per lane.
//
// Addresses are words, modulo VmemWords. ra, rb (vector unit): read the group of
// VecLanes words that holds the address; data in the next cycle. mr (move unit):
// valid/ready, one word in the cycle after the transfer; it uses port B when
// rb does not. Writes, one per cycle: vm (vector unit) is always taken, else mw
// (move unit), else dw (dot array). Reading a word in the cycle in which it is
// written gives an undefined word.
// obs_*: the write that is done in this cycle: obs_addr_o of lane 0 (modulo
// VmemWords), obs_unit_o 0 vec, 1 move, 2 dot.
// No reset; contents are zero at the start of simulation.
`include "check.svh"
`default_nettype none

module mx_vmem #(
  parameter int unsigned VecLanes  = 1,
  parameter int unsigned VmemWords = 8192
) (
  input  wire logic                   clk_i,

  input  wire logic                   ra_en_i,
  input  wire logic [15:0]            ra_addr_i,
  output      logic [VecLanes*32-1:0] ra_data_o,
  input  wire logic                   rb_en_i,
  input  wire logic [15:0]            rb_addr_i,
  output      logic [VecLanes*32-1:0] rb_data_o,

  input  wire logic                   mr_valid_i,
  output      logic                   mr_ready_o,
  input  wire logic [15:0]            mr_addr_i,
  output      logic [31:0]            mr_data_o,

  input  wire logic                   vm_valid_i,
  input  wire logic [15:0]            vm_addr_i,
  input  wire logic [VecLanes-1:0]    vm_mask_i,
  input  wire logic [VecLanes*32-1:0] vm_data_i,

  input  wire logic                   mw_valid_i,
  output      logic                   mw_ready_o,
  input  wire logic [15:0]            mw_addr_i,
  input  wire logic [31:0]            mw_data_i,

  input  wire logic                   dw_valid_i,
  output      logic                   dw_ready_o,
  input  wire logic [15:0]            dw_addr_i,
  input  wire logic [31:0]            dw_data_i,

  output      logic                   obs_valid_o,
  output      logic [1:0]             obs_unit_o,
  output      logic [15:0]            obs_addr_o,
  output      logic [VecLanes-1:0]    obs_mask_o,
  output      logic [VecLanes*32-1:0] obs_data_o
);

  localparam int unsigned LaneBits = $clog2(VecLanes);
  localparam int unsigned RowBits  = $clog2(VmemWords) - LaneBits;
  localparam logic [15:0] LaneMask = 16'(VecLanes - 1);

  // ---- the write of this cycle ----
  assign mw_ready_o = !vm_valid_i;
  assign dw_ready_o = mw_ready_o && !mw_valid_i;
  wire logic write = vm_valid_i || mw_valid_i || dw_valid_i;
  wire logic [15:0] word_addr = mw_valid_i ? mw_addr_i : dw_addr_i;
  wire logic [31:0] word_data = mw_valid_i ? mw_data_i : dw_data_i;
  wire logic [15:0] waddr     = vm_valid_i ? vm_addr_i : word_addr;
  logic [VecLanes-1:0]    wmask;
  logic [VecLanes*32-1:0] wdata;
  for (genvar l = 0; l < VecLanes; l++) begin : g_write
    assign wmask[l] = vm_valid_i ? vm_mask_i[l] : (word_addr & LaneMask) == 16'(l);
  end
  assign wdata = vm_valid_i ? vm_data_i : {VecLanes{word_data}};

  // ---- reads ----
  assign mr_ready_o = !rb_en_i;
  wire logic        read_b  = rb_en_i || (mr_valid_i && mr_ready_o);
  wire logic [15:0] addr_b  = rb_en_i ? rb_addr_i : mr_addr_i;

  wire logic [RowBits-1:0] wrow = waddr[LaneBits +: RowBits];
  wire logic [RowBits-1:0] arow = ra_addr_i[LaneBits +: RowBits];
  wire logic [RowBits-1:0] brow = addr_b[LaneBits +: RowBits];
  for (genvar l = 0; l < VecLanes; l++) begin : g_lane
    mx_vmem_ram #(.Words(VmemWords / VecLanes)) u_a (
      .clk_i, .re_i(ra_en_i), .raddr_i(arow), .rdata_o(ra_data_o[32*l +: 32]),
      .we_i(write && wmask[l]), .waddr_i(wrow), .wdata_i(wdata[32*l +: 32])
    );
    mx_vmem_ram #(.Words(VmemWords / VecLanes)) u_b (
      .clk_i, .re_i(read_b), .raddr_i(brow), .rdata_o(rb_data_o[32*l +: 32]),
      .we_i(write && wmask[l]), .waddr_i(wrow), .wdata_i(wdata[32*l +: 32])
    );
  end

  // The move unit's word of the group.
  logic [1:0] lane_q;
  always_ff @(posedge clk_i) lane_q <= mr_addr_i[1:0] & LaneMask[1:0];
  always_comb begin
    mr_data_o = rb_data_o[31:0];
    for (int l = 1; l < VecLanes; l++)
      if (lane_q == 2'(l)) mr_data_o = rb_data_o[32*l +: 32];
  end

  assign obs_valid_o = write;
  assign obs_unit_o  = vm_valid_i ? 2'd0 : mw_valid_i ? 2'd1 : 2'd2;
  assign obs_addr_o  = waddr & 16'(VmemWords - 1) & ~LaneMask;
  assign obs_mask_o  = wmask;
  assign obs_data_o  = wdata;

  wire logic unused = &{ra_addr_i, addr_b};  // high bits

endmodule

`default_nettype wire
