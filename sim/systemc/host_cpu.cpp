#include "sim/systemc/host_cpu.h"

using namespace sc_core;

namespace mx {

constexpr uint64_t wait_cycles = 1 << 16;  // of one wait without an interrupt, as engine_rtl.c waits

// ---- as an engine ------------------------------------------------------------------

struct host_engine {
  static host_cpu *self(void *p) { return static_cast<host_cpu *>(p); }
  static const host_cpu *self(const void *p) { return static_cast<const host_cpu *>(p); }

  static uint32_t read(void *p, uint32_t offset) { return self(p)->read(offset); }
  static void write(void *p, uint32_t offset, uint32_t value) { self(p)->write(offset, value); }
  static bool wait(void *p, uint32_t) { return self(p)->wait_for_irq(); }
  static bool put(void *p, uint32_t addr, const void *from, uint32_t bytes) {
    return self(p)->transport(tlm::TLM_WRITE_COMMAND, self(p)->engine_.memory_base + addr, const_cast<void *>(from), bytes);
  }
  static bool get(void *p, uint32_t addr, void *to, uint32_t bytes) {
    return self(p)->transport(tlm::TLM_READ_COMMAND, self(p)->engine_.memory_base + addr, to, bytes);
  }
  static uint64_t cycles(const void *p) { return mx_engine_cycles(self(p)->device_); }
  static void observe(void *p, mx_observer o) { mx_engine_observe(self(p)->device_, o); }
  static uint32_t pc(const void *p) { return mx_engine_pc(self(p)->device_); }
  static void stop(void *p) { self(p)->stopped_ = true; }
  static const char *problem(const void *p) {
    return self(p)->problem_ ? self(p)->problem_ : mx_engine_problem(self(p)->device_);
  }
  static void close(void *) {}
  static const mx_engine_ops ops;
};

const mx_engine_ops host_engine::ops = {"systemc", cycles, observe, pc, stop, problem, close, nullptr, nullptr, nullptr};

host_cpu::host_cpu(sc_module_name name, mx_engine *device, uint64_t registers, sc_time period,
                   std::function<void(mx_engine *)> program)
    : sc_module(name),
      device_(device),
      engine_{&host_engine::ops, this, {this, host_engine::read, host_engine::write, host_engine::wait},
              {this, host_engine::put, host_engine::get}, device->memory_base, device->memory_bytes},
      registers_(registers),
      period_(period),
      program_(std::move(program)) {
  SC_THREAD(run);
  set_stack_size(1 << 20);
}

// ---- transactions ------------------------------------------------------------------

void host_cpu::run() {
  keeper_.reset();
  program_(&engine_);
}

bool host_cpu::transport(tlm::tlm_command command, uint64_t address, void *data, uint32_t bytes) {
  tlm::tlm_generic_payload t;
  sc_time delay = keeper_.get_local_time();
  t.set_command(command);
  t.set_address(address);
  t.set_data_ptr(static_cast<unsigned char *>(data));
  t.set_data_length(bytes);
  t.set_streaming_width(bytes);
  bus->b_transport(t, delay);
  keeper_.set(delay);
  if (keeper_.need_sync()) keeper_.sync();
  return t.is_response_ok();
}

static void put_word(unsigned char *p, uint32_t v) {
  for (int i = 0; i < 4; i++) p[i] = static_cast<unsigned char>(v >> 8 * i);
}

uint32_t host_cpu::read(uint32_t offset) {
  unsigned char b[4];
  if (transport(tlm::TLM_READ_COMMAND, registers_ + offset, b, sizeof b))
    return b[0] | uint32_t(b[1]) << 8 | uint32_t(b[2]) << 16 | uint32_t(b[3]) << 24;
  problem_ = "the bus answers a register read with an error";
  return UINT32_MAX;
}

void host_cpu::write(uint32_t offset, uint32_t value) {
  unsigned char b[4];
  put_word(b, value);
  if (!transport(tlm::TLM_WRITE_COMMAND, registers_ + offset, b, sizeof b))
    problem_ = "the bus answers a register write with an error";
}

bool host_cpu::wait_for_irq() {
  keeper_.sync();
  if (!irq.read()) wait(wait_cycles * period_, irq.posedge_event());
  return !stopped_ && !host_engine::problem(this);
}

}  // namespace mx
