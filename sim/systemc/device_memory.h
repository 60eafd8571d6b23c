#ifndef MX_SYSTEMC_DEVICE_MEMORY_H
#define MX_SYSTEMC_DEVICE_MEMORY_H
// Bursts of the device as transactions, used again and again.
#include "sim/systemc/device.h"

namespace mx {

struct device::burst : tlm::tlm_generic_payload {
  std::vector<unsigned char> data;
  paced_response pace;
  bool responded = false;
  sc_core::sc_time done;  // not before

  explicit burst(tlm::tlm_mm_interface *mm) : tlm_generic_payload(mm) { set_extension(&pace); }
  ~burst() override { clear_extension(&pace); }
  void set(tlm::tlm_command command, uint64_t address, uint32_t bytes);
};

class device::pool : public tlm::tlm_mm_interface {
 public:
  burst *take();  // with a reference
  void free(tlm::tlm_generic_payload *trans) override;

 private:
  std::vector<std::unique_ptr<burst>> all_;
  std::vector<burst *> free_;
};

}  // namespace mx
#endif
