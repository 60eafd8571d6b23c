#ifndef MX_CYCLE_LEAP_H
#define MX_CYCLE_LEAP_H
// What leap.c and flow.c share.
#include "sim/cycle/cycle.h"

// After mx_cycle_look: if weights stream and the rest of the device rests, up to
// `most` cycles of that. Returns how many; 0: it is not so.
uint64_t mx_cycle_flow(mx_cycle *c, uint64_t most);

// Sets with SERIAL: the parts of mx_cycle_look and mx_cycle_edge.
void mx_cycle_serial_reset(mx_cycle *c);
void mx_cycle_serial_look(mx_cycle *c);  // all units and the bus, but what mx_seq decides
void mx_cycle_serial_edge(mx_cycle *c);
uint64_t mx_cycle_serial_leap(mx_cycle *c, uint64_t most);
mx_cycle_class mx_cycle_serial_class(const mx_cycle *c);

// After mx_cycle_look, with a listener: tell it of n cycles that are alike.
void mx_cycle_account(mx_cycle *c, uint64_t n);

// Its parts: what was issued in this cycle; the class of a cycle in which the dot array
// waits for weights (`others` come first, or their request is `refused`), and of one in
// which no MATMUL is at work.
void mx_cycle_follow(mx_cycle *c);
mx_cycle_class mx_cycle_class_starved(const mx_cycle *c, bool others, bool refused);
mx_cycle_class mx_cycle_class_idle(const mx_cycle *c);
#endif
