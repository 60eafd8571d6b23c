// Operators one by one on the golden machine, to the bit: products in parts,
// by row, with tables and fixed inputs against their definition
// (golden/README.md, "A token"), online transforms against hadamard.c.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "compiler/lower/lowering.h"
#include "compiler/quant/hadamard.h"
#include "golden/fn.h"
#include "golden/fp32.h"
#include "golden/machine.h"
#include "golden/mxint.h"
#include "tests/unit/program.h"
#include "tests/unit/small_qmodel.h"

// A compiled model on a machine, its operators to be run at will.
typedef struct {
  mx_qmodel *model;
  mx_lowering l;
  mx_error e;
  mx_machine *machine;
  uint8_t *memory;
} bench;

static test_random generator;

static void bench_open(bench *b, const test_shape *s, const test_variant *v, const char *set) {
  *b = (bench){.model = test_variant_qmodel(s, v, 9)};
  mx_lowering *l = &b->l;
  *l = (mx_lowering){.model = b->model, .params = mx_params_find(set), .e = &b->e, .context = s->context};
  l->p = &l->programs[MX_TOKEN_PROGRAM];
  if (mx_check_model(l) || mx_build_graph(l, 1) || mx_tile(l) || mx_allocate_values(l) || mx_emit(l) || mx_map_memory(l) || mx_emit(l))
    fail_msg("%s", b->e.text);
  b->memory = calloc(l->map.end, 1);
  assert_non_null(b->memory);
  assert_int_equal(mx_fill_memory(l, b->memory), MX_OK);
  b->machine = mx_machine_new(l->params, b->memory, l->map.end);
  assert_non_null(b->machine);
  const uint32_t none[MX_ARGS] = {0};
  assert_int_equal(mx_machine_run(b->machine, l->map.init_program, none), MX_FAULT_NONE);
}

static void bench_close(bench *b) {
  mx_machine_free(b->machine);
  free(b->memory);
  free(b->l.p->ops);
  free(b->l.p->values);
  free(b->l.p->steps);
  free(b->l.stored);
  mx_qmodel_free(b->model);
}

static void run_op(bench *b, uint32_t index) {
  for (uint32_t i = 0; i < b->l.p->n_steps; i++)
    if (b->l.p->steps[i].op == index) assert_int_equal(mx_machine_step(b->machine, &b->l.p->steps[i].insn), MX_FAULT_NONE);
}

static uint32_t *words(bench *b, int32_t value) { return b->machine->vec.vmem + mx_value_addr(&b->l, value); }

// ---- products --------------------------------------------------------------------------

typedef struct { int8_t q[1024]; uint8_t scale[64]; } input;

static void quantize(const mx_qmatrix *part, const uint32_t *x, input *out) {
  uint32_t length = mx_block_length(&part->format.stream);
  for (uint32_t b = 0; b < mx_qmatrix_blocks(part); b++) {
    uint32_t n = part->cols - b * length < length ? part->cols - b * length : length;
    (part->acts.fixed ? mx_quantize_fixed : mx_quantize_block)(x + b * length, n, length, part->acts.bits, out->q + b * length, &out->scale[b]);
  }
}

static uint32_t bits_of(float x) {
  uint32_t bits;
  memcpy(&bits, &x, sizeof bits);
  return bits;
}

// A row of a part times the input, as golden/README.md has it.
static uint32_t part_product(const mx_qmatrix *part, uint32_t row, const input *x) {
  const mx_weight_format *f = &part->format;
  uint32_t length = mx_block_length(&f->stream), blocks = mx_qmatrix_blocks(part), acc = 0;
  for (uint32_t b = 0; b < blocks; b++) {
    int32_t sum = 0;
    for (uint32_t i = b * length; i < (b + 1) * length && i < part->cols; i++) {
      int code = part->codes[(size_t)row * part->cols + i];
      sum += (f->codebook ? f->table[code] : code) * x->q[i];
    }
    uint16_t scale = part->scales ? part->scales[(size_t)row * blocks + b] : 0;
    acc = mx_fp_add(acc, mx_fp_term(sum, f->stream.scale, scale, x->scale[b], f->frac + mx_fraction_bits(part->acts.bits)));
  }
  return part->steps ? mx_fp_mul(acc, bits_of(part->steps[row])) : acc;
}

static uint32_t row_product(const mx_qmatrix *w, uint32_t row, const input x[MX_PARTS]) {
  uint32_t y = part_product(w, row, &x[0]);
  return w->rest ? mx_fp_add(y, part_product(w->rest, row, &x[1])) : y;
}

// Stream row of a matrix row whose heads are split.
static uint32_t split_row(const bench *b, const mx_qmatrix *w, uint32_t row) {
  uint32_t half = b->l.p->attention.half, head = row / (2 * half), pair = row % (2 * half) / 2;
  return row % 2 * (w->rows / 2) + head * half + pair;
}

// The first operator of layer 0 with this kind and weight.
static uint32_t find(const bench *b, mx_operator_kind kind, const mx_qmatrix *w) {
  for (uint32_t i = 0; i < b->l.p->n_ops; i++)
    if (b->l.p->ops[i].kind == kind && b->l.p->ops[i].weight == w) return i;
  return UINT32_MAX;
}

static void fill(bench *b, int32_t value, uint32_t n, uint32_t exponent) {
  for (uint32_t i = 0; i < n; i++) words(b, value)[i] = test_random_fp(&generator, 3) + (exponent << 23);
}

// Makes the input of `made` from random words; source [n] is what is quantized.
static void make_input(bench *b, const mx_qmatrix *made, uint32_t *source) {
  uint32_t n = mx_qmatrix_cols(made), at = find(b, MX_OPR_QUANT, made), exponent = made->acts.fixed ? 5 : 0;
  bool fused = at == UINT32_MAX;
  if (fused) at = find(b, MX_OPR_NORM, made) != UINT32_MAX ? find(b, MX_OPR_NORM, made) : find(b, MX_OPR_SILU, made);
  const mx_operator *op = &b->l.p->ops[at];
  fill(b, op->in[0], n, fused ? 0 : exponent);
  if (fused) fill(b, op->in[1], n, exponent);  // gain, or the other factor
  if (!fused) memcpy(source, words(b, op->in[0]), n * sizeof *source);
  run_op(b, at);
  for (uint32_t i = at + 1; !fused && b->l.p->ops[i].kind == MX_OPR_QUANT; i++) run_op(b, i);
  if (fused) memcpy(source, words(b, op->out[0]), n * sizeof *source);
}

// Quantizes words as the input of w, and computes the product. `made`: a
// matrix for which the compiler makes that input.
static void check_product(bench *b, const mx_qmatrix *w, const mx_qmatrix *made, bool split) {
  static input x[MX_PARTS];
  uint32_t source[1024];
  make_input(b, made, source);
  quantize(w, source, &x[0]);
  if (w->rest) quantize(w->rest, source + w->cols, &x[1]);
  uint32_t product = find(b, MX_OPR_MATMUL, w);
  const uint32_t *y = words(b, b->l.p->ops[product].out[0]);
  for (uint32_t i = product; !strcmp(b->l.p->ops[i].name, b->l.p->ops[product].name); i++) run_op(b, i);
  for (uint32_t row = 0; row < w->rows; row++)
    assert_int_equal(y[split ? split_row(b, w, row) : row], row_product(w, row, x));
}

static const test_shape shape = {4, 2, 24, 96, 100, 1, 40, "mxint8", MX_BITS_8, MX_BITS_8};
static const test_variant variants[] = {
    {"mxint8:16", "mxint4:32", MX_BITS_8, false, {false, false}}, {"mxint4:32", "mxint4:32", MX_BITS_8, false, {false, false}},
    {"int8row:32", "int4row:16", MX_BITS_4, true, {true, false}}, {"mxint6:16", "int8row:16", MX_BITS_6, true, {false, false}},
    {"int8row:32", NULL, 0, true, {false, false}}, {"mxint4:64", NULL, 0, false, {false, false}},
    {"codebook:16", "mxint8:16", MX_BITS_8, false, {false, true}}, {"codebook:32", "codebook:16", MX_BITS_8, true, {true, true}},
};
enum { N_VARIANTS = sizeof variants / sizeof *variants };

static bool has_table(const test_variant *v) { return v->first[0] == 'c' || (v->rest && v->rest[0] == 'c'); }

static void test_products(void **state) {
  (void)state;
  for (const mx_params *p = mx_param_sets; p->name; p++)
    for (int i = 0; i < N_VARIANTS; i++) {
      if (!p->CODEBOOK && has_table(&variants[i])) continue;
      bench b;
      bench_open(&b, &shape, &variants[i], p->name);
      mx_qlayer *w = &b.model->layers[0];
      check_product(&b, &w->wq, &w->wq, true);
      check_product(&b, &w->wk, &w->wq, true);
      check_product(&b, &w->wv, &w->wq, false);
      check_product(&b, &w->wo, &w->wo, false);
      check_product(&b, &w->w_gate, &w->w_gate, false);
      check_product(&b, &w->w_down, &w->w_down, false);
      check_product(&b, &b.model->output, &b.model->output, false);
      bench_close(&b);
    }
}

// Integers times integers: exact while sums stay below 2^24.
static void test_integer_sums(void **state) {
  (void)state;
  static const test_variant by_row = {"int8row:32", NULL, 0, true, {false, false}};
  bench b;
  bench_open(&b, &shape, &by_row, "sim");
  const mx_qmatrix *w = &b.model->layers[0].wo;
  uint32_t quant = find(&b, MX_OPR_QUANT, w), product = find(&b, MX_OPR_MATMUL, w), *x = words(&b, b.l.p->ops[quant].in[0]);
  int integers[256];
  for (uint32_t i = 0; i < w->cols; i++) {
    integers[i] = (int)test_random_below(&generator, 255) - 127;
    x[i] = bits_of((float)integers[i]);
  }
  run_op(&b, quant);
  run_op(&b, product);
  for (uint32_t row = 0; row < w->rows; row++) {
    int sum = 0;
    for (uint32_t i = 0; i < w->cols; i++) sum += w->codes[row * w->cols + i] * integers[i];
    assert_int_equal(words(&b, b.l.p->ops[product].out[0])[row], bits_of((float)sum));
  }
  bench_close(&b);
}

// ---- norms of heads -------------------------------------------------------------------------

// SUM of squares (golden/README.md, "Vector unit").
static uint32_t sum_of_squares(const uint32_t *x, uint32_t n) {
  uint32_t s[16] = {0};
  for (uint32_t i = 0; i < n; i++) s[i % 16] = mx_fp_add(s[i % 16], mx_fp_mul(x[i], x[i]));
  for (uint32_t w = 8; w; w /= 2)
    for (uint32_t i = 0; i < w; i++) s[i] = mx_fp_add(s[i], s[i + w]);
  return s[0];
}

// A head as it lies on the device, its second half at `second`; gain [head_dim], pairs side by side.
static void norm_head(const mx_config *c, uint32_t *first, uint32_t *second, const float *gain) {
  uint32_t half = c->head_dim / 2, t = mx_fp_add(sum_of_squares(first, half), sum_of_squares(second, half));
  t = mx_fp_mul(t, bits_of(1.0f / (float)c->head_dim));
  uint32_t r = mx_fp_rsqrt(mx_fp_add(t, bits_of(c->rms_eps)));
  for (uint32_t i = 0; i < half; i++) {
    first[i] = mx_fp_mul(mx_fp_mul(first[i], r), bits_of(gain[2 * i]));
    second[i] = mx_fp_mul(mx_fp_mul(second[i], r), bits_of(gain[2 * i + 1]));
  }
}

static void check_head_norm(bench *b, const char *name, const mx_matrix *gain) {
  uint32_t at = 0, n, want[1024];
  while (b->l.p->ops[at].kind != MX_OPR_HEAD_NORM || strcmp(b->l.p->ops[at].name, name)) at++;
  const mx_operator *op = &b->l.p->ops[at];
  for (uint32_t i = 0; i < at; i++)
    if (b->l.p->ops[i].kind == MX_OPR_GAIN && b->l.p->ops[i].out[0] == op->in[1]) run_op(b, i);
  n = op->n;  // of first halves
  fill(b, op->in[0], 2 * n, 0);
  memcpy(want, words(b, op->in[0]), 2 * n * sizeof *want);
  for (uint32_t i = 0; i < n; i += gain->cols / 2) norm_head(&b->model->config, want + i, want + n + i, gain->data);
  run_op(b, at);
  assert_memory_equal(words(b, op->out[0]), want, 2 * n * sizeof *want);
}

static void test_head_norm(void **state) {
  (void)state;
  static const uint32_t widths[] = {8, 24, 64, 128};
  static const test_variant plain = {"mxint8:32", NULL, 0, false, {false, false}};
  test_head_norms = true;
  for (const mx_params *p = mx_param_sets; p->name; p++)
    for (size_t i = 0; i < sizeof widths / sizeof *widths; i++) {
      const test_shape s = {6, 3, widths[i], 32, 32, 1, 20, "mxint8", MX_BITS_8, MX_BITS_8};
      bench b;
      bench_open(&b, &s, &plain, p->name);
      check_head_norm(&b, "k_norm", &b.model->layers[0].k_norm);
      check_head_norm(&b, "q_norm", &b.model->layers[0].q_norm);
      bench_close(&b);
    }
  test_head_norms = false;
}

// ---- online transforms --------------------------------------------------------------------

static void random_words(uint32_t *at, float *copy, uint32_t n) {
  for (uint32_t i = 0; i < n; i++) {
    copy[i] = test_random_float(&generator) + 1.5f * (float)(i % 3);
    at[i] = bits_of(copy[i]);
  }
}

static void expect_words(const uint32_t *got, const float *want, uint32_t n) {
  for (uint32_t i = 0; i < n; i++) assert_int_equal(got[i], bits_of(want[i]));
}

// The operator that uses what the transform leaves.
static uint32_t hadamard_op(const bench *b, uint32_t from) {
  while (b->l.p->ops[from].kind != MX_OPR_HADAMARD) from++;
  return from;
}

static void check_down(uint32_t hidden, const char *set) {
  const test_shape s = {2, 1, 8, 32, hidden, 1, 20, "mxint8", MX_BITS_8, MX_BITS_8};
  const test_variant v = {"mxint8:32", NULL, 0, false, {true, false}};
  float x[1024];
  bench b;
  bench_open(&b, &s, &v, set);
  uint32_t at = hadamard_op(&b, 0);
  assert_int_equal(b.l.p->ops[at].layer, 0);
  random_words(words(&b, b.l.p->ops[at].in[0]), x, hidden);
  run_op(&b, at);
  mx_hadamard_online(x, hidden);
  assert_int_equal(b.l.p->ops[at + 1].kind, MX_OPR_QUANT);
  expect_words(words(&b, b.l.p->ops[at + 1].in[0]), x, hidden);
  bench_close(&b);
}

static void test_down(void **state) {
  (void)state;
  static const uint32_t lengths[] = {4, 8, 12, 60, 72, 100, 256, 500, 1000};
  for (const mx_params *p = mx_param_sets; p->name; p++)
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) check_down(lengths[i], p->name);
}

// Heads [heads][2 * half] of interleaved pairs, as they lie on the device.
static void lay_out(const float *heads, uint32_t n, uint32_t half, float *out) {
  for (uint32_t i = 0; i < n * half; i++)
    for (uint32_t second = 0; second < 2; second++) out[second * n * half + i] = heads[2 * i + second];
}

static void check_heads(bench *b, uint32_t at, uint32_t n, uint32_t head_dim) {
  float heads[1024], device[1024];
  random_words((uint32_t[1024]){0}, heads, n * head_dim);
  lay_out(heads, n, head_dim / 2, device);
  for (uint32_t i = 0; i < n * head_dim; i++) words(b, b->l.p->ops[at].in[0])[i] = bits_of(device[i]);
  run_op(b, at);
  for (uint32_t i = 0; i < n; i++) mx_hadamard_online_head(heads + i * head_dim, head_dim);
  lay_out(heads, n, head_dim / 2, device);
  uint32_t user = at + 1;
  while (b->l.p->ops[user].kind != MX_OPR_QUANT_K && b->l.p->ops[user].kind != MX_OPR_QUANT_Q) user++;
  expect_words(words(b, b->l.p->ops[user].in[0]), device, n * head_dim);
}

static void test_queries_and_keys(void **state) {
  (void)state;
  static const uint32_t widths[] = {8, 16, 24, 40, 64, 88, 128};
  for (const mx_params *p = mx_param_sets; p->name; p++)
    for (size_t i = 0; i < sizeof widths / sizeof *widths; i++) {
      const test_shape s = {6, 3, widths[i], 32, 32, 1, 20, "mxint8", MX_BITS_8, MX_BITS_8};
      const test_variant v = {"mxint8:32", NULL, 0, false, {false, true}};
      bench b;
      bench_open(&b, &s, &v, p->name);
      uint32_t keys = hadamard_op(&b, 0), queries = hadamard_op(&b, keys + 1);
      while (strcmp(b.l.p->ops[queries].name, "rope_q")) queries = hadamard_op(&b, queries + 1);
      check_heads(&b, keys, b.l.p->ops[keys].n / widths[i], widths[i]);  // of a tile
      check_heads(&b, queries, b.l.p->ops[queries].n / widths[i], widths[i]);
      bench_close(&b);
    }
}

// Programs of every kind fit the smallest control store.
static void test_control_store(void **state) {
  (void)state;
  static const test_variant all = {"int8row:32", "mxint4:16", MX_BITS_4, true, {true, true}};
  bench b;
  test_head_norms = true;
  bench_open(&b, &shape, &all, "tiny");
  test_head_norms = false;
  assert_true(b.l.ucode.n_words <= b.l.params->UCODE_WORDS);
  bench_close(&b);
}

int main(void) {
  generator.state = test_seed();
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_products), cmocka_unit_test(test_integer_sums), cmocka_unit_test(test_down),
      cmocka_unit_test(test_head_norm), cmocka_unit_test(test_queries_and_keys), cmocka_unit_test(test_control_store),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
