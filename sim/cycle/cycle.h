#ifndef MX_CYCLE_H
#define MX_CYCLE_H
// The exact cycle model of the device and its memory: all twins together, a
// mirror of rtl/mxforge.sv. What it says of a cycle is what the Verilated RTL
// with sim/memory.h says of the cycle of the same number.
//
// Slow: mx_cycle_step, one cycle. Quick: mx_cycle_run, which leaps where it can;
// both end in the same state.
#include "sim/cycle/account.h"
#include "sim/cycle/bus.h"
#include "sim/cycle/csr.h"
#include "sim/cycle/dot.h"
#include "sim/cycle/move.h"
#include "sim/cycle/onchip.h"
#include "sim/cycle/seq.h"
#include "sim/cycle/serial.h"
#include "sim/cycle/stream.h"
#include "sim/cycle/vec.h"
#include "sim/memory_time.h"

// ---- the device ----

// What others see of a cycle, as at the ports of mxforge.sv.
typedef struct {
  bool issue;
  uint32_t issue_pc;
  uint8_t busy;          // MX_BUSY_* bits
  bool arvalid, awvalid, wvalid, irq;
  bool s_awready, s_bvalid, s_arready, s_rvalid;
  uint64_t araddr, awaddr;
  uint32_t arbeats, s_rdata;
} mx_cycle_ports;

// Sets with SERIAL: what is in place of stream, read, write, dot, vec, move and vmem, whose
// outputs then say what these do.
typedef struct {
  mx_serial unit;
  mx_serial_move move;
  mx_serial_stream stream;
  mx_serial_bus bus;

  // Of this cycle.
  mx_serial_in unit_in;
  mx_serial_move_command command;
  mx_serial_move_in move_in;
  mx_serial_stream_in stream_in;
  mx_serial_bus_in bus_in;
} mx_cycle_serial;

typedef struct {
  const mx_params *params;
  mx_cycle_source source;
  // The caller's, with SERIAL: source.self is given a word written, bit i of strobes its
  // byte i. NULL: source.bytes has it anyway.
  void (*store)(void *self, uint32_t addr, unsigned strobes, uint32_t word);
  mx_cycle_csr_bus bus;    // the caller's: inputs of this cycle
  bool reset;              // the caller's: rst_ni is low
  mx_cycle_csr csr;
  mx_cycle_seq seq;
  mx_cycle_stream stream;
  mx_cycle_read read;
  mx_cycle_write write;
  mx_cycle_dot dot;
  mx_cycle_vec vec;
  mx_cycle_move move;
  mx_cycle_serial serial;
  mx_memory_time memory;
  bool clears;             // the units are reset in this cycle
  uint64_t cycle;          // since mx_cycle_open

  // Accounting.
  mx_cycle_listener listener;
  uint32_t issued, matmul, matmul_next;  // matmul_next: issued last, may still wait
  bool matmul_waited;

  // Of this cycle, after mx_cycle_look.
  mx_cycle_ports ports;
  mx_cycle_csr_in csr_in;
  mx_cycle_seq_in seq_in;
  mx_cycle_seq_out seq_out;
  mx_cycle_stream_in stream_in;
  mx_cycle_stream_out stream_out;
  mx_cycle_dot_in dot_in;
  mx_cycle_dot_out dot_out;
  mx_cycle_vec_in vec_in;
  mx_cycle_vec_out vec_out;
  mx_cycle_move_in move_in;
  mx_cycle_move_out move_out;
  mx_cycle_vmem_in vmem_in;
  mx_memory_time_in memory_in;
  unsigned client;         // whose read request is accepted, or MX_CYCLE_CLIENTS
} mx_cycle;

// As at power up, with rst_ni low. Programs and microcode, with SERIAL all that the
// device reads, come through `source`; base, size: of the memory on the bus.
void mx_cycle_open(mx_cycle *c, const mx_params *p, const mx_memory_options *memory, uint64_t base, uint32_t size,
                   mx_cycle_source source);

// Tell of cycles from now on; the model is slower meanwhile. tell = NULL: no more.
void mx_cycle_listen(mx_cycle *c, mx_cycle_listener listener);

void mx_cycle_look(mx_cycle *c);  // fills ports from the state and the caller's inputs
void mx_cycle_edge(mx_cycle *c);  // after mx_cycle_look
void mx_cycle_step(mx_cycle *c);  // both
// After mx_cycle_look: edges, up to `most`, in which nothing is issued, no register
// access ends and the interrupt stays what it is. Returns how many, at least 1.
uint64_t mx_cycle_leap(mx_cycle *c, uint64_t most);
#endif
