#ifndef MX_INSN_TEXT_H
#define MX_INSN_TEXT_H
// One instruction as a line of text for reports: operation, what it waits for,
// and the fields that are not zero.
#include <stddef.h>

#include "golden/isa.h"

// Writes at most `size` bytes with the NUL; cuts what does not fit.
void mx_insn_text(const mx_insn *in, char *text, size_t size);

// "vec", "VMEM" and so on.
const char *mx_unit_text(mx_unit unit);
const char *mx_space_text(int space);  // mx_space
#endif
