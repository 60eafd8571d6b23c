#ifndef TEST_TOY_RUN_H
#define TEST_TOY_RUN_H
// The toy image's text in cmocka tests.
#include "sim/session.h"

// All of the context, after the initial program; tokens must be those that the image
// makes. Returns the first error.
mx_status toy_run_tokens(mx_session *s, mx_error *e);
#endif
