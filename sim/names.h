#ifndef MX_NAMES_H
#define MX_NAMES_H
// Names for reports.
#include "golden/observe.h"

const char *mx_unit_text(mx_unit unit);    // "vec"
const char *mx_space_text(mx_space space);  // "VMEM"
const char *mx_fault_name(uint32_t code);  // "RANGE"
#endif
