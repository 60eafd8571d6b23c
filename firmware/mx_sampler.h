#ifndef MX_SAMPLER_H
#define MX_SAMPLER_H
// Choosing the next token from logits: greedily, or at random with a temperature and
// top-p. Integers only, and defined to the bit: the same logits, settings and seed give
// the same tokens on every machine. README.md tells how; no sort, no heap, any
// vocabulary up to MX_SAMPLER_MOST_TOKENS with a few words of memory.
#include "firmware/mx_driver.h"  // mx_memory_port

enum {
  MX_SAMPLER_LEAST_MILLI = 10,    // a temperature of 0.01; below it only 0, which is greedy
  MX_SAMPLER_MOST_MILLI = 10000,
  MX_SAMPLER_MOST_TOKENS = 1 << 22,
};

typedef struct {
  uint32_t temperature_milli;  // 0, or LEAST_MILLI to MOST_MILLI
  uint32_t top_p_milli;        // 1 to 1000: tokens that hold so much of the probability, at least
  uint32_t *scratch;           // lent, [scratch_words >= 1]; with a word per token, it is read and computed once
  uint32_t scratch_words;
  uint32_t state[4];           // of the generator (xoshiro128++)
} mx_sampler;

// Begin the generator's sequence number `seed`.
void mx_sampler_seed(mx_sampler *s, uint64_t seed);

// The next 32 bits of the sequence.
uint32_t mx_sampler_random(mx_sampler *s);

// Choose from the FP32 logits[count] at `addr` of the memory; count >= 1. NaN is below
// everything and never chosen, unless there is nothing else: then token 0 is. Takes two
// words of the sequence, none with temperature 0. False: the memory could not be read.
bool mx_sampler_choose(mx_sampler *s, const mx_memory_port *memory, uint32_t addr, uint32_t count, uint32_t *token);

// A decimal number of at most 3 places, in thousandths: "0.85" is 850. False if text is
// none or is above 4000000.
bool mx_sampler_parse_milli(const char *text, uint32_t *milli);

// 2^(-x / 2^24) in units of 2^-31, for x < 2^29.
uint32_t mx_sampler_weight(uint32_t x);

// A number that orders FP32 words as the device does: NaN below everything, subnormals
// are zeros, zeros of both signs equal.
uint32_t mx_sampler_rank(uint32_t word);
#endif
