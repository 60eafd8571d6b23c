#ifndef MX_CYCLE_SERIAL_H
#define MX_CYCLE_SERIAL_H
// Twins of the modules of parameter sets with SERIAL: mx_serial with mx_serial_mac,
// mx_serial_move, mx_serial_stream and mx_serial_bus. Their time depends on data, so
// these twins carry it: on-chip memories are here, and values are those of golden/.
// They are stepped: outputs of a cycle are functions of the state, then the edge.
#include "golden/isa.h"
#include "golden/params.h"
#include "sim/cycle/fifo.h"
#include "sim/cycle/fp_time.h"
#include "sim/memory_time.h"

enum {
  MX_SERIAL_VMEM = 8192, MX_SERIAL_XMEM = 2048, MX_SERIAL_STORE = 256, MX_SERIAL_FIFO = 32, MX_SERIAL_QUEUE = 4,
  MX_SERIAL_ROWS = 16,
};

// ---- mx_serial_mac: fields of MATMUL and of the stream ----

typedef struct {
  uint8_t bits, scale, block, frac;
  bool planar;
  uint16_t x, groups, dst, blocks;
} mx_serial_dot_command;

typedef struct {
  bool scales, ends, second, done;
  uint8_t nibble, part, elem, row, x, low, weight, en, odd_lane;  // en: bit 0 the even sum, bit 1 the odd
  uint16_t block, group;
  int32_t even, odd;
  uint16_t scale_mem[MX_SERIAL_ROWS], scale;
  uint8_t x_data[2], e_data;
} mx_serial_mac;

typedef struct { bool line_valid, s_ready, took, starved, blocked, done; } mx_serial_mac_out;

mx_serial_mac_out mx_serial_mac_look(const mx_serial_mac *v, const mx_serial_dot_command *c, bool run, bool s_valid,
                                     bool line_take);
// elems, scales: of XMEM.
void mx_serial_mac_edge(mx_serial_mac *v, const mx_serial_dot_command *c, bool run, bool s_valid, uint32_t s_data,
                        bool line_take, const int8_t *elems, const uint8_t *scales);

// ---- mx_serial_move ----

typedef struct {
  uint8_t op, format, block;
  uint32_t addr, row, stride;
  uint16_t count, blocks, at;
} mx_serial_move_command;

typedef enum {
  MX_MOVE_IDLE, MX_MOVE_BEGIN, MX_MOVE_NEXT, MX_MOVE_REQUEST, MX_MOVE_DATA, MX_MOVE_PART, MX_MOVE_ELEMENT, MX_MOVE_READ,
  MX_MOVE_SEND, MX_MOVE_ADVANCE, MX_MOVE_HALT
} mx_serial_move_state;

typedef struct {
  mx_serial_move_state state;
  bool dry, scale;
  uint16_t index, block;
  uint32_t base, place;
} mx_serial_move;

// Inputs, and outputs that depend on them: r_valid, req_bad.
typedef struct {
  bool cmd_valid, req_ready, req_bad, r_valid, mw_ready;
} mx_serial_move_in;

typedef struct {
  bool busy, ready, req_valid, req_write, req_probe;
  uint8_t fault, strobes, format, part;
  uint32_t req_addr;
  uint16_t at;
  bool mr_valid, mr_scratch, mw_valid, mw_scratch, pr_valid, uc_we;
  uint8_t byte;            // of PUT*: which of the XMEM word, or 255: the scale
  bool store, nibbles;
} mx_serial_move_out;

mx_serial_move_out mx_serial_move_look(const mx_serial_move *v, const mx_serial_move_command *c, bool r_valid, bool req_bad);
void mx_serial_move_edge(mx_serial_move *v, const mx_serial_move_command *c, const mx_serial_move_in *in);

// ---- mx_serial ----

typedef enum {
  MX_SERIAL_IDLE, MX_SERIAL_LOAD, MX_SERIAL_FETCH, MX_SERIAL_DECODE, MX_SERIAL_OPA, MX_SERIAL_OPB, MX_SERIAL_CLEAR,
  MX_SERIAL_SCALAR, MX_SERIAL_KEEP, MX_SERIAL_COUNT, MX_SERIAL_FIRST, MX_SERIAL_SECOND, MX_SERIAL_THIRD, MX_SERIAL_WAIT,
  MX_SERIAL_COPY, MX_SERIAL_WRITE, MX_SERIAL_NEXT, MX_SERIAL_MARK, MX_SERIAL_FINAL, MX_SERIAL_FINALWRITE, MX_SERIAL_LINE,
  MX_SERIAL_CONVERT, MX_SERIAL_CONVERTED
} mx_serial_state;
typedef enum { MX_PHASE_OP, MX_PHASE_FUNC, MX_PHASE_REDUCE, MX_PHASE_TREE, MX_PHASE_TERM, MX_PHASE_SUM } mx_serial_phase;

typedef struct {
  mx_fp_op op;             // op_i
  uint32_t p;              // the operand loaded first
  uint32_t left;           // cycles of busy to come
  bool swaps, swap, gt;    // swaps: at the end; swap: it was the last cycle
  uint32_t y;
  uint8_t byte;
} mx_serial_fp;

typedef struct {
  // Registers.
  mx_serial_state state;
  mx_serial_phase phase;
  bool dot, turn, round, dead, go_dot, go_vec, bad, last, first;
  uint16_t index, u_read, pc;
  uint8_t max, row;
  uint32_t insn, data;     // data: the VMEM word read last
  mx_serial_fp fp;
  mx_serial_mac mac;
  // Memories. The upper half of VMEM is scratch.
  uint16_t u[MX_UREGS];
  uint32_t store[MX_SERIAL_STORE], vmem[2 * MX_SERIAL_VMEM];
  int8_t xmem[MX_SERIAL_XMEM];
  uint8_t xexp[MX_SERIAL_XMEM / 16];
} mx_serial;

typedef struct {
  bool dot_valid, vec_valid, s_valid;
  uint32_t s_data;
  mx_serial_dot_command dot;
  uint16_t entry;
  uint32_t args, acc;      // U0, U1 or the next two, after vec_shift; U6, U7
  mx_serial_move_out move; // of this cycle
  uint16_t uc_addr;
  uint32_t uc_data, mw_data;
} mx_serial_in;

typedef struct {
  bool ready, dot_busy, vec_busy, progress, s_ready, took, starved, blocked, dot_wrote, mw_ready, vec_shift;
  uint8_t fault;
} mx_serial_out;

void mx_serial_reset(mx_serial *v);
mx_serial_out mx_serial_look(const mx_serial *v, const mx_serial_in *in);
void mx_serial_edge(mx_serial *v, const mx_serial_in *in);
// Whether a word of VMEM is written in this cycle, which and what.
bool mx_serial_wrote(const mx_serial *v, const mx_serial_in *in, uint32_t *addr, uint32_t *word);

// ---- mx_serial_stream ----

typedef enum {
  MX_STREAM_IDLE, MX_STREAM_LOAD1, MX_STREAM_LOAD2, MX_STREAM_RUN, MX_STREAM_NEXT1, MX_STREAM_NEXT2, MX_STREAM_COUNT,
  MX_STREAM_BAD
} mx_serial_stream_state;

typedef struct {
  mx_serial_stream_state state;
  uint8_t put, get, word;
  uint32_t queue[4 * MX_SERIAL_QUEUE], head, addr, left, free;
  bool burst, none, settled;
  mx_cycle_fifo fifo;
  uint32_t data[MX_SERIAL_FIFO], in, out;  // in, out: words ever
} mx_serial_stream;

typedef struct {
  bool cmd_valid, req_ready, req_bad, r_valid, s_ready;
  uint32_t addr, beats, stride, r_data;
  uint16_t segments;
} mx_serial_stream_in;

typedef struct {
  bool empty, ready, req_valid, s_valid;
  uint8_t fault, len;
  uint32_t req_addr, s_data;
} mx_serial_stream_out;

void mx_serial_stream_reset(mx_serial_stream *v);
mx_serial_stream_out mx_serial_stream_look(const mx_serial_stream *v, const mx_serial_stream_in *in);
void mx_serial_stream_edge(mx_serial_stream *v, const mx_serial_stream_in *in);

// ---- mx_serial_bus ----

typedef enum { MX_BUS_IDLE, MX_BUS_CHECK, MX_BUS_ASK, MX_BUS_READ, MX_BUS_WRITE } mx_serial_bus_state;

typedef struct {
  mx_serial_bus_state state;
  uint8_t client, len;     // 0 fetch, 1 stream, 2 move
  uint64_t addr;
  bool good, awvalid, wvalid;
} mx_serial_bus;

typedef struct {
  bool stop, req_valid[3], req_write, req_probe;
  uint64_t mem_base;
  uint32_t mem_size, req_addr[3];
  uint8_t req_len[3];
} mx_serial_bus_in;

// For the client that is served: the others have none of it.
typedef struct { bool ready, bad, r_valid; } mx_serial_bus_out;

mx_serial_bus_out mx_serial_bus_look(const mx_serial_bus *v, const mx_serial_bus_in *in, const mx_memory_time_out *m);
void mx_serial_bus_edge(mx_serial_bus *v, const mx_serial_bus_in *in, const mx_memory_time_out *m);
#endif
