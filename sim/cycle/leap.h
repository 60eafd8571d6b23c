#ifndef MX_CYCLE_LEAP_H
#define MX_CYCLE_LEAP_H
// What leap.c and flow.c share.
#include "sim/cycle/cycle.h"

// After mx_cycle_look: if weights stream and the rest of the device rests, up to
// `most` cycles of that. Returns how many; 0: it is not so.
uint64_t mx_cycle_flow(mx_cycle *c, uint64_t most);

// After mx_cycle_look, with a listener: tell it of n cycles that are alike.
void mx_cycle_account(mx_cycle *c, uint64_t n);

// Its parts: what was issued in this cycle; the class of a cycle in which the dot array
// waits for weights (`others` come first, or their request is `refused`), and of one in
// which no MATMUL is at work.
void mx_cycle_follow(mx_cycle *c);
mx_cycle_class mx_cycle_class_starved(const mx_cycle *c, bool others, bool refused);
mx_cycle_class mx_cycle_class_idle(const mx_cycle *c);
#endif
