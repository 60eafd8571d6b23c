// The C++ that Verilator demands, behind tb_shim.h. Vdut.ports is made by the
// Makefile from Verilator's own header: TB_PORT(name, msb, lsb) for each port.
#include "tests/rtl/tb_shim.h"

#include <verilated.h>

#include "Vdut.h"

static Vdut *dut;

void tb_shim_open(void) { dut = new Vdut; }
void tb_shim_eval(void) { dut->eval(); }
void tb_shim_close(void) {
  dut->final();
  delete dut;
}

tb_port *tb_shim_ports(void) {
  static tb_port ports[] = {
#define TB_PORT(name, msb, lsb) {#name, &dut->name, (msb) - (lsb) + 1},
#include "Vdut.ports"
      {nullptr, nullptr, 0}};
  return ports;
}
