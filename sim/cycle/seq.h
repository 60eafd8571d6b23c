#ifndef MX_CYCLE_SEQ_H
#define MX_CYCLE_SEQ_H
// Twin of mx_seq with mx_fetch, mx_decode, mx_arg and mx_control. A registers and
// fields are evaluated, as they decide what runs.
#include "golden/isa.h"
#include "golden/params.h"
#include "sim/cycle/fetch.h"

// Where instructions come from: bytes[16] of the instruction at `addr`, relative to
// MEM_BASE. What lies outside the memory reads as anything.
typedef struct {
  void *self;
  void (*bytes)(void *self, uint32_t addr, uint32_t count, uint8_t *to);
} mx_cycle_source;

typedef struct {
  bool start, soft_reset, watchdog, bus_idle;
  uint32_t program, mem_size;
  uint8_t walk_slot;
  uint32_t walk_data;
  uint8_t read_fault, stream_fault, vec_fault, move_fault, write_fault;
  bool req_ready, req_bad, r_valid;  // req_bad: with SERIAL
  bool dot_busy, vec_busy, move_busy, stream_empty;
  bool stream_ready, dot_ready, vec_ready, move_ready;
  bool vec_shift;     // SERIAL: move the words of the instruction down by one
} mx_cycle_seq_in;

typedef struct {
  bool begin, issue, seq_wait, fetch_wait, starting, jumping, halted;
  bool stream_valid, dot_valid, vec_valid, move_valid, tbl_we;
  uint8_t fault;      // of the sequencer itself
} mx_cycle_seq_out;

typedef enum {
  MX_SEQ_CLEAN, MX_SEQ_OFF, MX_SEQ_INIT, MX_SEQ_JUMP, MX_SEQ_FETCH, MX_SEQ_CHECK, MX_SEQ_PASS, MX_SEQ_SHIFT, MX_SEQ_MULT,
  MX_SEQ_ISSUE
} mx_cycle_seq_state;
typedef enum { MX_CONTROL_IDLE, MX_CONTROL_RUN, MX_CONTROL_DRAIN, MX_CONTROL_STOP, MX_CONTROL_CLEAR } mx_cycle_control_state;

// SERIAL: twin of mx_serial_fetch.
typedef struct { bool asked, stale; uint8_t beat; } mx_cycle_demand;

typedef struct {
  const mx_params *params;
  mx_cycle_source source;
  uint32_t words;            // of an instruction
  mx_cycle_fetch fetch;
  mx_cycle_demand demand;
  // mx_control
  mx_cycle_control_state control;
  uint32_t stop_count;
  bool soft, done, fault;
  uint8_t error;
  // mx_seq
  mx_cycle_seq_state state;
  uint32_t pc;               // / 16
  uint8_t pc_low;
  bool landed, first, range;
  bool here, checked;        // SERIAL: pc is that of the instruction wanted; it has been checked
  uint32_t taken;            // words of the instruction
  uint32_t word_addr;        // bytes: of the next word that mx_fetch offers
  // mx_arg
  uint32_t count, reg;
  bool reg_busy, nonzero, need;
  uint32_t a[MX_AREGS];
  mx_insn insn;              // with A registers added, after the pass
  uint32_t acc, product;
  uint8_t op, waits;
  bool illegal;
} mx_cycle_seq;

void mx_cycle_seq_open(mx_cycle_seq *v, const mx_params *p, mx_cycle_source source);
void mx_cycle_seq_reset(mx_cycle_seq *v);
// seq_fault and the commands depend on busy, stream_empty and program; issue on ready.
mx_cycle_seq_out mx_cycle_seq_look(const mx_cycle_seq *v, const mx_cycle_seq_in *in);
// out: of mx_cycle_seq_look with the same inputs.
void mx_cycle_seq_edge(mx_cycle_seq *v, const mx_cycle_seq_in *in, const mx_cycle_seq_out *out);
uint64_t mx_cycle_seq_steady(const mx_cycle_seq *v, const mx_cycle_seq_in *in, const mx_cycle_seq_out *out);
void mx_cycle_seq_leap(mx_cycle_seq *v, const mx_cycle_seq_in *in, const mx_cycle_seq_out *out, uint64_t n);

static inline bool mx_cycle_seq_busy(const mx_cycle_seq *v) { return v->control != MX_CONTROL_IDLE; }
static inline bool mx_cycle_seq_run(const mx_cycle_seq *v) { return v->control == MX_CONTROL_RUN; }
static inline bool mx_cycle_seq_clear(const mx_cycle_seq *v) { return v->control == MX_CONTROL_CLEAR; }
static inline bool mx_cycle_seq_stop(const mx_cycle_seq *v) {
  return v->control == MX_CONTROL_STOP || v->control == MX_CONTROL_CLEAR;
}
static inline uint32_t mx_cycle_seq_error_pc(const mx_cycle_seq *v) { return v->pc << 4 | v->pc_low; }
// SERIAL: the instruction at pc is requested; in: the units' busy.
bool mx_cycle_seq_requests(const mx_cycle_seq *v, const mx_cycle_seq_in *in);
// Fields of commands that are no plain fields of the instruction.
static inline bool mx_cycle_seq_odd(const mx_cycle_seq *v) {  // segments are no whole number of beats
  uint32_t halves = v->params->BUS_BITS / 128;
  return halves > 1 && v->product % halves && (v->insn.word[2] & 0xffff);
}
static inline uint32_t mx_cycle_seq_beats(const mx_cycle_seq *v) {
  return (uint32_t)((uint64_t)v->product * 128 / v->params->BUS_BITS);
}
#endif
