#ifndef MX_RUNTIME_H
#define MX_RUNTIME_H
// Runs a language model on the device: facts of the image, one initial
// program, one program per token. As free of surroundings as the driver: the
// device's memory is reached through mx_memory_port.
#include "firmware/mx_sampler.h"
#include "golden/image.h"  // MX_IMAGE_FACTS

// What the runtime must know of an image.
typedef struct {
  uint32_t build_id;
#define FACT(name, text) uint32_t name;
  MX_IMAGE_FACTS(FACT)
#undef FACT
} mx_facts;

// Bytes at the beginning of an image file that mx_facts_read needs.
enum { MX_FACTS_HEADER_BYTES = 96 };

// Take the facts from the first bytes of an image file. Only its magic is
// checked: check the file where it is written to the board. BAD_IMAGE or OK.
mx_driver_status mx_facts_read(const uint8_t header[MX_FACTS_HEADER_BYTES], mx_facts *out);

typedef struct {
  mx_device device;       // mmio set by the caller
  mx_memory_port memory;  // set by the caller
  uint64_t memory_base;   // bus address of the device's memory, set by the caller
  uint32_t max_polls;     // bound of each wait, set by the caller
  mx_facts facts;         // set by the caller
  mx_sampler *sampler;    // set by the caller; NULL: the device's greedy choices
  uint32_t position;      // of the next token
  uint32_t program;       // that was started last
  uint32_t prefix_next;   // greedy choice after the image's prefix, set by begin
  bool at_prefix;         // the next token is the BOS that the prefix ends with
  bool prefix_logits;     // those after the prefix are still in the device's memory
} mx_runtime;

// One program of a text.
typedef struct {
  uint32_t tokens;   // that it takes
  bool batch;        // it is batch_entry
  uint32_t program, arg3;
} mx_portion;

// How the first of `count` >= 1 tokens are fed at `position`: a batch where the image has
// a program for it and the position is a multiple of its number, else one.
mx_portion mx_runtime_portion(const mx_facts *f, uint32_t position, uint32_t count);

// Probe and reset the device, give it its memory, which must hold the image's
// memory section and zeros above it, and run the initial program.
mx_driver_status mx_runtime_begin(mx_runtime *rt);

// After FAULT, TIMEOUT or NOT_DONE: reset the device, whatever it does, and run the initial
// program again, so that a new text can begin.
mx_driver_status mx_runtime_recover(mx_runtime *rt);

// Feed one token; *next becomes the choice of what follows it. In an
// image with a prefix a text's first token must be BOS (else NO_BOS), for which
// nothing runs: the prefix holds it. Only a choice at random after it alone runs the
// initial program again, if another token overwrote its logits.
mx_driver_status mx_runtime_token(mx_runtime *rt, uint32_t token, uint32_t *next);

// Feed the first of tokens[count] with one program: *taken of them (mx_runtime_portion).
// *next: as below, once *taken == count.
mx_driver_status mx_runtime_feed(mx_runtime *rt, const uint32_t *tokens, uint32_t count, uint32_t *taken, uint32_t *next);

// Feed tokens[count], in batches where that can be; *next becomes the choice after
// the last. Stops at the first that fails; rt->position tells how many were fed.
mx_driver_status mx_runtime_prefill(mx_runtime *rt, const uint32_t *tokens, uint32_t count, uint32_t *next);

// Why a text ended.
typedef enum { MX_STOP_LENGTH, MX_STOP_END_TOKEN, MX_STOP_CONTEXT, MX_STOP_CALLER } mx_stop;

// Give `token` to `emit`, feed it, and go on with the choices, until that is the end
// token, the context is full, max_tokens were emitted or `emit` returns false: *stop
// says which. OK in all these cases. `token` is what prefill left in *next.
mx_driver_status mx_runtime_decode(mx_runtime *rt, uint32_t token, uint32_t max_tokens,
                                   bool (*emit)(void *self, uint32_t token), void *self, mx_stop *stop);

// The greedy choice that the program which ran last left in the device's memory, from
// there if logits were made in tiles (choice_rows in golden/image.h).
mx_driver_status mx_runtime_choice(const mx_runtime *rt, uint32_t *next);

// Positions left.
static inline uint32_t mx_runtime_room(const mx_runtime *rt) { return rt->facts.context_length - rt->position; }

// Begin a new text: at position 0, or behind the image's prefix.
static inline void mx_runtime_rewind(mx_runtime *rt) {
  rt->position = rt->facts.prefix_tokens;
  rt->at_prefix = rt->facts.prefix_tokens != 0;
}
#endif
