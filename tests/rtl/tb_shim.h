#ifndef MX_TB_SHIM_H
#define MX_TB_SHIM_H
// The C side of tb_shim.cpp. The list of ports ends with a NULL name.
#include "tests/rtl/tb.h"
#ifdef __cplusplus
extern "C" {
#endif
void tb_shim_open(void);
void tb_shim_close(void);
void tb_shim_eval(void);
tb_port *tb_shim_ports(void);
#ifdef __cplusplus
}
#endif
#endif
