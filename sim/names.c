#include "sim/names.h"

const char *mx_unit_text(mx_unit unit) {
  switch (unit) {
    case MX_UNIT_SEQ: return "sequencer";
    case MX_UNIT_STREAM: return "stream";
    case MX_UNIT_DOT: return "dot";
    case MX_UNIT_VEC: return "vec";
    case MX_UNIT_MOVE: return "move";
    default: return "?";
  }
}

const char *mx_space_text(mx_space space) {
  switch (space) {
    case MX_SPACE_VMEM: return "VMEM";
    case MX_SPACE_XMEM: return "XMEM";
    case MX_SPACE_XEXP: return "XEXP";
    case MX_SPACE_MEM: return "memory";
    case MX_SPACE_UCODE: return "UCODE";
    default: return "?";
  }
}

const char *mx_fault_name(uint32_t code) {
  switch (code) {
#define FAULT(name, number, text) case number: return #name;
#include "golden/csr.def"
    default: return "?";
  }
}
