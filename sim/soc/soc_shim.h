#ifndef MX_SIM_SOC_SHIM_H
#define MX_SIM_SOC_SHIM_H
// A Verilated build of rtl/soc/mx_soc.sv in C.
#include <stdbool.h>
#include <stdint.h>

// Pointers to the storage of each port, valid as long as the model. Outputs are
// current after eval; inputs may be written at any time.
typedef struct {
#define PORT(type, name) type *name;
#include "sim/soc/soc_ports.def"
} mx_soc_ports;

// The parameters of the build; board: its name in firmware/soc.def.
typedef struct { uint32_t clock_hz, baud; const char *board; bool traces; } mx_soc_build;
extern const mx_soc_build mx_soc_built;

void *mx_soc_model_open(mx_soc_ports *ports);
void mx_soc_model_eval(void *model);
void mx_soc_model_close(void *model);

// Waveforms, in a build that traces; `time` ascends. False if the file cannot be made.
bool mx_soc_trace_open(void *model, const char *path);
void mx_soc_trace_dump(void *model, uint64_t time);
void mx_soc_trace_close(void *model);
#endif
