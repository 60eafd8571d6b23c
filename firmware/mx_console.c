#include "firmware/mx_console.h"

#include "firmware/mx_frame.h"

enum { INTERRUPT = MX_FRAME_BREAK, BELL = 7, BACKSPACE = 8, KILL = 21, ESCAPE = 27, DELETE = 127 };

// ---- output ------------------------------------------------------------------------

void mx_terminal_put(const mx_terminal *t, const char *text) {
  for (; *text; text++) {
    if (*text == '\n') t->send(t->self, '\r');
    t->send(t->self, (uint8_t)*text);
  }
}

// *n becomes the quotient. Small processors have no division of 64 bits.
static uint32_t divide(uint64_t *n, uint32_t divisor) {
  uint64_t rest = 0;
  for (int i = 0; i < 64; i++) {
    rest = rest << 1 | *n >> 63;
    *n <<= 1;
    if (rest < divisor) continue;
    rest -= divisor;
    *n |= 1;
  }
  return (uint32_t)rest;
}

void mx_terminal_put_number(const mx_terminal *t, uint64_t value) {
  char digits[21];
  int at = 20;
  digits[at] = 0;
  do digits[--at] = (char)('0' + divide(&value, 10));
  while (value);
  mx_terminal_put(t, digits + at);
}

void mx_terminal_put_hex(const mx_terminal *t, uint32_t value) {
  char text[11] = "0x";
  for (int i = 0; i < 8; i++) text[2 + i] = "0123456789abcdef"[value >> (28 - 4 * i) & 15];
  mx_terminal_put(t, text);
}

static void put(const mx_console *c, const char *text) { mx_terminal_put(&c->terminal, text); }
static void put_number(const mx_console *c, uint64_t value) { mx_terminal_put_number(&c->terminal, value); }

static void put_milli(const mx_console *c, uint32_t milli) {
  char places[5] = {'.', (char)('0' + milli / 100 % 10), (char)('0' + milli / 10 % 10), (char)('0' + milli % 10), 0};
  put_number(c, milli / 1000);
  put(c, places);
}

static void put_error(const mx_console *c, const char *sentence) {
  put(c, "error: ");
  put(c, sentence);
  put(c, "\n");
}

static void send_byte(void *self, uint8_t byte) {
  const mx_console *c = self;
  if (byte == '\n') c->terminal.send(c->terminal.self, '\r');
  c->terminal.send(c->terminal.self, byte);
}

// ---- a line ------------------------------------------------------------------------

static void echo(const mx_console *c, const char *text) {
  if (c->terminal.echo) put(c, text);
}

// The last character, of one or more bytes.
static void erase(mx_console *c, uint32_t *n, uint32_t *beyond) {
  if (*beyond) {
    --*beyond;
    return;
  }
  if (!*n) return;
  while (--*n && (c->line[*n] & 0xc0) == 0x80) {}
  echo(c, "\b \b");
}

static void add(mx_console *c, uint8_t byte, uint32_t *n, uint32_t *beyond) {
  if (*n + 1 >= c->line_bytes) {
    ++*beyond;
    if (c->terminal.echo) c->terminal.send(c->terminal.self, BELL);
    return;
  }
  c->line[(*n)++] = byte;
  if (c->terminal.echo) c->terminal.send(c->terminal.self, byte);
}

// What was typed ahead comes first. It lies in the line's own buffer, behind what has
// been read of it.
static int next_byte(mx_console *c) {
  if (c->ahead_from < c->ahead_to) return c->line[c->ahead_from++];
  return c->terminal.receive(c->terminal.self, true);
}

// The rest of what keys like the arrows send.
static void skip_sequence(mx_console *c) {
  int byte = next_byte(c);
  while (byte == '[' || byte == 'O' || (byte >= '0' && byte <= ';')) byte = next_byte(c);
}

typedef enum { LINE_READY, LINE_TOO_LONG, LINE_DROPPED, LINE_FRAME, LINE_END } line_event;

// Read a line into c->line [*n], ended by a NUL.
static line_event read_line(mx_console *c, uint32_t *n) {
  uint32_t beyond = 0;  // bytes that had no room
  for (*n = 0;;) {
    int byte = next_byte(c);
    bool second = byte == '\n' && c->after_return;
    c->after_return = byte == '\r';
    if (second) continue;
    if (byte == MX_FRAME_FLAG && !*n && !beyond) return LINE_FRAME;
    if (byte == '\r' || byte == '\n' || (byte < 0 && *n)) break;
    if (byte < 0) return LINE_END;
    if (byte == INTERRUPT) return LINE_DROPPED;
    if (byte == BACKSPACE || byte == DELETE) erase(c, n, &beyond);
    else if (byte == KILL) while (*n || beyond) erase(c, n, &beyond);
    else if (byte == ESCAPE) skip_sequence(c);
    else if (byte >= ' ' || byte == '\t') add(c, (uint8_t)byte, n, &beyond);
  }
  c->line[*n] = 0;
  echo(c, "\n");
  return beyond ? LINE_TOO_LONG : LINE_READY;
}

// ---- a text ------------------------------------------------------------------------

static void drop_ahead(mx_console *c) { c->ahead_from = c->ahead_to = 0; }

// Ctrl-C drops what was typed before it. The line is a prompt whose tokens are known, so
// all of its buffer but what is not read yet is free.
static bool is_interrupted(mx_console *c) {
  for (int byte; (byte = c->terminal.receive(c->terminal.self, false)) >= 0;) {
    if (byte == INTERRUPT) return drop_ahead(c), true;
    if (c->ahead_to < c->line_bytes) c->line[c->ahead_to++] = (uint8_t)byte;
  }
  return false;
}

static void move_ahead_down(mx_console *c) {
  uint32_t n = c->ahead_to - c->ahead_from;
  for (uint32_t i = 0; i < n; i++) c->line[i] = c->line[c->ahead_from + i];
  c->ahead_from = 0;
  c->ahead_to = n;
}

static void put_token(mx_console *c, uint32_t token) {
  mx_text_decode(c->text, c->before, (int32_t)token, send_byte, c);
  c->before = (int32_t)token;
}

static void put_fault(const mx_console *c) {
  const mx_device *d = &c->runtime->device;
  put(c, mx_driver_fault_text(d->fault));
  put(c, "; instruction at ");
  mx_terminal_put_hex(&c->terminal, d->fault_address);
}

// The device is brought back where the error needs it.
static void put_driver_error(mx_console *c, mx_driver_status s) {
  put(c, "\nerror: ");
  put(c, mx_driver_text(s));
  if (s == MX_DRIVER_FAULT) put(c, ": "), put_fault(c);
  put(c, "\n");
  if (s != MX_DRIVER_FAULT && s != MX_DRIVER_TIMEOUT && s != MX_DRIVER_NOT_DONE && s != MX_DRIVER_BUSY) return;
  s = mx_runtime_recover(c->runtime);
  if (s) put(c, "The device could not be brought back: "), put(c, mx_driver_text(s)), put(c, "\n");
}

static mx_driver_status feed_prompt(mx_console *c, uint32_t count, uint32_t *next, bool *stopped) {
  mx_driver_status s = MX_DRIVER_OK;
  for (uint32_t i = 0, taken; i < count && !s && !*stopped; i += taken) {
    bool runs = !c->runtime->at_prefix;
    s = mx_runtime_feed(c->runtime, c->tokens + i, count - i, &taken, next);
    for (uint32_t k = i; k < i + taken && !s; k++) put_token(c, c->tokens[k]);
    if (!s && runs) c->stats.prompt_cycles += mx_driver_cycles(&c->runtime->device), c->stats.prompt_programs++;
    *stopped = is_interrupted(c);
  }
  return s;
}

// A token that was chosen; the device's counters are those of the program before it.
static bool emit(void *self, uint32_t token) {
  mx_console *c = self;
  if (c->stats.generated) c->stats.cycles += mx_driver_cycles(&c->runtime->device), c->stats.programs++;
  c->stats.generated++;
  put_token(c, token);
  return !is_interrupted(c);
}

static void put_stop(const mx_console *c, mx_stop stop) {
  put(c, "\n");
  if (stop == MX_STOP_CALLER) put(c, "[stopped]\n");
  if (stop != MX_STOP_CONTEXT) return;
  put(c, "[the context of ");
  put_number(c, c->runtime->facts.context_length);
  put(c, " positions is full]\n");
}

static void generate(mx_console *c, uint32_t count) {
  uint32_t next = 0;
  bool stopped = false;
  mx_stop stop = MX_STOP_CALLER;
  uint64_t begun = c->terminal.now ? c->terminal.now(c->terminal.self) : 0;
  c->stats = (mx_console_stats){.prompt_tokens = count};
  c->before = -1;
  move_ahead_down(c);
  mx_runtime_rewind(c->runtime);
  mx_driver_status s = feed_prompt(c, count, &next, &stopped);
  if (!s && !stopped) s = mx_runtime_decode(c->runtime, next, c->max_tokens, emit, c, &stop);
  if (c->terminal.now) c->stats.time = c->terminal.now(c->terminal.self) - begun;
  if (s) put_driver_error(c, s);
  else put_stop(c, stop);
}

static void answer(mx_console *c, const uint8_t *prompt, uint32_t length) {
  uint32_t count, positions, context;
  if (c->problem) {
    put_error(c, c->problem);
    return;
  }
  mx_text_status s = mx_text_encode(c->text, prompt, length, c->text->bos >= 0, c->tokens, c->max_prompt, &count, c->work, c->work_bytes);
  context = c->runtime->facts.context_length;
  positions = count + (c->runtime->facts.prefix_tokens ? c->runtime->facts.prefix_tokens - 1 : 0);
  if (s && s != MX_TEXT_TOO_MANY) {
    put_error(c, mx_text_sentence(s));
  } else if (s || positions > context) {
    put(c, "error: the prompt has more tokens than the context has positions: ");
    put_number(c, context);
    put(c, "\n");
  } else {
    generate(c, count);
  }
}

// ---- commands ----------------------------------------------------------------------

// The argument of command `name` in the line, or NULL if it is another.
static const char *argument_of(const uint8_t *line, const char *name) {
  for (; *name; name++, line++)
    if (*line != (uint8_t)*name) return NULL;
  if (*line && *line != ' ') return NULL;
  while (*line == ' ') line++;
  return (const char *)line;
}

// A decimal number up to `most`, which is 9 or more.
static bool parse_number(const char *text, uint64_t most, uint64_t *out) {
  bool any = false;
  for (*out = 0; *text >= '0' && *text <= '9'; text++, any = true) {
    uint64_t digit = (uint64_t)(*text - '0');
    if (*out > UINT64_MAX / 10 || 10 * *out > most - digit) return false;
    *out = 10 * *out + digit;
  }
  return any && !*text;
}

static void put_rate(const mx_console *c, uint32_t tokens) {
  uint64_t milli = (uint64_t)tokens * c->terminal.clock_hz, time = c->stats.time;
  for (; time >> 32; time >>= 1) milli >>= 1;
  if (!time || !c->terminal.clock_hz) return;
  milli *= 1000;
  divide(&milli, (uint32_t)time);
  put(c, "tokens per second: ");
  put_milli(c, (uint32_t)milli);
  put(c, "\n");
}

static void put_part(const mx_console *c, const char *name, uint32_t tokens, uint32_t programs, uint64_t cycles) {
  put(c, name);
  put_number(c, tokens);
  put(c, " tokens, ");
  put_number(c, programs);
  put(c, " programs");
  if (cycles && programs) {
    put(c, ", cycles of each: ");
    divide(&cycles, programs);
    put_number(c, cycles);
  }
  put(c, "\n");
}

static void put_stats(const mx_console *c) {
  const mx_console_stats *s = &c->stats;
  put_part(c, "prompt: ", s->prompt_tokens, s->prompt_programs, s->prompt_cycles);
  put_part(c, "generated: ", s->generated, s->programs, s->cycles);
  put_rate(c, s->prompt_tokens + s->generated);
  put(c, "temperature ");
  put_milli(c, c->sampler.temperature_milli);
  put(c, ", top-p ");
  put_milli(c, c->sampler.top_p_milli);
  put(c, ", at most ");
  put_number(c, c->max_tokens);
  put(c, " tokens\n");
}

static const char help[] =
    "A line is a prompt. Ctrl-C stops, /help is this, // begins a prompt with /.\n"
    "/n N     generate at most N tokens\n"
    "/temp T  0: the likeliest token; 0.01 to 10: at random\n"
    "/top-p P at random among the likeliest that hold P of the probability\n"
    "/seed N  begin the random numbers anew\n"
    "/stats   of the last text\n"
    "/reset   begin anew with the model\n";

static bool set_temperature(mx_console *c, const char *text) {
  uint32_t v;
  bool ok = mx_sampler_parse_milli(text, &v) && (!v || (v >= MX_SAMPLER_LEAST_MILLI && v <= MX_SAMPLER_MOST_MILLI));
  if (ok) c->sampler.temperature_milli = v;
  return ok;
}

static bool set_top_p(mx_console *c, const char *text) {
  uint32_t v;
  bool ok = mx_sampler_parse_milli(text, &v) && v >= 1 && v <= 1000;
  if (ok) c->sampler.top_p_milli = v;
  return ok;
}

static bool set_seed(mx_console *c, const char *text) {
  uint64_t v;
  bool ok = parse_number(text, UINT64_MAX, &v);
  if (ok) mx_sampler_seed(&c->sampler, v);
  return ok;
}

static bool set_tokens(mx_console *c, const char *text) {
  uint64_t v;
  bool ok = parse_number(text, UINT32_MAX, &v);
  if (ok) c->max_tokens = (uint32_t)v;
  return ok;
}

static void run_setting(mx_console *c) {
  static const struct { const char *name; bool (*set)(mx_console *c, const char *text); const char *expected; } settings[] = {
      {"/temp", set_temperature, "/temp takes 0, or 0.01 to 10, with at most 3 places"},
      {"/top-p", set_top_p, "/top-p takes 0.001 to 1, with at most 3 places"},
      {"/seed", set_seed, "/seed takes a number below 2^64"},
      {"/n", set_tokens, "/n takes a number below 2^32"}};
  for (unsigned i = 0; i < sizeof settings / sizeof *settings; i++) {
    const char *argument = argument_of(c->line, settings[i].name);
    if (!argument) continue;
    if (!settings[i].set(c, argument)) put_error(c, settings[i].expected);
    return;
  }
  put_error(c, "no such command; /help lists them");
}

static void run_line(mx_console *c, uint32_t n) {
  const uint8_t *line = c->line;
  if (!n) return;
  if (line[0] != '/') answer(c, line, n);
  else if (line[1] == '/') answer(c, line + 1, n - 1);
  else if (argument_of(line, "/help")) put(c, help);
  else if (argument_of(line, "/stats")) put_stats(c);
  else run_setting(c);
}

mx_console_event mx_console_run(mx_console *c) {
  if (!c->problem) c->runtime->sampler = &c->sampler;
  for (;;) {
    uint32_t n;
    put(c, "> ");
    switch (read_line(c, &n)) {
      case LINE_END: return MX_CONSOLE_END;
      case LINE_FRAME: drop_ahead(c); return MX_CONSOLE_SERIAL;  // the host repeats it
      case LINE_DROPPED: put(c, "^C\n"); break;
      case LINE_TOO_LONG: put_error(c, "the line is too long"); break;
      default:
        if (argument_of(c->line, "/reset")) return MX_CONSOLE_RESET;
        run_line(c, n);
    }
  }
}
