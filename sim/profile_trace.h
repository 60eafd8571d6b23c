#ifndef MX_PROFILE_TRACE_H
#define MX_PROFILE_TRACE_H
// A trace in Chrome's JSON format, for Perfetto and chrome://tracing: a row per unit,
// slices with the operator and the instruction. Time is in microseconds; without a
// clock a cycle is one.
//
//   sequencer   an instruction from the issue of the one before it to its own
//   stream      a STREAM from its issue (or the end of the one before) until all it asks for was asked for
//   dot         a MATMUL from its first to its last cycle in the dot array, with the reasons of these cycles
//   vec, move   an instruction while its unit is busy
//   memory bus  beats per cycle, reads and writes, over windows of at least 128 cycles
#include <stdio.h>

#include "golden/image.h"
#include "sim/cycle/cycle.h"
#include "sim/profile_walk.h"

enum { MX_TRACE_STREAMS = 32 };
typedef enum { MX_TRACE_PROGRAM, MX_TRACE_SEQ, MX_TRACE_STREAM, MX_TRACE_DOT, MX_TRACE_VEC, MX_TRACE_MOVE, MX_TRACE_ROWS } mx_trace_row;

// What a row shows now.
typedef struct {
  bool open;
  uint64_t from, end;   // cycles
  uint32_t pc;          // of the instruction
  uint64_t reasons[MX_CYCLE_CLASS_COUNT];
} mx_trace_slice;

typedef struct {
  FILE *to;
  const mx_image *image;
  const mx_cycle *model;      // whose streams and beats are shown; NULL: none
  double us;                  // of a cycle
  bool begun;                 // an event has been written
  char name[64];              // of the program
  mx_trace_slice row[MX_TRACE_ROWS];
  uint32_t vec_pc, move_pc;   // issued last
  uint32_t streams[MX_TRACE_STREAMS], asked, done;  // STREAMs issued and completed, in all
  uint32_t head;              // of the model's queue, seen last
  uint64_t bus_from, beats;   // of the window at hand
  int tenths;                 // of a beat per cycle: what was shown last
} mx_trace;

// `to` is the caller's, who also looks for errors of it. model: NULL if there is none.
void mx_trace_open(mx_trace *t, FILE *to, const mx_image *image, const mx_cycle *model, uint32_t clock_khz);
void mx_trace_begin(mx_trace *t, const char *name, uint64_t cycle);  // a program starts
void mx_trace_issue(mx_trace *t, const mx_walk_step *s, uint64_t cycle);
void mx_trace_interval(mx_trace *t, const mx_cycle_interval *i);
void mx_trace_end(mx_trace *t, uint64_t cycle);                     // the program has ended
void mx_trace_close(mx_trace *t);
#endif
