// Twins of mx_serial_bus and mx_serial_stream.
#include "sim/cycle/serial.h"

enum { BURST = 8, BURST_BITS = 3 };

// ---- the bus ----

static bool writes(const mx_serial_bus *v, const mx_serial_bus_in *in) { return v->client == 2 && in->req_write; }
static bool probes(const mx_serial_bus *v, const mx_serial_bus_in *in) { return v->client == 2 && in->req_probe; }

mx_serial_bus_out mx_serial_bus_look(const mx_serial_bus *v, const mx_serial_bus_in *in, const mx_memory_time_out *m) {
  return (mx_serial_bus_out){
      .ready = (v->state == MX_BUS_ASK && m->arready) || (m->bvalid && v->state == MX_BUS_WRITE) ||
               (v->state == MX_BUS_CHECK && v->good && probes(v, in)),
      .bad = v->state == MX_BUS_CHECK && !v->good, .r_valid = m->rvalid,
  };
}

static void take_request(mx_serial_bus *v, const mx_serial_bus_in *in) {
  uint8_t c = in->req_valid[0] ? 0 : in->req_valid[1] ? 1 : 2;
  uint32_t addr = in->req_addr[c], last = addr | (uint32_t)in->req_len[c] << 2 | (c == 2 ? 0 : 3);
  v->client = c;
  v->len = in->req_len[c];
  v->addr = (in->mem_base + (addr & ~3u)) & 0xffffffffff;
  v->good = last < in->mem_size;
}

static mx_serial_bus_state after_check(const mx_serial_bus *v, const mx_serial_bus_in *in) {
  if (!v->good || probes(v, in) || in->stop) return MX_BUS_IDLE;
  return writes(v, in) ? MX_BUS_WRITE : MX_BUS_ASK;
}

void mx_serial_bus_edge(mx_serial_bus *v, const mx_serial_bus_in *in, const mx_memory_time_out *m) {
  bool begins = v->state == MX_BUS_CHECK && writes(v, in) && v->good && !in->stop;
  v->awvalid = v->state == MX_BUS_CHECK ? begins : v->awvalid && !m->awready;
  v->wvalid = v->state == MX_BUS_CHECK ? begins : v->wvalid && !m->wready;
  switch (v->state) {
    case MX_BUS_IDLE:
      take_request(v, in);
      if ((in->req_valid[0] || in->req_valid[1] || in->req_valid[2]) && !in->stop) v->state = MX_BUS_CHECK;
      break;
    case MX_BUS_CHECK: v->state = after_check(v, in); break;
    case MX_BUS_ASK:
      if (m->arready) v->state = MX_BUS_READ;
      break;
    case MX_BUS_READ:
      if (m->rvalid && m->rlast) v->state = MX_BUS_IDLE;
      break;
    case MX_BUS_WRITE:
      if (m->bvalid) v->state = MX_BUS_IDLE;
      break;
  }
}

// ---- the stream ----

void mx_serial_stream_reset(mx_serial_stream *v) {
  v->state = MX_STREAM_IDLE;
  v->put = v->get = v->word = 0;
  v->free = MX_SERIAL_FIFO;
  v->in = v->out = 0;
  mx_cycle_fifo_open(&v->fifo, MX_SERIAL_FIFO);
}

static bool works(const mx_serial_stream *v) { return v->state == MX_STREAM_NEXT2 || v->state == MX_STREAM_COUNT; }

static bool puts_word(const mx_serial_stream *v, const mx_serial_stream_in *in) {
  bool full = (uint8_t)(v->put - v->get) == MX_SERIAL_QUEUE;
  return in->cmd_valid && in->segments && in->beats && !full && !works(v);
}

static bool misaligned(const mx_serial_stream *v) { return v->state == MX_STREAM_RUN && ((v->addr | v->head) & 3); }

// ready depends on the command, fault on req_bad.
mx_serial_stream_out mx_serial_stream_look(const mx_serial_stream *v, const mx_serial_stream_in *in) {
  bool room = v->free >> BURST_BITS, bad = misaligned(v);
  return (mx_serial_stream_out){
      .empty = v->put == v->get && !v->word && v->free == MX_SERIAL_FIFO,
      .ready = !in->segments || !in->beats || (puts_word(v, in) && v->word == 3),
      .req_valid = v->state == MX_STREAM_RUN && v->settled && !v->none && room && !bad,
      .s_valid = mx_cycle_fifo_valid(&v->fifo), .s_data = v->data[v->out % MX_SERIAL_FIFO],
      .fault = bad ? MX_FAULT_ALIGN : in->req_bad ? MX_FAULT_RANGE : MX_FAULT_NONE,
      .req_addr = v->addr & ~3u, .len = v->burst ? BURST - 1 : 0,
  };
}

static uint32_t word_read(const mx_serial_stream *v) {
  static const uint8_t word[] = {[MX_STREAM_LOAD1] = 1, [MX_STREAM_LOAD2] = 2, [MX_STREAM_RUN] = 2, [MX_STREAM_NEXT2] = 3,
                                 [MX_STREAM_BAD] = 0};
  return v->queue[v->get % MX_SERIAL_QUEUE * 4u + word[v->state]];
}

static void edge_queue(mx_serial_stream *v, const mx_serial_stream_in *in, bool put) {
  uint32_t sum = v->head + (v->state == MX_STREAM_COUNT ? UINT32_MAX : v->left);
  const uint32_t command[4] = {in->addr, in->beats, in->stride, in->segments};
  if (works(v)) v->queue[v->get % MX_SERIAL_QUEUE * 4u + (v->state == MX_STREAM_COUNT ? 3 : 0)] = sum;
  else if (put) v->queue[v->put % MX_SERIAL_QUEUE * 4u + v->word] = command[v->word];
}

static void edge_request(mx_serial_stream *v, bool fire, bool s_fire) {
  uint32_t beats = v->burst ? BURST : 1, head = v->head, addr = v->addr, left = v->left;
  if (v->state == MX_STREAM_LOAD1) v->addr = head;
  else if (fire) v->addr += 4 * beats;
  if (v->state == MX_STREAM_LOAD2 || v->state == MX_STREAM_NEXT1) v->left = head;
  else if (fire) v->left -= beats;
  v->free = v->free - (fire ? beats : 0) + s_fire;
  v->burst = !(addr >> 2 & (BURST - 1)) && left >> BURST_BITS;
  v->none = !left;
  v->settled = v->state == MX_STREAM_RUN && !fire;
}

static mx_serial_stream_state next_state(const mx_serial_stream *v, bool req_bad) {
  switch (v->state) {
    case MX_STREAM_IDLE: return v->put != v->get ? MX_STREAM_LOAD1 : MX_STREAM_IDLE;
    case MX_STREAM_LOAD1: return MX_STREAM_LOAD2;
    case MX_STREAM_LOAD2: return MX_STREAM_RUN;
    case MX_STREAM_RUN:
      if (misaligned(v) || req_bad) return MX_STREAM_BAD;
      return v->settled && v->none ? MX_STREAM_NEXT1 : MX_STREAM_RUN;
    case MX_STREAM_NEXT1: return MX_STREAM_NEXT2;
    case MX_STREAM_NEXT2: return MX_STREAM_COUNT;
    case MX_STREAM_COUNT: return MX_STREAM_IDLE;
    default: return MX_STREAM_BAD;
  }
}

void mx_serial_stream_edge(mx_serial_stream *v, const mx_serial_stream_in *in) {
  mx_serial_stream_out o = mx_serial_stream_look(v, in);
  bool put = puts_word(v, in), s_fire = o.s_valid && in->s_ready, fire = o.req_valid && in->req_ready;
  uint32_t head = word_read(v);
  mx_serial_stream_state next = next_state(v, in->req_bad);
  bool ended = v->state == MX_STREAM_COUNT && (v->head & 0xffff) == 1;
  edge_queue(v, in, put);
  edge_request(v, fire, s_fire);
  v->state = next;
  v->head = head;
  v->get += ended;
  if (put) {
    if (v->word == 3) v->put++;
    v->word = (v->word + 1) & 3;
  }
  if (in->r_valid) v->data[v->in++ % MX_SERIAL_FIFO] = in->r_data;
  v->out += s_fire;
  mx_cycle_fifo_edge(&v->fifo, in->r_valid && mx_cycle_fifo_ready(&v->fifo), in->s_ready);
}
