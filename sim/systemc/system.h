#ifndef MX_SYSTEMC_SYSTEM_H
#define MX_SYSTEMC_SYSTEM_H
// The SYSTEM registers (sim/soc/system.h) as a module: UART, timer, interrupts.
#include <functional>
#include <systemc>
#include <tlm>
#include <tlm_utils/simple_target_socket.h>

extern "C" {
#include "sim/soc/system.h"
}

namespace mx {

class system : public sc_core::sc_module {
 public:
  tlm_utils::simple_target_socket<system> socket{"socket"};
  sc_core::sc_in<bool> accel{"accel"};                                    // the accelerator's interrupt
  sc_core::sc_out<bool> external{"external"}, timer{"timer"};             // to the processor

  system(sc_core::sc_module_name name, uint32_t clock_hz, uint32_t memory_bytes, sc_core::sc_time period);

  std::function<void(uint8_t)> sent;  // of the UART
  // As copy of mx_soc_system; empty: bus errors.
  std::function<bool(uint32_t from, uint32_t to, uint32_t *word)> copy;
  // The next byte that arrives at the UART, nothing: none now, ended: none ever; asked every
  // `uart_period`, if set before simulation starts. idle: nothing else goes on, so that it
  // may well wait a little.
  std::function<int(bool idle)> receive;
  static constexpr int nothing = -1, ended = -2;
  sc_core::sc_time uart_period{100, sc_core::SC_US};

  SC_HAS_PROCESS(system);

 private:
  void b_transport(tlm::tlm_generic_payload &trans, sc_core::sc_time &delay);
  unsigned transport_dbg(tlm::tlm_generic_payload &trans);
  void start_of_simulation() override;
  void listen();
  void update();

  mx_soc_system state_;
  const sc_core::sc_time period_;
  sc_core::sc_event changed_, listen_;
};

}  // namespace mx
#endif
