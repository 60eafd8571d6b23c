// The units of sets with SERIAL together, as rtl/mxforge.sv has them.
#include "sim/cycle/leap.h"

enum { FETCH, STREAM, MOVE, FETCH_BEATS = 4 };

void mx_cycle_serial_reset(mx_cycle *c) {
  mx_cycle_serial *s = &c->serial;
  mx_serial_reset(&s->unit);
  mx_serial_stream_reset(&s->stream);
  s->move.state = MX_MOVE_IDLE;
  s->bus.state = MX_BUS_IDLE;
  s->bus.awvalid = s->bus.wvalid = false;
}

// ---- commands: fields of the instruction register, which stays while a unit works ----

static void set_unit_command(mx_cycle *c) {
  const uint32_t *w = c->seq.insn.word;
  mx_serial_in *in = &c->serial.unit_in;
  in->dot = (mx_serial_dot_command){.bits = w[0] >> 16 & 3, .scale = w[0] >> 18 & 3, .planar = w[0] >> 22 & 1,
                                    .block = w[0] >> 23 & 3, .frac = (uint8_t)mx_get(&c->seq.insn, MX_F_MATMUL_frac),
                                    .x = (uint16_t)w[1], .groups = (uint16_t)(w[1] >> 16),
                                    .dst = (uint16_t)mx_get(&c->seq.insn, MX_F_MATMUL_dst), .blocks = (uint16_t)w[3]};
  in->entry = w[0] >> 8 & 0x3ff;
  in->args = w[1];
  in->acc = c->seq.acc;
}

static void set_commands(mx_cycle *c) {
  const uint32_t *w = c->seq.insn.word;
  mx_cycle_serial *s = &c->serial;
  set_unit_command(c);
  s->command = (mx_serial_move_command){.op = c->seq.op, .format = w[0] >> 16 & 3, .block = w[0] >> 23 & 3, .addr = w[1],
                                        .row = c->seq.acc, .stride = w[3], .count = (uint16_t)(w[2] >> 16),
                                        .blocks = (uint16_t)w[3], .at = (uint16_t)w[2]};
  s->stream_in.addr = w[1];
  s->stream_in.segments = (uint16_t)w[2];
  s->stream_in.beats = mx_cycle_seq_beats(&c->seq);
  s->stream_in.stride = w[3];
}

// ---- what is seen ----

static uint32_t word_read(const mx_cycle *c) {
  uint8_t b[4] = {0};
  const mx_memory_time *m = &c->memory;
  if (m->out.rvalid && mx_memory_holds(m, m->out.raddr))
    c->source.bytes(c->source.self, (uint32_t)(m->out.raddr - m->base), sizeof b, b);
  return mx_load_u32(b);
}

static void look_move(mx_cycle *c, bool r_valid, bool bad) {
  mx_cycle_serial *s = &c->serial;
  bool mine = s->bus.client == MOVE;
  s->move_in.r_valid = mine && r_valid;
  s->move_in.req_bad = mine && bad;
  mx_serial_move_out *o = &s->unit_in.move;
  *o = mx_serial_move_look(&s->move, &s->command, s->move_in.r_valid, s->move_in.req_bad);
  s->unit_in.uc_addr = o->at & 0x3ff;
  c->move_out = (mx_cycle_move_out){.cmd_ready = o->ready, .busy = o->busy, .fault = o->fault};
}

static void look_unit(mx_cycle *c) {
  mx_cycle_serial *s = &c->serial;
  mx_serial_out o = mx_serial_look(&s->unit, &s->unit_in);
  s->stream_in.s_ready = o.s_ready;
  c->seq_in.vec_shift = o.vec_shift;
  s->move_in.mw_ready = o.mw_ready;
  c->dot_in.vm_ready = true;
  c->dot.waits = s->unit.go_dot;
  c->dot_out = (mx_cycle_dot_out){.cmd_ready = o.ready, .busy = o.dot_busy, .took = o.took, .starved = o.starved,
                                  .blocked = o.blocked, .vm_valid = o.dot_wrote};
  c->vec_out = (mx_cycle_vec_out){.cmd_ready = o.ready, .busy = o.vec_busy, .progress = o.progress, .fault = o.fault};
}

static mx_serial_stream_out look_stream(mx_cycle *c, bool r_valid, bool bad, uint32_t word) {
  mx_cycle_serial *s = &c->serial;
  s->stream_in.r_valid = s->bus.client == STREAM && r_valid;
  s->stream_in.req_bad = s->bus.client == STREAM && bad;
  s->stream_in.r_data = word;
  s->stream_in.cmd_valid = true;  // who asks whether it is ready has one
  mx_serial_stream_out o = mx_serial_stream_look(&s->stream, &s->stream_in);
  s->unit_in.s_valid = o.s_valid;
  s->unit_in.s_data = o.s_data;
  c->stream_out = (mx_cycle_stream_out){.empty = o.empty, .cmd_ready = o.ready, .fault = o.fault};
  return o;
}

static void look_requests(mx_cycle *c, const mx_serial_stream_out *stream) {
  mx_serial_bus_in *in = &c->serial.bus_in;
  const mx_serial_move_out *move = &c->serial.unit_in.move;
  c->seq_in.dot_busy = c->dot_out.busy;
  c->seq_in.vec_busy = c->vec_out.busy;
  c->seq_in.move_busy = c->move_out.busy;
  *in = (mx_serial_bus_in){
      .stop = mx_cycle_seq_stop(&c->seq),
      .req_valid = {mx_cycle_seq_requests(&c->seq, &c->seq_in), stream->req_valid, move->req_valid},
      .req_write = move->req_write, .req_probe = move->req_probe, .mem_base = c->csr.mem_base,
      .mem_size = c->csr.mem_size, .req_addr = {c->seq.pc << 4, stream->req_addr, move->req_addr},
      .req_len = {FETCH_BEATS - 1, stream->len, 0}};
}

// The bus, as if mx_read and mx_write were there.
static void look_bus(mx_cycle *c) {
  const mx_serial_bus *b = &c->serial.bus;
  const mx_memory_time_out *m = &c->memory.out;
  mx_serial_bus_out o = mx_serial_bus_look(b, &c->serial.bus_in, m);
  c->seq_in.req_ready = b->client == FETCH && o.ready;
  c->seq_in.req_bad = b->client == FETCH && o.bad;
  c->seq_in.r_valid = b->client == FETCH && o.r_valid;
  c->serial.stream_in.req_ready = b->client == STREAM && o.ready;
  c->serial.move_in.req_ready = b->client == MOVE && o.ready;
  c->seq_in.read_fault = m->rvalid && m->rresp & 2 ? MX_FAULT_BUS_READ : MX_FAULT_NONE;
  c->seq_in.write_fault = m->bvalid && m->bresp & 2 ? MX_FAULT_BUS_WRITE : MX_FAULT_NONE;
  c->read.arvalid = b->state == MX_BUS_ASK;
  c->read.araddr = c->write.awaddr = b->addr;
  c->read.arbeats = b->len + 1u;
  c->write.awvalid = b->awvalid;
  c->write.wvalid = b->wvalid;
}

void mx_cycle_serial_look(mx_cycle *c) {
  const mx_serial_bus *b = &c->serial.bus;
  bool r_valid = c->memory.out.rvalid, bad = b->state == MX_BUS_CHECK && !b->good;
  uint32_t word = r_valid && b->client != FETCH ? word_read(c) : 0;
  c->serial.unit_in.uc_data = c->serial.unit_in.mw_data = word;
  set_commands(c);
  look_move(c, r_valid, bad);
  mx_serial_stream_out stream = look_stream(c, r_valid, bad, word);
  look_unit(c);
  look_requests(c, &stream);
  look_bus(c);
}

// ---- the edge ----

static void store_word(const mx_cycle *c) {
  const mx_serial *u = &c->serial.unit;
  const mx_serial_move_out *o = &c->serial.unit_in.move;
  const mx_memory_time *m = &c->memory;
  if (!c->store || !mx_memory_holds(m, c->serial.bus.addr)) return;
  const uint8_t *x = u->mac.x_data;
  uint8_t code = (uint8_t)(o->nibbles ? (x[0] & 15) | x[1] << 4 : x[o->byte & 1]);
  uint32_t byte = o->byte == 255 ? u->mac.e_data : code;
  c->store(c->source.self, (uint32_t)(c->serial.bus.addr - m->base), o->strobes, o->store ? u->data : byte * 0x01010101u);
}

void mx_cycle_serial_edge(mx_cycle *c) {
  mx_cycle_serial *s = &c->serial;
  s->unit_in.dot_valid = c->seq_out.dot_valid;
  s->unit_in.vec_valid = c->seq_out.vec_valid;
  s->stream_in.cmd_valid = c->seq_out.stream_valid;
  s->move_in.cmd_valid = c->seq_out.move_valid;
  if (s->bus.wvalid && c->memory.out.wready) store_word(c);
  mx_serial_edge(&s->unit, &s->unit_in);
  mx_serial_move_edge(&s->move, &s->command, &s->move_in);
  mx_serial_stream_edge(&s->stream, &s->stream_in);
  mx_serial_bus_edge(&s->bus, &s->bus_in, &c->memory.out);
}

// ---- many cycles, and what becomes of them ----

uint64_t mx_cycle_serial_leap(mx_cycle *c, uint64_t most) {
  (void)most;
  mx_cycle_edge(c);
  return 1;
}

static mx_cycle_class of_starved(const mx_cycle *c) {
  const mx_cycle_serial *s = &c->serial;
  if (c->stream_out.empty) return MX_CYCLE_STARVED_QUEUE;
  bool others = s->bus.state != MX_BUS_IDLE && s->bus.client != STREAM;
  return others && !s->stream.fifo.count ? MX_CYCLE_STARVED_BUS : MX_CYCLE_STARVED_LATENCY;
}

static mx_cycle_class of_idle(const mx_cycle *c) {
  if (!mx_cycle_seq_run(&c->seq) || c->seq.state <= MX_SEQ_INIT) return MX_CYCLE_IDLE_START;
  if (c->vec_out.busy) return MX_CYCLE_IDLE_VEC;
  if (c->move_out.busy) return MX_CYCLE_IDLE_MOVE;
  return c->seq.state == MX_SEQ_ISSUE && !c->seq_out.issue ? MX_CYCLE_IDLE_OTHER : MX_CYCLE_IDLE_FETCH;
}

mx_cycle_class mx_cycle_serial_class(const mx_cycle *c) {
  if (c->dot_out.blocked) return MX_CYCLE_BLOCKED;
  if (c->dot_out.starved) return of_starved(c);
  if (!c->dot_out.busy) return of_idle(c);
  return c->serial.unit.mac.scales ? MX_CYCLE_SCALES : MX_CYCLE_CODES;
}
