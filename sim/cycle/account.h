#ifndef MX_CYCLE_ACCOUNT_H
#define MX_CYCLE_ACCOUNT_H
// Where the device's cycles go, told interval by interval.
#include <stdint.h>

// What the dot array does with a cycle in which the device is busy; every such cycle is
// of one class.
// CLASS(name, "sentence")
#define MX_CYCLE_CLASSES(CLASS)                                                                  \
  CLASS(CODES, "the dot array works on codes")                                                   \
  CLASS(SCALES, "the dot array takes scales and zero points")                                    \
  CLASS(BLOCKED, "the dot array waits for its results to leave")                                 \
  CLASS(STARVED_LATENCY, "weights are on their way: the memory's latency or bandwidth")          \
  CLASS(STARVED_ROW, "weights are on their way: the memory opens a row")                         \
  CLASS(STARVED_REFRESH, "weights are on their way: the memory is refreshed")                    \
  CLASS(STARVED_BUS, "weights wait for the bus, which other units use")                          \
  CLASS(STARVED_QUEUE, "weights were not asked for: their STREAM was not issued yet")            \
  CLASS(IDLE_VEC, "no MATMUL; the next instruction waits for the vector unit")                   \
  CLASS(IDLE_MOVE, "no MATMUL; the next instruction waits for the move unit")                    \
  CLASS(IDLE_FETCH, "no MATMUL; the sequencer fetches or works on an instruction")               \
  CLASS(IDLE_START, "the device starts, stops or ends")                                          \
  CLASS(IDLE_OTHER, "no MATMUL; the next instruction waits for something else")

typedef enum {
#define CLASS(name, text) MX_CYCLE_##name,
  MX_CYCLE_CLASSES(CLASS)
#undef CLASS
  MX_CYCLE_CLASS_COUNT
} mx_cycle_class;

enum { MX_BUSY_STREAM = 1, MX_BUSY_DOT = 2, MX_BUSY_VEC = 4, MX_BUSY_MOVE = 8 };  // as obs_busy_o

// `count` cycles from `from` on that are alike. Addresses are relative to MEM_BASE,
// UINT32_MAX before the first.
typedef struct {
  uint64_t from, count;
  uint32_t issued;       // the instruction issued last, this interval's included
  uint32_t matmul;       // the MATMUL that the dot array works on or worked on last
  uint8_t busy;          // MX_BUSY_* bits
  mx_cycle_class dot;
} mx_cycle_interval;

// Told of every busy cycle of the device once, in order. Classes of starvation are
// those of the beat that the dot array waits for.
typedef struct {
  void *self;
  void (*tell)(void *self, const mx_cycle_interval *interval);  // NULL: nobody listens
} mx_cycle_listener;
#endif
