// The device behind TLM-2.0 sockets: the times and results of the engine in it, whatever
// it is and however it is driven; errors, peeks, DMI, interrupts, phases, breakpoints.
#include <cstring>
#include <tlm_utils/peq_with_cb_and_phase.h>

#include "tests/systemc/platform_test.h"

extern "C" {
#include "sim/systemc/debug.h"
}

using namespace sc_core;
using tlm::tlm_generic_payload;

namespace {

struct memory_case { const char *name; mx_memory_options options; };

std::vector<memory_case> memories() {
  mx_memory_options plain = {}, chip = {}, stalls = {}, narrow = {};
  plain.latency = chip.latency = stalls.latency = 20;
  plain.outstanding = chip.outstanding = stalls.outstanding = 16;
  chip.chip = mx_dram_find("ddr4-2400:16");
  chip.clock_khz = 300000;
  stalls.stall_percent = 25;
  stalls.stall_seed = 5;
  narrow = plain;
  narrow.latency = 60;
  narrow.outstanding = 2;
  narrow.beats = 1;
  narrow.per = 3;
  return {{"plain", plain}, {"DDR4", chip}, {"stalls", stalls}, {"narrow", narrow}};
}

mx_memory_options plain() { return memories()[0].options; }

mx::platform_options approximate() {
  mx::platform_options o;
  o.mode = mx::timing::approximate;
  return o;
}
mx::platform_options without_dmi() {
  mx::platform_options o;
  o.dmi = false;
  return o;
}

// ---- the same as the engine alone --------------------------------------------------------

void same_as_engine(const char *engine, const char *set, const mx_memory_options &memory, mx::platform_options o) {
  mx_image *image = toy_image(set);
  mx_engine *alone = open_engine(engine, image, memory), *inside = open_engine(engine, image, memory);
  const outcome expected = run_toy(alone, image);
  outcome got;
  uint64_t late = 1;
  if (memory.clock_khz) o.clock_khz = memory.clock_khz;
  simulate(inside, o, [&](mx::platform &soc, mx_engine *host) {
    got = run_toy(host, image);
    late = soc.accel.late_bursts();
  });
  CHECK_EQUAL(got.tokens[3], toy_next(toy_next(toy_next(toy_next(TOY_BOS)))));
  CHECK_EQUAL(got.cycles, expected.cycles);
  CHECK(got == expected);
  CHECK_EQUAL(late, 0);
}

void add_same(std::vector<test_case> &cases) {
  const struct { const char *name; mx::platform_options o; } modes[] = {
      {"loose", {}}, {"approximate", approximate()}, {"loose, no DMI", without_dmi()}};
  for (const mx_params *p = mx_param_sets; p->name; p++)
    for (const memory_case &m : memories())
      for (const auto &mode : modes)
        cases.push_back({std::string("cycle model, ") + p->name + ", " + m.name + ", " + mode.name,
                         [=] { same_as_engine("cycle", p->name, m.options, mode.o); }});
  for (const char *set : {"tiny", "sim"})
    for (const auto &mode : modes)
      cases.push_back({std::string("RTL in its place, ") + set + ", " + mode.name,
                       [=] { same_as_engine("rtl", set, memories()[1].options, mode.o); }});
}

// ---- accesses ------------------------------------------------------------------------

// A payload for one access of `bytes` at `address`.
struct access : tlm_generic_payload {
  unsigned char data[16] = {};
  access(tlm::tlm_command command, uint64_t address, unsigned bytes = 4) {
    set_command(command);
    set_address(address);
    set_data_ptr(data);
    set_data_length(bytes);
    set_streaming_width(bytes);
  }
  uint32_t word() const {
    uint32_t v;
    std::memcpy(&v, data, sizeof v);
    return v;
  }
  access &with(uint32_t v) {
    std::memcpy(data, &v, sizeof v);
    return *this;
  }
};

tlm::tlm_response_status answer(mx::platform &soc, tlm_generic_payload &t) {
  sc_time delay = SC_ZERO_TIME;
  soc.host->bus->b_transport(t, delay);
  CHECK(!t.is_dmi_allowed() || t.get_address() >= MX_SOC_MEMORY);
  return t.get_response_status();
}

// Runs `body` on a platform with the toy model's memory.
void on_platform(const mx::platform_options &o, const std::function<void(mx::platform &, mx_engine *, const mx_image *)> &body) {
  mx_image *image = toy_image("sim");
  simulate(open_engine("cycle", image, plain()), o, [&](mx::platform &soc, mx_engine *host) { body(soc, host, image); });
}

void bad_accesses() {
  on_platform({}, [](mx::platform &soc, mx_engine *, const mx_image *image) {
    const uint64_t arg = MX_SOC_ACCEL + MX_CSR_ARG1;
    unsigned char enables[4] = {0xff, 0xff, 0, 0};
    const uint64_t before = mx_engine_cycles(soc.accel.engine());
    for (tlm::tlm_command c : {tlm::TLM_READ_COMMAND, tlm::TLM_WRITE_COMMAND}) {
      access unaligned(c, arg + 2), byte(c, arg, 1), twice(c, arg, 8), stream(c, arg), enabled(c, arg), nowhere(c, 0x60000000),
          beyond(c, MX_SOC_MEMORY + image->mem_bytes - 2), past(c, MX_SOC_ACCEL + 0x1000);
      stream.set_streaming_width(2);
      enabled.set_byte_enable_ptr(enables);
      enabled.set_byte_enable_length(4);
      CHECK_EQUAL(answer(soc, unaligned), tlm::TLM_ADDRESS_ERROR_RESPONSE);
      CHECK_EQUAL(answer(soc, byte), tlm::TLM_BURST_ERROR_RESPONSE);
      CHECK_EQUAL(answer(soc, twice), tlm::TLM_BURST_ERROR_RESPONSE);
      CHECK_EQUAL(answer(soc, stream), tlm::TLM_BURST_ERROR_RESPONSE);
      CHECK_EQUAL(answer(soc, enabled), tlm::TLM_BYTE_ENABLE_ERROR_RESPONSE);
      CHECK_EQUAL(answer(soc, nowhere), tlm::TLM_ADDRESS_ERROR_RESPONSE);
      CHECK_EQUAL(answer(soc, beyond), tlm::TLM_ADDRESS_ERROR_RESPONSE);
      CHECK_EQUAL(answer(soc, past), tlm::TLM_ADDRESS_ERROR_RESPONSE);
    }
    access ignored(tlm::TLM_IGNORE_COMMAND, arg), there(tlm::TLM_READ_COMMAND, arg);
    CHECK_EQUAL(answer(soc, ignored), tlm::TLM_COMMAND_ERROR_RESPONSE);
    CHECK_EQUAL(mx_engine_cycles(soc.accel.engine()), before);  // none of them took time
    CHECK_EQUAL(answer(soc, there), tlm::TLM_OK_RESPONSE);
    CHECK_EQUAL(there.word(), 0);
  });
}

// An initiator for what a test makes itself.
struct phase_master : sc_module {
  tlm_utils::simple_initiator_socket<phase_master> bus{"bus"};
  tlm_utils::peq_with_get<tlm_generic_payload> responses{"responses"};
  explicit phase_master(sc_module_name name) : sc_module(name) { bus.register_nb_transport_bw(this, &phase_master::backward); }
  tlm::tlm_sync_enum backward(tlm_generic_payload &t, tlm::tlm_phase &phase, sc_time &delay) {
    if (phase != tlm::BEGIN_RESP) return tlm::TLM_ACCEPTED;
    responses.notify(t, delay);
    return tlm::TLM_COMPLETED;
  }
};

void read_only_memory() {
  mx::memory rom("rom", 64, true);
  rom.bytes[4] = 7;
  access write(tlm::TLM_WRITE_COMMAND, 4), read(tlm::TLM_READ_COMMAND, 4), some(tlm::TLM_READ_COMMAND, 4);
  unsigned char enables[2] = {0, 0xff};
  tlm::tlm_dmi dmi;
  phase_master master("master");
  auto &from = master.bus;
  from.bind(rom.socket);
  sc_start(SC_ZERO_TIME);
  sc_time delay = SC_ZERO_TIME;
  from->b_transport(write.with(9), delay);
  CHECK_EQUAL(write.get_response_status(), tlm::TLM_COMMAND_ERROR_RESPONSE);
  from->b_transport(read, delay);
  CHECK_EQUAL(read.word(), 7);
  some.set_byte_enable_ptr(enables);
  some.set_byte_enable_length(2);
  some.data[0] = 0x55;
  from->b_transport(some, delay);
  CHECK(some.is_response_ok() && some.data[0] == 0x55);
  CHECK(from->get_direct_mem_ptr(read, dmi) && !dmi.is_write_allowed());
  CHECK(!from->get_direct_mem_ptr(write, dmi));
}

void peeks() {
  on_platform({}, [](mx::platform &soc, mx_engine *host, const mx_image *image) {
    run_toy(host, image, 2);
    const uint64_t before = mx_engine_cycles(host);
    const sc_time then = sc_time_stamp();
    uint32_t all[0x100 / 4] = {};
    CHECK(soc.peek(MX_SOC_ACCEL, all, sizeof all));
    CHECK_EQUAL(mx_engine_cycles(host), before);
    CHECK(sc_time_stamp() == then);
    for (uint32_t offset : {MX_CSR_ID, MX_CSR_BUILD_ID, MX_CSR_STATUS, MX_CSR_PROGRAM, MX_CSR_ARG1, MX_CSR_CYCLES, MX_CSR_READ_BEATS})
      CHECK_EQUAL(all[offset / 4], host->mmio.read(host->mmio.self, offset));
    access write(tlm::TLM_WRITE_COMMAND, MX_SOC_ACCEL + MX_CSR_ARG1), odd(tlm::TLM_READ_COMMAND, MX_SOC_ACCEL + 2);
    CHECK_EQUAL(soc.host->bus->transport_dbg(write), 0);
    CHECK_EQUAL(soc.host->bus->transport_dbg(odd), 0);
    uint8_t byte;
    CHECK(soc.peek(MX_SOC_MEMORY + 1, &byte, 1));
    CHECK(!soc.peek(0x60000000, &byte, 1));
  });
}

void direct_memory() {
  on_platform({}, [](mx::platform &soc, mx_engine *, const mx_image *image) {
    tlm::tlm_dmi dmi;
    access reg(tlm::TLM_READ_COMMAND, MX_SOC_ACCEL), mem(tlm::TLM_WRITE_COMMAND, MX_SOC_MEMORY + 100);
    CHECK(!soc.host->bus->get_direct_mem_ptr(reg, dmi));
    CHECK(soc.host->bus->get_direct_mem_ptr(mem, dmi));
    CHECK_EQUAL(dmi.get_start_address(), MX_SOC_MEMORY);
    CHECK_EQUAL(dmi.get_end_address(), uint64_t(MX_SOC_MEMORY) + image->mem_bytes - 1);
    CHECK(dmi.is_read_write_allowed() && dmi.get_dmi_ptr() == soc.sdram.bytes.data());
  });
}

// The memory takes DMI back between two tokens; the device goes on with copies.
void direct_memory_taken_back() {
  mx_image *image = toy_image("sim");
  const outcome expected = run_toy(open_engine("cycle", image, plain()), image);
  simulate(open_engine("cycle", image, plain()), {}, [&](mx::platform &soc, mx_engine *host) {
    mx_session s;
    mx_error e = {};
    uint32_t token = TOY_BOS;
    CHECK(!mx_session_on(&s, image, host, &e) && !mx_session_begin(&s, &e));
    for (uint32_t t : expected.tokens) {
      CHECK(!mx_session_token(&s, token, &token, &e));
      CHECK_EQUAL(token, t);
      soc.sdram.socket->invalidate_direct_mem_ptr(0, UINT64_MAX >> 1);
    }
    CHECK_EQUAL(mx_engine_cycles(host), expected.cycles);
    CHECK(!std::memcmp(soc.sdram.bytes.data(), expected.memory.data(), expected.memory.size()));
  });
}

// ---- interrupts and time -----------------------------------------------------------------

// The interrupt comes at the time of the cycle in which the engine raises it.
void interrupt_in_its_cycle() {
  mx_image *image = toy_image("sim");
  mx_engine *alone = open_engine("cycle", image, plain());
  const uint64_t first = mx_engine_cycles(alone);
  uint64_t rises = 0, falls = 0;
  mx_session s;
  mx_error e = {};
  const uint32_t args[MX_ARGS] = {TOY_BOS, 0, 0, 0};
  CHECK(!mx_session_on(&s, image, alone, &e) && !mx_session_begin(&s, &e));
  CHECK(!mx_driver_start(&s.runtime.device, TOY_TOKEN, args));
  alone->mmio.read(alone->mmio.self, MX_CSR_STATUS);
  alone->ops->clock->run(alone->self, 1 << 20);
  rises = mx_engine_cycles(alone);
  alone->mmio.write(alone->mmio.self, MX_CSR_IRQ_STATUS, 1);
  falls = mx_engine_cycles(alone);
  simulate(open_engine("cycle", image, plain()), {}, [&](mx::platform &soc, mx_engine *host) {
    CHECK(!mx_session_on(&s, image, host, &e) && !mx_session_begin(&s, &e));
    CHECK(!mx_driver_start(&s.runtime.device, TOY_TOKEN, args));
    host->mmio.read(host->mmio.self, MX_CSR_STATUS);
    CHECK(!soc.irq.read());
    wait(soc.irq.posedge_event());
    CHECK(sc_time_stamp() == (rises - first) * mx::period_of(100000));
    host->mmio.write(host->mmio.self, MX_CSR_IRQ_STATUS, 1);
    wait(SC_ZERO_TIME);
    CHECK(!soc.irq.read());
    CHECK(sc_time_stamp() == (falls - first) * mx::period_of(100000));
    host->mmio.write(host->mmio.self, MX_CSR_IRQ_ENABLE, 0);
    CHECK(!mx_driver_start(&s.runtime.device, TOY_TOKEN, args));
    wait(20000 * mx::period_of(100000));
    CHECK(!soc.irq.read());
    CHECK_EQUAL(host->mmio.read(host->mmio.self, MX_CSR_STATUS), MX_STATUS_DONE);
  });
}

// START while a program runs does nothing, whatever the arguments say.
void start_while_busy(const mx::platform_options &o) {
  on_platform(o, [](mx::platform &, mx_engine *host, const mx_image *image) {
    const outcome expected = run_toy(open_engine("cycle", image, plain()), image, 1);
    const uint32_t args[MX_ARGS] = {TOY_BOS, 0, 0, 0};
    mx_counters counters;
    mx_session s;
    mx_error e = {};
    CHECK(!mx_session_on(&s, image, host, &e) && !mx_session_begin(&s, &e));
    mx_device *d = &s.runtime.device;
    CHECK(!mx_driver_start(d, TOY_TOKEN, args));
    host->mmio.write(host->mmio.self, MX_CSR_ARG1, toy_next(TOY_BOS));
    host->mmio.write(host->mmio.self, MX_CSR_CONTROL, MX_CONTROL_START);
    CHECK(!mx_driver_wait(d, 1000));
    mx_driver_counters(d, &counters);
    CHECK(!std::memcmp(&counters, &expected.counters[0], sizeof counters));
    std::vector<uint8_t> memory(image->mem_bytes);
    CHECK(host->memory.get(host->memory.self, 0, memory.data(), image->mem_bytes));
    CHECK(memory == expected.memory);
  });
}

// An initiator that runs ahead of simulation sees the device in the cycle of its own time,
// as one does that does not.
void decoupled_initiators() {
  std::vector<uint32_t> seen[2];
  on_platform({}, [&](mx::platform &soc, mx_engine *host, const mx_image *image) {
    const uint32_t args[MX_ARGS] = {TOY_BOS, 0, 0, 0};
    const sc_time period = mx::period_of(100000);
    mx_session s;
    mx_error e = {};
    CHECK(!mx_session_on(&s, image, host, &e) && !mx_session_begin(&s, &e));
    for (int decoupled = 0; decoupled < 2; decoupled++) {
      wait(32 * period - sc_time::from_value(sc_time_stamp().value() % (32 * period).value()));  // registers are answered in turn
      CHECK(!mx_driver_start(&s.runtime.device, TOY_TOKEN, args));
      sc_time local = SC_ZERO_TIME;
      for (int i = 0; i < 40; i++) {
        access read(tlm::TLM_READ_COMMAND, MX_SOC_ACCEL + (i % 2 ? MX_CSR_CYCLES : MX_CSR_STATUS));
        local += 53 * period;
        if (!decoupled) wait(local), local = SC_ZERO_TIME;
        soc.host->bus->b_transport(read, local);
        seen[decoupled].push_back(read.word());
      }
      wait(local);
      wait(20000 * period);
    }
    CHECK(seen[0].front() & MX_STATUS_BUSY);
    CHECK(seen[0] == seen[1]);
  });
}

// simple_target_socket makes phases of the registers' b_transport.
void registers_in_phases() {
  mx_image *image = toy_image("sim");
  phase_master *master = nullptr;
  simulate(
      open_engine("cycle", image, plain()), {},
      [&](mx::platform &, mx_engine *) {
        struct : tlm::tlm_mm_interface { void free(tlm_generic_payload *t) override { t->reset(); } } mm;
        access read(tlm::TLM_READ_COMMAND, MX_SOC_ACCEL + MX_CSR_ID);
        tlm::tlm_phase phase = tlm::BEGIN_REQ;
        sc_time delay = SC_ZERO_TIME;
        const sc_time then = sc_time_stamp();
        read.set_mm(&mm);
        read.acquire();
        CHECK(master->bus->nb_transport_fw(read, phase, delay) != tlm::TLM_COMPLETED);
        wait(master->responses.get_event());
        CHECK(read.is_response_ok());
        CHECK_EQUAL(read.word(), 0x3146584d);
        CHECK(sc_time_stamp() > then);
      },
      [&](mx::platform &soc) {
        master = new phase_master("master");
        master->bus.bind(soc.interconnect.initiators);
      });
}

// ---- phases on the memory socket -----------------------------------------------------------

// A memory that knows nothing of pacing: accepts after `accept`, responds after `respond`,
// one response after another.
struct other_memory : sc_module {
  tlm_utils::simple_target_socket<other_memory> socket{"socket"};
  std::vector<unsigned char> bytes;
  sc_time accept, respond, late;  // late: how far ahead it dates its phases
  tlm_utils::peq_with_cb_and_phase<other_memory> phases{this, &other_memory::on_phase};
  std::deque<tlm_generic_payload *> ready;
  unsigned open = 0, most = 0, reads = 0, writes = 0;
  bool responding = false, requesting = false;

  other_memory(sc_module_name name, size_t size, sc_time a, sc_time r) : sc_module(name), bytes(size), accept(a), respond(r) {
    socket.register_nb_transport_fw(this, &other_memory::forward);
    socket.register_b_transport(this, &other_memory::b_transport);
    socket.register_transport_dbg(this, &other_memory::debug);
  }
  void copy(tlm_generic_payload &t) {
    CHECK(t.get_address() + t.get_data_length() <= bytes.size());
    if (t.is_write()) std::memcpy(&bytes[t.get_address()], t.get_data_ptr(), t.get_data_length());
    else std::memcpy(t.get_data_ptr(), &bytes[t.get_address()], t.get_data_length());
    t.set_response_status(tlm::TLM_OK_RESPONSE);
  }
  void b_transport(tlm_generic_payload &t, sc_time &) { copy(t); }
  unsigned debug(tlm_generic_payload &t) {
    copy(t);
    return t.get_data_length();
  }
  tlm::tlm_sync_enum forward(tlm_generic_payload &t, tlm::tlm_phase &phase, sc_time &delay) {
    phases.notify(t, phase, delay);
    if (phase == tlm::BEGIN_REQ) {
      CHECK(!requesting);  // the rule that a request waits for END_REQ of the one before
      requesting = true;
      t.acquire();
      most = std::max(most, ++open);
      (t.is_read() ? reads : writes)++;
    }
    return tlm::TLM_ACCEPTED;
  }
  bool back(tlm_generic_payload &t, tlm::tlm_phase phase) {
    sc_time delay = late;
    return socket->nb_transport_bw(t, phase, delay) == tlm::TLM_COMPLETED;
  }
  void next() {
    while (!responding && !ready.empty()) {
      responding = true;
      if (back(*ready.front(), tlm::BEGIN_RESP)) finish();
    }
  }
  void finish() {
    tlm_generic_payload *t = ready.front();
    ready.pop_front();
    responding = false;
    open--;
    t->release();
  }
  void on_phase(tlm_generic_payload &t, const tlm::tlm_phase &phase) {
    static const tlm::tlm_phase accepted = tlm::END_REQ, due = tlm::BEGIN_RESP;
    if (phase == tlm::BEGIN_REQ) {
      phases.notify(t, accepted, accept);
      phases.notify(t, due, accept + respond);
    } else if (phase == tlm::END_REQ) {
      requesting = false;
      back(t, tlm::END_REQ);
    } else if (phase == tlm::BEGIN_RESP) {
      copy(t);
      ready.push_back(&t);
      next();
    } else {
      CHECK(phase == tlm::END_RESP && responding && ready.front() == &t);
      finish();
      next();
    }
  }
};

// The device with such a memory.
struct other_platform : sc_module {
  sc_signal<bool> irq{"irq"};
  mx::bus interconnect{"bus"};
  mx::device accel;
  other_memory memory;
  mx::host_cpu host;

  other_platform(sc_module_name name, mx_engine *engine, sc_time accept, sc_time respond, std::function<void(mx_engine *)> program)
      : sc_module(name),
        accel("accel", engine, mx::timing::approximate, mx::period_of(100000)),
        memory("memory", engine->memory_bytes, accept, respond),
        host("host", engine, MX_SOC_ACCEL, mx::period_of(100000), program) {
    interconnect.map("MEMORY", MX_SOC_MEMORY, engine->memory_bytes);
    interconnect.targets.bind(memory.socket);
    interconnect.map("ACCEL", MX_SOC_ACCEL, MX_SOC_ACCEL_BYTES);
    interconnect.targets.bind(accel.registers);
    accel.memory.bind(interconnect.initiators);
    host.bus.bind(interconnect.initiators);
    accel.irq(irq);
    host.irq(irq);
  }
};

// Quicker than the device's model of its memory: nothing changes. Slower: the device says
// so, and results stay the same.
void other_memories(sc_time accept, sc_time respond, bool slow, sc_time late = SC_ZERO_TIME) {
  mx_image *image = toy_image("sim");
  const outcome expected = run_toy(open_engine("cycle", image, plain()), image);
  outcome got;
  other_platform *p = nullptr;
  p = new other_platform("soc", open_engine("cycle", image, plain()), accept, respond, [&](mx_engine *host) {
    got = run_toy(host, image);
    sc_stop();
  });
  p->memory.late = late;
  sc_start();
  CHECK(got.tokens == expected.tokens && got.memory == expected.memory);
  CHECK(p->memory.reads > 20 && p->memory.writes > 4 && p->memory.most > 1);
  CHECK_EQUAL(p->memory.open, 0);
  CHECK((p->accel.late_bursts() != 0) == slow);
  if (!slow) CHECK(got == expected);
  else CHECK(got.cycles > expected.cycles);
}

// Every burst of the platform: its four phases in order, at the times of the engine's bus.
void phases_in_order() {
  struct burst { int phases = 0; sc_time begun; };
  std::unordered_map<const tlm_generic_payload *, burst> open;
  uint64_t reads = 0, writes = 0, beats = 0;
  mx_image *image = toy_image("sim");
  std::vector<std::string> expected[2] = {{"BEGIN_REQ", "END_REQ", "BEGIN_RESP", "END_RESP"}, {"BEGIN_REQ"}};
  outcome got;
  simulate(
      open_engine("cycle", image, plain()), approximate(), [&](mx::platform &, mx_engine *host) { got = run_toy(host, image); },
      [&](mx::platform &soc) {
        soc.interconnect.tell = [&](const mx::bus::record &r) {
          if (std::strcmp(r.phase, "TRANSPORT") == 0) return;
          burst &b = open[&r.trans];
          const std::vector<std::string> &list = expected[r.trans.is_write()];
          CHECK(r.phase == list[b.phases]);
          if (b.phases == 0) b.begun = r.time;
          // 20 cycles of latency from the address to the first beat, then a beat per cycle.
          if (b.phases == 2) CHECK(r.time >= b.begun + 20 * mx::period_of(100000));
          if (b.phases == 3) CHECK(r.time >= b.begun + (20 + r.trans.get_data_length() / 16 - 1) * mx::period_of(100000));
          if (++b.phases < int(list.size())) return;
          (r.trans.is_read() ? reads : writes)++;
          if (r.trans.is_read()) beats += r.trans.get_data_length() / 16;
          open.erase(&r.trans);
        };
      });
  uint64_t counted = 0, written = 0;
  for (const mx_counters &c : got.counters) counted += c.READ_BEATS, written += c.WRITE_BEATS;
  CHECK(open.empty());
  CHECK(reads > 20 && beats >= counted && beats < counted + 64);  // the initial program's are not counted
  CHECK_EQUAL(writes, written);
}

// ---- breakpoints -----------------------------------------------------------------------

struct stops {
  mx_debug debug = {};
  std::vector<uint32_t> at;
  std::vector<uint64_t> cycles;

  // Stops where `specs` say, and after it as many times as steps say.
  outcome run(const std::vector<const char *> &specs, unsigned steps, const char *engine = "cycle",
              mx::platform_options o = {}, const std::function<void(mx::platform &)> &look = nullptr) {
    mx_image *image = toy_image("sim");
    mx_error e = {};
    outcome got;
    debug.image = image;
    for (const char *s : specs) CHECK(!mx_debug_add(&debug, s, &e));
    simulate(open_engine(engine, image, plain()), o, [&](mx::platform &, mx_engine *host) { got = run_toy(host, image, 2); },
             [&](mx::platform &soc) {
               soc.accel.issued = [this](uint64_t, uint32_t pc) { return mx_debug_wants(&debug, pc); };
               soc.accel.stopped = [&, this](uint64_t cycle, uint32_t pc) {
                 at.push_back(pc);
                 cycles.push_back(cycle);
                 if (steps) debug.steps = 1, steps--;
                 if (look) look(soc);
               };
             });
    return got;
  }
};

// In the two programs of two tokens; what runs is not changed by it.
void break_at_address(const char *engine, const mx::platform_options &o) {
  mx_image *image = toy_image("sim");
  stops s;
  const outcome expected = run_toy(open_engine("cycle", image, plain()), image, 2), got = s.run({"0x120"}, 0, engine, o);
  CHECK(got == expected);
  CHECK(s.at == (std::vector<uint32_t>{0x120, 0x120}));
  CHECK(s.cycles[1] > s.cycles[0] + 100);
}

void break_and_step() {
  stops s;
  s.run({"0x120"}, 3);
  CHECK(s.at == (std::vector<uint32_t>{0x120, 0x130, 0x140, 0x150, 0x120}));
  CHECK(s.cycles[0] < s.cycles[1] && s.cycles[1] < s.cycles[2]);
}

void break_at_operator() {
  mx_image *image = toy_image("sim");
  const char *note = mx_image_note(image, TOY_TOKEN + 0x20);
  std::string second = std::string(note) + ":2";
  uint32_t seen = 0, place = TOY_TOKEN;
  for (;; place += 0x10)
    if (!std::strcmp(mx_image_note(image, place), note) && ++seen == 2) break;
  stops s;
  s.run({second.c_str()}, 0);
  CHECK(s.at == (std::vector<uint32_t>{place, place}));
}

// At a stop the device tells of its registers, and nothing goes on.
void look_at_a_stop() {
  stops s;
  unsigned looks = 0;
  s.run({"0x120"}, 0, "cycle", {}, [&](mx::platform &soc) {
    const mx_engine *g = soc.accel.engine();
    uint32_t status = 0, instructions = 0, a1 = 99, program = 0;
    const uint64_t cycle = mx_engine_cycles(g);
    CHECK(soc.peek(MX_SOC_ACCEL + MX_CSR_STATUS, &status, 4) && soc.peek(MX_SOC_ACCEL + MX_CSR_PROGRAM, &program, 4));
    CHECK(soc.peek(MX_SOC_ACCEL + MX_CSR_INSTRUCTIONS, &instructions, 4));
    CHECK(g->ops->clock->argument(g->self, 1, &a1) && !g->ops->clock->argument(g->self, MX_AREGS, &a1));
    CHECK_EQUAL(status, MX_STATUS_BUSY);
    CHECK_EQUAL(program, TOY_TOKEN);
    CHECK_EQUAL(instructions, 3);  // IDENT, the one before, and this
    CHECK_EQUAL(a1, looks == 0 ? uint32_t(TOY_BOS) : toy_next(TOY_BOS));
    CHECK_EQUAL(mx_engine_cycles(g), cycle);
    looks++;
  });
  CHECK_EQUAL(looks, 2);
}

void bad_breakpoints() {
  mx_debug d = {};
  d.image = toy_image("sim");
  for (const char *spec : {"0x121", "nothing", "nothing:1", "", ":1", "0x100000000"}) {
    mx_error e = {};
    CHECK_EQUAL(mx_debug_add(&d, spec, &e), MX_USAGE);
  }
  std::string zeroth = std::string(mx_image_note(d.image, TOY_TOKEN)) + ":0";
  mx_error e = {};
  CHECK_EQUAL(mx_debug_add(&d, zeroth.c_str(), &e), MX_USAGE);
  for (int i = 0; i < MX_DEBUG_BREAKS; i++) CHECK(!mx_debug_add(&d, "0x10", &(e = {})));
  CHECK_EQUAL(mx_debug_add(&d, "0x10", &e), MX_LIMIT);
}

}  // namespace

int main() {
  setenv("SYSTEMC_DISABLE_COPYRIGHT_MESSAGE", "1", 1);
  std::vector<test_case> cases;
  const sc_time cycle(10, SC_NS);
  add_same(cases);
  cases.insert(cases.end(), {
      {"bad accesses are answered", bad_accesses},
      {"memory that is read only", read_only_memory},
      {"peeks take no time", peeks},
      {"DMI of memory, none of registers", direct_memory},
      {"DMI taken back", direct_memory_taken_back},
      {"the interrupt in its cycle", interrupt_in_its_cycle},
      {"START while a program runs", [] { start_while_busy({}); }},
      {"START while a program runs, approximately timed", [] { start_while_busy(approximate()); }},
      {"decoupled initiators", decoupled_initiators},
      {"registers in phases", registers_in_phases},
      {"phases in order", phases_in_order},
      {"a memory that is quick", [=] { other_memories(SC_ZERO_TIME, 5 * cycle, false); }},
      {"a memory that dates its phases ahead", [=] { other_memories(cycle, 3 * cycle, false, cycle); }},
      {"a memory that is slow", [=] { other_memories(3 * cycle, 100 * cycle, true); }},
      {"break at an address", [] { break_at_address("cycle", {}); }},
      {"break at an address, approximately timed", [] { break_at_address("cycle", approximate()); }},
      {"break at an address, RTL", [] { break_at_address("rtl", {}); }},
      {"break and step", break_and_step},
      {"break at an operator", break_at_operator},
      {"look at a stop", look_at_a_stop},
      {"bad breakpoints", bad_breakpoints},
  });
  return run_cases(cases);
}
