// The C++ that Verilator demands, behind soc_shim.h: no logic. MX_SOC_TRACE adds
// waveforms.
extern "C" {
#include "sim/soc/soc_shim.h"
}

#include <verilated.h>

#include "Vmx_soc.h"
#ifdef MX_SOC_TRACE
#include <verilated_fst_c.h>
#endif

namespace {

struct Model {
  VerilatedContext context;
#ifdef MX_SOC_TRACE
  VerilatedFstC trace;
  Model() { context.traceEverOn(true); }  // before the top is evaluated
#endif
  Vmx_soc top{&context};
};

template <class T, class P> T *port(P &p) {
  static_assert(sizeof(P) == sizeof(T), "soc_ports.def disagrees with rtl/soc/mx_soc.sv about a width");
  return reinterpret_cast<T *>(&p);
}

Model *as_model(void *model) { return static_cast<Model *>(model); }

}  // namespace

extern "C" {

void *mx_soc_model_open(mx_soc_ports *ports) {
  Model *m = new Model;
#define PORT(type, name) ports->name = port<type>(m->top.name);
#include "sim/soc/soc_ports.def"
  return m;
}

void mx_soc_model_eval(void *model) { as_model(model)->top.eval(); }

void mx_soc_model_close(void *model) {
  as_model(model)->top.final();
  delete as_model(model);
}

#ifdef MX_SOC_TRACE
extern const mx_soc_build mx_soc_built = {MX_SOC_CLOCK_HZ, MX_SOC_BAUD, MX_SOC_BOARD, true};
bool mx_soc_trace_open(void *model, const char *path) {
  as_model(model)->top.trace(&as_model(model)->trace, 99);
  as_model(model)->trace.open(path);
  return as_model(model)->trace.isOpen();
}
void mx_soc_trace_dump(void *model, uint64_t time) { as_model(model)->trace.dump(time); }
void mx_soc_trace_close(void *model) { as_model(model)->trace.close(); }
#else
extern const mx_soc_build mx_soc_built = {MX_SOC_CLOCK_HZ, MX_SOC_BAUD, MX_SOC_BOARD, false};
bool mx_soc_trace_open(void *, const char *) { return false; }
void mx_soc_trace_dump(void *, uint64_t) {}
void mx_soc_trace_close(void *) {}
#endif

}  // extern "C"
