// The C++ that Verilator demands, behind rtl_shim.h. Built per parameter set,
// with Verilator's Vmxforge.h on the include path; MX_RTL_TRACE adds waveforms.
extern "C" {
#include "sim/rtl_shim.h"
}

#include <verilated.h>

#include "Vmxforge.h"
#ifdef MX_RTL_TRACE
#include <verilated_fst_c.h>
#endif

namespace {

struct Model {
  VerilatedContext context;
#ifdef MX_RTL_TRACE
  VerilatedFstC trace;
  Model() { context.traceEverOn(true); }  // before the top is evaluated
#endif
  Vmxforge top{&context};
};

template <class T, class P> T *port(P &p) {
  static_assert(sizeof(P) == sizeof(T), "rtl_ports.def disagrees with rtl/mxforge.sv about a width");
  return reinterpret_cast<T *>(&p);
}

void *open_model(mx_rtl_ports *ports) {
  Model *m = new Model;
#define PORT(type, name) ports->name = port<type>(m->top.name);
#define BYTES(name) ports->name = reinterpret_cast<uint8_t *>(&m->top.name);
#include "sim/rtl_ports.def"
  return m;
}

void eval(void *model) { static_cast<Model *>(model)->top.eval(); }

void close_model(void *model) {
  Model *m = static_cast<Model *>(model);
  m->top.final();
  delete m;
}

#ifdef MX_RTL_TRACE
bool trace_open(void *model, const char *path) {
  Model *m = static_cast<Model *>(model);
  m->top.trace(&m->trace, 99);
  m->trace.open(path);
  return m->trace.isOpen();
}
void trace_dump(void *model, uint64_t time) { static_cast<Model *>(model)->trace.dump(time); }
void trace_close(void *model) { static_cast<Model *>(model)->trace.close(); }
#else
bool (*trace_open)(void *, const char *) = nullptr;
void (*trace_dump)(void *, uint64_t) = nullptr;
void (*trace_close)(void *) = nullptr;
#endif

}  // namespace

extern "C" __attribute__((visibility("default"))) const mx_rtl_api mx_rtl;
const mx_rtl_api mx_rtl = {MX_RTL_ABI, sizeof(mx_rtl_ports), open_model, eval, close_model,
                           trace_open, trace_dump,           trace_close};
