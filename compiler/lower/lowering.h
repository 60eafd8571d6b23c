#ifndef MX_LOWERING_H
#define MX_LOWERING_H
// State of one compilation, filled stage by stage:
//   check.c     what the device and the operators cannot do
//   graph.c     operators and values of a program, attention.c those of attention
//   resident.c  what of the model lies in memory, in which order of rows
//   tile.c      groups, blocks and bytes of each matrix product
//   memory.c    addresses: on-chip values by liveness, the device's memory map
//   ucode.c     microprograms for the vector unit
//   emit.c      operators to instructions with what each reads and writes
//   schedule.c  weight streams early, waits where a hazard demands them
//   fill.c      the image's memory: weights, tables, programs
//   cache.c     keys and values of the prefix as the device would have put them
//   info.c      the image's description
//   lower.c     runs the stages, makes the image
//
// Two programs come out: one runs a token, the other (where the device has more
// than one column of activations) a batch of prompt tokens at successive
// positions, the first a multiple of their number.
#include <stdio.h>

#include "compiler/quant/qmodel.h"
#include "golden/image.h"
#include "golden/isa.h"
#include "golden/params.h"

// ---- graph -----------------------------------------------------------------

// On-chip data: FP32 words in VMEM, or elements in XMEM. A value has a part for
// every token of the batch, one after another or bank by bank, or one for all.
typedef enum { MX_VALUE_VMEM, MX_VALUE_XMEM } mx_value_space;
typedef struct {
  char name[24];
  mx_value_space space;
  uint32_t tokens;       // parts
  uint32_t stride;       // words or elements of a part
  uint32_t size;         // that it takes of its space
  uint32_t first, used;  // operators that define it and use it last
  uint32_t last;         // that needs it in its place: used, or a product that may begin early
  uint32_t addr;
} mx_value;

// OPERATOR(name, "what it does")
#define MX_OPERATORS(X) \
  X(CONSTANTS, "constants of the vector programs") \
  X(EMBED, "x = row of the embedding") \
  X(ROPE_ROW, "cosines and sines of this position") \
  X(SPREAD, "cosines or sines for every head, scaled") \
  X(Q_ROW, "cosines and sines, scaled for queries") \
  X(GAIN, "norm gain from memory") \
  X(NORM, "RMS norm, quantized unless in parts") \
  X(HEAD_NORM, "RMS norm of every head") \
  X(MATMUL, "matrix product, or rows of one") \
  X(STEPS, "steps of a product's rows from memory") \
  X(SCALE, "rows times their steps") \
  X(ROPE, "rotate pairs") \
  X(HADAMARD, "online Hadamard transform") \
  X(QUANT_Q, "query heads to blocks, heads of one KV head side by side") \
  X(QUANT_K, "key heads to blocks") \
  X(QUANT_V, "value heads to blocks, one scale each") \
  X(PUT_KV, "append keys and values to the cache") \
  X(SCORES, "query times keys") \
  X(V_SCALES, "scales of the cached values") \
  X(SOFTMAX, "weights of the positions, times value scales, quantized; 1 / sum") \
  X(MIX, "weights times values") \
  X(GATHER, "heads side by side, times 1 / sum, quantized unless blocks go over heads") \
  X(QUANT, "to blocks") \
  X(ADD, "sum: residual, or parts of a product") \
  X(SILU, "silu(gate) * up, quantized unless in parts or transformed") \
  X(ARGMAX, "index of the greatest logit, or of a tile's") \
  X(SKIP, "end here unless the batch is the last") \
  X(LOGITS, "logits to memory") \
  X(RESULT, "index or indices to memory, end")

typedef enum {
#define X(name, text) MX_OPR_##name,
  MX_OPERATORS(X)
#undef X
} mx_operator_kind;

enum { MX_MAX_INPUTS = 4, MX_MAX_OUTPUTS = 2, MX_NO_VALUE = -1 };
typedef struct {
  mx_operator_kind kind;
  int32_t layer;                // -1: outside the layers
  uint32_t head, pass;          // KV head, or the first, and pass over its query heads
  char name[32];                // "ffn_down"
  int32_t in[MX_MAX_INPUTS];    // value indices or MX_NO_VALUE
  int32_t out[MX_MAX_OUTPUTS];
  uint32_t token, tokens;       // of the batch: first, and how many
  uint32_t n;                   // elements of a token that the operator works on
  uint32_t from, into;          // first element of the input (QUANT, LOGITS) and of the output, in memory of LOGITS
  const mx_qmatrix *weight;     // a part: MATMUL; NORM, SILU, QUANT, GATHER: whose input is made; NULL: none
  uint32_t stored;              // MATMUL, STEPS, GAIN: what is read, from row
  uint32_t row;
  uint32_t selector;            // SPREAD: 0 sines, 1 cosines, + 2 for queries
  uint32_t vectors;             // HADAMARD: equal parts of the n elements, each transformed
  bool halves;                  // HADAMARD: before that, sums and differences of the two halves of all n
  uint32_t groups, blocks;      // MATMUL: from tile.c
} mx_operator;

// ---- what lies in memory --------------------------------------------------------

typedef enum { MX_RESIDENT_MATRIX, MX_RESIDENT_STEPS, MX_RESIDENT_GAIN } mx_resident_kind;
typedef struct {
  mx_resident_kind kind;
  const mx_qmatrix *weight;  // MATRIX, STEPS: a part
  const mx_matrix *gain;     // GAIN
  // Heads of a tile, whose rows are the first halves of its heads, then the
  // second halves; 0: rows as in the model.
  uint32_t tile_heads;       // GAIN of heads: 1
  uint32_t addr;
} mx_resident;

// ---- attention geometry ------------------------------------------------------

typedef struct {
  uint32_t half;                // head_dim / 2
  uint32_t group;               // query heads per KV head
  uint32_t tokens, passes;      // columns of a product: query heads, or a batch's tokens; passes over a KV head
  uint32_t q_tile, k_tile;      // heads of a tile
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
  MX_UC_NORM, MX_UC_HEAD_NORM, MX_UC_SPREAD, MX_UC_FACTOR, MX_UC_ROPE, MX_UC_ROPE_HEADS, MX_UC_HEADS, MX_UC_VALUES, MX_UC_SOFTMAX, MX_UC_CAUSAL, MX_UC_GATHER,
  MX_UC_GATHER_QUANT,
  MX_UC_QUANT, MX_UC_ADD, MX_UC_MUL, MX_UC_SILU, MX_UC_BUTTERFLY, MX_UC_ARGMAX
} mx_ucode_kind;
// The QUANT of a program; `on` false: it has none, and the rest is 0.
typedef struct { bool on, fixed; unsigned bits, block; } mx_quant_step;
// `stride`: HEADS, VALUES: XMEM elements from head to head; GATHER_QUANT: from
// column to column, 0: they go to successive banks; else 0.
typedef struct { mx_ucode_kind kind; mx_quant_step quant; uint32_t stride; uint32_t entry; } mx_ucode_entry;
enum { MX_MAX_UCODE = 1024, MX_MAX_ENTRIES = 64 };
typedef struct {
  uint32_t words[MX_MAX_UCODE];
  uint32_t n_words;
  mx_ucode_entry entries[MX_MAX_ENTRIES];
  uint32_t n_entries;
} mx_ucode;

// Constants of the vector programs, FP32 words in this order in VMEM.
typedef enum { MX_K_INV_DIM, MX_K_EPS, MX_K_NEG_LOG2E, MX_K_ONE, MX_K_Q_SCALE, MX_K_INV_HEAD, MX_K_SCRATCH = 8, MX_K_WORDS = 12 } mx_constant;

// ---- steps -------------------------------------------------------------------

typedef enum { MX_AT_VMEM, MX_AT_XMEM, MX_AT_MEMORY } mx_place;
typedef struct { mx_place place; bool write; uint32_t banks, low, high; } mx_access;  // banks of XMEM, 1 << bank; [low, high)
enum { MX_MAX_ACCESSES = 24 };

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
  uint32_t init_program, programs[2];
  uint32_t batch_rows;                 // the runtime puts the embeddings of a batch here
  uint32_t initial_bytes;              // what the image stores; zeros follow
  uint32_t logits, result, k_cache, v_cache, v_scales;
  uint32_t k_head, v_head, v_scales_head;   // bytes per KV head
  uint32_t end;
  unsigned embedding_format;           // MX_LOAD_F16 or MX_LOAD_F32
} mx_memory_map;

// A program under construction.
enum { MX_KEPT_PRODUCTS = 2 };
typedef struct {
  uint32_t batch;                      // tokens of a run
  mx_attention attention;
  mx_operator *ops;
  uint32_t n_ops;
  mx_value *values;
  uint32_t n_values;
  mx_step *steps;
  uint32_t n_steps, steps_capacity;
  int32_t constants, residual;         // values
  bool keeps;                          // what is in use between products, so that these may begin early
  uint32_t products[MX_KEPT_PRODUCTS], n_products;  // operators of the last, a ring
  uint32_t vmem_used, xmem_used;       // high-water marks
} mx_program;

enum { MX_TOKEN_PROGRAM, MX_BATCH_PROGRAM, MX_PROGRAMS, MX_MAX_RESIDENTS_PER_LAYER = 32 };
typedef struct {
  const mx_qmodel *model;
  const mx_params *params;
  uint32_t context;
  mx_program programs[MX_PROGRAMS];    // of no steps: there is none
  mx_program *p;                       // the one that the stages work on
  bool tiled_choice;                   // logits do not fit: see choice_rows in image.h
  mx_resident *stored;
  uint32_t n_stored;
  mx_memory_map map;
  mx_ucode ucode;
  mx_error *e;
} mx_lowering;

// All stages from check to schedule; what they have made is freed by clear.
mx_status mx_lower(mx_lowering *l);
void mx_lowering_clear(mx_lowering *l);

// Rows of a tile of logits, each with a choice of its own; 0: there is one for all.
static inline uint32_t mx_choice_rows(const mx_lowering *l) {
  return l->tiled_choice ? l->params->VMEM_WORDS / 8 / l->params->GROUP * l->params->GROUP : 0;
}
static inline uint32_t mx_choice_count(const mx_lowering *l) {
  uint32_t rows = mx_choice_rows(l);
  return rows ? (l->model->config.vocab_size + rows - 1) / rows : 1;
}

// The stages, for l->p; `batch`: tokens of a run.
mx_status mx_check_model(const mx_lowering *l);
mx_status mx_build_graph(mx_lowering *l, uint32_t batch);
mx_status mx_tile(mx_lowering *l);
mx_status mx_allocate_values(mx_lowering *l);
mx_status mx_map_memory(mx_lowering *l);
mx_status mx_emit(mx_lowering *l);      // replaces steps
mx_status mx_schedule(mx_lowering *l);

// The entry of a microprogram, written on first use.
uint32_t mx_ucode_entry_of(mx_lowering *l, mx_ucode_kind kind, mx_quant_step quant, uint32_t stride);

// The place of `what` in l->stored, appended when it is new.
uint32_t mx_resident_index(mx_lowering *l, mx_resident what);
uint64_t mx_resident_bytes(const mx_lowering *l, const mx_resident *s);
// The model's row that row r of the stream carries.
uint32_t mx_resident_row(const mx_lowering *l, const mx_resident *s, uint32_t r);

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
static inline uint32_t mx_value_addr(const mx_lowering *l, int32_t value) { return l->p->values[value].addr; }

// Where a value's part for a token begins.
static inline uint32_t mx_value_at(const mx_lowering *l, int32_t value, uint32_t token) {
  const mx_value *v = &l->p->values[value];
  return v->addr + (v->space == MX_VALUE_VMEM && v->tokens > 1 ? token * v->stride : 0);
}
static inline uint32_t mx_value_bank(const mx_lowering *l, int32_t value, uint32_t token) {
  return l->p->values[value].tokens > 1 ? token : 0;
}

mx_status mx_build_init_program(mx_lowering *l, mx_insn *out, uint32_t capacity, uint32_t *n);
#endif
