#ifndef MX_ENGINE_H
#define MX_ENGINE_H
// The seam between what drives a device and what plays it. An engine is a
// device with memory behind it: the golden model, the Verilated RTL, later
// others. Callers see registers, memory, a clock and architectural writes.
#include <stdint.h>
#include <stdio.h>

#include "firmware/mx_runtime.h"  // mx_mmio, mx_memory_port
#include "golden/error.h"
#include "golden/observe.h"
#include "golden/params.h"
#include "sim/cycle/account.h"  // mx_cycle_listener
#include "sim/memory.h"  // mx_memory_options

typedef struct mx_engine mx_engine;

enum { MX_ENGINE_MEMORY_BASE = 0x40000000 };  // of the bus, where a device finds its memory if options say nothing

// Told of each instruction when it is issued, in ascending cycles. True: the clock shall stop.
typedef struct {
  bool (*tell)(void *self, uint64_t cycle, uint32_t pc);
  void *self;
} mx_issue_listener;

// The clock of an engine for callers that keep time themselves (sim/systemc): register
// accesses take their cycles as ever, and nothing else does but run.
typedef struct {
  // Clock on until `most` cycles (at least 1) have passed, or the interrupt has changed, or
  // a listener wants to stop. Returns how many.
  uint64_t (*run)(void *self, uint64_t most);
  bool (*irq)(const void *self);
  bool (*busy)(const void *self);  // something goes on in the device: more than time would pass
  // What a read of the register would give now, without effect and without time. False:
  // this cannot be known.
  bool (*peek)(void *self, uint32_t offset, uint32_t *value);
  // A[index] as the sequencer has it now; false: this cannot be known.
  bool (*argument)(const void *self, unsigned index, uint32_t *value);
  // From now on tell of bursts on the memory's bus and of instructions; tell = NULL: no more.
  void (*listen)(void *self, mx_memory_listener bursts, mx_issue_listener issues);
} mx_engine_clock;

// What an engine implements; `self` is its own.
typedef struct {
  const char *name;
  uint64_t (*cycles)(const void *self);       // clock cycles since it was opened; 0 if it has no clock
  void (*observe)(void *self, mx_observer o);  // from now on, tell o of each architectural write
  // Inside an observer: memory address of the instruction that writes.
  // UINT32_MAX where instructions overlap and nobody knows.
  uint32_t (*pc)(const void *self);
  void (*stop)(void *self);                   // waits return false from now on
  const char *(*problem)(const void *self);   // NULL, or what makes the engine unusable
  void (*close)(void *self);                  // frees self
  void (*report)(const void *self, FILE *out);  // NULL, or a line for --stats
  // NULL, or: bytes[memory_bytes] of the caller are the memory from now on, with what is in
  // them; NULL: the engine's own again, with what was in them.
  void (*attach)(void *self, uint8_t *bytes);
  const mx_engine_clock *clock;               // NULL: the engine has none
} mx_engine_ops;

struct mx_engine {
  const mx_engine_ops *ops;
  void *self;
  mx_mmio mmio;
  mx_memory_port memory;
  uint64_t memory_base;  // bus address of memory byte 0
  uint32_t memory_bytes;
};

typedef struct {
  mx_memory_options memory;         // engines with a bus
  uint64_t memory_base;             // golden, cycle, rtl: bus address of memory byte 0; 0: MX_ENGINE_MEMORY_BASE
  const char *directory;            // of the loadable engines; NULL: "engines" beside the executable
  const char *variant;              // NULL, or another build of the RTL: "fault"
  const char *line;                 // uart, uio, systemc: of its name, what follows the colon
  uint32_t constant_bytes;          // uart: of the image, what no program writes, for a board that has it in flash
  uint32_t baud;                    // uart: of the line; 0: 115200
  uint32_t patience_ms;             // uart: for an answer; uio: for a program; 0: 250, 60000
  const char *root;                 // uio: NULL, or what stands in front of /sys and /dev
  const char *trace_path;           // NULL, or a FST file for the waveform
  uint64_t trace_from, trace_to;    // cycles, first and last; to = 0: until the end
  bool plain;                       // cycle: step by step, without leaps; slow, for tests
  mx_cycle_listener listener;       // cycle: told of every busy cycle; tell may be NULL
  bool lockstep;                    // rtl: the cycle model beside it; a difference is a problem
  void (*progress)(void *self, uint64_t cycles);  // called now and then while the clock runs; may be NULL
  void *progress_self;
} mx_engine_options;

// Open the engine `name` (MX_ENGINES; of uart with a colon and the line, of uio and
// systemc also with a colon and what they take) as a device of parameter set `p` with
// mem_bytes of zeroed memory. MX_USAGE: no such engine. MX_UNSUPPORTED: it is not
// built, or cannot do what the options ask. The caller closes *out.
mx_status mx_engine_open(const char *name, const mx_params *p, uint32_t mem_bytes, const mx_engine_options *options,
                         mx_engine **out, mx_error *e);
void mx_engine_close(mx_engine *engine);  // NULL is allowed

// ENGINE(name, "one line")
#define MX_ENGINES(ENGINE)                                            \
  ENGINE(golden, "the golden model: exact results, no notion of time") \
  ENGINE(cycle, "the golden model's results at the times of the RTL: exact, and quick") \
  ENGINE(rtl, "the Verilated RTL, cycle by cycle") \
  ENGINE(systemc, "the SystemC TLM-2.0 model around the cycle model or the RTL: systemc:rtl, systemc:at") \
  ENGINE(uart, "a board behind a serial line: uart:/dev/ttyUSB0") \
  ENGINE(uio, "the device of this Linux machine: uio, or uio:/dev/uio0,/dev/udmabuf0")

#define ENGINE(name, text)                                                                              \
  mx_status mx_engine_open_##name(const mx_params *p, uint32_t mem_bytes, const mx_engine_options *options, \
                                  mx_engine *out, mx_error *e);
MX_ENGINES(ENGINE)
#undef ENGINE

static inline uint64_t mx_engine_cycles(const mx_engine *g) { return g->ops->cycles(g->self); }
static inline void mx_engine_observe(mx_engine *g, mx_observer o) { g->ops->observe(g->self, o); }
static inline uint32_t mx_engine_pc(const mx_engine *g) { return g->ops->pc(g->self); }
static inline void mx_engine_stop(mx_engine *g) { g->ops->stop(g->self); }
static inline void mx_engine_report(const mx_engine *g, FILE *out) {
  if (g->ops->report) g->ops->report(g->self, out);
}
static inline uint64_t mx_engine_memory_base(const mx_engine_options *o) {
  return o->memory_base ? o->memory_base : (uint64_t)MX_ENGINE_MEMORY_BASE;
}
static inline const char *mx_engine_problem(const mx_engine *g) { return g->ops->problem(g->self); }
#endif
