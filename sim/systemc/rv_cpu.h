#ifndef MX_SYSTEMC_RV_CPU_H
#define MX_SYSTEMC_RV_CPU_H
// The RISC-V processor of the system on chip: the instruction-set model sim/soc/rv.h with
// an initiator socket, loosely timed. Instructions take the cycles that rtl/soc/mx_rv.sv
// promises with transfers of two cycles; those of slower targets are added.
#include <systemc>
#include <tlm>
#include <tlm_utils/simple_initiator_socket.h>
#include <tlm_utils/tlm_quantumkeeper.h>
#include <vector>

extern "C" {
#include "sim/soc/rv.h"
}

namespace mx {

class rv_cpu : public sc_core::sc_module {
 public:
  tlm_utils::simple_initiator_socket<rv_cpu> bus{"bus"};
  sc_core::sc_in<bool> external{"external"}, timer{"timer"};

  rv_cpu(sc_core::sc_module_name name, uint32_t reset_pc, sc_core::sc_time period);

  mx_rv state{};
  uint64_t instructions = 0;

  SC_HAS_PROCESS(rv_cpu);

 private:
  struct region { uint64_t first, last; unsigned char *bytes; bool writable; };

  void run();
  void idle();
  uint32_t pending() const;
  bool transfer(mx_rv_transfer &t);
  unsigned char *direct(uint64_t address, bool write) const;
  void ask_for_dmi(tlm::tlm_generic_payload &trans);
  void invalidate_direct_mem_ptr(sc_dt::uint64 first, sc_dt::uint64 last);

  const sc_core::sc_time period_;
  tlm_utils::tlm_quantumkeeper keeper_;
  std::vector<region> regions_;  // with DMI
  bool reached_ = false;         // a peripheral, which may change interrupts: time is passed on after it
};

}  // namespace mx
#endif
