#include "sim/systemc/system.h"

using namespace sc_core;
using tlm::tlm_generic_payload;

namespace mx {

static uint64_t cycle_of(const sc_time &t, const sc_time &period) { return t.value() / period.value(); }

system::system(sc_module_name name, uint32_t clock_hz, uint32_t memory_bytes, sc_time period)
    : sc_module(name), period_(period) {
  mx_soc_system_open(&state_, clock_hz, memory_bytes);
  state_.self = this;
  state_.send = [](void *self, uint8_t byte) {
    if (auto *s = static_cast<system *>(self); s->sent) s->sent(byte);
  };
  state_.copy = [](void *self, uint32_t from, uint32_t to, uint32_t *word) {
    auto *s = static_cast<system *>(self);
    return s->copy && s->copy(from, to, word);
  };
  socket.register_b_transport(this, &system::b_transport);
  socket.register_transport_dbg(this, &system::transport_dbg);
  SC_METHOD(update);
  sensitive << accel << changed_;
  SC_METHOD(listen);
  sensitive << listen_;
  dont_initialize();
}

void system::start_of_simulation() {
  if (receive) listen_.notify(uart_period);
}

void system::listen() {
  int c = nothing;
  bool idle = !sc_pending_activity();
  while (state_.count < MX_SOC_UART_FIFO && (c = receive(idle)) >= 0) {
    mx_soc_system_receive(&state_, static_cast<uint8_t>(c));
    changed_.notify(SC_ZERO_TIME);
    idle = false;
  }
  if (c != ended) listen_.notify(uart_period);
}

// Levels of the interrupts now, and again when the time reaches COMPARE.
void system::update() {
  const uint64_t cycle = cycle_of(sc_time_stamp(), period_);
  state_.accel_irq = accel.read();
  external.write(mx_soc_system_external(&state_));
  timer.write(mx_soc_system_timer(&state_, cycle));
  if (state_.compare > cycle && state_.compare < (sc_max_time() / period_))
    changed_.notify(sc_time::from_value(state_.compare * period_.value()) - sc_time_stamp());
}

void system::b_transport(tlm_generic_payload &t, sc_time &delay) {
  auto offset = static_cast<uint32_t>(t.get_address());
  uint32_t value = 0;
  t.set_dmi_allowed(false);
  if (t.get_byte_enable_ptr()) t.set_response_status(tlm::TLM_BYTE_ENABLE_ERROR_RESPONSE);
  else if (t.get_data_length() != 4 || t.get_streaming_width() < 4) t.set_response_status(tlm::TLM_BURST_ERROR_RESPONSE);
  else {
    unsigned char *p = t.get_data_ptr();
    bool ok = false;
    if (t.is_read()) {
      ok = mx_soc_system_read(&state_, offset, cycle_of(sc_time_stamp() + delay, period_), &value);
      for (int i = 0; ok && i < 4; i++) p[i] = static_cast<unsigned char>(value >> 8 * i);
    } else if (t.is_write()) {
      const uint64_t copied = state_.copied;
      ok = mx_soc_system_write(&state_, offset, p[0] | uint32_t(p[1]) << 8 | uint32_t(p[2]) << 16 | uint32_t(p[3]) << 24);
      delay += period_ * static_cast<double>(MX_SOC_COPY_CYCLES * (state_.copied - copied));
    }
    t.set_response_status(ok ? tlm::TLM_OK_RESPONSE : tlm::TLM_ADDRESS_ERROR_RESPONSE);
    changed_.notify(SC_ZERO_TIME);
  }
}

unsigned system::transport_dbg(tlm_generic_payload &t) {
  uint32_t value;
  auto offset = static_cast<uint32_t>(t.get_address());
  if (!t.is_read() || t.get_data_length() < 4 || !mx_soc_system_peek(&state_, offset, cycle_of(sc_time_stamp(), period_), &value))
    return 0;
  for (int i = 0; i < 4; i++) t.get_data_ptr()[i] = static_cast<unsigned char>(value >> 8 * i);
  return 4;
}

}  // namespace mx
