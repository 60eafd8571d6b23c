// The virtual platform as an engine for mxf: what calls come from outside of SystemC are
// made by the host's thread, and simulation pauses between them.
#include <exception>
#include <memory>
#include <string>
#include <systemc>

#include "sim/systemc/platform.h"

extern "C" {
#include "sim/systemc/engine.h"
}

namespace {

class outside {
 public:
  outside(mx_engine *inner, const mx_systemc_options &options) : options_(options), inner_(inner) {
    mx::platform_options o;
    o.mode = options.approximate ? mx::timing::approximate : mx::timing::loose;
    o.clock_khz = options.clock_khz;
    o.program = [this](mx_engine *host) { serve(host); };
    platform_ = std::make_unique<mx::platform>("soc", inner, o);
    call([](mx_engine *) {});
  }

  // Run `f` in the host's thread.
  void call(const std::function<void(mx_engine *)> &f) {
    if (!problem_.empty()) return;
    request_ = f;
    try {
      sc_core::sc_start();
    } catch (const std::exception &x) {
      problem_ = x.what();
    }
  }

  mx_engine *host() { return platform_->host->engine(); }
  mx_engine *inner() { return inner_; }
  const mx_systemc_options &options() const { return options_; }
  const char *problem() { return problem_.empty() ? host()->ops->problem(host()->self) : problem_.c_str(); }

 private:
  // The pending delta cycle tells the device that the host acts at this time.
  void serve(mx_engine *host) {
    for (;; sc_core::wait(sc_core::SC_ZERO_TIME)) {
      request_(host);
      sc_core::sc_pause();
    }
  }

  const mx_systemc_options options_;
  mx_engine *inner_;
  std::unique_ptr<mx::platform> platform_;
  std::function<void(mx_engine *)> request_;
  std::string problem_;
};

outside *self_of(void *p) { return static_cast<outside *>(p); }
outside *self_of(const void *p) { return static_cast<outside *>(const_cast<void *>(p)); }

uint32_t read(void *p, uint32_t offset) {
  uint32_t value = UINT32_MAX;
  self_of(p)->call([&](mx_engine *g) { value = g->mmio.read(g->mmio.self, offset); });
  return value;
}

void write(void *p, uint32_t offset, uint32_t value) {
  self_of(p)->call([=](mx_engine *g) { g->mmio.write(g->mmio.self, offset, value); });
}

bool wait_for(void *p, uint32_t polls) {
  bool changed = false;
  self_of(p)->call([&](mx_engine *g) { changed = g->mmio.wait(g->mmio.self, polls); });
  const mx_systemc_options &o = self_of(p)->options();
  if (o.progress) o.progress(o.progress_self, mx_engine_cycles(self_of(p)->host()));
  return changed;
}

bool put(void *p, uint32_t addr, const void *from, uint32_t bytes) {
  bool ok = false;
  self_of(p)->call([&](mx_engine *g) { ok = g->memory.put(g->memory.self, addr, from, bytes); });
  return ok;
}

bool get(void *p, uint32_t addr, void *to, uint32_t bytes) {
  bool ok = false;
  self_of(p)->call([&](mx_engine *g) { ok = g->memory.get(g->memory.self, addr, to, bytes); });
  return ok;
}

uint64_t cycles(const void *p) { return mx_engine_cycles(self_of(p)->host()); }
void observe(void *p, mx_observer o) { mx_engine_observe(self_of(p)->host(), o); }
uint32_t pc(const void *p) { return mx_engine_pc(self_of(p)->host()); }
void stop(void *p) { mx_engine_stop(self_of(p)->host()); }
const char *problem(const void *p) { return self_of(p)->problem(); }

// Modules stay until the process ends: SystemC cannot begin anew.
void close(void *p) {
  mx_engine *inner = self_of(p)->inner();
  inner->ops->close(inner->self);
  free(inner);
}

const mx_engine_ops ops = {"systemc", cycles, observe, pc, stop, problem, close, nullptr, nullptr, nullptr};

const char *open(mx_engine *inner, const mx_systemc_options *options, mx_engine *out) {
  static bool opened;
  static std::string text;
  if (opened) return "SystemC has one simulation in a process, and there was one already";
  opened = true;
  try {
    auto *o = new outside(inner, *options);
    *out = mx_engine{&ops, o, {o, read, write, wait_for}, {o, put, get}, inner->memory_base, inner->memory_bytes};
    return nullptr;
  } catch (const std::exception &x) {
    text = x.what();
    return text.c_str();
  }
}

}  // namespace

// libsystemc.so wants one; nobody calls it here.
int sc_main(int, char **) { return 0; }

extern "C" __attribute__((visibility("default"))) const mx_systemc_api mx_systemc;
const mx_systemc_api mx_systemc = {MX_SYSTEMC_ABI, sizeof(mx_engine), sizeof(mx_engine_ops), open};
