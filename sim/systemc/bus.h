#ifndef MX_SYSTEMC_BUS_H
#define MX_SYSTEMC_BUS_H
// Address decoder between initiators and targets: forwards every kind of transport with
// the target's own addresses, and can tell of each transaction.
#include <functional>
#include <string>
#include <systemc>
#include <tlm>
#include <tlm_utils/multi_passthrough_initiator_socket.h>
#include <tlm_utils/multi_passthrough_target_socket.h>
#include <unordered_map>
#include <vector>

namespace mx {

class bus : public sc_core::sc_module {
 public:
  tlm_utils::multi_passthrough_target_socket<bus> initiators{"initiators"};
  tlm_utils::multi_passthrough_initiator_socket<bus> targets{"targets"};

  explicit bus(sc_core::sc_module_name name);

  // The target socket bound next has these addresses. Regions do not overlap.
  void map(const std::string &region, uint64_t base, uint64_t size);

  struct record {
    sc_core::sc_time time;  // of the initiator
    int initiator;          // in order of binding
    const char *region;     // "-": no target
    const char *phase;      // "TRANSPORT", or the phase
    uint64_t address;       // of the bus
    const tlm::tlm_generic_payload &trans;
  };
  std::function<void(const record &)> tell;  // may be empty

 private:
  struct region { std::string name; uint64_t base, size; };
  struct route { int initiator, target; };

  void b_transport(int id, tlm::tlm_generic_payload &trans, sc_core::sc_time &delay);
  tlm::tlm_sync_enum nb_transport_fw(int id, tlm::tlm_generic_payload &trans, tlm::tlm_phase &phase, sc_core::sc_time &delay);
  tlm::tlm_sync_enum nb_transport_bw(int id, tlm::tlm_generic_payload &trans, tlm::tlm_phase &phase, sc_core::sc_time &delay);
  unsigned transport_dbg(int id, tlm::tlm_generic_payload &trans);
  bool get_direct_mem_ptr(int id, tlm::tlm_generic_payload &trans, tlm::tlm_dmi &dmi);
  void invalidate_direct_mem_ptr(int id, sc_dt::uint64 first, sc_dt::uint64 last);

  void finish(tlm::tlm_generic_payload &trans, route r);
  int find(uint64_t address) const;  // -1: nobody is there
  void note(const sc_core::sc_time &delay, route r, const char *phase, const tlm::tlm_generic_payload &trans) const;

  std::vector<region> regions_;
  std::unordered_map<const tlm::tlm_generic_payload *, route> routes_;  // of transactions under way
};

}  // namespace mx
#endif
