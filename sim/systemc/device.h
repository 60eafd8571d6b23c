#ifndef MX_SYSTEMC_DEVICE_H
#define MX_SYSTEMC_DEVICE_H
// The accelerator as a SystemC module with TLM-2.0 sockets, around an engine with a
// clock (sim/engine.h): the cycle model with golden results, or the Verilated RTL.
// Nothing of the device is modelled here; this is the way from transactions to the
// engine and from its bus to transactions.
//
// Time. Power-up and reset are over when simulation starts. An access begins at the
// first clock edge at or after the initiator's local time and takes the engine's cycles,
// which are added to `delay`. While a program runs, a thread lets the engine run ahead,
// but never past the next activity that the kernel knows of: so every access finds the
// device in the cycle of its local time, and the interrupt changes in its cycle, however
// far initiators are decoupled, unless one of them is behind another that had an access.
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <systemc>
#include <tlm>
#include <tlm_utils/peq_with_cb_and_phase.h>
#include <tlm_utils/simple_initiator_socket.h>
#include <tlm_utils/simple_target_socket.h>
#include <vector>

extern "C" {
#include "sim/engine.h"
}

namespace mx {

// How the memory socket is used.
enum class timing {
  // Results are in memory when START has been written, in place if the target grants DMI,
  // else read with transport_dbg and written with b_transport beat by beat.
  loose,
  // Every burst is a transaction with the four phases of the base protocol, at the time
  // of the engine's bus; writes reach memory with them. No DMI.
  approximate,
};

// On read bursts, ignorable: a target that sets `respond` leaves the time of BEGIN_RESP
// to the device, which calls it when its model of the memory offers the first beat.
// Other targets respond when they like; the device is late if they are.
struct paced_response : tlm::tlm_extension<paced_response> {
  std::function<void()> respond;
  tlm::tlm_extension_base *clone() const override { return new paced_response(*this); }
  void copy_from(const tlm::tlm_extension_base &other) override {
    respond = static_cast<const paced_response &>(other).respond;
  }
};

class device : public sc_core::sc_module {
 public:
  tlm_utils::simple_target_socket<device> registers{"registers"};  // offsets of golden/csr.def
  tlm_utils::simple_initiator_socket<device> memory{"memory"};     // bus addresses
  sc_core::sc_out<bool> irq{"irq"};

  // The engine is the caller's, has a clock, and outlives the module. Its memory_base and
  // memory_bytes are where its memory model takes the platform to have memory.
  device(sc_core::sc_module_name name, mx_engine *engine, timing mode, sc_core::sc_time period);
  ~device() override;

  // Asked about each instruction issued; true stops the device there, and `stopped` is
  // called, in which registers and memory can be looked at. Set before simulation starts.
  std::function<bool(uint64_t cycle, uint32_t pc)> issued;
  std::function<void(uint64_t cycle, uint32_t pc)> stopped;

  mx_engine *engine() const { return engine_; }
  sc_core::sc_time time_of(uint64_t cycle) const;  // when a clock cycle of the engine begins
  uint64_t late_bursts() const { return late_; }  // that the target answered after the engine's time

  SC_HAS_PROCESS(device);

 private:
  struct burst;
  class pool;
  // What the engine did, to be shown to others at its time.
  struct event {
    enum { irq, read, read_first, read_last, write, write_answer } kind;
    uint64_t cycle;
    uint64_t address = 0;
    uint32_t bytes = 0;
    bool level = false;
  };

  void b_transport(tlm::tlm_generic_payload &trans, sc_core::sc_time &delay);
  unsigned transport_dbg(tlm::tlm_generic_payload &trans);
  tlm::tlm_sync_enum nb_transport_bw(tlm::tlm_generic_payload &trans, tlm::tlm_phase &phase, sc_core::sc_time &delay);
  void invalidate_direct_mem_ptr(sc_dt::uint64 first, sc_dt::uint64 last);

  void access(tlm::tlm_generic_payload &trans);
  void write_register(uint32_t offset, uint32_t value);

  uint64_t cycles() const { return engine_->ops->cycles(engine_->self); }
  uint64_t cycle_at(const sc_core::sc_time &t) const;
  bool advance(uint64_t to);
  void catch_up(const sc_core::sc_time &t);
  void note_irq();
  void check() const;
  void tell_stop();

  void run();
  void replay();
  void show(const event &e);
  void wait_until(const sc_core::sc_time &t);

  void prepare_memory();
  bool attach();
  void detach();
  void copy_memory();
  void listen();
  void transport_write(const event &e);
  void begin(const event &e, tlm::tlm_command command);
  void send(burst &b, tlm::tlm_phase phase);
  void on_phase(tlm::tlm_generic_payload &trans, const tlm::tlm_phase &phase);
  void take_phase(burst &b, const tlm::tlm_phase &phase);
  template <class F> void block(F over);
  void finish(std::deque<burst *> &bursts);

  static bool tell_issue(void *self, uint64_t cycle, uint32_t pc);
  static void tell_burst(void *self, mx_burst_event what, uint64_t cycle, uint64_t addr, uint32_t bytes);

  mx_engine *engine_;
  const timing mode_;
  const sc_core::sc_time period_;
  const uint64_t first_cycle_;  // of simulation time 0
  bool level_ = false;          // of the interrupt, as seen last
  bool attached_ = false;
  std::vector<unsigned char> copy_;  // of the memory, where it is not attached
  uint32_t mem_size_ = 0;            // written to MEM_SIZE last
  bool stop_ = false;
  uint64_t stop_cycle_ = 0, late_ = 0;
  uint32_t stop_pc_ = 0;
  std::deque<event> events_;
  sc_core::sc_event work_;

  // Approximately timed.
  std::unique_ptr<pool> pool_;
  tlm_utils::peq_with_cb_and_phase<device> phases_;
  std::deque<burst *> reads_, writes_;
  burst *requesting_ = nullptr;  // waits for END_REQ
  bool blocked_ = false;         // the thread waits for a phase
  sc_core::sc_event changed_;
};

}  // namespace mx
#endif
