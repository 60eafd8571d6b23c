#ifndef MX_PROFILE_H
#define MX_PROFILE_H
// Where the cycles and bytes of a program go, by operator: what `mxf profile` shows.
//
// A cycle belongs to one operator (profile_account.h says which), and has one reason
// (mx_cycle_class). Bytes and multiply-accumulates belong to the operator of the
// instruction that moves or does them, though weights may come earlier than they are
// used. What is read beyond that are the programs themselves: operator "program".
#include <stdio.h>

#include "golden/image.h"
#include "sim/cycle/cycle.h"

enum { MX_PROFILE_NAME_BYTES = 40 };

typedef struct {
  int32_t layer;                        // -1: outside the layers
  char name[MX_PROFILE_NAME_BYTES];     // as in the image's notes, without layer and batch
  uint64_t cycles, reasons[MX_CYCLE_CLASS_COUNT];  // the sum of reasons is cycles
  uint64_t instructions;
  uint64_t read_bytes, written_bytes;   // whole beats
  uint64_t useful_bytes;                // of them: weights, KV cache, rows of the embedding; without padding
  uint64_t macs;                        // multiply-accumulates, padding included
} mx_profile_item;

typedef struct {
  mx_profile_item *item;  // [n], owned
  uint32_t n, capacity;
} mx_profile_items;

typedef enum { MX_PROFILE_INIT, MX_PROFILE_PREFILL, MX_PROFILE_DECODE, MX_PROFILE_PHASES } mx_profile_phase_kind;

typedef struct {
  uint32_t programs, tokens, position;  // position: of the first token
  mx_profile_items operators;           // by layer and name, in order of their first cycle or instruction
  mx_profile_item total;
} mx_profile_phase;

// What the figures are held against.
typedef struct {
  char subject[96];            // image file, or shape
  char set[24], memory[32];    // memory: a chip's name, or "latency L, A/B" of memory.h
  uint32_t clock_khz;          // 0: no chip, so no time: rates are per cycle
  uint32_t beat_bytes;
  uint32_t multipliers;        // products of 4 x 8 bits per cycle: Rows * Lanes * Tokens
  uint32_t columns;            // Tokens: of these products, a token's share is 1 / columns
  double pin_bytes;            // bytes per cycle: of the chip's pins, without a chip of the port
  double attainable;           // share of pin_bytes that refresh leaves
  bool writable;               // writes go through these pins
  double port_bytes;           // bytes per cycle of the device's port, reads
} mx_profile_machine;

typedef struct {
  mx_profile_machine machine;
  mx_profile_phase phase[MX_PROFILE_PHASES];
} mx_profile;

extern const char *const mx_profile_phase_name[MX_PROFILE_PHASES];
enum { MX_PROFILE_REASON_BYTES = 24 };
void mx_profile_reason_name(mx_cycle_class reason, char out[MX_PROFILE_REASON_BYTES]);  // "codes", "starved_row"
extern const char *const mx_profile_reason_text[MX_CYCLE_CLASS_COUNT];

void mx_profile_free(mx_profile *p);

// The place of (layer, name) in the list, appended when it is new; UINT32_MAX: no memory.
uint32_t mx_profile_find(mx_profile_items *list, int32_t layer, const char *name);
void mx_profile_add(mx_profile_item *to, const mx_profile_item *from);

typedef enum { MX_PROFILE_BY_OPERATOR, MX_PROFILE_BY_LAYER, MX_PROFILE_BY_BOTH } mx_profile_by;

// A phase's operators summed, most cycles first, or layer by layer; names of layers are
// "layer 3", "(outside)". The caller frees out->item.
mx_status mx_profile_sum(const mx_profile_phase *p, mx_profile_by by, mx_profile_items *out, mx_error *e);

// MX_INTERNAL unless every sum is what it must be.
mx_status mx_profile_check(const mx_profile *p, mx_error *e);

// Shares of what the machine could do in the item's cycles; 0 without cycles.
typedef struct { double multipliers, pins, attainable, useful; } mx_profile_use;
mx_profile_use mx_profile_use_of(const mx_profile_machine *m, const mx_profile_item *i);

// ---- forms ----

void mx_profile_print(const mx_profile *p, mx_profile_by by, FILE *to);
mx_status mx_profile_write_json(const mx_profile *p, FILE *to, mx_error *e);
mx_status mx_profile_read_json(const char *path, mx_profile *out, mx_error *e);  // MX_FORMAT; the caller frees *out, also then
void mx_profile_plot(const mx_profile *p, FILE *to);  // a roofline as SVG
mx_status mx_profile_compare(const mx_profile *a, const mx_profile *b, FILE *to, mx_error *e);
#endif
