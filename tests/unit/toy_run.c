#include "tests/unit/toy_run.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/unit/toy_image.h"

mx_status toy_run_tokens(mx_session *s, mx_error *e) {
  mx_status status = mx_session_begin(s, e);
  for (uint32_t i = 0, token = TOY_BOS; i < TOY_CONTEXT && !status; i++) {
    uint32_t next = 99;
    status = mx_session_token(s, token, &next, e);
    if (status) break;
    assert_int_equal(next, toy_next(token));
    token = next;
  }
  return status;
}
