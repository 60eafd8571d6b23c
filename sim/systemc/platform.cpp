#include "sim/systemc/platform.h"

#include <algorithm>

extern "C" {
#include "golden/bytes.h"
}

using namespace sc_core;

namespace mx {

platform::platform(sc_module_name name, mx_engine *engine, const platform_options &o)
    : sc_module(name),
      sdram("sdram", engine->memory_bytes, false, o.dmi),
      accel("accel", engine, o.mode, period_of(o.clock_khz)),
      period_(period_of(o.clock_khz)) {
  accel.irq(irq);
  accel.memory.bind(interconnect.initiators);
  place(sdram, "MEMORY", MX_SOC_MEMORY, engine->memory_bytes);
  interconnect.map("ACCEL", MX_SOC_ACCEL, MX_SOC_ACCEL_BYTES);
  interconnect.targets.bind(accel.registers);
  if (!o.program) {
    build_soc(o);
    return;
  }
  host = std::make_unique<host_cpu>("host", engine, MX_SOC_ACCEL, period_, o.program);
  host->bus.bind(interconnect.initiators);
  host->irq(irq);
}

void platform::place(memory &m, const char *region, uint64_t base, uint64_t bytes) {
  interconnect.map(region, base, bytes);
  interconnect.targets.bind(m.socket);
}

void platform::build_soc(const platform_options &o) {
  rom = std::make_unique<memory>("rom", MX_SOC_ROM_BYTES, true);
  ram = std::make_unique<memory>("ram", MX_SOC_RAM_BYTES);
  flash = std::make_unique<memory>("flash", MX_SOC_SIM_FLASH_SEEN, true);
  peripherals = std::make_unique<system>("system", 1000 * o.clock_khz, static_cast<uint32_t>(sdram.bytes.size()), period_);
  cpu = std::make_unique<rv_cpu>("cpu", o.reset_pc, period_);
  place(*rom, "ROM", MX_SOC_ROM, MX_SOC_ROM_BYTES);
  place(*ram, "RAM", MX_SOC_RAM, MX_SOC_RAM_BYTES);
  place(*flash, "FLASH", MX_SOC_FLASH, MX_SOC_SIM_FLASH_SEEN);
  interconnect.map("SYSTEM", MX_SOC_SYSTEM, MX_SOC_SYSTEM_BYTES);
  interconnect.targets.bind(peripherals->socket);
  peripherals->copy = [this](uint32_t from, uint32_t to, uint32_t *word) {
    const uint64_t at = uint64_t(to) - MX_SOC_MEMORY;
    if (from + uint64_t(4) > flash->bytes.size() || (to && at + 4 > sdram.bytes.size())) return false;
    *word = mx_load_u32(&flash->bytes[from]);
    if (to) mx_store_u32(&sdram.bytes[at], *word);
    return true;
  };
  cpu->bus.bind(interconnect.initiators);
  peripherals->accel(irq);
  peripherals->external(external_);
  peripherals->timer(timer_);
  cpu->external(external_);
  cpu->timer(timer_);
}

void platform::trace(sc_trace_file *file) const {
  sc_trace(file, irq, "irq");
  if (!cpu) return;
  sc_trace(file, external_, "external");
  sc_trace(file, timer_, "timer");
}

bool platform::peek(uint64_t address, void *to, unsigned bytes) {
  tlm::tlm_generic_payload t;
  t.set_read();
  t.set_address(address);
  t.set_data_ptr(static_cast<unsigned char *>(to));
  t.set_data_length(bytes);
  t.set_streaming_width(bytes);
  return accel.memory->transport_dbg(t) == bytes;
}

}  // namespace mx
