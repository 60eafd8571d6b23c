#ifndef MX_LOWERING_H
#define MX_LOWERING_H
// State of one compilation, filled stage by stage:
//   check.c     what the device and the operators cannot do
//   graph.c     operators and values of one token
//   tile.c      groups, blocks and bytes of each matrix product
//   memory.c    addresses: on-chip values by liveness, the device's memory map
//   ucode.c     microprograms for the vector unit
//   emit.c      operators to instructions with what each reads and writes
//   schedule.c  weight streams early, waits where a hazard demands them
//   fill.c      the image's memory: weights, tables, programs
//   cache.c     keys and values of the prefix as the device would have put them
//   info.c      the image's description
//   lower.c     runs the stages, makes the image
#include <stdio.h>

#include "compiler/quant/qmodel.h"
#include "golden/image.h"
#include "golden/isa.h"
#include "golden/params.h"

// ---- graph -----------------------------------------------------------------

// On-chip data: FP32 words in VMEM or elements in every bank of XMEM.
typedef enum { MX_VALUE_VMEM, MX_VALUE_XMEM } mx_value_space;
typedef struct {
  char name[24];
  mx_value_space space;
  uint32_t size;         // words or elements
  uint32_t first, last;  // operators that define it and use it last
  uint32_t addr;
} mx_value;

// OPERATOR(name, "what it does")
#define MX_OPERATORS(X) \
  X(CONSTANTS, "constants of the vector programs") \
  X(EMBED, "x = row of the embedding") \
  X(ROPE_ROW, "cosines and sines of this position") \
  X(SPREAD, "cosines or sines for every head, scaled") \
  X(GAIN, "norm gain from memory") \
  X(NORM, "RMS norm, quantized unless in parts") \
  X(MATMUL, "matrix product") \
  X(STEPS, "steps of a product's rows from memory") \
  X(SCALE, "rows times their steps") \
  X(ROPE, "rotate pairs") \
  X(HADAMARD, "online Hadamard transform") \
  X(QUANT_Q, "query heads to blocks, heads of one KV head side by side") \
  X(QUANT_K, "key heads to blocks") \
  X(QUANT_V, "value heads to blocks, one scale each") \
  X(PUT_KV, "append key and value to the cache") \
  X(SCORES, "query times keys") \
  X(V_SCALES, "scales of the cached values") \
  X(SOFTMAX, "weights of the positions, times value scales, quantized; 1 / sum") \
  X(MIX, "weights times values") \
  X(GATHER, "heads side by side, times 1 / sum") \
  X(QUANT, "to blocks") \
  X(ADD, "sum: residual, or parts of a product") \
  X(SILU, "silu(gate) * up, quantized unless in parts or transformed") \
  X(ARGMAX, "index of the greatest logit") \
  X(RESULT, "logits and index to memory")

typedef enum {
#define X(name, text) MX_OPR_##name,
  MX_OPERATORS(X)
#undef X
} mx_operator_kind;

enum { MX_MAX_INPUTS = 4, MX_MAX_OUTPUTS = 2, MX_NO_VALUE = -1 };
typedef struct {
  mx_operator_kind kind;
  int32_t layer;                // -1: outside the layers
  uint32_t head, pass;          // KV head, and pass over its query heads
  char name[32];                // "ffn_down"
  int32_t in[MX_MAX_INPUTS];    // value indices or MX_NO_VALUE
  int32_t out[MX_MAX_OUTPUTS];
  uint32_t n;                   // elements the operator works on
  const mx_qmatrix *weight;     // a part: MATMUL, STEPS; NORM, SILU, QUANT: whose input is made; NULL: none
  const mx_matrix *gain;        // GAIN
  bool split_heads;             // MATMUL, STEPS: rows as first halves of all heads, then second halves
  uint32_t selector;            // SPREAD: 0 sines, 1 cosines, + 2 for queries
  uint32_t from;                // QUANT: first element of the input
  uint32_t vectors;             // HADAMARD: equal parts of the n elements, each transformed
  bool halves;                  // HADAMARD: before that, sums and differences of the two halves of all n
  uint32_t weight_addr;         // MATMUL, GAIN, STEPS: in memory
  uint32_t groups, blocks;      // MATMUL: from tile.c
} mx_operator;

// ---- attention geometry ------------------------------------------------------

typedef struct {
  uint32_t half;                // head_dim / 2
  uint32_t group;               // query heads per KV head
  uint32_t tokens, passes;      // query heads side by side; passes over them
  mx_stream_format k, v;        // caches as weight streams
  uint32_t k_pad;               // elements of a half, padded to blocks
  uint32_t k_blocks;            // blocks of a cached key
  uint32_t k_unit, v_unit;      // bytes
  uint32_t k_row_groups;        // of the context
  uint32_t v_row_groups;        // of head_dim
  uint32_t v_columns;           // position blocks of the context
  uint32_t v_pad;               // elements of a quantized value head
  uint32_t scores_stride;       // VMEM words
  uint32_t mix_stride;
  uint32_t frac;                // of query or weight times cached element
} mx_attention;

// ---- microcode ----------------------------------------------------------------

typedef enum {
  MX_UC_NORM, MX_UC_SPREAD, MX_UC_ROPE, MX_UC_HEADS, MX_UC_VALUES, MX_UC_SOFTMAX, MX_UC_GATHER,
  MX_UC_QUANT, MX_UC_ADD, MX_UC_MUL, MX_UC_SILU, MX_UC_BUTTERFLY, MX_UC_ARGMAX
} mx_ucode_kind;
// The QUANT of a program; `on` false: it has none, and the rest is 0.
typedef struct { bool on, fixed; unsigned bits, block; } mx_quant_step;
typedef struct { mx_ucode_kind kind; mx_quant_step quant; uint32_t stride; uint32_t entry; } mx_ucode_entry;
enum { MX_MAX_UCODE = 1024, MX_MAX_ENTRIES = 64 };
typedef struct {
  uint32_t words[MX_MAX_UCODE];
  uint32_t n_words;
  mx_ucode_entry entries[MX_MAX_ENTRIES];
  uint32_t n_entries;
} mx_ucode;

// Constants of the vector programs, FP32 words in this order in VMEM.
typedef enum { MX_K_INV_DIM, MX_K_EPS, MX_K_NEG_LOG2E, MX_K_ONE, MX_K_Q_SCALE, MX_K_SCRATCH = 8, MX_K_WORDS = 12 } mx_constant;

// ---- steps -------------------------------------------------------------------

typedef enum { MX_AT_VMEM, MX_AT_XMEM, MX_AT_MEMORY } mx_place;
typedef struct { mx_place place; bool write; uint32_t low, high; } mx_access;  // [low, high)
enum { MX_MAX_ACCESSES = 8 };

// An instruction on its way to the program.
typedef struct {
  mx_insn insn;
  mx_unit unit;
  uint32_t op;                         // operator it belongs to
  mx_access access[MX_MAX_ACCESSES];
  uint32_t n_accesses;
} mx_step;

// ---- memory map ----------------------------------------------------------------

typedef struct {
  uint32_t constants, ucode, embedding, embedding_row, rope, rope_row, weights, gains;
  uint32_t init_program, token_program;
  uint32_t initial_bytes;              // what the image stores; zeros follow
  uint32_t logits, result, k_cache, v_cache, v_scales;
  uint32_t k_head, v_head, v_scales_head;   // bytes per KV head
  uint32_t end;
  unsigned embedding_format;           // MX_LOAD_F16 or MX_LOAD_F32
} mx_memory_map;

typedef struct {
  const mx_qmodel *model;
  const mx_params *params;
  uint32_t context;
  mx_attention attention;
  mx_operator *ops;
  uint32_t n_ops;
  mx_value *values;
  uint32_t n_values;
  mx_memory_map map;
  mx_ucode ucode;
  mx_step *steps;                      // of the token program
  uint32_t n_steps, steps_capacity;
  int32_t constants, residual;         // values
  uint32_t vmem_used, xmem_used;       // high-water marks
  mx_error *e;
} mx_lowering;

mx_status mx_build_graph(mx_lowering *l);   // checks the model first
mx_status mx_check_model(const mx_lowering *l);
mx_status mx_tile(mx_lowering *l);
mx_status mx_allocate_values(mx_lowering *l);
mx_status mx_map_memory(mx_lowering *l, uint32_t token_steps);
mx_status mx_emit(mx_lowering *l);      // replaces steps
mx_status mx_schedule(mx_lowering *l);

// The entry of a microprogram, written on first use. `stride`: XMEM elements
// between heads for MX_UC_HEADS and MX_UC_VALUES, else 0.
uint32_t mx_ucode_entry_of(mx_lowering *l, mx_ucode_kind kind, mx_quant_step quant, uint32_t stride);

// Stage `index` of a HADAMARD: of each of `vectors` runs of 2 * w * pairs + tail
// words, element i and i + w of each 2 * w become their sum and difference, and
// the tail stays. False: there is no such stage.
typedef struct { uint32_t w, pairs, tail, vectors; } mx_butterflies;
bool mx_hadamard_stage(const mx_operator *op, uint32_t index, mx_butterflies *out);

// The image's memory [map.initial_bytes], zero before, without the programs' waits
// unless mx_schedule has run.
mx_status mx_fill_memory(mx_lowering *l, uint8_t *memory);
void mx_fill_prefix(const mx_lowering *l, uint8_t *memory);  // caches, logits, result
mx_status mx_fill_info(const mx_lowering *l, mx_image *image);

// Printable forms.
void mx_print_graph(const mx_lowering *l, FILE *to);
void mx_print_tiles(const mx_lowering *l, FILE *to);
void mx_print_schedule(const mx_lowering *l, FILE *to);

static inline uint32_t mx_round_up(uint32_t x, uint32_t unit) { return (x + unit - 1) / unit * unit; }
static inline uint32_t mx_value_addr(const mx_lowering *l, int32_t value) { return l->values[value].addr; }

// A program under construction: the init program and the token program.
mx_status mx_build_init_program(mx_lowering *l, mx_insn *out, uint32_t capacity, uint32_t *n);
#endif
