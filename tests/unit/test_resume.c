// Quantization in steps: weights fetched from their file, and runs that are
// interrupted, killed or find a state that is not theirs end in the same bytes.
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "compiler/export/gguf_write.h"
#include "compiler/import/bytes.h"
#include "compiler/quant/quantize.h"
#include "compiler/quant/state.h"
#include "golden/isa.h"
#include "tests/unit/gguf_writer.h"
#include "tests/unit/small_model.h"

static const mx_config config = {.dim = 32, .hidden_dim = 48, .n_layers = 3, .n_heads = 4, .n_kv_heads = 2, .head_dim = 8,
                                 .vocab_size = TEST_VOCAB, .context_length = 64, .rope_theta = 10000, .rms_eps = 1e-5f, .head_norms = 1};

typedef struct {
  char model[TEST_PATH_BYTES];   // GGUF, F16
  char folder[TEST_PATH_BYTES];  // for state and results
  char state[TEST_PATH_BYTES + 8], result[TEST_PATH_BYTES + 8];
} fixture;

static void write_model(char path[TEST_PATH_BYTES], bool tied, uint64_t seed) {
  mx_model *m = test_model(&config, tied, seed);
  mx_error e = {0};
  test_write_file("", 0, path);
  assert_int_equal(mx_gguf_write_model(path, m, "small", MX_GGML_F16, &e), MX_OK);
  mx_model_free(m);
}

static int setup(void **state) {
  fixture *f = calloc(1, sizeof *f);
  assert_non_null(f);
  write_model(f->model, true, 77);
  test_write_file("", 0, f->folder);
  assert_int_equal(unlink(f->folder), 0);
  assert_int_equal(mkdir(f->folder, 0700), 0);
  snprintf(f->state, sizeof f->state, "%s/part", f->folder);
  snprintf(f->result, sizeof f->result, "%s/q", f->folder);
  *state = f;
  return 0;
}

static int teardown(void **state) {
  fixture *f = *state;
  unlink(f->model);
  unlink(f->result);
  mx_state_remove(f->state);
  int left = rmdir(f->folder);  // nothing else was left in it
  free(f);
  return left;
}

// ---- weights in their file -------------------------------------------------------------

static void test_fetch(void **state) {
  const fixture *f = *state;
  mx_model *loaded, *mapped;
  mx_error e = {0};
  assert_int_equal(mx_model_load(f->model, NULL, &loaded, &e), MX_OK);
  assert_int_equal(mx_model_open(f->model, NULL, &mapped, &e), MX_OK);
  for (uint32_t i = 0; i < mx_model_matrix_count(loaded); i++) {
    char name[MX_MATRIX_NAME_BYTES];
    const mx_matrix *m = mx_model_matrix(loaded, i, name);
    mx_matrix a, b;
    assert_null(mx_model_matrix(mapped, i, name)->data);
    assert_int_equal(mx_model_fetch(mapped, i, &a, &e), MX_OK);
    assert_int_equal(mx_model_fetch(loaded, i, &b, &e), MX_OK);
    assert_memory_equal(a.data, m->data, (size_t)m->rows * m->cols * sizeof(float));
    assert_memory_equal(b.data, m->data, (size_t)m->rows * m->cols * sizeof(float));
    free(a.data);
    free(b.data);
  }
  mx_model_free(loaded);
  mx_model_free(mapped);
}

static void test_fetch_rows(void **state) {
  const fixture *f = *state;
  static const int32_t ids[] = {7, TEST_VOCAB - 1, 0, 7}, bad[] = {1, TEST_VOCAB}, negative[] = {-1};
  mx_model *loaded, *mapped;
  mx_matrix x;
  mx_error e = {0};
  assert_int_equal(mx_model_load(f->model, NULL, &loaded, &e), MX_OK);
  assert_int_equal(mx_model_open(f->model, NULL, &mapped, &e), MX_OK);
  assert_int_equal(mx_model_fetch_rows(mapped, ids, 4, &x, &e), MX_OK);
  for (size_t i = 0; i < 4; i++)
    assert_memory_equal(x.data + i * 32, loaded->token_embd.data + (size_t)ids[i] * 32, 32 * sizeof(float));
  free(x.data);
  assert_int_equal(mx_model_fetch_rows(mapped, bad, 2, &x, &e), MX_USAGE);
  assert_null(x.data);
  e = (mx_error){0};
  assert_int_equal(mx_model_fetch_rows(loaded, negative, 1, &x, &e), MX_USAGE);
  mx_model_free(loaded);
  mx_model_free(mapped);
}

// A weight that is not finite is met when it is fetched, and located.
static void test_fetch_not_finite(void **state) {
  (void)state;
  mx_config plain = config;
  plain.head_norms = 0;  // all that gguf_of_model knows
  mx_model *m = test_model(&plain, false, 5), *mapped;
  mx_matrix x;
  mx_error e = {0};
  char path[TEST_PATH_BYTES], name[MX_MATRIX_NAME_BYTES];
  m->layers[1].wo.data[2 * 32 + 5] = mx_float_of_bits(0xff800000);
  test_buffer b = gguf_of_model(m, MX_GGML_F32);
  test_write_file(b.data, b.size, path);
  assert_int_equal(mx_model_open(path, NULL, &mapped, &e), MX_OK);
  uint32_t index = mx_model_layer_index(1, 4);
  mx_model_matrix(mapped, index, name);
  assert_string_equal(name, "blk.1.attn_output.weight");
  assert_int_equal(mx_model_fetch(mapped, index, &x, &e), MX_FORMAT);
  assert_null(x.data);
  assert_string_equal(e.text, "tensor 'blk.1.attn_output.weight' holds -inf in row 2, column 5");
  assert_string_equal(e.path, path);
  assert_int_equal(e.offset_bytes, mapped->stored[index].at_bytes);
  assert_memory_equal(b.data + e.offset_bytes, m->layers[1].wo.data, 32 * 32 * 4);
  unlink(path);
  free(b.data);
  mx_model_free(m);
  mx_model_free(mapped);
}

// ---- interrupted runs ------------------------------------------------------------------

static mx_calibration calibration;
static int32_t tokens[160];
static uint32_t starts[] = {0, 40, 80, 120, 160};

static void make_calibration(void) {
  test_random r = {9};
  for (int i = 0; i < 160; i++) tokens[i] = i % 40 ? (int32_t)test_random_below(&r, TEST_VOCAB) : 1;
  calibration = (mx_calibration){.n_sequences = 4, .n_tokens = 160, .starts = starts, .tokens = tokens};
}

static uint32_t steps, deadly_step;
static volatile sig_atomic_t stop;
static char notes[1024];

static void die(const mx_progress *p) {
  (void)p;
  if (++steps == deadly_step) raise(SIGKILL);
}
static void interrupt(const mx_progress *p) {
  (void)p;
  if (++steps == deadly_step) stop = 1;
}
static void count(const mx_progress *p) {
  assert_true(p->skipped <= p->done && p->done < p->total);
  steps++;
}
static void keep_note(const char *text) {
  strncat(notes, text, sizeof notes - strlen(notes) - 1);
}

static mx_quantize_options options_of(const char *methods, unsigned threads) {
  mx_quantize_options o = {.act_bits = MX_BITS_8, .kv_bits = MX_BITS_8, .calibration = &calibration, .threads = threads,
                           .note = keep_note, .interrupted = &stop};
  mx_error e = {0};
  if (mx_methods_parse(methods, &o.methods, &e)) fail_msg("%s", e.text);
  assert_int_equal(mx_weight_format_parse("mxint4:16", &o.weights, &e), MX_OK);
  steps = 0;
  stop = 0;
  notes[0] = 0;
  return o;
}

// Quantizes the model file; the status.
static mx_status run(const char *model, const mx_quantize_options *o, mx_qmodel **q, mx_error *e) {
  mx_model *m;
  *e = (mx_error){0};
  mx_status s = mx_model_open(model, NULL, &m, e);
  if (!s) s = mx_quantize_model(m, o, q, e);
  mx_model_free(m);
  return s;
}

// The bytes of the .mxq that a run gives.
static test_buffer result(const fixture *f, const mx_quantize_options *o) {
  mx_qmodel *q;
  mx_error e;
  mx_file file;
  test_buffer b = {0};
  if (run(f->model, o, &q, &e) || mx_qmodel_write(f->result, q, &e)) fail_msg("%s", e.text);
  assert_int_equal(mx_file_map(f->result, &file, &e), MX_OK);
  test_put(&b, file.data, file.size_bytes);
  mx_file_unmap(&file);
  mx_qmodel_free(q);
  return b;
}

static void expect_same(test_buffer a, test_buffer b) {
  assert_int_equal(a.size, b.size);
  assert_memory_equal(a.data, b.data, a.size);
  free(b.data);
}

// A run in a process of its own that is killed before step `step`.
static void run_killed(const fixture *f, const mx_quantize_options *o, uint32_t step) {
  pid_t child = fork();
  assert_true(child >= 0);
  if (!child) {
    mx_quantize_options mine = *o;
    mx_qmodel *q;
    mx_error e;
    mine.progress = die;
    deadly_step = step;
    run(f->model, &mine, &q, &e);
    _exit(0);
  }
  int status;
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

// Killed in each layer in turn, then finished: the bytes of a run without a pause.
static void check_kills(const fixture *f, const char *methods) {
  mx_quantize_options o = options_of(methods, 1);
  test_buffer whole = result(f, &o);
  static const uint32_t steps_of_layers[] = {3, 9, 6};  // of what is left each time
  o.state = f->state;
  for (int i = 0; i < 3; i++) run_killed(f, &o, steps_of_layers[i]);
  o = options_of(methods, 2);
  o.state = f->state;
  o.progress = count;
  expect_same(whole, result(f, &o));
  if (!strstr(notes, "resuming after layer 1 of 3")) fail_msg("%s: '%s'", methods, notes);
  mx_state_remove(f->state);
  free(whole.data);
}

static void test_kills(void **state) {
  static const char *const lists[] = {"rtn", "gptq", "smoothquant,awq,correct,gptq,mse", "rsq,gptq", "prefix=2,smoothquant=all,gptq",
                                      "static,correct,gptq", "rotate+down+qk,gptq", "mixed=5,gptq", "mixed=5+channels,gptq"};
  const fixture *f = *state;
  for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) check_kills(f, lists[i]);
}

static void test_interrupt(void **state) {
  const fixture *f = *state;
  mx_quantize_options o = options_of("gptq", 1);
  test_buffer whole = result(f, &o);
  mx_qmodel *q;
  mx_error e;
  o.state = f->state;
  o.progress = interrupt;
  deadly_step = 17;
  assert_int_equal(run(f->model, &o, &q, &e), MX_INTERRUPTED);
  assert_null(q);
  assert_string_equal(e.text, "interrupted with 2 of 3 layers finished");
  o = options_of("gptq", 1);
  o.state = f->state;
  o.progress = count;
  expect_same(whole, result(f, &o));
  assert_int_equal(steps, 7 + 1);  // the last layer and the output
  free(whole.data);
}

// After all layers only the output matrix is left.
static void finish_layers(const fixture *f) {
  mx_quantize_options o = options_of("gptq", 1);
  mx_qmodel *q;
  mx_error e;
  mx_state_remove(f->state);
  o.state = f->state;
  o.progress = interrupt;
  deadly_step = 22;
  assert_int_equal(run(f->model, &o, &q, &e), MX_INTERRUPTED);
  assert_non_null(strstr(e.text, "3 of 3"));
}

static void expect_steps(const fixture *f, mx_quantize_options o, uint32_t expected, const char *note) {
  mx_quantize_options plain = o;
  plain.state = NULL;
  test_buffer whole = result(f, &plain);
  o.state = f->state;
  o.progress = count;
  notes[0] = 0;
  steps = 0;
  test_buffer again = result(f, &o);
  assert_int_equal(steps, expected);
  if (!strstr(notes, note)) fail_msg("'%s' does not say '%s'", notes, note);
  expect_same(whole, again);
  free(whole.data);
}

static void test_only_its_own(void **state) {
  const fixture *f = *state;
  char path[TEST_PATH_BYTES + 32];
  mx_quantize_options o;
  finish_layers(f);
  expect_steps(f, options_of("gptq", 1), 1, "resuming after layer 3 of 3");

  o = options_of("gptq", 1);
  o.restart = true;
  expect_steps(f, o, 22, "");

  finish_layers(f);  // another method, another format, another text
  expect_steps(f, options_of("gptq+order", 1), 22, "another model, text, program or command line");
  finish_layers(f);
  o = options_of("gptq", 1);
  o.act_bits = MX_BITS_6;
  expect_steps(f, o, 22, "another model");
  finish_layers(f);
  tokens[50] ^= 1;
  expect_steps(f, options_of("gptq", 1), 22, "another model");

  finish_layers(f);  // another file in the model's place
  unlink(f->model);
  fixture other = *f;
  write_model(other.model, true, 78);
  expect_steps(&other, options_of("gptq", 1), 22, "another model");
  unlink(other.model);
  write_model(((fixture *)*state)->model, true, 77);

  finish_layers(f);  // a file cut, one missing, one flipped, and one half written, which does no harm
  snprintf(path, sizeof path, "%s/layer.1", f->state);
  assert_int_equal(truncate(path, 1000), 0);
  expect_steps(f, options_of("gptq", 1), 22, "damaged");
  finish_layers(f);
  assert_int_equal(unlink(path), 0);
  expect_steps(f, options_of("gptq", 1), 22, "damaged");
  finish_layers(f);
  snprintf(path, sizeof path, "%s/streams", f->state);
  FILE *s = fopen(path, "r+b");
  assert_true(s && !fseek(s, 700, SEEK_SET) && fputc(0x5a, s) != EOF && !fclose(s));
  expect_steps(f, options_of("gptq", 1), 22, "damaged");
  finish_layers(f);
  snprintf(path, sizeof path, "%s/streams.1.tmp", f->state);
  s = fopen(path, "wb");
  assert_true(s && fputs("MXS1 and no more", s) != EOF && !fclose(s));
  expect_steps(f, options_of("gptq", 1), 1, "resuming after layer 3 of 3");
}

// An error that a second attempt would meet again leaves nothing behind.
static void test_errors(void **state) {
  const fixture *f = *state;
  mx_model *m = test_model(&config, false, 5);
  mx_quantize_options o = options_of("gptq", 1);
  mx_qmodel *q;
  mx_error e = {0};
  m->layers[2].wo.data[5] = mx_float_of_bits(0x7f800000);
  o.state = f->state;
  assert_int_equal(mx_quantize_model(m, &o, &q, &e), MX_FORMAT);
  assert_int_equal(access(f->state, F_OK), -1);
  mx_model_free(m);
  m = test_model(&config, false, 5);
  e = (mx_error){0};
  o.state = "/nonexistent/part";
  assert_int_equal(mx_quantize_model(m, &o, &q, &e), MX_IO);
  assert_string_equal(e.path, "/nonexistent/part");
  mx_model_free(m);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_fetch, setup, teardown),
      cmocka_unit_test_setup_teardown(test_fetch_rows, setup, teardown),
      cmocka_unit_test(test_fetch_not_finite),
      cmocka_unit_test_setup_teardown(test_kills, setup, teardown),
      cmocka_unit_test_setup_teardown(test_interrupt, setup, teardown),
      cmocka_unit_test_setup_teardown(test_only_its_own, setup, teardown),
      cmocka_unit_test_setup_teardown(test_errors, setup, teardown),
  };
  make_calibration();
  return cmocka_run_group_tests(tests, NULL, NULL);
}
