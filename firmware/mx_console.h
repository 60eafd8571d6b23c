#ifndef MX_CONSOLE_H
#define MX_CONSOLE_H
// A console for a language model over a line of bytes: each line is a prompt, what
// follows comes as it is generated; lines that begin with / are commands (/help).
// Whatever happens ends in a sentence and a prompt.
#include "firmware/mx_runtime.h"
#include "firmware/mx_text.h"

enum { MX_TERMINAL_NOTHING = -1, MX_TERMINAL_END = -2 };

// The line; whoever supplies it keeps `self`.
typedef struct {
  void *self;
  void (*send)(void *self, uint8_t byte);
  // A byte; NOTHING: none has arrived, and wait is false; END: none will come.
  int (*receive)(void *self, bool wait);
  uint64_t (*now)(void *self);  // clock cycles; NULL: there is no clock
  uint32_t clock_hz;
  bool echo;  // what is typed is not seen unless it is sent back
} mx_terminal;

typedef struct {
  uint32_t prompt_tokens, generated;  // tokens
  uint32_t prompt_programs, programs;
  uint64_t prompt_cycles, cycles;     // of the device, in these programs; 0 where it has no clock
  uint64_t time;                      // of the whole text, by the terminal's clock
} mx_console_stats;

typedef struct {
  mx_terminal terminal;    // all set by the caller down to `work`
  mx_runtime *runtime;     // begun; its sampler is set to the console's
  const mx_text *text;
  const char *problem;     // NULL, or the sentence that prompts are answered with: runtime and text are not used then
  mx_sampler sampler;      // scratch lent, top_p_milli and a seed set
  uint32_t max_tokens;     // to generate at most
  uint8_t *line;           // lent, [line_bytes]: the longest prompt and 1
  uint32_t line_bytes;
  uint32_t *tokens;        // lent, [max_prompt]: the most tokens of a prompt, at most the context
  uint32_t max_prompt;
  void *work;              // lent, [work_bytes]: mx_text_work_bytes of the longest prompt
  uint32_t work_bytes;
  mx_console_stats stats;  // of the last text
  int32_t before;          // token that the last one came after
  bool after_return;       // a line feed that comes now belongs to the last line
  uint32_t ahead_from, ahead_to;  // of `line`: typed while a text was written, not read yet
} mx_console;

typedef enum {
  MX_CONSOLE_END,     // no byte will come any more
  MX_CONSOLE_RESET,   // /reset: bring the device back, and call again
  MX_CONSOLE_SERIAL,  // the byte that begins a frame of mx_frame.def came instead of a line
} mx_console_event;

// Serve the line until one of these.
mx_console_event mx_console_run(mx_console *c);

// For messages of the caller's own on its terminal.
void mx_terminal_put(const mx_terminal *t, const char *text);
void mx_terminal_put_number(const mx_terminal *t, uint64_t value);
void mx_terminal_put_hex(const mx_terminal *t, uint32_t value);  // 0x and 8 digits
#endif
