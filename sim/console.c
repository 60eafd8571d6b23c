#include "sim/console.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "firmware/mx_console.h"

enum { LINE_BYTES = 1 << 16, INTERRUPT = 3 };

static volatile sig_atomic_t interrupted;

static void on_signal(int number) {
  (void)number;
  interrupted = 1;
}

// Carriage returns are for terminals without a system behind them.
static void send(void *self, uint8_t byte) {
  (void)self;
  if (byte != '\r') putchar(byte);
}

// Without waiting only Ctrl-C is looked for: what is typed ahead is the next line.
static int receive(void *self, bool wait) {
  (void)self;
  fflush(stdout);
  int byte = wait && !interrupted ? getchar() : MX_TERMINAL_NOTHING;
  if (interrupted) {
    interrupted = 0;
    clearerr(stdin);
    return INTERRUPT;
  }
  return wait && byte == EOF ? MX_TERMINAL_END : byte;
}

static uint64_t now(void *self) {
  struct timespec t;
  (void)self;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void serve(mx_console *c) {
  for (mx_console_event event; (event = mx_console_run(c)) != MX_CONSOLE_END;) {
    if (event == MX_CONSOLE_SERIAL) {
      mx_terminal_put(&c->terminal, "\nerror: no frames are served here\n");
      continue;
    }
    mx_driver_status s = mx_runtime_recover(c->runtime);
    c->problem = s ? mx_driver_text(s) : NULL;
  }
  mx_terminal_put(&c->terminal, "\n");
}

static mx_status lend(mx_console *c, mx_error *e) {
  c->line = malloc(c->line_bytes);
  c->tokens = calloc(c->max_prompt, sizeof *c->tokens);
  c->work = malloc(c->work_bytes);
  return c->line && c->tokens && c->work ? MX_OK : mx_fail(e, MX_LIMIT, MX_NOWHERE, "out of memory");
}

mx_status mx_sim_console(mx_session *s, const mx_sampler *sampler, uint32_t max_tokens, mx_error *e) {
  struct sigaction old, action = {.sa_handler = on_signal};  // without SA_RESTART: reading ends
  mx_text text;
  mx_text_status t = mx_text_open(&text, s->image->tokenizer, s->image->tokenizer_bytes);
  if (t) return mx_fail(e, MX_FORMAT, MX_NOWHERE, "%s", mx_text_sentence(t));
  mx_console c = {.terminal = {.send = send, .receive = receive, .now = now, .clock_hz = 1000000000},
                  .runtime = &s->runtime, .text = &text, .sampler = *sampler, .max_tokens = max_tokens,
                  .line_bytes = LINE_BYTES, .max_prompt = s->image->context_length, .work_bytes = mx_text_work_bytes(&text, LINE_BYTES)};
  sigaction(SIGINT, &action, &old);
  mx_status status = lend(&c, e);
  if (!status) serve(&c);
  sigaction(SIGINT, &old, NULL);
  free(c.line);
  free(c.tokens);
  free(c.work);
  return status;
}
