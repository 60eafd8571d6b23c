#ifndef MX_RUN_H
#define MX_RUN_H
// What `mxf run` does with an engine, for others that have one.
#include "sim/engine.h"
#include "sim/input.h"
#include "sim/options.h"

// Load in->image into the engine, feed the prompt, generate, print text and summary or
// a->json. Of `a` what concerns the generation counts. The engine stays the caller's.
mx_status mx_run_on(mx_engine *engine, const mx_sim_arguments *a, const mx_sim_input *in, mx_error *e);
#endif
