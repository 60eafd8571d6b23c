#ifndef MX_MOVE_COMMAND_H
#define MX_MOVE_COMMAND_H
// Random commands for the tests of the move unit.
#include <stdint.h>

#include "golden/params.h"

// With the values that the module gets.
typedef struct {
  unsigned op, format, block, bank;
  uint32_t addr, count, blocks, at, row, stride;
} move_command;

// Mostly inside the first `memory` bytes; some misaligned, some beyond mem_size.
move_command move_command_random(const mx_params *p, uint32_t memory, uint32_t mem_size);
#endif
