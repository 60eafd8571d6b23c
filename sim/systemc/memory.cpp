#include "sim/systemc/memory.h"

#include <cstring>

using namespace sc_core;
using tlm::tlm_generic_payload;

namespace mx {

memory::memory(sc_module_name name, size_t size, bool read_only, bool dmi, sc_time latency)
    : sc_module(name), bytes(size), read_only_(read_only), dmi_(dmi), latency_(latency) {
  socket.register_b_transport(this, &memory::b_transport);
  socket.register_nb_transport_fw(this, &memory::nb_transport_fw);
  socket.register_transport_dbg(this, &memory::transport_dbg);
  socket.register_get_direct_mem_ptr(this, &memory::get_direct_mem_ptr);
}

bool memory::inside(const tlm_generic_payload &t) const {
  return t.get_address() <= bytes.size() && t.get_data_length() <= bytes.size() - t.get_address();
}

static void copy(unsigned char *memory, tlm_generic_payload &t) {
  unsigned char *data = t.get_data_ptr();
  if (t.is_write()) std::memcpy(memory, data, t.get_data_length());
  else std::memcpy(data, memory, t.get_data_length());
}

static void copy_enabled(unsigned char *memory, tlm_generic_payload &t) {
  for (unsigned i = 0; i < t.get_data_length(); i++) {
    if (t.get_byte_enable_ptr()[i % t.get_byte_enable_length()] != TLM_BYTE_ENABLED) continue;
    if (t.is_write()) memory[i] = t.get_data_ptr()[i];
    else t.get_data_ptr()[i] = memory[i];
  }
}

void memory::b_transport(tlm_generic_payload &t, sc_time &delay) {
  t.set_dmi_allowed(false);
  if (!t.is_read() && !t.is_write()) t.set_response_status(tlm::TLM_COMMAND_ERROR_RESPONSE);
  else if (!inside(t)) t.set_response_status(tlm::TLM_ADDRESS_ERROR_RESPONSE);
  else if (t.is_write() && read_only_) t.set_response_status(tlm::TLM_COMMAND_ERROR_RESPONSE);
  else if (t.get_streaming_width() < t.get_data_length()) t.set_response_status(tlm::TLM_BURST_ERROR_RESPONSE);
  else {
    if (t.get_byte_enable_ptr()) copy_enabled(&bytes[t.get_address()], t);
    else copy(&bytes[t.get_address()], t);
    t.set_dmi_allowed(dmi_);
    t.set_response_status(tlm::TLM_OK_RESPONSE);
    delay += latency_;
  }
}

void memory::respond(tlm_generic_payload &t) {
  tlm::tlm_phase phase = tlm::BEGIN_RESP;
  sc_time delay = SC_ZERO_TIME;
  socket->nb_transport_bw(t, phase, delay);
}

// Done at once, after the latency; reads of an initiator that sets the pace (device.h)
// respond when it says so.
tlm::tlm_sync_enum memory::nb_transport_fw(tlm_generic_payload &t, tlm::tlm_phase &phase, sc_time &delay) {
  if (phase == tlm::END_RESP) {
    t.release();
    return tlm::TLM_COMPLETED;
  }
  auto *pace = t.is_read() ? t.get_extension<paced_response>() : nullptr;
  b_transport(t, delay);
  if (!pace) return tlm::TLM_COMPLETED;
  t.acquire();
  pace->respond = [this, &t] { respond(t); };
  phase = tlm::END_REQ;
  return tlm::TLM_UPDATED;
}

unsigned memory::transport_dbg(tlm_generic_payload &t) {
  if (t.get_address() >= bytes.size() || (!t.is_read() && !t.is_write())) return 0;
  unsigned n = std::min<uint64_t>(t.get_data_length(), bytes.size() - t.get_address());
  if (t.is_write()) std::memcpy(&bytes[t.get_address()], t.get_data_ptr(), n);
  else std::memcpy(t.get_data_ptr(), &bytes[t.get_address()], n);
  return n;
}

bool memory::get_direct_mem_ptr(tlm_generic_payload &t, tlm::tlm_dmi &dmi) {
  if (!dmi_ || t.get_address() >= bytes.size()) return false;
  dmi.set_dmi_ptr(bytes.data());
  dmi.set_start_address(0);
  dmi.set_end_address(bytes.size() - 1);
  dmi.set_read_latency(latency_);
  dmi.set_write_latency(latency_);
  if (read_only_) dmi.allow_read();
  else dmi.allow_read_write();
  return !(t.is_write() && read_only_);
}

}  // namespace mx
