#include "compiler/synth/synth.h"

#include <math.h>
#include <stdio.h>  // snprintf
#include <stdlib.h>
#include <string.h>

#include "compiler/export/gguf_write.h"
#include "compiler/quant/parallel.h"
#include "compiler/synth/random.h"

// ---- shapes ----------------------------------------------------------------------

static const struct {
  const char *name;
  bool tied;
  mx_config config;  // dim, hidden, layers, heads, KV heads, head, vocabulary, context, theta, eps, norms of heads
} shapes[] = {
    {"tiny-test", false, {64, 160, 2, 4, 2, 16, 320, 64, 10000, 1e-5f, 0}},
    {"tiny-qwen3", true, {64, 160, 2, 4, 2, 32, 9000, 64, 1000000, 1e-6f, 1}},
    {"stories15m", true, {288, 768, 6, 6, 6, 48, 32000, 256, 10000, 1e-5f, 0}},
    {"stories42m", true, {512, 1376, 8, 8, 8, 64, 32000, 1024, 10000, 1e-5f, 0}},
    {"smollm2-135m", true, {576, 1536, 30, 9, 3, 64, 49152, 8192, 100000, 1e-5f, 0}},
    {"tinyllama-1.1b", false, {2048, 5632, 22, 32, 4, 64, 32000, 2048, 10000, 1e-5f, 0}},
    {"llama2-7b", false, {4096, 11008, 32, 32, 32, 128, 32000, 4096, 10000, 1e-5f, 0}},
    {"qwen3-0.6b", true, {1024, 3072, 28, 16, 8, 128, 151936, 40960, 1000000, 1e-6f, 1}},
};
enum { SHAPES = sizeof shapes / sizeof *shapes };

const char *mx_synth_shapes(void) {
  return "tiny-test, tiny-qwen3, stories15m, stories42m, smollm2-135m, tinyllama-1.1b, llama2-7b or qwen3-0.6b";
}

mx_status mx_synth_config(const mx_synth_options *o, mx_config *out, bool *tied, mx_error *e) {
  for (int i = 0; i < SHAPES; i++) {
    if (strcmp(o->shape, shapes[i].name)) continue;
    *out = shapes[i].config;
    *tied = shapes[i].tied;
    if (o->layers) out->n_layers = o->layers;
    return MX_OK;
  }
  return mx_fail(e, MX_USAGE, MX_NOWHERE, "--shape %s: expected %s", o->shape, mx_synth_shapes());
}

// ---- tokenizer ---------------------------------------------------------------------

enum { SPECIAL = 3, SPACE = SPECIAL + 256, LEAST_VOCAB, TEXT_BYTES = 16 };

static mx_piece make_piece(uint32_t id, char text[TEXT_BYTES]) {
  static const char *const special[SPECIAL] = {"<unk>", "<s>", "</s>"};
  mx_piece_type type = id == 0       ? MX_PIECE_UNKNOWN
                       : id < SPECIAL ? MX_PIECE_CONTROL
                       : id < SPACE  ? MX_PIECE_BYTE
                       : id == SPACE ? MX_PIECE_NORMAL
                                     : MX_PIECE_UNUSED;
  if (id < SPECIAL) snprintf(text, TEXT_BYTES, "%s", special[id]);
  else if (id < SPACE) snprintf(text, TEXT_BYTES, "<0x%02X>", id - SPECIAL);
  else if (id == SPACE) snprintf(text, TEXT_BYTES, "\xe2\x96\x81");
  else snprintf(text, TEXT_BYTES, "<%u>", id);
  return (mx_piece){text, (uint32_t)strlen(text), -(float)id, type};
}

mx_status mx_synth_tokenizer(uint32_t vocab_size, mx_tokenizer **out, mx_error *e) {
  *out = NULL;
  if (vocab_size < LEAST_VOCAB)
    return mx_fail(e, MX_USAGE, MX_NOWHERE, "a vocabulary of %u; bytes alone take %d", vocab_size, LEAST_VOCAB);
  mx_piece *pieces = calloc(vocab_size, sizeof *pieces);
  char(*text)[TEXT_BYTES] = calloc(vocab_size, sizeof *text);
  mx_status s = pieces && text ? MX_OK : mx_fail(e, MX_LIMIT, MX_NOWHERE, "no memory for %u tokens", vocab_size);
  for (uint32_t i = 0; !s && i < vocab_size; i++) pieces[i] = make_piece(i, text[i]);
  const mx_tokenizer_config c = {vocab_size, 1, 2, 0, false};
  if (!s) s = mx_tokenizer_new(pieces, &c, MX_NOWHERE, out, e);
  free(pieces);
  free(text);
  return s;
}

// ---- weights -----------------------------------------------------------------------

enum { TASK_ROWS = 16 };
enum { ELEMENTS, ROWS, COLUMNS, STREAMS };  // of random numbers, of a matrix
static const double row_spread = 0.1, column_spread = 0.1, gain_spread = 0.1;

typedef struct {
  mx_model *shapes;  // without data
  uint64_t seed;
  unsigned threads;
  float *columns;    // [longest row] sizes of the columns at hand
  // The piece at hand.
  const mx_matrix *matrix;
  uint64_t keys[STREAMS];
  uint32_t first, n;
  double deviation;
  float *out;
} generator;

// Rows of a task, of the piece at hand.
static void fill_rows(void *self, uint32_t task, unsigned worker) {
  (void)worker;
  generator *g = self;
  uint32_t cols = g->matrix->cols, end = (task + 1) * TASK_ROWS;
  for (uint32_t r = task * TASK_ROWS; r < g->n && r < end; r++) {
    float *row = g->out + (size_t)r * cols;
    uint64_t index = g->first + r;
    float size = (float)(g->deviation * exp(row_spread * (double)mx_random_normal(g->keys[ROWS], index)));
    mx_random_normals(g->keys[ELEMENTS], index * cols, cols, row);
    for (uint32_t c = 0; c < cols; c++) row[c] *= size * g->columns[c];
  }
}

// Gains, some of them large.
static void fill_gain(const generator *g) {
  for (uint32_t c = 0; c < g->matrix->cols; c++) {
    double u = mx_random_uniform(g->keys[COLUMNS], c) * 64;
    double outlier = u < 1 ? exp2(2 + 3 * u) : 1;
    g->out[c] = (float)(outlier * exp(gain_spread * (double)mx_random_normal(g->keys[ELEMENTS], c)));
  }
}

static bool writes_residual(const char *name) {
  return strstr(name, "attn_output") || strstr(name, "ffn_down");
}

static mx_status make_rows(void *self, uint32_t index, uint32_t first, uint32_t n, float *out, mx_error *e) {
  (void)e;
  generator *g = self;
  char name[MX_MATRIX_NAME_BYTES];
  const mx_matrix *m = g->matrix = mx_model_matrix(g->shapes, index, name);
  for (unsigned i = 0; i < STREAMS; i++) g->keys[i] = mx_random_key(g->seed, (uint64_t)index * STREAMS + i);
  g->first = first;
  g->n = n;
  g->out = out;
  g->deviation = 1 / sqrt(m->cols);
  if (writes_residual(name)) g->deviation /= sqrt(2.0 * g->shapes->config.n_layers);
  if (m->rows == 1) fill_gain(g);
  else {
    for (uint32_t c = 0; c < m->cols; c++)
      g->columns[c] = (float)exp(column_spread * (double)mx_random_normal(g->keys[COLUMNS], c));
    mx_parallel(mx_chunks(n, TASK_ROWS), g->threads, fill_rows, g);
  }
  return MX_OK;
}

// ---- file --------------------------------------------------------------------------

static mx_status write_model(const char *path, const mx_synth_options *o, const mx_gguf_source *source, mx_error *e) {
  const mx_config *c = source->config;
  size_t q = (size_t)c->n_heads * c->head_dim, longest = c->dim > c->hidden_dim ? c->dim : c->hidden_dim;
  generator g = {.seed = o->seed, .threads = o->threads};
  mx_gguf_source whole = *source;
  whole.rows = make_rows;
  whole.self = &g;
  mx_random_init();
  mx_status s = mx_model_new(c, source->tied, &g.shapes, e);
  g.columns = calloc(q > longest ? q : longest, sizeof *g.columns);
  if (!s && !g.columns) s = mx_fail(e, MX_LIMIT, MX_NOWHERE, "no memory for a row");
  if (!s) s = mx_gguf_write(path, &whole, e);
  free(g.columns);
  mx_model_free(g.shapes);
  return s;
}

mx_status mx_synth_write(const char *path, const mx_synth_options *o, mx_error *e) {
  mx_config c;
  bool tied;
  mx_tokenizer *tokenizer = NULL;
  mx_status s = mx_synth_config(o, &c, &tied, e);
  if (!s) s = mx_synth_tokenizer(c.vocab_size, &tokenizer, e);
  char name[64];
  snprintf(name, sizeof name, "%.40s, random weights", o->shape);
  mx_gguf_source source = {.config = &c, .tied = tied, .tokenizer = tokenizer, .name = name, .type = o->type};
  if (!s) s = write_model(path, o, &source, e);
  mx_tokenizer_free(tokenizer);
  return s;
}
