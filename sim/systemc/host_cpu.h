#ifndef MX_SYSTEMC_HOST_CPU_H
#define MX_SYSTEMC_HOST_CPU_H
// A processor whose program is C or C++ of the host: its accesses are transactions, its
// own instructions take no time. It looks like an engine (sim/engine.h), so that the
// firmware's driver and runtime, and all that runs on engines, run on it unchanged.
#include <functional>
#include <systemc>
#include <tlm>
#include <tlm_utils/simple_initiator_socket.h>
#include <tlm_utils/tlm_quantumkeeper.h>

extern "C" {
#include "sim/engine.h"
}

namespace mx {

class host_cpu : public sc_core::sc_module {
 public:
  tlm_utils::simple_initiator_socket<host_cpu> bus{"bus"};
  sc_core::sc_in<bool> irq{"irq"};

  // `device` tells of cycles and problems, and where its memory is; its registers are at
  // bus address `registers`. The program is run in a thread of SystemC.
  host_cpu(sc_core::sc_module_name name, mx_engine *device, uint64_t registers, sc_core::sc_time period,
           std::function<void(mx_engine *)> program);

  mx_engine *engine() { return &engine_; }

  SC_HAS_PROCESS(host_cpu);

 private:
  void run();
  uint32_t read(uint32_t offset);
  void write(uint32_t offset, uint32_t value);
  bool wait_for_irq();
  bool transport(tlm::tlm_command command, uint64_t address, void *data, uint32_t bytes);
  friend struct host_engine;

  mx_engine *device_;
  mx_engine engine_;
  const uint64_t registers_;
  const sc_core::sc_time period_;
  std::function<void(mx_engine *)> program_;
  tlm_utils::tlm_quantumkeeper keeper_;
  bool stopped_ = false;
  const char *problem_ = nullptr;
};

}  // namespace mx
#endif
