#ifndef MX_SYSTEMC_PLATFORM_H
#define MX_SYSTEMC_PLATFORM_H
// The system on chip of firmware/soc.def as a virtual platform: a bus with SDRAM and the
// device, and in front of them a program of the host, or the RISC-V processor with boot
// ROM, RAM, flash, UART, timer and interrupts.
#include <memory>
#include <systemc>

#include "sim/systemc/bus.h"
#include "sim/systemc/device.h"
#include "sim/systemc/host_cpu.h"
#include "sim/systemc/memory.h"
#include "sim/systemc/rv_cpu.h"
#include "sim/systemc/system.h"

namespace mx {

struct platform_options {
  timing mode = timing::loose;
  bool dmi = true;               // the SDRAM grants it
  uint32_t clock_khz = 100000;
  std::function<void(mx_engine *)> program;  // of the host; empty: the RISC-V processor
  uint32_t reset_pc = MX_SOC_ROM;
};

class platform : public sc_core::sc_module {
 public:
  // The engine's memory_base is that of MEMORY, and the SDRAM has its memory_bytes.
  platform(sc_core::sc_module_name name, mx_engine *engine, const platform_options &options);

  static constexpr uint64_t memory_base = MX_SOC_MEMORY;

  // What lies at a bus address, without effect and without time. False: not all is there.
  bool peek(uint64_t address, void *to, unsigned bytes);

  sc_core::sc_signal<bool> irq{"irq"};
  bus interconnect{"bus"};
  memory sdram;
  device accel;
  std::unique_ptr<host_cpu> host;
  std::unique_ptr<memory> rom, ram, flash;
  std::unique_ptr<system> peripherals;
  std::unique_ptr<rv_cpu> cpu;
  void trace(sc_core::sc_trace_file *file) const;  // the interrupts
  // Names of the bus's initiators, in order.
  const char *initiator(int id) const { return id == 0 ? "accel" : host ? "host" : "cpu"; }

 private:
  void place(memory &m, const char *region, uint64_t base, uint64_t bytes);
  void build_soc(const platform_options &options);
  sc_core::sc_signal<bool> external_{"external"}, timer_{"timer"};
  const sc_core::sc_time period_;
};

// The clock's period, in whole picoseconds as the memory model has it.
inline sc_core::sc_time period_of(uint32_t clock_khz) {
  return sc_core::sc_time(1000000000 / clock_khz, sc_core::SC_PS);
}

}  // namespace mx
#endif
