// mxf profile: attribution of cycles on made-up intervals, sums, bytes and products of
// small models against their matrices, cycles against the engine cycle, and the forms.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>  // unlink

#include <cmocka.h>
#include <jansson.h>

#include "compiler/synth/geometry.h"
#include "golden/isa.h"
#include "sim/profile_account.h"
#include "sim/profile_run.h"
#include "sim/session.h"
#include "tests/unit/small_qmodel.h"
#include "tests/unit/toy_image.h"

// ---- attribution -------------------------------------------------------------------------

enum { HAND_MADE = 0x100, INSTRUCTIONS = 7, PER_INSTRUCTION = 16 };
static mx_note hand_notes[] = {{HAND_MADE, "batch, begin"}, {HAND_MADE + 0x10, "layer 1 attn_norm"}, {HAND_MADE + 0x20, "layer 1 attn_q"},
                               {HAND_MADE + 0x40, "layer 1 attn_put_kv"}, {HAND_MADE + 0x50, "layer 2 attn_q"}};

// IDENT, VEC, MATMUL, STREAM, STORE, MATMUL, HALT: two groups by two blocks of 32.
static void hand_program(mx_image *im) {
  toy_writer w = {im, HAND_MADE};
  toy_ident(&w);
  TOY_INSN(&w, VEC, 0, {0, 0});
  TOY_INSN(&w, MATMUL, 0, {MX_F_MATMUL_groups, 2}, {MX_F_MATMUL_blocks, 2}, {MX_F_MATMUL_block, 1}, {MX_F_MATMUL_tokens, 2});
  TOY_INSN(&w, STREAM, 0, {MX_F_STREAM_unit16, 3}, {MX_F_STREAM_units, 5}, {MX_F_STREAM_segments, 2});
  TOY_INSN(&w, STORE, 0, {MX_F_STORE_count, 9});
  TOY_INSN(&w, MATMUL, 0, {MX_F_MATMUL_groups, 1}, {MX_F_MATMUL_blocks, 1});
  TOY_INSN(&w, HALT, 0, {0, 0});
}

static mx_image *hand_image(void) {
  mx_image *im = toy_image("sim");
  hand_program(im);
  free(im->notes);
  im->notes = malloc(sizeof hand_notes);
  memcpy(im->notes, hand_notes, sizeof hand_notes);
  im->n_notes = sizeof hand_notes / sizeof *hand_notes;
  return im;
}

typedef struct { uint64_t count; uint32_t issued, matmul; mx_cycle_class dot; } made_up;

// Instructions by number, -1: of the program before. Returns the cycles in all.
static uint64_t tell_all(mx_account *a, const made_up *list, size_t n) {
  uint64_t from = 1000;
  for (size_t i = 0; i < n; i++) {
    mx_cycle_interval one = {.from = from, .count = list[i].count, .issued = HAND_MADE + 16 * list[i].issued,
                             .matmul = HAND_MADE + 16 * list[i].matmul, .dot = list[i].dot};
    mx_account_tell(a, &one);
    from += list[i].count;
  }
  return from - 1000;
}

static const mx_profile_item *of(const mx_profile_phase *p, int32_t layer, const char *name) {
  for (uint32_t i = 0; i < p->operators.n; i++)
    if (p->operators.item[i].layer == layer && !strcmp(p->operators.item[i].name, name)) return &p->operators.item[i];
  fail_msg("no operator %s in layer %d", name, (int)layer);
  return NULL;
}

static const made_up story[] = {
    {5, 40, 40, MX_CYCLE_IDLE_START},    // begin: the next instruction
    {3, 0, 40, MX_CYCLE_IDLE_FETCH},     // attn_norm: next
    {70, 1, 40, MX_CYCLE_IDLE_VEC},      // attn_norm: waited for
    {1, 2, 40, MX_CYCLE_IDLE_FETCH},     // attn_q of layer 1: next, the STREAM
    {20, 3, 2, MX_CYCLE_STARVED_QUEUE},  // attn_q of layer 1: in the dot array
    {400, 3, 2, MX_CYCLE_CODES},
    {7, 4, 2, MX_CYCLE_SCALES},
    {30, 4, 2, MX_CYCLE_IDLE_MOVE},      // attn_put_kv: waited for
    {11, 5, 5, MX_CYCLE_BLOCKED},        // attn_q of layer 2
    {2, 6, 5, MX_CYCLE_IDLE_START},      // nothing follows: the last
};
enum { STORY = sizeof story / sizeof *story };

static void cycles_belong_to_operators(void **state) {
  (void)state;
  mx_error e = {0};
  mx_account a;
  mx_profile p = {0};
  mx_image *im = hand_image();
  const uint32_t args[MX_ARGS] = {0, 9, 0, 0};
  assert_int_equal(mx_account_open(&a, im, &e), MX_OK);
  mx_account_begin(&a, &p, MX_PROFILE_DECODE, HAND_MADE, args);
  uint64_t cycles = tell_all(&a, story, STORY);
  const mx_counters c = {.CYCLES = (uint32_t)cycles, .INSTRUCTIONS = INSTRUCTIONS, .READ_BEATS = 2 * 5 * 3 + 8, .WRITE_BEATS = 3};
  assert_int_equal(mx_account_end(&a, &c, &e), MX_OK);
  const mx_profile_phase *d = &p.phase[MX_PROFILE_DECODE];
  assert_int_equal(of(d, -1, "begin")->cycles, 5);
  assert_int_equal(of(d, 1, "attn_norm")->cycles, 73);
  assert_int_equal(of(d, 1, "attn_q")->cycles, 1 + 20 + 400 + 7);
  assert_int_equal(of(d, 1, "attn_q")->reasons[MX_CYCLE_STARVED_QUEUE], 20);
  assert_int_equal(of(d, 1, "attn_put_kv")->cycles, 30);
  assert_int_equal(of(d, 2, "attn_q")->cycles, 11 + 2);
  assert_int_equal(of(d, 1, "attn_q")->macs, 2 * 16 * 2 * 32 * 3);
  assert_int_equal(of(d, 1, "attn_q")->read_bytes, 2 * 5 * 3 * 16);
  assert_int_equal(of(d, 2, "attn_q")->macs, 16 * 16);
  assert_int_equal(of(d, 1, "attn_put_kv")->written_bytes, 48);
  assert_int_equal(of(d, -1, "program")->read_bytes, 8 * 16);
  assert_int_equal(d->total.cycles, cycles);
  assert_int_equal(d->total.instructions, INSTRUCTIONS);
  assert_int_equal(d->position, 9);
  assert_int_equal(mx_profile_check(&p, &e), MX_OK);
  mx_account_close(&a);
  mx_profile_free(&p);
  mx_image_free(im);
}

// What end() must notice.
static void wrong_counts_are_errors(void **state) {
  (void)state;
  static const struct { uint32_t cycles, instructions, reads, writes, last; } wrong[] = {
      {1, 0, 0, 0, 6}, {0, 1, 0, 0, 6}, {0, 0, (uint32_t)-32, 0, 6}, {0, 0, 0, 1, 6}, {0, 0, 0, 0, 50}};
  mx_image *im = hand_image();
  const uint32_t args[MX_ARGS] = {0};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    mx_error e = {0};
    mx_account a;
    mx_profile p = {0};
    made_up list[STORY];
    memcpy(list, story, sizeof story);
    list[STORY - 1].issued = wrong[i].last;
    assert_int_equal(mx_account_open(&a, im, &e), MX_OK);
    mx_account_begin(&a, &p, MX_PROFILE_DECODE, HAND_MADE, args);
    uint32_t cycles = (uint32_t)tell_all(&a, list, STORY);
    const mx_counters c = {.CYCLES = cycles + wrong[i].cycles, .INSTRUCTIONS = INSTRUCTIONS + wrong[i].instructions,
                           .READ_BEATS = 30 + 8 + wrong[i].reads, .WRITE_BEATS = 3 + wrong[i].writes};
    assert_int_equal(mx_account_end(&a, &c, &e), MX_INTERNAL);
    mx_account_close(&a);
    mx_profile_free(&p);
  }
  mx_image_free(im);
}

static void sums_are_checked(void **state) {
  (void)state;
  mx_error e = {0};
  mx_profile p = {0};
  mx_profile_phase *d = &p.phase[MX_PROFILE_DECODE];
  uint32_t at = mx_profile_find(&d->operators, 0, "x");
  d->operators.item[at].cycles = d->total.cycles = 7;
  d->operators.item[at].reasons[MX_CYCLE_CODES] = d->total.reasons[MX_CYCLE_CODES] = 7;
  assert_int_equal(mx_profile_check(&p, &e), MX_OK);
  d->operators.item[at].reasons[MX_CYCLE_CODES] = 6;
  assert_int_equal(mx_profile_check(&p, &e), MX_INTERNAL);
  e = (mx_error){0};
  d->operators.item[at].reasons[MX_CYCLE_CODES] = 7;
  d->operators.item[at].read_bytes = 1;
  assert_int_equal(mx_profile_check(&p, &e), MX_INTERNAL);
  mx_profile_free(&p);
}

// ---- small models ------------------------------------------------------------------------

static const test_shape even = {.heads = 4, .kv_heads = 2, .head_dim = 64, .dim = 128, .hidden = 256, .layers = 2, .context = 64,
                                .weights = "mxint4", .act_bits = MX_BITS_8, .kv_bits = MX_BITS_8};
static const test_shape odd = {.heads = 6, .kv_heads = 2, .head_dim = 24, .dim = 72, .hidden = 100, .layers = 1, .context = 40,
                               .weights = "mxint8", .act_bits = MX_BITS_8, .kv_bits = MX_BITS_4};

static mx_image *image_of(const test_shape *s, const char *set) {
  mx_qmodel *q = test_qmodel(s, 1);
  mx_image *im = test_compile(q, set, s->context);
  mx_qmodel_free(q);
  return im;
}

static bool step_by_step;

static void run_profile(const mx_image *im, uint32_t prompt, uint32_t tokens, const char *chip, FILE *trace, mx_profile *p) {
  mx_error e = {0};
  mx_engine_options device = {.memory = MX_MEMORY_DEFAULTS, .plain = step_by_step};
  device.memory.chip = chip ? mx_dram_find(chip) : NULL;
  device.memory.clock_khz = 300000;
  const mx_profile_request r = {.prompt_tokens = prompt, .tokens = tokens, .position = prompt, .device = &device, .trace = trace};
  mx_status s = mx_profile_run(im, "model", &r, p, &e);
  if (s) fail_msg("%s", e.text);
}

// A matrix's groups of rows and blocks in the stream of a parameter set.
typedef struct { uint64_t bytes, macs, useful; } cost;

static cost cost_of(const mx_qmatrix *m, const mx_params *p, uint32_t tokens) {
  uint64_t groups = (m->rows + p->GROUP - 1) / p->GROUP, blocks = mx_qmatrix_blocks(m), length = mx_block_length(&m->format.stream);
  uint64_t bytes = groups * blocks * mx_unit_bytes(p, &m->format.stream), all = groups * p->GROUP * blocks * length;
  return (cost){bytes, all * tokens, (uint64_t)((double)bytes * (double)(m->rows * (uint64_t)m->cols) / (double)all)};
}

static void check_matrix(const mx_profile_phase *p, int32_t layer, const char *name, cost c) {
  const mx_profile_item *o = of(p, layer, name);
  assert_int_equal(o->macs, c.macs);
  assert_int_equal(o->read_bytes, c.bytes);
  assert_int_equal(o->useful_bytes, c.useful);
}

static void check_model(const test_shape *s, const char *set) {
  mx_qmodel *q = test_qmodel(s, 1);
  mx_image *im = test_compile(q, set, s->context);
  mx_profile p;
  mx_error e = {0};
  run_profile(im, im->batch_tokens, 1, NULL, NULL, &p);
  assert_int_equal(mx_profile_check(&p, &e), MX_OK);
  for (uint32_t i = 0; i < s->layers; i++)
    for (unsigned k = 0; k < MX_QLAYER_MATRICES; k++) {
      const char *name;
      const mx_qmatrix *m = mx_qlayer_matrix(&q->layers[i], k, &name);
      check_matrix(&p.phase[MX_PROFILE_DECODE], (int32_t)i, name, cost_of(m, im->params, 1));
      if (im->batch_tokens) check_matrix(&p.phase[MX_PROFILE_PREFILL], (int32_t)i, name, cost_of(m, im->params, im->batch_tokens));
    }
  check_matrix(&p.phase[MX_PROFILE_DECODE], -1, "output", cost_of(&q->output, im->params, 1));
  mx_profile_free(&p);
  mx_image_free(im);
  mx_qmodel_free(q);
}

static void bytes_and_products_are_the_matrices(void **state) {
  (void)state;
  check_model(&even, "sim");
  check_model(&even, "large");
  check_model(&odd, "small");
  check_model(&odd, "small");
}

// What of the even model moves without padding: weights as they are stored, keys and
// values, a row of the embedding, norms.
static void useful_bytes_are_the_model(void **state) {
  (void)state;
  mx_qmodel *q = test_qmodel(&even, 1);
  mx_image *im = test_compile(q, "sim", even.context);
  mx_profile p;
  uint64_t weights = 0;
  for (uint32_t i = 0; i < even.layers; i++)
    for (unsigned k = 0; k < MX_QLAYER_MATRICES; k++) {
      const mx_qmatrix *m = mx_qlayer_matrix(&q->layers[i], k, NULL);
      weights += (uint64_t)m->rows * m->cols / 32 * 17;
    }
  const mx_profile_phase *d = &p.phase[MX_PROFILE_DECODE];
  run_profile(im, 20, 1, NULL, NULL, &p);
  uint64_t loads = of(d, -1, "output")->useful_bytes + of(d, -1, "token_embd")->useful_bytes + of(d, -1, "output_norm")->useful_bytes;
  assert_int_equal(of(d, -1, "token_embd")->useful_bytes, im->embedding_row_bytes);
  assert_int_equal(of(d, -1, "output_norm")->useful_bytes, 4 * even.dim);
  for (uint32_t i = 0; i < even.layers; i++) {
    loads += of(d, (int32_t)i, "attn_norm")->useful_bytes + of(d, (int32_t)i, "ffn_norm")->useful_bytes;
    assert_in_range(of(d, (int32_t)i, "attn_scores")->useful_bytes, 21 * 2 * 66 - 1, 21 * 2 * 66);  // keys: 64 codes, 2 scales
    assert_in_range(of(d, (int32_t)i, "attn_mix")->useful_bytes, 21 * 2 * 64 - 1, 21 * 2 * 64);
    assert_int_equal(of(d, (int32_t)i, "attn_v_scales")->useful_bytes, 21 * 2);
    assert_int_equal(of(d, (int32_t)i, "attn_put_kv")->useful_bytes, 2 * (66 + 64 + 1));
    loads += of(d, (int32_t)i, "attn_scores")->useful_bytes + of(d, (int32_t)i, "attn_mix")->useful_bytes + 21 * 2 + 2 * 131;
  }
  assert_int_equal(d->total.useful_bytes, weights + loads);
  assert_true(d->total.useful_bytes < d->total.read_bytes + d->total.written_bytes);
  mx_profile_free(&p);
  mx_image_free(im);
  mx_qmodel_free(q);
}

// ---- the engine cycle ----------------------------------------------------------------------

// The same programs with data: the same cycles, to the last. Token 0 as in the profile,
// since a chip's rows make its time depend on where the embedding's row lies.
static void check_cycles(const test_shape *s, const char *set, const char *chip) {
  enum { PROMPT = 11, TOKENS = 2 };
  mx_image *im = image_of(s, set);
  mx_profile p;
  mx_session session;
  mx_error e = {0};
  uint64_t cycles[MX_PROFILE_PHASES] = {0};
  const uint32_t tokens[PROMPT + TOKENS] = {0};
  uint32_t next;
  mx_engine_options device = {.memory = MX_MEMORY_DEFAULTS};
  device.memory.chip = chip ? mx_dram_find(chip) : NULL;
  device.memory.clock_khz = 300000;
  assert_int_equal(mx_session_open(&session, im, "cycle", &device, &e), MX_OK);
  assert_int_equal(mx_session_begin(&session, &e), MX_OK);
  cycles[MX_PROFILE_INIT] = session.counters.CYCLES;
  for (uint32_t i = 0, n; i < PROMPT + TOKENS; i += n) {
    bool prompt = i < PROMPT;
    assert_int_equal(mx_session_feed(&session, tokens + i, prompt ? PROMPT - i : 1, &n, &next, &e), MX_OK);
    cycles[prompt ? MX_PROFILE_PREFILL : MX_PROFILE_DECODE] += session.counters.CYCLES;
  }
  run_profile(im, PROMPT, TOKENS, chip, NULL, &p);
  for (int k = 0; k < MX_PROFILE_PHASES; k++) {
    assert_int_equal(p.phase[k].total.cycles, cycles[k]);
    assert_true(mx_profile_use_of(&p.machine, &p.phase[k].total).pins <= 1);
  }
  mx_profile_free(&p);
  mx_session_close(&session);
  mx_image_free(im);
}

static void cycles_are_those_of_the_engine(void **state) {
  (void)state;
  check_cycles(&even, "sim", NULL);
  check_cycles(&even, "sim", "ddr4-2400:16");
  check_cycles(&even, "large", "ddr4-2400:64");
  check_cycles(&odd, "small", "sdram-133");
  check_cycles(&odd, "small", "qspi-48");
  check_cycles(&odd, "tiny", "qspi-48");
}

static void too_many_positions_are_refused(void **state) {
  (void)state;
  mx_image *im = image_of(&odd, "sim");
  mx_engine_options device = {.memory = MX_MEMORY_DEFAULTS};
  const mx_profile_request wrong[] = {{.prompt_tokens = 41, .device = &device}, {.tokens = 2, .position = 39, .device = &device}};
  for (size_t i = 0; i < 2; i++) {
    mx_error e = {0};
    mx_profile p;
    assert_int_equal(mx_profile_run(im, "model", &wrong[i], &p, &e), MX_LIMIT);
    assert_non_null(strstr(e.text, "the context has 40 positions"));
    mx_profile_free(&p);
  }
  mx_image_free(im);
}

static void faults_are_named(void **state) {
  (void)state;
  mx_image *im = image_of(&odd, "sim");
  mx_engine_options device = {.memory = MX_MEMORY_DEFAULTS};
  const mx_profile_request r = {.tokens = 1, .device = &device};
  mx_error e = {0};
  mx_profile p;
  im->memory[im->token_entry + 3 * MX_INSTRUCTION_BYTES] |= 0x1f;  // no such instruction
  assert_int_equal(mx_profile_run(im, "model", &r, &p, &e), MX_DEVICE);
  assert_non_null(strstr(e.text, "fault ILLEGAL"));
  assert_non_null(strstr(e.text, mx_image_note(im, im->token_entry + 3 * MX_INSTRUCTION_BYTES)));
  mx_profile_free(&p);
  mx_image_free(im);
}

// ---- without weights -----------------------------------------------------------------------

// The compiler takes it that an embedding without data is in FP16.
static void to_halves(mx_matrix *m) {
  for (size_t i = 0; i < (size_t)m->rows * m->cols; i++) m->data[i] = (float)(int)(m->data[i] * 64) / 64;
}

static void shapes_need_no_weights(void **state) {
  (void)state;
  const mx_config c = test_shape_config(&even);
  mx_qmodel *q = test_qmodel(&even, 1), *bare;
  mx_error e = {0};
  assert_int_equal(mx_qmodel_new(&c, &bare, &e), MX_OK);
  to_halves(&q->token_embd);
  mx_image *full = test_compile(q, "sim", even.context);
  bare->kv_bits = q->kv_bits;
  bare->tokenizer = q->tokenizer;
  for (uint32_t i = 0; i < even.layers; i++)
    for (unsigned k = 0; k < MX_QLAYER_MATRICES; k++) {
      mx_qmatrix *m = mx_qlayer_matrix(&bare->layers[i], k, NULL);
      m->format = mx_qlayer_matrix(&q->layers[i], k, NULL)->format;
      m->acts = mx_qlayer_matrix(&q->layers[i], k, NULL)->acts;
    }
  bare->output.format = q->output.format;
  bare->output.acts = q->output.acts;
  mx_image *programs = test_compile(bare, "sim", even.context);
  assert_int_equal(programs->memory_bytes, full->embedding_addr);
  assert_int_equal(programs->mem_bytes, full->mem_bytes);
  assert_memory_equal(programs->memory, full->memory, programs->memory_bytes);
  bare->tokenizer = NULL;
  mx_image_free(programs);
  mx_image_free(full);
  mx_qmodel_free(bare);
  mx_qmodel_free(q);
}

static void geometry_has_formats(void **state) {
  (void)state;
  mx_geometry_options o = {.shape = "tiny-test", .layers = 3, .acts = {.bits = MX_BITS_6}, .kv_bits = MX_BITS_4};
  mx_error e = {0};
  mx_qmodel *q;
  assert_int_equal(mx_weight_format_parse("int4z:64", &o.weights, &e), MX_OK);
  assert_int_equal(mx_synth_geometry(&o, &q, &e), MX_OK);
  assert_int_equal(q->config.n_layers, 3);
  assert_int_equal(q->layers[2].w_down.rows, 64);
  assert_int_equal(q->layers[2].w_down.cols, 160);
  assert_true(q->layers[2].w_down.format.stream.zero);
  assert_int_equal(q->output.acts.bits, MX_BITS_6);
  assert_int_equal(q->kv_bits, MX_BITS_4);
  assert_null(q->output.codes);
  mx_qmodel_free(q);
  o.shape = "no-such";
  assert_int_equal(mx_synth_geometry(&o, &q, &e), MX_USAGE);
  assert_null(q);
}

// ---- forms ---------------------------------------------------------------------------------

static char *written(FILE *f) {
  long n = ftell(f);
  char *text = malloc((size_t)n + 1);
  assert_non_null(text);
  rewind(f);
  assert_int_equal(fread(text, 1, (size_t)n, f), (size_t)n);
  text[n] = 0;
  fclose(f);
  return text;
}

static mx_status read_back(const char *text, mx_profile *p, mx_error *e) {
  char path[] = "/tmp/test_profile_XXXXXX";
  int fd = mkstemp(path);
  assert_true(fd >= 0);
  FILE *f = fdopen(fd, "w");
  fputs(text, f);
  fclose(f);
  mx_status s = mx_profile_read_json(path, p, e);
  unlink(path);
  return s;
}

static void same_phase(const mx_profile_phase *a, const mx_profile_phase *b) {
  assert_int_equal(a->programs, b->programs);
  assert_int_equal(a->tokens, b->tokens);
  assert_int_equal(a->position, b->position);
  assert_int_equal(a->operators.n, b->operators.n);
  assert_memory_equal(a->total.reasons, b->total.reasons, sizeof a->total.reasons);
  for (uint32_t i = 0; i < a->operators.n; i++) {
    const mx_profile_item *x = &a->operators.item[i], *y = &b->operators.item[i];
    assert_string_equal(x->name, y->name);
    assert_int_equal(x->layer, y->layer);
    assert_int_equal(x->cycles, y->cycles);
    assert_int_equal(x->macs, y->macs);
    assert_int_equal(x->read_bytes, y->read_bytes);
    assert_memory_equal(x->reasons, y->reasons, sizeof x->reasons);
  }
}

static void json_comes_back(void **state) {
  (void)state;
  mx_image *im = image_of(&odd, "sim");
  mx_profile p, back;
  mx_error e = {0};
  FILE *f = tmpfile();
  run_profile(im, 9, 2, "ddr4-2400:16", NULL, &p);
  assert_int_equal(mx_profile_write_json(&p, f, &e), MX_OK);
  char *text = written(f);
  assert_int_equal(read_back(text, &back, &e), MX_OK);
  for (int k = 0; k < MX_PROFILE_PHASES; k++) same_phase(&p.phase[k], &back.phase[k]);
  assert_int_equal(back.machine.clock_khz, 300000);
  assert_string_equal(back.machine.memory, "ddr4-2400:16");
  assert_true(back.machine.pin_bytes == p.machine.pin_bytes);
  assert_true(back.machine.writable);
  // Anything changed is noticed.
  static const char *const spoil[] = {"\"codes\": ", "\"macs\": ", "\"operators\": ", "\"format\": \"", "\"beat_bytes\": "};
  for (size_t i = 0; i < sizeof spoil / sizeof *spoil; i++) {
    char *copy = strdup(text), *at = strstr(copy, spoil[i]);
    mx_error own = {0};
    mx_profile wrong;
    assert_non_null(at);
    at[1] = '!';
    assert_int_not_equal(read_back(copy, &wrong, &own), MX_OK);
    mx_profile_free(&wrong);
    free(copy);
  }
  free(text);
  mx_profile_free(&back);
  mx_profile_free(&p);
  mx_image_free(im);
}

// The model leaps over cycles that are alike; step by step it tells the same of each.
static void check_steps(const test_shape *s, const char *set, const char *chip) {
  mx_image *im = image_of(s, set);
  mx_profile leaps, steps;
  run_profile(im, im->batch_tokens, 1, chip, NULL, &leaps);
  step_by_step = true;
  run_profile(im, im->batch_tokens, 1, chip, NULL, &steps);
  step_by_step = false;
  for (int k = 0; k < MX_PROFILE_PHASES; k++) same_phase(&leaps.phase[k], &steps.phase[k]);
  mx_profile_free(&leaps);
  mx_profile_free(&steps);
  mx_image_free(im);
}

static void leaps_tell_what_steps_tell(void **state) {
  (void)state;
  check_steps(&even, "sim", "ddr4-2400:16");
  check_steps(&even, "large", "ddr3-1066:16");
  check_steps(&odd, "small", NULL);
  check_steps(&odd, "small", "qspi-48");
}

// What a row of the trace holds: slices in order, none in another.
typedef struct { double end; uint64_t cycles, working; uint32_t slices; } row;

static void check_slice(const json_t *event, row rows[MX_TRACE_ROWS]) {
  uint64_t tid = (uint64_t)json_integer_value(json_object_get(event, "tid"));
  double from = json_number_value(json_object_get(event, "ts"));
  const json_t *args = json_object_get(event, "args");
  assert_true(tid < MX_TRACE_ROWS && json_is_real(json_object_get(event, "ts")) && json_is_real(json_object_get(event, "dur")));
  assert_true(*json_string_value(json_object_get(event, "name")));
  row *r = &rows[tid];
  assert_true(from >= r->end - 0.001);
  r->end = from + json_number_value(json_object_get(event, "dur"));
  r->cycles += (uint64_t)json_integer_value(json_object_get(args, "cycles"));
  r->working += (uint64_t)json_integer_value(json_object_get(args, "codes"));
  r->slices++;
}

static void trace_is_in_chromes_format(void **state) {
  (void)state;
  mx_image *im = image_of(&odd, "sim");
  mx_profile p;
  json_error_t why;
  row rows[MX_TRACE_ROWS] = {{0}};
  size_t names = 0, counters = 0, i;
  json_t *event;
  FILE *f = tmpfile();
  run_profile(im, 9, 1, "ddr4-2400:16", f, &p);
  char *text = written(f);
  json_t *o = json_loads(text, JSON_REJECT_DUPLICATES, &why);
  if (!o) fail_msg("no JSON: %s at %d", why.text, why.position);
  assert_string_equal(json_string_value(json_object_get(o, "displayTimeUnit")), "ns");
  json_array_foreach(json_object_get(o, "traceEvents"), i, event) {
    const char *kind = json_string_value(json_object_get(event, "ph"));
    assert_int_equal(json_integer_value(json_object_get(event, "pid")), 1);
    if (*kind == 'X') check_slice(event, rows);
    else if (*kind == 'M') names += !strcmp(json_string_value(json_object_get(event, "name")), "thread_name");
    else counters += *kind == 'C';
  }
  const mx_profile_item *a = &p.phase[MX_PROFILE_PREFILL].total, *b = &p.phase[MX_PROFILE_DECODE].total;
  assert_int_equal(names, MX_TRACE_ROWS);
  assert_true(counters > 10);
  assert_int_equal(rows[MX_TRACE_PROGRAM].slices, 3);  // a batch of 8, a token, a token
  assert_int_equal(rows[MX_TRACE_PROGRAM].cycles, a->cycles + b->cycles);
  assert_int_equal(rows[MX_TRACE_SEQ].slices, a->instructions + b->instructions);
  assert_int_equal(rows[MX_TRACE_DOT].working, a->reasons[MX_CYCLE_CODES] + b->reasons[MX_CYCLE_CODES]);
  for (int k = 0; k < MX_TRACE_ROWS; k++) assert_true(rows[k].slices > 0 && rows[k].cycles <= a->cycles + b->cycles);
  assert_true(strlen(text) < 1000000);
  json_decref(o);
  free(text);
  mx_profile_free(&p);
  mx_image_free(im);
}

static uint32_t count_of(const char *text, const char *what) {
  uint32_t n = 0;
  for (; (text = strstr(text, what)); text++) n++;
  return n;
}

// A point for every operator that multiplies, and one for all; every element is closed.
static void plot_has_a_point_per_operator(void **state) {
  (void)state;
  mx_image *im = image_of(&odd, "sim");
  mx_profile p;
  FILE *f = tmpfile();
  run_profile(im, 0, 1, "ddr4-2400:16", NULL, &p);
  mx_profile_plot(&p, f);
  char *text = written(f);
  assert_int_equal(strncmp(text, "<svg ", 5), 0);
  assert_int_equal(count_of(text, "<circle "), 7 + 2 + 1 + 1);
  assert_int_equal(count_of(text, "<circle "), count_of(text, "</circle>"));
  assert_int_equal(count_of(text, "<text "), count_of(text, "</text>"));
  assert_int_equal(count_of(text, "</svg>"), 1);
  assert_int_equal(count_of(text, "nan") + count_of(text, "inf"), 0);
  free(text);
  mx_profile_free(&p);
  mx_image_free(im);
}

static void tables_add_up(void **state) {
  (void)state;
  mx_image *im = image_of(&even, "sim");
  mx_profile p;
  mx_error e = {0};
  run_profile(im, 0, 1, "ddr4-2400:16", NULL, &p);
  const mx_profile_phase *d = &p.phase[MX_PROFILE_DECODE];
  for (int by = MX_PROFILE_BY_OPERATOR; by <= MX_PROFILE_BY_BOTH; by++) {
    mx_profile_items sum;
    uint64_t cycles = 0, macs = 0;
    assert_int_equal(mx_profile_sum(d, (mx_profile_by)by, &sum, &e), MX_OK);
    for (uint32_t i = 0; i < sum.n; i++) cycles += sum.item[i].cycles, macs += sum.item[i].macs;
    assert_int_equal(cycles, d->total.cycles);
    assert_int_equal(macs, d->total.macs);
    if (by == MX_PROFILE_BY_LAYER) assert_int_equal(sum.n, even.layers + 1);
    if (by == MX_PROFILE_BY_BOTH) assert_int_equal(sum.n, d->operators.n);
    free(sum.item);
  }
  FILE *f = tmpfile();
  assert_int_equal(mx_profile_compare(&p, &p, f, &e), MX_OK);
  char *text = written(f);
  assert_non_null(strstr(text, "1.000"));
  free(text);
  mx_profile_free(&p);
  mx_image_free(im);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(cycles_belong_to_operators), cmocka_unit_test(wrong_counts_are_errors),
      cmocka_unit_test(sums_are_checked), cmocka_unit_test(bytes_and_products_are_the_matrices),
      cmocka_unit_test(useful_bytes_are_the_model), cmocka_unit_test(cycles_are_those_of_the_engine),
      cmocka_unit_test(too_many_positions_are_refused), cmocka_unit_test(faults_are_named), cmocka_unit_test(shapes_need_no_weights),
      cmocka_unit_test(geometry_has_formats), cmocka_unit_test(leaps_tell_what_steps_tell),
      cmocka_unit_test(json_comes_back),
      cmocka_unit_test(trace_is_in_chromes_format), cmocka_unit_test(plot_has_a_point_per_operator),
      cmocka_unit_test(tables_add_up),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
