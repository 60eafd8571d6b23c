// mxforge: the accelerator. The parameter set is package mx_cfg; nothing here
// depends on a vendor.
//
// s_axi_*: AXI4-Lite slave for the registers (golden/csr.def), 12-bit offsets.
// m_axi_*: AXI4 master, 40-bit addresses, BusBits wide; INCR bursts of reads
// with ID 0 and single-beat writes, in order. irq_o: level.
// obs_*: what the units write, for verification and profiling; leave open in
// products. clk_i, rst_ni (synchronous, active low) serve all.
//
// FaultCycle is for tests of the tests: unless 0, bit 0 of what the dot array
// writes is inverted from that cycle on.
`default_nettype none

module mxforge #(
  parameter  int unsigned FaultCycle = 0,
  localparam int unsigned BusBits    = mx_cfg::BUS_BITS,
  localparam int unsigned VecLanes   = mx_cfg::VEC_LANES
) (
  input  wire logic                   clk_i,
  input  wire logic                   rst_ni,
  output      logic                   irq_o,

  input  wire logic                   s_axi_awvalid_i,
  output      logic                   s_axi_awready_o,
  input  wire logic [11:0]            s_axi_awaddr_i,
  input  wire logic                   s_axi_wvalid_i,
  output      logic                   s_axi_wready_o,
  input  wire logic [31:0]            s_axi_wdata_i,
  input  wire logic [3:0]             s_axi_wstrb_i,
  output      logic                   s_axi_bvalid_o,
  input  wire logic                   s_axi_bready_i,
  output      logic [1:0]             s_axi_bresp_o,
  input  wire logic                   s_axi_arvalid_i,
  output      logic                   s_axi_arready_o,
  input  wire logic [11:0]            s_axi_araddr_i,
  output      logic                   s_axi_rvalid_o,
  input  wire logic                   s_axi_rready_i,
  output      logic [31:0]            s_axi_rdata_o,
  output      logic [1:0]             s_axi_rresp_o,

  output      logic                   m_axi_arvalid_o,
  input  wire logic                   m_axi_arready_i,
  output      logic [39:0]            m_axi_araddr_o,
  output      logic [7:0]             m_axi_arlen_o,
  output      logic [2:0]             m_axi_arsize_o,
  output      logic [1:0]             m_axi_arburst_o,
  output      logic                   m_axi_arid_o,
  output      logic [3:0]             m_axi_arcache_o,
  output      logic [2:0]             m_axi_arprot_o,
  input  wire logic                   m_axi_rvalid_i,
  output      logic                   m_axi_rready_o,
  input  wire logic [BusBits-1:0]     m_axi_rdata_i,
  input  wire logic [1:0]             m_axi_rresp_i,
  input  wire logic                   m_axi_rlast_i,
  input  wire logic                   m_axi_rid_i,
  output      logic                   m_axi_awvalid_o,
  input  wire logic                   m_axi_awready_i,
  output      logic [39:0]            m_axi_awaddr_o,
  output      logic [7:0]             m_axi_awlen_o,
  output      logic [2:0]             m_axi_awsize_o,
  output      logic [1:0]             m_axi_awburst_o,
  output      logic                   m_axi_awid_o,
  output      logic [3:0]             m_axi_awcache_o,
  output      logic [2:0]             m_axi_awprot_o,
  output      logic                   m_axi_wvalid_o,
  input  wire logic                   m_axi_wready_i,
  output      logic [BusBits-1:0]     m_axi_wdata_o,
  output      logic [BusBits/8-1:0]   m_axi_wstrb_o,
  output      logic                   m_axi_wlast_o,
  input  wire logic                   m_axi_bvalid_i,
  output      logic                   m_axi_bready_o,
  input  wire logic [1:0]             m_axi_bresp_i,
  input  wire logic                   m_axi_bid_i,

  output      logic                   obs_issue_valid_o,
  output      logic [31:0]            obs_issue_pc_o,   // relative to MEM_BASE
  output      logic [3:0]             obs_busy_o,       // stream, dot, vec, move from bit 0
  output      logic                   obs_vmem_valid_o,
  output      logic [1:0]             obs_vmem_unit_o,  // 0 vec, 1 move, 2 dot
  output      logic [15:0]            obs_vmem_addr_o,  // of lane 0
  output      logic [VecLanes-1:0]    obs_vmem_mask_o,
  output      logic [VecLanes*32-1:0] obs_vmem_data_o,
  output      logic                   obs_xmem_valid_o,
  output      logic [3:0]             obs_xmem_bank_o,
  output      logic [15:0]            obs_xmem_addr_o,  // element of lane 0
  output      logic [VecLanes-1:0]    obs_xmem_mask_o,
  output      logic [VecLanes*8-1:0]  obs_xmem_data_o,
  output      logic                   obs_xexp_valid_o,
  output      logic [3:0]             obs_xexp_bank_o,
  output      logic [15:0]            obs_xexp_addr_o,  // element / 16
  output      logic [7:0]             obs_xexp_data_o,
  output      logic                   obs_ucode_valid_o,
  output      logic [9:0]             obs_ucode_addr_o,
  output      logic [31:0]            obs_ucode_data_o
);

  localparam int unsigned BurstBeats = mx_cfg::BURST_BEATS;
  localparam int unsigned Rows       = mx_cfg::ROWS;
  localparam int unsigned Tokens     = mx_cfg::TOKENS;
  localparam int unsigned Group      = mx_cfg::GROUP;
  localparam int unsigned Lanes      = BusBits / (4 * Rows);
  localparam int unsigned MoveLanes  = mx_cfg::SERIAL != 0 ? 2 : Lanes;  // elements of an XMEM word

  // ---- registers and sequencer ----
  logic        start, soft_reset, begins, busy, done, fault, watchdog, stop, clear, bus_idle;
  logic [3:0]  error;
  logic [31:0] error_pc, program_addr, mem_size, walk_data;
  logic [39:0] mem_base;
  logic [4:0]  walk_slot;
  logic [10:0] events;
  logic        progress, issue, seq_wait, fetch_wait, starting;
  logic        unit_rst_n;

  mx_csr #(.BuildId(mx_cfg::BUILD_ID)) u_csr (
    .clk_i(clk_i), .rst_ni(rst_ni),
    .s_axi_awvalid_i(s_axi_awvalid_i), .s_axi_awready_o(s_axi_awready_o), .s_axi_awaddr_i(s_axi_awaddr_i),
    .s_axi_wvalid_i(s_axi_wvalid_i), .s_axi_wready_o(s_axi_wready_o),
    .s_axi_wdata_i(s_axi_wdata_i), .s_axi_wstrb_i(s_axi_wstrb_i),
    .s_axi_bvalid_o(s_axi_bvalid_o), .s_axi_bready_i(s_axi_bready_i), .s_axi_bresp_o(s_axi_bresp_o),
    .s_axi_arvalid_i(s_axi_arvalid_i), .s_axi_arready_o(s_axi_arready_o), .s_axi_araddr_i(s_axi_araddr_i),
    .s_axi_rvalid_o(s_axi_rvalid_o), .s_axi_rready_i(s_axi_rready_i),
    .s_axi_rdata_o(s_axi_rdata_o), .s_axi_rresp_o(s_axi_rresp_o), .irq_o(irq_o),
    .start_o(start), .soft_reset_o(soft_reset), .begin_i(begins), .busy_i(busy), .done_i(done), .fault_i(fault),
    .error_i(error), .error_pc_i(error_pc), .program_o(program_addr), .mem_base_o(mem_base), .mem_size_o(mem_size),
    .walk_slot_o(walk_slot), .walk_data_o(walk_data), .events_i(events), .progress_i(progress),
    .watchdog_o(watchdog)
  );

  logic [2:0]  req_valid, req_ready, req_bad, r_valid;  // 0 fetch, 1 stream, 2 move
  logic [95:0] req_addr;
  logic [23:0] req_len;
  logic [BusBits-1:0] r_data;
  logic [3:0]  read_fault, stream_fault, vec_fault, move_fault, write_fault;
  logic        read_idle, write_idle;

  logic        stream_valid, stream_ready, stream_empty;
  logic [31:0] stream_addr, stream_seg_beats, stream_stride;
  logic [15:0] stream_segments;
  logic        dot_valid, dot_ready, dot_zero, dot_codebook, dot_planar, dot_busy, took, starved, blocked;
  logic [1:0]  dot_bits, dot_scale, dot_block;
  logic [3:0]  dot_frac, dot_tokens;
  logic [15:0] dot_x, dot_groups, dot_dst, dot_stride, dot_blocks;
  logic        tbl_we, tbl_half;
  logic [63:0] tbl_data;
  logic        vec_valid, vec_ready, vec_busy, vec_progress;
  logic [9:0]  vec_entry;
  logic [127:0] vec_u;
  logic        vec_shift, stream_shift;
  logic        move_valid, move_ready, move_busy;
  logic [4:0]  move_op;
  logic [31:0] move_addr, move_row, move_stride;
  logic [15:0] move_count, move_blocks, move_at;
  logic [1:0]  move_format, move_block;
  logic [3:0]  move_bank;

  mx_seq #(
    .BusBits(BusBits), .BurstBeats(BurstBeats), .Tokens(Tokens), .Codebook(mx_cfg::CODEBOOK),
    .ZeroPoint(mx_cfg::ZERO_POINT), .Serial(mx_cfg::SERIAL), .BuildId(mx_cfg::BUILD_ID)
  ) u_seq (
    .clk_i(clk_i), .rst_ni(rst_ni),
    .start_i(start), .soft_reset_i(soft_reset), .program_i(program_addr), .mem_size_i(mem_size),
    .walk_slot_i(walk_slot), .walk_data_i(walk_data), .watchdog_i(watchdog), .begin_o(begins), .busy_o(busy),
    .done_o(done), .fault_o(fault), .error_o(error), .error_pc_o(error_pc), .issue_o(issue),
    .seq_wait_o(seq_wait), .fetch_wait_o(fetch_wait), .starting_o(starting), .stop_o(stop), .clear_o(clear),
    .bus_idle_i(bus_idle), .read_fault_i(read_fault), .stream_fault_i(stream_fault), .vec_fault_i(vec_fault),
    .move_fault_i(move_fault), .write_fault_i(write_fault),
    .req_valid_o(req_valid[0]), .req_ready_i(req_ready[0]), .req_bad_i(req_bad[0]), .req_addr_o(req_addr[31:0]),
    .req_len_o(req_len[7:0]),
    .r_valid_i(r_valid[0]), .r_data_i(r_data),
    .dot_busy_i(dot_busy), .vec_busy_i(vec_busy), .move_busy_i(move_busy), .stream_empty_i(stream_empty),
    .stream_valid_o(stream_valid), .stream_ready_i(stream_ready), .stream_addr_o(stream_addr),
    .stream_segments_o(stream_segments), .stream_seg_beats_o(stream_seg_beats), .stream_stride_o(stream_stride),
    .dot_valid_o(dot_valid), .dot_ready_i(dot_ready), .dot_bits_o(dot_bits), .dot_scale_o(dot_scale),
    .dot_zero_o(dot_zero), .dot_codebook_o(dot_codebook), .dot_planar_o(dot_planar), .dot_block_o(dot_block),
    .dot_frac_o(dot_frac), .dot_x_o(dot_x), .dot_groups_o(dot_groups), .dot_dst_o(dot_dst),
    .dot_stride_o(dot_stride), .dot_blocks_o(dot_blocks), .dot_tokens_o(dot_tokens),
    .tbl_we_o(tbl_we), .tbl_half_o(tbl_half), .tbl_data_o(tbl_data),
    .vec_valid_o(vec_valid), .vec_ready_i(vec_ready), .vec_entry_o(vec_entry), .vec_u_o(vec_u), .vec_shift_i(vec_shift), .stream_shift_i(stream_shift),
    .move_valid_o(move_valid), .move_ready_i(move_ready), .move_op_o(move_op), .move_addr_o(move_addr),
    .move_count_o(move_count), .move_blocks_o(move_blocks), .move_at_o(move_at), .move_format_o(move_format),
    .move_block_o(move_block), .move_bank_o(move_bank), .move_row_o(move_row), .move_stride_o(move_stride),
    .obs_issue_pc_o(obs_issue_pc_o)
  );

  // The units' reset, also pulsed after a fault and by a soft reset.
  always_ff @(posedge clk_i) unit_rst_n <= rst_ni && !clear;

  // ---- memory ports ----
  logic                 w_valid, w_ready, req_probe;
  logic [31:0]          w_addr;
  logic [BusBits/8-1:0] w_strb;
  logic [BusBits-1:0]   w_data;

  if (mx_cfg::SERIAL != 0) begin : g_serial_bus
    mx_serial_bus u_bus (
      .clk_i(clk_i), .rst_ni(unit_rst_n), .stop_i(stop), .idle_o(bus_idle), .read_fault_o(read_fault),
      .write_fault_o(write_fault), .mem_base_i(mem_base), .mem_size_i(mem_size), .req_valid_i(req_valid),
      .req_write_i(w_valid), .req_probe_i(req_probe), .req_ready_o(req_ready), .req_bad_o(req_bad),
      .req_addr_i(req_addr), .req_len_i(req_len), .r_valid_o(r_valid), .r_data_o(r_data),
      .w_strb_i(w_strb), .w_data_i(w_data),
      .m_axi_arvalid_o(m_axi_arvalid_o), .m_axi_arready_i(m_axi_arready_i), .m_axi_araddr_o(m_axi_araddr_o),
      .m_axi_arlen_o(m_axi_arlen_o), .m_axi_arsize_o(m_axi_arsize_o), .m_axi_arburst_o(m_axi_arburst_o),
      .m_axi_arid_o(m_axi_arid_o), .m_axi_arcache_o(m_axi_arcache_o), .m_axi_arprot_o(m_axi_arprot_o),
      .m_axi_rvalid_i(m_axi_rvalid_i), .m_axi_rready_o(m_axi_rready_o), .m_axi_rdata_i(m_axi_rdata_i),
      .m_axi_rresp_i(m_axi_rresp_i), .m_axi_rlast_i(m_axi_rlast_i), .m_axi_rid_i(m_axi_rid_i),
      .m_axi_awvalid_o(m_axi_awvalid_o), .m_axi_awready_i(m_axi_awready_i), .m_axi_awaddr_o(m_axi_awaddr_o),
      .m_axi_awlen_o(m_axi_awlen_o), .m_axi_awsize_o(m_axi_awsize_o), .m_axi_awburst_o(m_axi_awburst_o),
      .m_axi_awid_o(m_axi_awid_o), .m_axi_awcache_o(m_axi_awcache_o), .m_axi_awprot_o(m_axi_awprot_o),
      .m_axi_wvalid_o(m_axi_wvalid_o), .m_axi_wready_i(m_axi_wready_i), .m_axi_wdata_o(m_axi_wdata_o),
      .m_axi_wstrb_o(m_axi_wstrb_o), .m_axi_wlast_o(m_axi_wlast_o), .m_axi_bvalid_i(m_axi_bvalid_i),
      .m_axi_bready_o(m_axi_bready_o), .m_axi_bresp_i(m_axi_bresp_i), .m_axi_bid_i(m_axi_bid_i)
    );
    assign {w_ready, w_addr, read_idle, write_idle} = '0;
    wire logic unused = ^{w_ready, w_addr, read_idle, write_idle};
  end else begin : g_bus
    mx_read #(.BusBits(BusBits), .BurstBeats(BurstBeats), .Reads(mx_cfg::READS)) u_read (
      .clk_i(clk_i), .rst_ni(unit_rst_n), .stop_i(stop), .idle_o(read_idle), .fault_o(read_fault),
      .mem_base_i(mem_base), .req_valid_i(req_valid), .req_ready_o(req_ready), .req_addr_i(req_addr),
      .req_len_i(req_len), .r_valid_o(r_valid), .r_data_o(r_data),
      .m_axi_arvalid_o(m_axi_arvalid_o), .m_axi_arready_i(m_axi_arready_i), .m_axi_araddr_o(m_axi_araddr_o),
      .m_axi_arlen_o(m_axi_arlen_o), .m_axi_arsize_o(m_axi_arsize_o), .m_axi_arburst_o(m_axi_arburst_o),
      .m_axi_arid_o(m_axi_arid_o), .m_axi_arcache_o(m_axi_arcache_o), .m_axi_arprot_o(m_axi_arprot_o),
      .m_axi_rvalid_i(m_axi_rvalid_i), .m_axi_rready_o(m_axi_rready_o), .m_axi_rdata_i(m_axi_rdata_i),
      .m_axi_rresp_i(m_axi_rresp_i), .m_axi_rlast_i(m_axi_rlast_i), .m_axi_rid_i(m_axi_rid_i)
    );

    mx_write #(.BusBits(BusBits), .Writes(mx_cfg::WRITES)) u_write (
      .clk_i(clk_i), .rst_ni(unit_rst_n), .stop_i(stop), .idle_o(write_idle), .fault_o(write_fault),
      .mem_base_i(mem_base), .w_valid_i(w_valid), .w_ready_o(w_ready), .w_addr_i(w_addr), .w_strb_i(w_strb),
      .w_data_i(w_data),
      .m_axi_awvalid_o(m_axi_awvalid_o), .m_axi_awready_i(m_axi_awready_i), .m_axi_awaddr_o(m_axi_awaddr_o),
      .m_axi_awlen_o(m_axi_awlen_o), .m_axi_awsize_o(m_axi_awsize_o), .m_axi_awburst_o(m_axi_awburst_o),
      .m_axi_awid_o(m_axi_awid_o), .m_axi_awcache_o(m_axi_awcache_o), .m_axi_awprot_o(m_axi_awprot_o),
      .m_axi_wvalid_o(m_axi_wvalid_o), .m_axi_wready_i(m_axi_wready_i), .m_axi_wdata_o(m_axi_wdata_o),
      .m_axi_wstrb_o(m_axi_wstrb_o), .m_axi_wlast_o(m_axi_wlast_o), .m_axi_bvalid_i(m_axi_bvalid_i),
      .m_axi_bready_o(m_axi_bready_o), .m_axi_bresp_i(m_axi_bresp_i), .m_axi_bid_i(m_axi_bid_i)
    );
    assign bus_idle = read_idle && write_idle;
    assign req_bad  = '0;
    assign req_probe = 1'b0;
    wire logic unused = ^{req_probe, req_bad};
  end

  // ---- weights ----
  logic               s_valid, s_ready;
  logic [BusBits-1:0] s_data;
  if (mx_cfg::SERIAL != 0) begin : g_serial_stream
    mx_serial_stream #(
      .BurstBeats(BurstBeats), .StreamFifoBeats(mx_cfg::STREAM_FIFO_BEATS),
      .StreamQueue(mx_cfg::STREAM_QUEUE)
    ) u_stream (
      .clk_i(clk_i), .rst_ni(unit_rst_n), .empty_o(stream_empty), .fault_o(stream_fault),
      .cmd_valid_i(stream_valid), .cmd_ready_o(stream_ready), .cmd_word_i(stream_addr),
      .cmd_segments_i(stream_segments), .cmd_seg_beats_i(stream_seg_beats), .cmd_shift_o(stream_shift),
      .req_valid_o(req_valid[1]), .req_ready_i(req_ready[1]), .req_bad_i(req_bad[1]), .req_addr_o(req_addr[63:32]),
      .req_len_o(req_len[15:8]), .r_valid_i(r_valid[1]), .r_data_i(r_data),
      .s_valid_o(s_valid), .s_ready_i(s_ready), .s_data_o(s_data)
    );
    wire logic unused = ^stream_stride;
  end else begin : g_stream
    assign stream_shift = 1'b0;
    mx_stream #(
      .BusBits(BusBits), .BurstBeats(BurstBeats), .StreamFifoBeats(mx_cfg::STREAM_FIFO_BEATS),
      .StreamQueue(mx_cfg::STREAM_QUEUE)
    ) u_stream (
      .clk_i(clk_i), .rst_ni(unit_rst_n), .empty_o(stream_empty), .fault_o(stream_fault), .mem_size_i(mem_size),
      .cmd_valid_i(stream_valid), .cmd_ready_o(stream_ready), .cmd_addr_i(stream_addr),
      .cmd_segments_i(stream_segments), .cmd_seg_beats_i(stream_seg_beats), .cmd_stride_i(stream_stride),
      .req_valid_o(req_valid[1]), .req_ready_i(req_ready[1]), .req_addr_o(req_addr[63:32]),
      .req_len_o(req_len[15:8]), .r_valid_i(r_valid[1]), .r_data_i(r_data),
      .s_valid_o(s_valid), .s_ready_i(s_ready), .s_data_o(s_data)
    );
  end

  // ---- what the units share ----
  logic        xw_valid, xe_valid, uc_we, dot_wrote;
  logic [15:0] xw_addr, xe_addr;
  logic [VecLanes-1:0]   xw_mask;
  logic [VecLanes*8-1:0] xw_data;
  logic [3:0]  xw_bank, xe_bank;
  logic [7:0]  xe_data, pr_exp;
  logic [9:0]  uc_addr;
  logic [31:0] uc_data, mr_data, mw_data;
  logic        mr_valid, mr_ready, mw_valid, mw_ready, pr_valid, pr_ready;
  logic [15:0] mr_addr, mw_addr, pr_addr;
  logic [3:0]  pr_bank;
  logic [MoveLanes*8-1:0] pr_data;

  // ---- move unit ----
  // ---- tests of the tests ----
  logic planted;
  if (FaultCycle == 0) begin : g_sound
    assign planted = 1'b0;
  end else begin : g_fault
    logic [31:0] cycle_q;
    always_ff @(posedge clk_i) cycle_q <= rst_ni ? cycle_q + 32'd1 : 32'd0;
    assign planted = cycle_q >= FaultCycle;
  end

  if (mx_cfg::SERIAL != 0) begin : g_serial
    logic       mr_scratch, mw_scratch;
    logic [1:0] mw_format, mw_part;
    mx_serial_move u_move (
      .clk_i(clk_i), .rst_ni(unit_rst_n), .busy_o(move_busy), .fault_o(move_fault),
      .cmd_valid_i(move_valid), .cmd_ready_o(move_ready), .cmd_op_i(move_op), .cmd_addr_i(move_addr),
      .cmd_count_i(move_count), .cmd_blocks_i(move_blocks), .cmd_at_i(move_at), .cmd_format_i(move_format),
      .cmd_block_i(move_block), .cmd_row_i(move_row), .cmd_stride_i(move_stride),
      .req_valid_o(req_valid[2]), .req_write_o(w_valid), .req_probe_o(req_probe), .req_ready_i(req_ready[2]),
      .req_bad_i(req_bad[2]), .req_addr_o(req_addr[95:64]),
      .req_len_o(req_len[23:16]), .r_valid_i(r_valid[2]), .r_data_i(r_data),
      .w_strb_o(w_strb), .w_data_o(w_data),
      .mr_valid_o(mr_valid), .mr_scratch_o(mr_scratch), .mr_addr_o(mr_addr), .mr_data_i(mr_data),
      .mw_valid_o(mw_valid), .mw_scratch_o(mw_scratch), .mw_format_o(mw_format), .mw_part_o(mw_part), .mw_ready_i(mw_ready), .mw_addr_o(mw_addr), .mw_data_o(mw_data),
      .pr_valid_o(pr_valid), .pr_addr_o(pr_addr),
      .pr_data_i(pr_data), .pr_exp_i(pr_exp),
      .uc_we_o(uc_we), .uc_addr_o(uc_addr), .uc_data_o(uc_data)
    );
    mx_serial #(
      .VmemWords(mx_cfg::VMEM_WORDS), .UcodeWords(mx_cfg::UCODE_WORDS), .XmemElems(mx_cfg::XMEM_ELEMS)
    ) u_serial (
      .clk_i(clk_i), .rst_ni(unit_rst_n), .dot_valid_i(dot_valid), .dot_ready_o(dot_ready), .dot_bits_i(dot_bits),
      .dot_scale_i(dot_scale), .dot_planar_i(dot_planar), .dot_block_i(dot_block), .dot_frac_i(dot_frac),
      .dot_x_i(dot_x), .dot_groups_i(dot_groups), .dot_dst_i(dot_dst), .dot_blocks_i(dot_blocks),
      .vec_valid_i(vec_valid), .vec_ready_o(vec_ready), .vec_entry_i(vec_entry), .vec_w_i(vec_u[31:0]),
      .vec_acc_i(vec_u[127:96]), .vec_shift_o(vec_shift), .s_valid_i(s_valid), .s_ready_o(s_ready), .s_data_i(s_data),
      .uc_we_i(uc_we), .uc_addr_i(uc_addr), .uc_data_i(uc_data),
      .mr_valid_i(mr_valid), .mr_scratch_i(mr_scratch), .mr_ready_o(mr_ready), .mr_addr_i(mr_addr), .mr_data_o(mr_data),
      .mw_valid_i(mw_valid), .mw_scratch_i(mw_scratch), .mw_format_i(mw_format), .mw_part_i(mw_part),
      .mw_ready_o(mw_ready), .mw_addr_i(mw_addr), .mw_data_i(mw_data),
      .pr_valid_i(pr_valid), .pr_ready_o(pr_ready), .pr_addr_i(pr_addr), .pr_data_o(pr_data), .pr_exp_o(pr_exp),
      .dot_busy_o(dot_busy), .vec_busy_o(vec_busy), .progress_o(vec_progress), .fault_o(vec_fault),
      .took_o(took), .starved_o(starved), .blocked_o(blocked), .planted_i(planted),
      .vm_valid_o(obs_vmem_valid_o), .vm_unit_o(obs_vmem_unit_o), .vm_addr_o(obs_vmem_addr_o),
      .vm_data_o(obs_vmem_data_o), .xw_valid_o(xw_valid), .xw_addr_o(xw_addr), .xw_data_o(xw_data),
      .xe_valid_o(xe_valid), .xe_addr_o(xe_addr), .xe_data_o(xe_data)
    );
    assign dot_wrote       = obs_vmem_valid_o && obs_vmem_unit_o == 2'd2;
    assign obs_vmem_mask_o = 1'b1;
    assign xw_mask         = 1'b1;
    assign {xw_bank, xe_bank, pr_bank} = '0;
    wire logic unused = ^{dot_zero, dot_codebook, dot_stride, dot_tokens, tbl_we, tbl_half, tbl_data, vec_u[95:32], mr_ready, pr_ready, pr_bank, move_bank};
  end else begin : g_units
    // ---- move unit ----
    mx_move #(.BusBits(BusBits), .Rows(Rows), .Group(Group), .Lanes(Lanes), .BurstBeats(BurstBeats)) u_move (
      .clk_i(clk_i), .rst_ni(unit_rst_n), .busy_o(move_busy), .fault_o(move_fault), .mem_size_i(mem_size),
      .cmd_valid_i(move_valid), .cmd_ready_o(move_ready), .cmd_op_i(move_op), .cmd_addr_i(move_addr),
      .cmd_count_i(move_count), .cmd_blocks_i(move_blocks), .cmd_at_i(move_at), .cmd_format_i(move_format),
      .cmd_block_i(move_block), .cmd_bank_i(move_bank), .cmd_row_i(move_row), .cmd_stride_i(move_stride),
      .req_valid_o(req_valid[2]), .req_ready_i(req_ready[2]), .req_addr_o(req_addr[95:64]),
      .req_len_o(req_len[23:16]), .r_valid_i(r_valid[2]), .r_data_i(r_data),
      .w_valid_o(w_valid), .w_ready_i(w_ready), .w_addr_o(w_addr), .w_strb_o(w_strb), .w_data_o(w_data),
      .w_idle_i(write_idle),
      .mr_valid_o(mr_valid), .mr_ready_i(mr_ready), .mr_addr_o(mr_addr), .mr_data_i(mr_data),
      .mw_valid_o(mw_valid), .mw_ready_i(mw_ready), .mw_addr_o(mw_addr), .mw_data_o(mw_data),
      .pr_valid_o(pr_valid), .pr_ready_i(pr_ready), .pr_bank_o(pr_bank), .pr_addr_o(pr_addr),
      .pr_data_i(pr_data), .pr_exp_i(pr_exp),
      .uc_we_o(uc_we), .uc_addr_o(uc_addr), .uc_data_o(uc_data)
    );

    // ---- dot array ----
    logic                      x_en, e_en, dw_valid, dw_ready;
    logic [15:0]               x_addr, e_addr, dw_addr;
    logic [Tokens*Lanes*8-1:0] x_data;
    logic [Tokens*8-1:0]       e_data;
    logic [31:0]               dw_data;
    mx_dot #(
      .BusBits(BusBits), .Rows(Rows), .Tokens(Tokens), .Group(Group), .Codebook(mx_cfg::CODEBOOK),
      .ZeroPoint(mx_cfg::ZERO_POINT), .SoftHigh(mx_cfg::SOFT_HIGH)
    ) u_dot (
      .clk_i(clk_i), .rst_ni(unit_rst_n), .cmd_valid_i(dot_valid), .cmd_ready_o(dot_ready), .cmd_bits_i(dot_bits),
      .cmd_scale_i(dot_scale), .cmd_zero_i(dot_zero), .cmd_codebook_i(dot_codebook), .cmd_planar_i(dot_planar),
      .cmd_block_i(dot_block), .cmd_frac_i(dot_frac), .cmd_x_i(dot_x), .cmd_groups_i(dot_groups),
      .cmd_dst_i(dot_dst), .cmd_stride_i(dot_stride), .cmd_blocks_i(dot_blocks), .cmd_tokens_i(dot_tokens),
      .tbl_we_i(tbl_we), .tbl_half_i(tbl_half), .tbl_data_i(tbl_data),
      .s_valid_i(s_valid), .s_ready_o(s_ready), .s_data_i(s_data),
      .x_en_o(x_en), .x_addr_o(x_addr), .x_data_i(x_data), .e_en_o(e_en), .e_addr_o(e_addr), .e_data_i(e_data),
      .vm_valid_o(dw_valid), .vm_ready_i(dw_ready), .vm_addr_o(dw_addr), .vm_data_o(dw_data),
      .busy_o(dot_busy), .took_o(took), .starved_o(starved), .blocked_o(blocked)
    );

    // ---- vector unit ----
    logic                   ra_en, rb_en, vm_valid;
    logic [15:0]            ra_addr, rb_addr, vm_addr;
    logic [VecLanes*32-1:0] ra_data, rb_data, vm_data;
    logic [VecLanes-1:0]    vm_mask;
    mx_vec #(
      .VecLanes(VecLanes), .VmemWords(mx_cfg::VMEM_WORDS), .UcodeWords(mx_cfg::UCODE_WORDS),
      .XmemElems(mx_cfg::XMEM_ELEMS), .Tokens(Tokens)
    ) u_vec (
      .clk_i(clk_i), .rst_ni(unit_rst_n), .cmd_valid_i(vec_valid), .cmd_ready_o(vec_ready), .cmd_entry_i(vec_entry),
      .cmd_u_i(vec_u), .uc_we_i(uc_we), .uc_addr_i(uc_addr), .uc_data_i(uc_data),
      .ra_en_o(ra_en), .ra_addr_o(ra_addr), .ra_data_i(ra_data), .rb_en_o(rb_en), .rb_addr_o(rb_addr),
      .rb_data_i(rb_data), .vm_valid_o(vm_valid), .vm_addr_o(vm_addr), .vm_mask_o(vm_mask), .vm_data_o(vm_data),
      .xw_valid_o(xw_valid), .xw_bank_o(xw_bank), .xw_addr_o(xw_addr), .xw_mask_o(xw_mask), .xw_data_o(xw_data),
      .xe_valid_o(xe_valid), .xe_bank_o(xe_bank), .xe_addr_o(xe_addr), .xe_data_o(xe_data),
      .busy_o(vec_busy), .progress_o(vec_progress), .fault_o(vec_fault)
    );

    // ---- on-chip memories ----
    mx_vmem #(.VecLanes(VecLanes), .VmemWords(mx_cfg::VMEM_WORDS)) u_vmem (
      .clk_i(clk_i),
      .ra_en_i(ra_en), .ra_addr_i(ra_addr), .ra_data_o(ra_data), .rb_en_i(rb_en), .rb_addr_i(rb_addr),
      .rb_data_o(rb_data), .mr_valid_i(mr_valid), .mr_ready_o(mr_ready), .mr_addr_i(mr_addr), .mr_data_o(mr_data),
      .vm_valid_i(vm_valid), .vm_addr_i(vm_addr), .vm_mask_i(vm_mask), .vm_data_i(vm_data),
      .mw_valid_i(mw_valid), .mw_ready_o(mw_ready), .mw_addr_i(mw_addr), .mw_data_i(mw_data),
      .dw_valid_i(dw_valid), .dw_ready_o(dw_ready), .dw_addr_i(dw_addr), .dw_data_i({dw_data[31:1], dw_data[0] ^ planted}),
      .obs_valid_o(obs_vmem_valid_o), .obs_unit_o(obs_vmem_unit_o), .obs_addr_o(obs_vmem_addr_o),
      .obs_mask_o(obs_vmem_mask_o), .obs_data_o(obs_vmem_data_o)
    );

    mx_xmem #(
      .BusBits(BusBits), .Rows(Rows), .Tokens(Tokens), .VecLanes(VecLanes), .XmemElems(mx_cfg::XMEM_ELEMS)
    ) u_xmem (
      .clk_i(clk_i), .xw_valid_i(xw_valid), .xw_bank_i(xw_bank), .xw_addr_i(xw_addr), .xw_mask_i(xw_mask),
      .xw_data_i(xw_data), .xe_valid_i(xe_valid), .xe_bank_i(xe_bank), .xe_addr_i(xe_addr), .xe_data_i(xe_data),
      .x_en_i(x_en), .x_addr_i(x_addr), .x_data_o(x_data), .e_en_i(e_en), .e_addr_i(e_addr), .e_data_o(e_data),
      .pr_valid_i(pr_valid), .pr_ready_o(pr_ready), .pr_bank_i(pr_bank), .pr_addr_i(pr_addr),
      .pr_data_o(pr_data), .pr_exp_o(pr_exp)
    );
    assign dot_wrote = dw_valid && dw_ready;
    assign vec_shift = 1'b0;
  end

  // ---- counters, watchdog, observation ----
  wire logic read_beat  = m_axi_rvalid_i && m_axi_rready_o;
  wire logic write_beat = m_axi_wvalid_o && m_axi_wready_i;
  assign progress = starting || issue || read_beat || write_beat || vec_progress || took || dot_wrote;
  assign events = {fetch_wait, seq_wait, move_busy, vec_busy, blocked, starved, took,
                   write_beat, read_beat, issue, busy};

  assign obs_issue_valid_o = issue;
  assign obs_busy_o        = {move_busy, vec_busy, dot_busy, !stream_empty};
  assign obs_xmem_valid_o  = xw_valid;
  assign obs_xmem_bank_o   = xw_bank;
  assign obs_xmem_addr_o   = xw_addr;
  assign obs_xmem_mask_o   = xw_mask;
  assign obs_xmem_data_o   = xw_data;
  assign obs_xexp_valid_o  = xe_valid;
  assign obs_xexp_bank_o   = xe_bank;
  assign obs_xexp_addr_o   = xe_addr;
  assign obs_xexp_data_o   = xe_data;
  assign obs_ucode_valid_o = uc_we;
  assign obs_ucode_addr_o  = uc_addr & 10'(mx_cfg::UCODE_WORDS - 1);
  assign obs_ucode_data_o  = uc_data;

endmodule

`default_nettype wire
