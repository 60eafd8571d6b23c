#ifndef MX_SYSTEMC_MEMORY_H
#define MX_SYSTEMC_MEMORY_H
// Bytes behind a target socket: RAM, ROM, flash, device memory. Grants DMI; reads and
// writes of any size and alignment inside, with byte enables.
#include <systemc>
#include <tlm>
#include <tlm_utils/simple_target_socket.h>
#include <vector>

#include "sim/systemc/device.h"

namespace mx {

class memory : public sc_core::sc_module {
 public:
  tlm_utils::simple_target_socket<memory> socket{"socket"};

  // latency: of each transaction. read_only: writes answer with a command error.
  memory(sc_core::sc_module_name name, size_t bytes, bool read_only = false, bool dmi = true,
         sc_core::sc_time latency = sc_core::SC_ZERO_TIME);

  std::vector<unsigned char> bytes;

 private:
  void b_transport(tlm::tlm_generic_payload &trans, sc_core::sc_time &delay);
  tlm::tlm_sync_enum nb_transport_fw(tlm::tlm_generic_payload &trans, tlm::tlm_phase &phase, sc_core::sc_time &delay);
  unsigned transport_dbg(tlm::tlm_generic_payload &trans);
  bool get_direct_mem_ptr(tlm::tlm_generic_payload &trans, tlm::tlm_dmi &dmi);
  bool inside(const tlm::tlm_generic_payload &trans) const;
  void respond(tlm::tlm_generic_payload &trans);

  const bool read_only_, dmi_;
  const sc_core::sc_time latency_;
};

}  // namespace mx
#endif
