#include "sim/cycle/leap.h"

void mx_cycle_open(mx_cycle *c, const mx_params *p, const mx_memory_options *memory, uint64_t base, uint32_t size,
                   mx_cycle_source source) {
  *c = (mx_cycle){.params = p, .source = source, .reset = true, .clears = true, .client = MX_CYCLE_CLIENTS};
  mx_cycle_csr_open(&c->csr, p);
  mx_cycle_seq_open(&c->seq, p, source);
  mx_cycle_stream_open(&c->stream, p);
  mx_cycle_read_open(&c->read, p);
  mx_cycle_write_open(&c->write, p);
  mx_cycle_dot_open(&c->dot, p);
  mx_cycle_vec_open(&c->vec, p);
  mx_cycle_move_open(&c->move, p);
  mx_cycle_serial_reset(c);
  mx_memory_time_open(&c->memory, memory, base, size, mx_beat_bytes(p));
}

// ---- commands: fields of the instruction register ----

static void set_stream_command(mx_cycle *c) {
  const uint32_t *w = c->seq.insn.word;
  mx_cycle_stream_in *in = &c->stream_in;
  in->cmd_addr = w[1];
  in->cmd_segments = (uint16_t)w[2];
  in->cmd_seg_beats = mx_cycle_seq_beats(&c->seq);
  in->cmd_stride = w[3];
}

static void set_dot_command(mx_cycle *c) {
  const uint32_t *w = c->seq.insn.word;
  mx_cycle_dot_in *in = &c->dot_in;
  in->cmd_bits = w[0] >> 16 & 3;
  in->cmd_scale = w[0] >> 18 & 3;
  in->cmd_zero = w[0] >> 20 & 1;
  in->cmd_codebook = w[0] >> 21 & 1;
  in->cmd_planar = w[0] >> 22 & 1;
  in->cmd_block = w[0] >> 23 & 3;
  in->cmd_x = (uint16_t)w[1];
  in->cmd_groups = (uint16_t)(w[1] >> 16);
  in->cmd_blocks = (uint16_t)w[3];
  in->cmd_tokens = w[3] >> 16 & 15;
}

static void set_vec_command(mx_cycle *c) {
  const uint32_t *w = c->seq.insn.word;
  mx_cycle_vec_in *in = &c->vec_in;
  in->cmd_entry = w[0] >> 8 & 0x3ff;
  for (unsigned i = 0; i < 6; i++) in->cmd_u[i] = (uint16_t)(w[1 + i / 2] >> 16 * (i % 2));
  in->cmd_u[6] = (uint16_t)c->seq.acc;
  in->cmd_u[7] = (uint16_t)(c->seq.acc >> 16);
}

static void set_move_command(mx_cycle *c) {
  const uint32_t *w = c->seq.insn.word;
  mx_cycle_move_in *in = &c->move_in;
  in->cmd_op = c->seq.op;
  in->cmd_format = w[0] >> 16 & 3;
  in->cmd_block = w[0] >> 23 & 3;
  in->cmd_bank = w[0] >> 25 & 15;
  in->cmd_addr = w[1];
  in->cmd_row = c->seq.acc;
  in->cmd_stride = w[3];
  in->cmd_at = (uint16_t)w[2];
  in->cmd_count = (uint16_t)(w[2] >> 16);
  in->cmd_blocks = (uint16_t)w[3];
}

// Units look at a command only while it is being issued.
static void set_command(mx_cycle *c) {
  if (c->seq.state != MX_SEQ_ISSUE) return;
  switch (c->seq.op) {
    case MX_OP_STREAM: set_stream_command(c); break;
    case MX_OP_MATMUL: set_dot_command(c); break;
    case MX_OP_VEC: set_vec_command(c); break;
    default:
      if (c->seq.op >= MX_OP_LOAD) set_move_command(c);
  }
}

// ---- what is seen in this cycle ----

static void look_dot_vec(mx_cycle *c) {
  c->dot_in.s_valid = c->stream_out.s_valid;
  c->vec_out = mx_cycle_vec_look(&c->vec, &c->vec_in);
  c->dot_out = mx_cycle_dot_look(&c->dot, &c->dot_in);
  c->stream_in.s_ready = c->dot_out.s_ready;
}

// Whose beat comes.
static void look_read_data(mx_cycle *c) {
  unsigned owner = c->memory.out.rvalid ? mx_cycle_read_owner(&c->read) : MX_CYCLE_CLIENTS;
  c->seq_in.r_valid = owner == MX_CYCLE_FETCH;
  c->stream_in.r_valid = owner == MX_CYCLE_STREAM;
  c->move_in.r_valid = owner == MX_CYCLE_MOVE;
  c->seq_in.read_fault = c->memory.out.rvalid && c->memory.out.rresp & 2 ? MX_FAULT_BUS_READ : MX_FAULT_NONE;
}

static void look_write(mx_cycle *c) {
  const mx_memory_time_out *m = &c->memory.out;
  c->move_in.w_ready = mx_cycle_write_ready(&c->write, m->awready, m->wready, mx_cycle_seq_stop(&c->seq));
  c->move_in.w_idle = mx_cycle_write_idle(&c->write);
  c->seq_in.write_fault = m->bvalid && m->bresp & 2 ? MX_FAULT_BUS_WRITE : MX_FAULT_NONE;
}

static void look_onchip(mx_cycle *c) {
  c->vmem_in = (mx_cycle_vmem_in){.rb_en = c->vec_out.rb_en, .vm_valid = c->vec_out.vm_valid,
                                  .mr_valid = c->move_out.mr_valid, .mw_valid = c->move_out.mw_valid,
                                  .dw_valid = c->dot_out.vm_valid};
  mx_cycle_vmem_out o = mx_cycle_vmem_look(&c->vmem_in);
  c->move_in.mr_ready = o.mr_ready;
  c->move_in.mw_ready = o.mw_ready;
  c->move_in.pr_ready = mx_cycle_xmem_pr_ready(c->dot_out.x_en);
  c->dot_in.vm_ready = o.dw_ready;
}

// Who gets the read channel.
static void look_requests(mx_cycle *c) {
  bool room = mx_cycle_read_room(&c->read, c->memory.out.arready, mx_cycle_seq_stop(&c->seq));
  bool fetch = c->seq.fetch.req_valid, stream = c->stream_out.req_valid, move = c->move_out.req_valid;
  c->seq_in.req_ready = room;
  c->move_in.req_ready = room && !fetch;
  c->stream_in.req_ready = room && !fetch && !move;
  c->client = !room ? MX_CYCLE_CLIENTS : fetch ? MX_CYCLE_FETCH : move ? MX_CYCLE_MOVE : stream ? MX_CYCLE_STREAM
                                                                                              : MX_CYCLE_CLIENTS;
}

static void look_seq(mx_cycle *c) {
  mx_cycle_seq_in *in = &c->seq_in;
  in->start = c->csr.start;
  in->soft_reset = c->csr.soft_reset;
  in->watchdog = c->csr.watchdog;
  in->bus_idle = c->params->SERIAL ? c->serial.bus.state == MX_BUS_IDLE
                                   : mx_cycle_read_idle(&c->read) && mx_cycle_write_idle(&c->write);
  in->program = c->csr.program;
  in->mem_size = c->csr.mem_size;
  in->walk_slot = c->csr.slot;
  in->walk_data = mx_cycle_csr_walk(&c->csr);
  in->stream_fault = c->stream_out.fault;
  in->vec_fault = c->vec_out.fault;
  in->move_fault = c->move_out.fault;
  in->dot_busy = c->dot_out.busy;
  in->vec_busy = c->vec_out.busy;
  in->move_busy = c->move_out.busy;
  in->stream_empty = c->stream_out.empty;
  in->stream_ready = c->stream_out.cmd_ready;
  in->dot_ready = c->dot_out.cmd_ready;
  in->vec_ready = c->vec_out.cmd_ready;
  in->move_ready = c->move_out.cmd_ready;
  c->seq_out = mx_cycle_seq_look(&c->seq, in);
  c->stream_in.cmd_valid = c->seq_out.stream_valid;
  c->dot_in.cmd_valid = c->seq_out.dot_valid;
  c->dot_in.tbl_we = c->seq_out.tbl_we;
  c->vec_in.cmd_valid = c->seq_out.vec_valid;
  c->move_in.cmd_valid = c->seq_out.move_valid;
}

static void look_csr(mx_cycle *c) {
  const mx_cycle_seq_out *s = &c->seq_out;
  const mx_cycle_dot_out *d = &c->dot_out;
  bool read = c->memory.out.rvalid, write = c->write.wvalid && c->memory.out.wready, busy = mx_cycle_seq_busy(&c->seq);
  c->csr_in = (mx_cycle_csr_in){
      .begin = s->begin, .busy = busy, .done = c->seq.done, .fault = c->seq.fault, .error = c->seq.error,
      .error_pc = mx_cycle_seq_error_pc(&c->seq),
      .progress = s->starting || s->issue || read || write || c->vec_out.progress || d->took ||
                  (d->vm_valid && c->dot_in.vm_ready),
      .events = (uint32_t)busy << MX_EVENT_CYCLES | (uint32_t)s->issue << MX_EVENT_INSTRUCTIONS |
                (uint32_t)read << MX_EVENT_READ_BEATS | (uint32_t)write << MX_EVENT_WRITE_BEATS |
                (uint32_t)d->took << MX_EVENT_DOT_BUSY | (uint32_t)d->starved << MX_EVENT_DOT_STARVED |
                (uint32_t)d->blocked << MX_EVENT_DOT_BLOCKED | (uint32_t)c->vec_out.busy << MX_EVENT_VEC_BUSY |
                (uint32_t)c->move_out.busy << MX_EVENT_MOVE_BUSY | (uint32_t)s->seq_wait << MX_EVENT_SEQ_WAIT |
                (uint32_t)s->fetch_wait << MX_EVENT_FETCH_WAIT,
  };
}

static void look_memory(mx_cycle *c) {
  c->memory_in = (mx_memory_time_in){.arvalid = c->read.arvalid, .rready = true, .awvalid = c->write.awvalid,
                                     .wvalid = c->write.wvalid, .bready = true, .arbeats = c->read.arbeats,
                                     .awbeats = 1, .araddr = c->read.araddr, .awaddr = c->write.awaddr};
}

static void look_ports(mx_cycle *c) {
  c->ports = (mx_cycle_ports){
      .issue = c->seq_out.issue, .issue_pc = c->seq.pc << 4,
      .busy = (uint8_t)((c->stream_out.empty ? 0 : MX_BUSY_STREAM) | (c->dot_out.busy ? MX_BUSY_DOT : 0) |
                        (c->vec_out.busy ? MX_BUSY_VEC : 0) | (c->move_out.busy ? MX_BUSY_MOVE : 0)),
      .arvalid = c->read.arvalid, .araddr = c->read.araddr, .arbeats = c->read.arbeats, .awvalid = c->write.awvalid,
      .awaddr = c->write.awaddr, .wvalid = c->write.wvalid, .irq = c->csr.irq_pending,
      .s_awready = c->csr.write_ack, .s_bvalid = c->csr.bvalid, .s_arready = c->csr.read_ack,
      .s_rvalid = c->csr.rvalid, .s_rdata = c->csr.rdata,
  };
}

static void look_microcode(mx_cycle *c) {
  c->vec_in.uc_we = c->move_out.uc_we;
  if (!c->move_out.uc_we) return;
  uint8_t b[4];
  c->source.bytes(c->source.self, c->move_out.uc_from, sizeof b, b);
  c->vec_in.uc_addr = c->move_out.uc_addr;
  c->vec_in.uc_data = mx_load_u32(b);
}

static void look_units(mx_cycle *c) {
  c->stream_in.mem_size = c->move_in.mem_size = c->csr.mem_size;
  set_command(c);
  c->stream_out = mx_cycle_stream_look(&c->stream, &c->stream_in);
  look_dot_vec(c);
  look_read_data(c);
  look_write(c);
  c->move_out = mx_cycle_move_look(&c->move, &c->move_in);
  look_onchip(c);
  look_requests(c);
  look_microcode(c);
}

void mx_cycle_look(mx_cycle *c) {
  if (c->params->SERIAL) mx_cycle_serial_look(c);
  else look_units(c);
  look_seq(c);
  look_csr(c);
  look_memory(c);
  look_ports(c);
}

// ---- the edge ----

static uint64_t bus_address(const mx_cycle *c, uint32_t addr) { return (c->csr.mem_base + addr) & 0xffffffffff; }

static void edge_read(mx_cycle *c) {
  const mx_memory_time_out *m = &c->memory.out;
  uint32_t addr = 0, beats = 0;
  if (c->client == MX_CYCLE_FETCH) {
    addr = mx_cycle_fetch_req_addr(&c->seq.fetch);
    beats = mx_cycle_fetch_req_beats(&c->seq.fetch);
  } else if (c->client == MX_CYCLE_STREAM) {
    addr = c->stream_out.req_addr;
    beats = c->stream_out.req_beats;
  } else if (c->client == MX_CYCLE_MOVE) {
    addr = c->move_out.req_addr;
    beats = c->move_out.req_len + 1u;
  }
  mx_cycle_read_edge(&c->read, m->arready, m->rvalid && m->rlast, c->client, bus_address(c, addr), beats);
}

static void edge_write(mx_cycle *c) {
  const mx_memory_time_out *m = &c->memory.out;
  bool accept = c->move_out.w_valid && c->move_in.w_ready;
  mx_cycle_write_edge(&c->write, m->awready, m->wready, m->bvalid, accept, bus_address(c, c->move_out.w_addr));
}

static void reset_units(mx_cycle *c) {
  mx_cycle_serial_reset(c);
  mx_cycle_stream_reset(&c->stream);
  mx_cycle_read_reset(&c->read);
  mx_cycle_write_reset(&c->write);
  mx_cycle_dot_reset(&c->dot);
  mx_cycle_vec_reset(&c->vec);
  mx_cycle_move_reset(&c->move);
}

static void edge_units(mx_cycle *c) {
  if (c->params->SERIAL) {
    mx_cycle_serial_edge(c);
    return;
  }
  edge_read(c);
  edge_write(c);
  mx_cycle_stream_edge(&c->stream, &c->stream_in);
  mx_cycle_dot_edge(&c->dot, &c->dot_in);
  mx_cycle_vec_edge(&c->vec, &c->vec_in);
  mx_cycle_move_edge(&c->move, &c->move_in);
}

void mx_cycle_edge(mx_cycle *c) {
  if (c->listener.tell) mx_cycle_account(c, 1);
  bool clears = c->reset || mx_cycle_seq_clear(&c->seq);
  if (c->clears) reset_units(c);
  else edge_units(c);
  mx_memory_time_sample(&c->memory, &c->memory_in);
  mx_cycle_seq_edge(&c->seq, &c->seq_in, &c->seq_out);
  mx_cycle_csr_edge(&c->csr, &c->bus, &c->csr_in);
  if (c->reset) {
    mx_cycle_csr_reset(&c->csr);
    mx_cycle_seq_reset(&c->seq);
  }
  mx_memory_time_drive(&c->memory);
  c->clears = clears;
  c->cycle++;
}

void mx_cycle_step(mx_cycle *c) {
  mx_cycle_look(c);
  mx_cycle_edge(c);
}
