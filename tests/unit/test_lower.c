// The compiler: values that live together lie apart, compiled models compute
// what the FP32 model does, to the bit the same on every parameter set, and
// what does not fit or is not supported is refused in words.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "compiler/import/bytes.h"
#include "compiler/lower/lowering.h"
#include "compiler/lower/pack.h"
#include "compiler/quant/describe.h"
#include "compiler/ref/reference.h"
#include "golden/machine.h"
#include "tests/unit/program.h"
#include "tests/unit/small_qmodel.h"

// Query heads per KV head 1, 2, 3, 4; widths that fill blocks and that do not.
static const test_shape shapes[] = {
    {4, 4, 8, 32, 64, 1, 40, "mxint8", MX_BITS_8, MX_BITS_8},
    {4, 2, 16, 40, 72, 2, 33, "mxint8:16", MX_BITS_8, MX_BITS_8},
    {6, 2, 24, 96, 100, 1, 64, "mxint6:64", MX_BITS_6, MX_BITS_8},
    {8, 2, 32, 64, 200, 1, 50, "mxint4", MX_BITS_8, MX_BITS_4},
    {3, 1, 64, 48, 48, 2, 17, "int4:128", MX_BITS_4, MX_BITS_4},
    {5, 1, 40, 56, 56, 1, 31, "int4", MX_BITS_8, MX_BITS_8},
};
static const test_shape rich[] = {  // formats that tiny lacks
    {4, 2, 16, 64, 96, 1, 40, "int4z", MX_BITS_8, MX_BITS_8},
    {4, 1, 32, 64, 96, 1, 40, "mxfp4:16", MX_BITS_8, MX_BITS_4},
};

// Shapes are those above with blocks that have room for two parts.
static const struct { test_shape shape; test_variant variant; bool rich; double cosine; } variants[] = {
    {{4, 2, 16, 64, 72, 2, 33, "mxint8", MX_BITS_8, MX_BITS_8}, {"mxint8:16", "mxint4:32", MX_BITS_8, false, {false, false}}, false, 0.999},
    {{4, 2, 16, 64, 72, 2, 33, "mxint8", MX_BITS_8, MX_BITS_8}, {"int8row:16", NULL, 0, true, {false, false}}, false, 0.99},
    {{6, 2, 24, 96, 100, 2, 30, "mxint8", MX_BITS_8, MX_BITS_8}, {"int8row:32", "int4row:16", MX_BITS_8, true, {true, false}}, false, 0.99},
    {{6, 2, 24, 96, 100, 2, 30, "mxint8", MX_BITS_8, MX_BITS_8}, {"mxint8:32", NULL, 0, false, {true, true}}, false, 0.999},
    {{5, 1, 40, 64, 60, 1, 31, "mxint8", MX_BITS_8, MX_BITS_4}, {"mxint6:16", NULL, 0, false, {false, true}}, false, 0.97},
    {{4, 2, 16, 64, 72, 2, 33, "mxint8", MX_BITS_8, MX_BITS_8}, {"codebook:16", NULL, 0, false, {false, false}}, true, 0.999},
    {{4, 1, 32, 64, 96, 1, 40, "mxint8", MX_BITS_8, MX_BITS_8}, {"codebook:32", "mxint8:16", MX_BITS_6, false, {true, true}}, true, 0.99},
};
enum { N_SHAPES = sizeof shapes / sizeof *shapes, N_RICH = sizeof rich / sizeof *rich, N_VARIANTS = sizeof variants / sizeof *variants };

static void for_each_shape(void (*check)(const test_shape *s, const mx_params *p)) {
  for (const mx_params *p = mx_param_sets; p->name; p++) {
    for (int i = 0; i < N_SHAPES; i++) check(&shapes[i], p);
    for (int i = 0; i < N_RICH && p->CODEBOOK; i++) check(&rich[i], p);
  }
}

// ---- addresses --------------------------------------------------------------------

static bool apart(uint32_t a, uint32_t a_size, uint32_t b, uint32_t b_size) { return a + a_size <= b || b + b_size <= a; }

// First and last use by the operators themselves.
static void find_uses(const mx_lowering *l, int32_t value, uint32_t *first, uint32_t *last) {
  *first = UINT32_MAX;
  *last = 0;
  for (uint32_t i = 0; i < l->p->n_ops; i++) {
    bool used = false;
    for (int k = 0; k < MX_MAX_INPUTS; k++) used |= l->p->ops[i].in[k] == value;
    for (int k = 0; k < MX_MAX_OUTPUTS; k++) used |= l->p->ops[i].out[k] == value;
    if (used && *first == UINT32_MAX) *first = i;
    if (used) *last = i;
  }
}

static void check_values_of(const test_shape *s, const mx_params *p, uint32_t batch) {
  mx_qmodel *q = test_qmodel(s, 7);
  mx_error e = {0};
  mx_lowering l = {.model = q, .params = p, .e = &e, .context = s->context};
  l.p = &l.programs[MX_TOKEN_PROGRAM];
  if (mx_check_model(&l) || mx_build_graph(&l, batch) || mx_tile(&l) || mx_allocate_values(&l)) fail_msg("%s", e.text);
  uint32_t(*uses)[2] = calloc(l.p->n_values, sizeof *uses);
  assert_non_null(uses);
  for (uint32_t i = 0; i < l.p->n_values; i++) {
    const mx_value *v = &l.p->values[i];
    find_uses(&l, (int32_t)i, &uses[i][0], &uses[i][1]);
    if ((int32_t)i == l.p->constants) uses[i][0] = 0, uses[i][1] = l.p->n_ops;
    assert_true(uses[i][0] <= uses[i][1]);
    assert_true(v->addr + v->size <= (v->space == MX_VALUE_VMEM ? p->VMEM_WORDS : p->XMEM_ELEMS));
    assert_int_equal(v->addr % (v->space == MX_VALUE_VMEM ? 4 : 16), 0);
    for (uint32_t k = 0; k < i; k++) {
      const mx_value *o = &l.p->values[k];
      if (o->space != v->space || uses[k][0] > uses[i][1] || uses[i][0] > uses[k][1]) continue;
      if (!apart(v->addr, v->size, o->addr, o->size)) fail_msg("'%s' lies on '%s'", v->name, o->name);
    }
  }
  free(uses);
  free(l.p->ops);
  free(l.p->values);
  free(l.stored);
  mx_qmodel_free(q);
}

static void check_values(const test_shape *s, const mx_params *p) {
  check_values_of(s, p, 1);
  if (p->TOKENS > 1) check_values_of(s, p, p->TOKENS);
}

static void test_values_lie_apart(void **state) {
  (void)state;
  for_each_shape(check_values);
}

// ---- packing ------------------------------------------------------------------------

// Every element through the layout, zeros around the matrix.
static void check_packed(const test_shape *s, const mx_params *p) {
  mx_qmodel *model = test_qmodel(s, 11);
  const mx_qmatrix *q = &model->layers[0].w_gate;
  const mx_stream_format *f = &q->format.stream;
  uint32_t length = mx_block_length(f), blocks = mx_qmatrix_blocks(q), groups = (q->rows + p->GROUP - 1) / p->GROUP;
  uint32_t *row_of = calloc(q->rows, sizeof *row_of);
  uint8_t *out = malloc((size_t)groups * blocks * mx_unit_bytes(p, f));
  assert_true(row_of && out);
  for (uint32_t r = 0; r < q->rows; r++) row_of[r] = q->rows - 1 - r;
  for (int turned = 0; turned < 2; turned++) {
    mx_pack_matrix(p, q, turned ? row_of : NULL, out);
    for (uint32_t r = 0; r < groups * p->GROUP; r++)
      for (uint32_t c = 0; c < blocks * length; c++) {
        const uint8_t *unit = out + (size_t)(r / p->GROUP * blocks + c / length) * mx_unit_bytes(p, f);
        uint32_t code = mx_code_read(p, f, unit, r % p->GROUP, c % length), from = turned ? q->rows - 1 - r : r;
        uint32_t want = r < q->rows && c < q->cols ? (uint32_t)q->codes[from * q->cols + c] & ((1u << mx_code_bits(f)) - 1) : 0;
        assert_int_equal(code, want);
        const uint8_t *scale = unit + mx_scale_offset(p, f, r % p->GROUP);
        assert_int_equal(scale[0], r < q->rows ? q->scales[from * blocks + c / length] & 255 : 0);
        if (f->scale == MX_SCALE_F16) assert_int_equal(scale[1], r < q->rows ? q->scales[from * blocks + c / length] >> 8 : 0);
        if (f->zero)
          assert_int_equal((int8_t)unit[mx_zero_offset(p, f, r % p->GROUP)],
                           r < q->rows ? q->zeros[from * blocks + c / length] : 0);
      }
  }
  free(row_of);
  free(out);
  mx_qmodel_free(model);
}

static void test_packing(void **state) {
  (void)state;
  for_each_shape(check_packed);
}

// ---- what compiled models compute ------------------------------------------------------

enum { TOKENS = 17 };  // the shortest context
typedef struct { float logits[TOKENS][TEST_VOCAB]; uint32_t greatest[TOKENS]; } output;

static int32_t token_at(uint32_t i) { return (int32_t)(i ? 3 + i * 37 % (TEST_VOCAB - 3) : 1); }

typedef struct { const mx_image *image; mx_machine *machine; uint8_t *memory; } device;

static device power_up(const mx_image *image) {
  device d = {image, NULL, calloc(image->mem_bytes, 1)};
  assert_non_null(d.memory);
  memcpy(d.memory, image->memory, image->memory_bytes);
  d.machine = mx_machine_new(image->params, d.memory, image->mem_bytes);
  const uint32_t none[MX_ARGS] = {0};
  assert_int_equal(mx_machine_run(d.machine, image->init_entry, none), MX_FAULT_NONE);
  return d;
}

static void power_down(device *d) {
  mx_machine_free(d->machine);
  free(d->memory);
}

static void run_program(const device *d, uint32_t entry, const uint32_t args[MX_ARGS]) {
  unsigned fault = mx_machine_run(d->machine, entry, args);
  if (fault) fail_msg("%s at 0x%x (%s)", mx_fault_text(fault), d->machine->pc, mx_image_note(d->image, d->machine->pc));
}

static void read_output(const device *d, uint32_t i, output *out) {
  for (uint32_t k = 0; k < TEST_VOCAB; k++) {
    uint32_t bits = mx_load_u32(d->memory + d->image->logits_addr + 4 * k);
    memcpy(&out->logits[i][k], &bits, sizeof bits);
  }
  out->greatest[i] = mx_load_u32(d->memory + d->image->result_addr);
}

static void run_token(const device *d, uint32_t i, output *out) {
  run_program(d, d->image->token_entry, (const uint32_t[MX_ARGS]){(uint32_t)token_at(i), i});
  read_output(d, i, out);
}

static void run_image(const mx_image *image, output *out) {
  device d = power_up(image);
  for (uint32_t i = 0; i < TOKENS; i++) run_token(&d, i, out);
  power_down(&d);
}

static void run_batch(const device *d, uint32_t from, bool last) {
  const mx_image *im = d->image;
  for (uint32_t t = 0; t < im->batch_tokens; t++)
    memcpy(d->memory + im->batch_rows_addr + t * im->embedding_row_bytes,
           d->memory + im->embedding_addr + (uint32_t)token_at(from + t) * im->embedding_row_bytes, im->embedding_row_bytes);
  run_program(d, im->batch_entry, (const uint32_t[MX_ARGS]){0, from, last ? 1 : 2});
}

static void expect_output(const output *want, const output *got, uint32_t i) {
  assert_memory_equal(want->logits[i], got->logits[i], sizeof want->logits[i]);
  assert_int_equal(want->greatest[i], got->greatest[i]);
}

// Batches, the logits after each asked for or not, then single tokens: the bits
// of one token after another.
static void check_batches(const mx_image *image, const output *want) {
  static output got;
  uint32_t n = image->batch_tokens, i = 0;
  if (image->params->TOKENS > 1) assert_int_equal(n, image->params->TOKENS);
  if (!n) return;
  device d = power_up(image);
  for (; i + n <= TOKENS; i += n) {
    bool last = i / n % 2 == 0;
    memset(d.memory + image->result_addr, 0xa5, 4);
    run_batch(&d, i, last);
    read_output(&d, i + n - 1, &got);
    if (last) expect_output(want, &got, i + n - 1);
    else assert_int_equal(got.greatest[i + n - 1], 0xa5a5a5a5u);
  }
  for (; i < TOKENS; i++) {
    run_token(&d, i, &got);
    expect_output(want, &got, i);
  }
  power_down(&d);
}

static mx_qmodel *model_of(const test_shape *s, const test_variant *v, uint64_t seed) {
  return v ? test_variant_qmodel(s, v, seed) : test_qmodel(s, seed);
}

static void compile_and_run(const test_shape *s, const test_variant *v, const char *set, output *out) {
  mx_qmodel *q = model_of(s, v, 21);
  mx_image *image = test_compile(q, set, 0);
  assert_int_equal(image->context_length, s->context);
  assert_int_equal(image->vocab_size, TEST_VOCAB);
  run_image(image, out);
  check_batches(image, out);
  mx_image_free(image);
  mx_qmodel_free(q);
}

static uint32_t argmax(const float *x) {
  uint32_t best = 0;
  for (uint32_t i = 1; i < TEST_VOCAB; i++)
    if (x[i] > x[best]) best = i;
  return best;
}

static void check_same(const test_shape *s, const test_variant *v, const char *first) {
  static output expected, got;
  compile_and_run(s, v, first, &expected);
  for (uint32_t i = 0; i < TOKENS; i++) assert_int_equal(expected.greatest[i], argmax(expected.logits[i]));
  for (const mx_params *p = mx_param_sets; p->name; p++) {
    if (!p->CODEBOOK && strcmp(first, "tiny")) continue;
    compile_and_run(s, v, p->name, &got);
    if (memcmp(&expected, &got, sizeof got))
      fail_msg("%s (%u heads over %u): %s and %s differ", v ? v->first : s->weights, s->heads, s->kv_heads, first, p->name);
  }
}

static void test_sets_agree(void **state) {
  (void)state;
  for (int i = 0; i < N_SHAPES; i++) check_same(&shapes[i], NULL, "tiny");
  for (int i = 0; i < N_RICH; i++) check_same(&rich[i], NULL, "small");
  for (int i = 0; i < N_VARIANTS; i++) check_same(&variants[i].shape, &variants[i].variant, variants[i].rich ? "small" : "tiny");
}

// Cosine between the logits of all tokens here and in FP32.
static double near_reference(const test_shape *s, const test_variant *v) {
  static output got;
  compile_and_run(s, v, "sim", &got);
  mx_qmodel *q = model_of(s, v, 21);
  mx_model *m = test_dequantized(q);
  mx_reference *r;
  mx_error e = {0};
  double ab = 0, aa = 0, bb = 0;
  assert_int_equal(mx_reference_new(m, TOKENS, &r, &e), MX_OK);
  for (uint32_t i = 0; i < TOKENS; i++) {
    float logits[TEST_VOCAB];
    assert_int_equal(mx_reference_step(r, token_at(i), i, logits, &e), MX_OK);
    for (uint32_t k = 0; k < TEST_VOCAB; k++) {
      double a = logits[k], b = got.logits[i][k];
      ab += a * b, aa += a * a, bb += b * b;
    }
  }
  mx_reference_free(r);
  mx_model_free(m);
  mx_qmodel_free(q);
  return ab / sqrt(aa * bb);
}

// The weights are the same in both; what is left is the rounding of
// activations and caches: 1 % a step with 8 bits, 15 % with 4.
static void test_near_reference(void **state) {
  (void)state;
  for (int i = 0; i < N_SHAPES + N_RICH; i++) {
    const test_shape *s = i < N_SHAPES ? &shapes[i] : &rich[i - N_SHAPES];
    bool fine = s->act_bits == MX_BITS_8 && s->kv_bits == MX_BITS_8;
    double cosine = near_reference(s, NULL);
    if (!(cosine > (fine ? 0.999 : s->act_bits == MX_BITS_4 ? 0.85 : 0.97)))
      fail_msg("%s, %u heads over %u of %u: cosine %.6f", s->weights, s->heads, s->kv_heads, s->head_dim, cosine);
  }
}

// The same with columns in parts, by row, with tables, with integers as inputs,
// and with transforms, which both ends of a product undo.
static void test_variants_near_reference(void **state) {
  (void)state;
  for (int i = 0; i < N_VARIANTS; i++) {
    double cosine = near_reference(&variants[i].shape, &variants[i].variant);
    if (!(cosine > variants[i].cosine))
      fail_msg("variant %d (%s): cosine %.6f, expected %.4f", i, variants[i].variant.first, cosine, variants[i].cosine);
  }
}

// All of this with norms of query and key heads.
static void test_head_norms_too(void **state) {
  test_head_norms = true;
  test_values_lie_apart(state);
  test_sets_agree(state);
  test_near_reference(state);
  test_variants_near_reference(state);
  test_head_norms = false;
}

// A longer context changes the memory map, not the results.
static void test_context(void **state) {
  (void)state;
  static output a, b;
  mx_qmodel *q = test_qmodel(&shapes[3], 21);
  mx_image *x = test_compile(q, "small", TOKENS), *y = test_compile(q, "small", 700);
  assert_int_equal(x->context_length, TOKENS);
  assert_int_equal(y->context_length, 700);
  assert_true(x->mem_bytes < y->mem_bytes);
  run_image(x, &a);
  run_image(y, &b);
  assert_memory_equal(&a, &b, sizeof a);
  mx_image_free(x);
  mx_image_free(y);
  mx_qmodel_free(q);
}

// Values that are halves exactly: normal ones, subnormal ones, zeros.
static float random_half(test_random *r) {
  uint32_t kind = test_random_below(r, 5), significand = test_random_below(r, 1024);
  double x = kind == 0 ? 0 : kind == 1 ? ldexp(significand, -24) : ldexp(1024 + significand, (int)test_random_below(r, 20) - 24);
  return (float)(test_random_below(r, 2) ? -x : x);
}

// Such an embedding is stored as FP16; one other value makes it FP32. The
// logits of rows without it must not tell which.
static void test_half_embedding(void **state) {
  (void)state;
  static output half, full;
  test_random r = {test_seed()};
  mx_qmodel *q = test_qmodel(&shapes[1], 21);
  float *x = q->token_embd.data;
  for (uint32_t i = 0; i < TEST_VOCAB * q->config.dim; i++) x[i] = random_half(&r);
  x[token_at(1) * (int32_t)q->config.dim] = 65504;
  for (uint32_t i = 0; i < q->config.dim; i++)  // a row of subnormals, which larger ones would hide
    x[(uint32_t)token_at(2) * q->config.dim + i] = ldexpf((float)(1 + test_random_below(&r, 1023)), -24);
  mx_image *a = test_compile(q, "sim", 0);
  x[2 * q->config.dim] = 0x1.002p0f;  // token 2 is not run; one bit too many
  mx_image *b = test_compile(q, "sim", 0);
  assert_int_equal(b->memory_bytes - a->memory_bytes, TEST_VOCAB * (192 - 128));  // rows of 40, in steps of 64 bytes
  run_image(a, &half);
  run_image(b, &full);
  assert_memory_equal(&half, &full, sizeof half);
  const float others[] = {0x1p-25f, 65536, 0x1.8p-24f, 0x1.0p-30f};
  for (int i = 0; i < 4; i++) {
    x[2 * q->config.dim] = others[i];
    mx_image *c = test_compile(q, "sim", 0);
    assert_int_equal(c->memory_bytes, b->memory_bytes);
    mx_image_free(c);
  }
  mx_image_free(a);
  mx_image_free(b);
  mx_qmodel_free(q);
}

// ---- refusals ----------------------------------------------------------------------------

static void check_refused(const test_shape *s, const char *set, uint32_t context, mx_status status, const char *words) {
  mx_qmodel *q = test_qmodel(s, 5);
  mx_compile_options o = {.params = mx_params_find(set), .context = context};
  mx_image *image;
  mx_error e = {0};
  mx_status got = mx_compile(q, &o, &image, &e);
  if (got != status || image || !strstr(e.text, words)) fail_msg("status %d, '%s', expected '%s'", (int)got, e.text, words);
  if (status == MX_LIMIT) assert_true(strpbrk(e.text, "0123456789"));
  mx_image_free(image);
  mx_qmodel_free(q);
}

static void test_refusals(void **state) {
  (void)state;
  test_shape s = shapes[1];
  check_refused(&s, "tiny", 4000, MX_LIMIT, "the activation memory of parameter set tiny has room for 2048");
  check_refused(&s, "small", 3500, MX_LIMIT, "the vector memory of parameter set small has room for 4096");
  check_refused(&s, "large", 65535, MX_LIMIT, "too many");
  s.hidden = 3000;
  check_refused(&s, "tiny", 16, MX_LIMIT, "the activation memory of parameter set tiny has room for 2048");
  s = shapes[1];
  s.head_dim = 12;
  check_refused(&s, "sim", 16, MX_UNSUPPORTED, "heads of 12: expected a multiple of 8");
  s.head_dim = 136;
  check_refused(&s, "sim", 16, MX_UNSUPPORTED, "heads of 136");
  check_refused(&rich[0], "tiny", 16, MX_UNSUPPORTED, "ZERO_POINT");
  check_refused(&rich[1], "tiny", 16, MX_UNSUPPORTED, "CODEBOOK");
}

static void test_blocks_differ(void **state) {
  (void)state;
  for (int which = 0; which < 3; which++) {
    mx_qmodel *q = test_qmodel(&shapes[1], 5);
    mx_qlayer *w = &q->layers[1];
    mx_qmatrix *m = which == 0 ? &w->wk : which == 1 ? &w->wv : &w->w_up;
    m->format.stream.block = 3;
    mx_compile_options o = {.params = mx_params_find("sim")};
    mx_image *image;
    mx_error e = {0};
    assert_int_equal(mx_compile(q, &o, &image, &e), MX_UNSUPPORTED);
    assert_non_null(strstr(e.text, "layer 1"));
    mx_qmodel_free(q);
  }
}

// What one matrix of a shared input may not have for itself.
static void check_alone(void (*change)(mx_qmatrix *w), const char *words) {
  for (unsigned index = 1; index < 6; index++) {
    if (index == 3) continue;  // attn_output has its input alone
    mx_qmodel *q = test_variant_qmodel(&variants[0].shape, &variants[0].variant, 5);
    change(mx_qlayer_matrix(&q->layers[1], index, NULL));
    mx_compile_options o = {.params = mx_params_find("sim")};
    mx_image *image;
    mx_error e = {0};
    assert_int_equal(mx_compile(q, &o, &image, &e), MX_UNSUPPORTED);
    if (!strstr(e.text, words) || !strstr(e.text, "layer 1")) fail_msg("'%s' lacks '%s'", e.text, words);
    mx_qmodel_free(q);
  }
}

static void other_bits(mx_qmatrix *w) { w->acts.bits = MX_BITS_4; }
static void other_bits_in_rest(mx_qmatrix *w) { w->rest->acts.bits = MX_BITS_4; }
static void fixed_input(mx_qmatrix *w) { w->rest->acts.fixed = true; }
static void other_cols(mx_qmatrix *w) { w->cols -= 16, w->rest->cols += 16; }
static void one_part(mx_qmatrix *w) {
  mx_qmatrix_free(w->rest);
  free(w->rest);
  w->rest = NULL;
}

static void test_inputs_differ(void **state) {
  (void)state;
  check_alone(other_bits, "different activation formats");
  check_alone(other_bits_in_rest, "different activation formats");
  check_alone(fixed_input, "different activation formats");
  check_alone(other_cols, "different parts");
  check_alone(one_part, "different parts");
}

static void check_model_refused(mx_qmodel *q, const char *set, const char *words) {
  mx_compile_options o = {.params = mx_params_find(set)};
  mx_image *image;
  mx_error e = {0};
  assert_int_equal(mx_compile(q, &o, &image, &e), MX_UNSUPPORTED);
  if (!strstr(e.text, words)) fail_msg("'%s' lacks '%s'", e.text, words);
  mx_qmodel_free(q);
}

static void test_variants_refused(void **state) {
  (void)state;
  const test_variant in_rest = {"mxint8:16", "codebook:16", MX_BITS_8, false, {false, false}};
  check_model_refused(test_variant_qmodel(&shapes[0], &in_rest, 5), "tiny", "attn_q: parameter set tiny has no decode table");
  mx_qmodel *q = test_variant_qmodel(&variants[0].shape, &variants[0].variant, 5);
  q->layers[0].wo.format.stream.block = 3;
  check_model_refused(q, "sim", "attn_output: a part of 32 columns, expected a multiple of its block of 128");
  test_shape odd = shapes[0];
  odd.hidden = 66;
  q = test_qmodel(&odd, 5);
  q->online.down = true;
  check_model_refused(q, "sim", "an online transform of 66 channels");
}

// ---- what an image says of its model --------------------------------------------------

static json_t *info_of(const mx_qmodel *q, const char *set) {
  mx_image *image = test_compile(q, set, 0);
  json_t *o = json_loads(image->info, 0, NULL);
  assert_non_null(o);
  mx_image_free(image);
  return o;
}

static const char *text_at(const json_t *o, const char *key) { return json_string_value(json_object_get(o, key)); }

static void test_info(void **state) {
  (void)state;
  mx_qmodel *q = test_qmodel(&shapes[3], 5);
  json_t *o = info_of(q, "sim");
  assert_string_equal(text_at(o, "weights"), "mxint4:32");
  assert_string_equal(text_at(o, "acts"), "mxint8");
  assert_string_equal(text_at(o, "kv"), "mxint4");
  assert_true(fabs(json_real_value(json_object_get(o, "bits_per_weight")) - 4.25) < 0.02);  // 200 columns: not whole blocks
  assert_null(json_object_get(o, "online"));
  json_decref(o);
  mx_qmodel_free(q);
  q = test_variant_qmodel(&variants[2].shape, &variants[2].variant, 5);
  o = info_of(q, "sim");
  assert_string_equal(text_at(o, "weights"), "mixed");
  assert_string_equal(text_at(o, "acts"), "int8");
  const json_t *down = json_object_get(json_object_get(o, "formats"), "ffn_down");
  assert_int_equal(json_integer_value(json_object_get(down, "int8row:32 x int8, int4row:16 x int8")), 2);
  assert_int_equal(json_array_size(json_object_get(o, "online")), 1);
  json_decref(o);
  mx_qmodel_free(q);
}

// By row: 8 bits and a step of 32 for each of 64 columns or so.
static void test_bits_by_row(void **state) {
  (void)state;
  mx_qmodel *q = test_variant_qmodel(&variants[1].shape, &variants[1].variant, 5);
  assert_true(fabs(mx_qmatrix_bits_per_weight(&q->layers[0].wq) - (8 + 32.0 / 64)) < 1e-9);
  assert_true(fabs(mx_qmatrix_bits_per_weight(&q->layers[0].w_down) - (8 + 32.0 / 72)) < 1e-9);
  mx_qmodel_free(q);
  q = test_variant_qmodel(&variants[2].shape, &variants[2].variant, 5);  // 32 of 96 columns in 8 bits, 64 in 4
  assert_true(fabs(mx_qmatrix_bits_per_weight(&q->layers[0].wq) - (32 * 8 + 64 * 4 + 2 * 32) / 96.0) < 1e-9);
  mx_qmodel_free(q);
}

typedef struct { const mx_image *image; const mx_machine *machine; uint32_t word, dim, seen; const float *want; } watcher;

// The last sum of a layer is its residual stream.
static void watch_residual(void *self, mx_unit unit, mx_space space, uint32_t address, uint32_t value) {
  watcher *w = self;
  (void)unit;
  if (space != MX_SPACE_VMEM || strcmp(mx_image_note(w->image, w->machine->pc), "layer 0 ffn_residual")) return;
  uint32_t bits;
  memcpy(&bits, &w->want[w->seen], sizeof bits);
  assert_int_equal(address, w->word + w->seen++);
  assert_int_equal(value, bits);
}

// A layer that adds nothing leaves the embedding.
static void test_residual_word(void **state) {
  (void)state;
  mx_qmodel *q = test_qmodel(&shapes[0], 5);
  for (unsigned k = 3; k < MX_QLAYER_MATRICES; k += 3) {  // attn_output and ffn_down
    mx_qmatrix *w = mx_qlayer_matrix(&q->layers[0], k, NULL);
    memset(w->codes, 0, (size_t)w->rows * w->cols);
  }
  mx_image *image = test_compile(q, "sim", 0);
  json_t *o = json_loads(image->info, 0, NULL);
  uint8_t *memory = calloc(image->mem_bytes, 1);
  assert_non_null(memory);
  memcpy(memory, image->memory, image->memory_bytes);
  mx_machine *m = mx_machine_new(image->params, memory, image->mem_bytes);
  watcher w = {.image = image, .machine = m, .dim = q->config.dim, .want = q->token_embd.data + 17 * (size_t)q->config.dim,
               .word = (uint32_t)json_integer_value(json_object_get(o, "residual_word"))};
  m->observer = (mx_observer){watch_residual, &w};
  const uint32_t none[MX_ARGS] = {0}, args[MX_ARGS] = {17};
  assert_int_equal(mx_machine_run(m, image->init_entry, none), MX_FAULT_NONE);
  assert_int_equal(mx_machine_run(m, image->token_entry, args), MX_FAULT_NONE);
  assert_int_equal(w.seen, w.dim);
  mx_machine_free(m);
  free(memory);
  json_decref(o);
  mx_image_free(image);
  mx_qmodel_free(q);
}

static void test_basis(void **state) {
  (void)state;
  mx_qmodel *q = test_qmodel(&shapes[0], 5);
  mx_image *image = test_compile(q, "sim", 0);
  assert_null(image->basis);
  mx_image_free(image);
  q->basis = (mx_basis){.hadamard = 32, .seed = 0x1122334455667788};
  image = test_compile(q, "sim", 0);
  static const uint8_t plain[16] = {32, 0, 0, 0, 0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11, 0, 0, 0, 0};
  assert_int_equal(image->basis_bytes, 16);
  assert_memory_equal(image->basis, plain, 16);
  mx_image_free(image);
  q->basis.order = calloc(32, sizeof(uint32_t));
  for (uint32_t i = 0; i < 32; i++) q->basis.order[i] = 31 - i;
  image = test_compile(q, "sim", 0);
  assert_int_equal(image->basis_bytes, 16 + 4 * 32);
  assert_int_equal(mx_load_u32(image->basis + 12), 1);
  for (uint32_t i = 0; i < 32; i++) assert_int_equal(mx_load_u32(image->basis + 16 + 4 * i), 31 - i);
  mx_image_free(image);
  mx_qmodel_free(q);
}

// Only the shapes of this model exist, but for the embedding.
static void test_four_gigabytes(void **state) {
  (void)state;
  const mx_config config = {.dim = 4096, .hidden_dim = 4096, .n_layers = 48, .n_heads = 32, .n_kv_heads = 8, .head_dim = 128,
                            .vocab_size = 16, .context_length = 16, .rope_theta = 10000, .rms_eps = 1e-5f};
  mx_qmodel *q;
  mx_error e = {0};
  mx_weight_format f;
  assert_int_equal(mx_weight_format_parse("mxint8", &f, &e), MX_OK);
  assert_int_equal(mx_qmodel_new(&config, &q, &e), MX_OK);
  q->kv_bits = MX_BITS_8;
  q->output.format = f;
  for (uint32_t i = 0; i < config.n_layers; i++)
    for (unsigned k = 0; k < MX_QLAYER_MATRICES; k++) mx_qlayer_matrix(&q->layers[i], k, NULL)->format = f;
  q->token_embd.data = calloc(16 * 4096, sizeof(float));
  mx_compile_options o = {.params = mx_params_find("large")};
  mx_image *image;
  assert_int_equal(mx_compile(q, &o, &image, &e), MX_LIMIT);
  assert_non_null(strstr(e.text, "GiB of device memory"));
  mx_qmodel_free(q);
}

// ---- printed forms --------------------------------------------------------------------------

static void test_forms(void **state) {
  (void)state;
  static const char *const expected[] = {NULL, "layer 1 ffn_down = MATMUL 40x72", "40x72 mxint8:16", "MATMUL wait=", NULL};
  mx_qmodel *q = test_qmodel(&shapes[1], 5);
  for (mx_emit_form form = MX_EMIT_GRAPH; form <= MX_EMIT_SCHEDULE; form++) {
    char *text;
    size_t size;
    FILE *to = open_memstream(&text, &size);
    mx_compile_options o = {.params = mx_params_find("sim"), .form = form, .to = to};
    mx_image *image;
    mx_error e = {0};
    assert_int_equal(mx_compile(q, &o, &image, &e), MX_OK);
    fclose(to);
    if (!strstr(text, expected[form])) fail_msg("no '%s' in %s", expected[form], text);
    free(text);
    mx_image_free(image);
  }
  mx_qmodel_free(q);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_values_lie_apart), cmocka_unit_test(test_packing),       cmocka_unit_test(test_sets_agree),
      cmocka_unit_test(test_near_reference),   cmocka_unit_test(test_variants_near_reference), cmocka_unit_test(test_head_norms_too), cmocka_unit_test(test_context),       cmocka_unit_test(test_refusals),
      cmocka_unit_test(test_blocks_differ),    cmocka_unit_test(test_four_gigabytes), cmocka_unit_test(test_forms),
      cmocka_unit_test(test_half_embedding), cmocka_unit_test(test_inputs_differ), cmocka_unit_test(test_variants_refused),
      cmocka_unit_test(test_info), cmocka_unit_test(test_bits_by_row), cmocka_unit_test(test_residual_word),
      cmocka_unit_test(test_basis),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
