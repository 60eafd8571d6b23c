#ifndef MX_CYCLE_FIFO_H
#define MX_CYCLE_FIFO_H
// Twin of mx_fifo: how many words it holds and where, not which.
#include <stdbool.h>
#include <stdint.h>

typedef struct {
  uint32_t depth, count, unread;   // unread: in the memory, not fetched yet
  bool registered, fetched, out;   // registered: an output register follows the memory
} mx_cycle_fifo;

static inline void mx_cycle_fifo_open(mx_cycle_fifo *f, uint32_t depth) {
  *f = (mx_cycle_fifo){.depth = depth, .registered = depth >= 64};
}

static inline bool mx_cycle_fifo_ready(const mx_cycle_fifo *f) { return f->count < f->depth; }
static inline bool mx_cycle_fifo_valid(const mx_cycle_fifo *f) { return f->registered ? f->out : f->fetched; }

// in_fire: a word comes in; out_ready: as the port.
static inline void mx_cycle_fifo_edge(mx_cycle_fifo *f, bool in_fire, bool out_ready) {
  bool out_fire = mx_cycle_fifo_valid(f) && out_ready;
  bool take = f->registered ? f->fetched && (!f->out || out_ready) : out_fire;
  bool fetch = f->unread && (!f->fetched || take);
  f->unread += (uint32_t)in_fire - (uint32_t)fetch;
  f->count += (uint32_t)in_fire - (uint32_t)out_fire;
  f->fetched = fetch || (f->fetched && !take);
  if (f->registered) f->out = take || (f->out && !out_ready);
}

// Whether words move inside by themselves at the next edge.
static inline bool mx_cycle_fifo_moves(const mx_cycle_fifo *f) {
  return (f->unread && !f->fetched) || (f->registered && f->fetched && !f->out);
}

// Cycles in which the output stays valid or not, if it does not move inside and
// words come in (or not) and are taken (or not) in each.
static inline uint64_t mx_cycle_fifo_steady(const mx_cycle_fifo *f, bool in_fire, bool out_ready) {
  bool out = mx_cycle_fifo_valid(f) && out_ready;
  if (!f->fetched && (in_fire || out)) return 1;
  if (!out) return in_fire && !mx_cycle_fifo_valid(f) ? 1 : UINT64_MAX;
  return in_fire ? (f->unread ? UINT64_MAX : 1) : f->count;
}

// n edges at once, n <= steady > 1.
static inline void mx_cycle_fifo_leap(mx_cycle_fifo *f, bool in_fire, bool out_ready, uint64_t n) {
  bool out = mx_cycle_fifo_valid(f) && out_ready;
  if (in_fire == out) return;
  if (in_fire) {
    f->count += (uint32_t)n;
    f->unread += (uint32_t)n;
    return;
  }
  f->count -= (uint32_t)n;
  uint32_t ahead = f->registered ? 2 : 1;
  f->unread = f->count > ahead ? f->count - ahead : 0;
  f->fetched = f->count >= ahead;
  f->out = f->registered && f->count;
}
#endif
