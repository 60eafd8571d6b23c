#ifndef MX_SESSION_H
#define MX_SESSION_H
// An image running on an engine, through the firmware's driver: what `mxf run`
// does once and `mxf verify` twice, side by side. Two sessions with equal
// options and tokens take the same cycles.
#include "firmware/mx_runtime.h"
#include "golden/image.h"
#include "sim/engine.h"

typedef struct {
  const mx_image *image;  // the caller's; must outlive the session
  mx_engine *engine;
  mx_runtime runtime;
  mx_counters counters;   // of the last program
  bool ran;               // the last token ran one; it does not if the image's prefix holds it
} mx_session;

// What the runtime must know of an image.
mx_facts mx_facts_of(const mx_image *image);

// Open the engine and load the image's memory. The caller closes the session,
// also after an error.
mx_status mx_session_open(mx_session *s, const mx_image *image, const char *engine, const mx_engine_options *options,
                          mx_error *e);
void mx_session_close(mx_session *s);

// The same on an engine of the caller's, who closes that and not the session.
mx_status mx_session_on(mx_session *s, const mx_image *image, mx_engine *engine, mx_error *e);

// Run the initial program.
mx_status mx_session_begin(mx_session *s, mx_error *e);

// Feed the first of tokens[count] with one program: *taken of them (mx_runtime_feed). MX_LIMIT: the context is full. MX_USAGE: the image has a
// prefix, and the first token is not BOS. MX_DEVICE: the device stopped;
// the error names fault, operator and instruction.
mx_status mx_session_feed(mx_session *s, const uint32_t *tokens, uint32_t count, uint32_t *taken, uint32_t *next, mx_error *e);
mx_status mx_session_token(mx_session *s, uint32_t token, uint32_t *next, mx_error *e);

// The instruction at `addr` as text with its operator and its number in the
// program that begins at `entry`, for reports.
void mx_session_describe(const mx_session *s, uint32_t entry, uint32_t addr, char *text, size_t size);
#endif
