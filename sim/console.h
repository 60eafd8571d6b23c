#ifndef MX_SIM_CONSOLE_H
#define MX_SIM_CONSOLE_H
// The firmware's console on standard input and output, with any engine.
#include "sim/session.h"

// Serve until the input ends. The session has begun; `sampler` has its settings and its
// scratch. Ctrl-C stops a text. MX_FORMAT: the image's tokenizer is damaged.
mx_status mx_sim_console(mx_session *s, const mx_sampler *sampler, uint32_t max_tokens, mx_error *e);
#endif
