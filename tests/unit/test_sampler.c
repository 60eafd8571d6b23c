// The sampler against a plain model of the distribution: by statistics in double
// precision, and exactly by sorting; its edge cases; and that nothing depends on the
// memory it is lent.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "firmware/mx_sampler.h"
#include "tests/unit/program.h"

enum { MOST = 1 << 17 };
static test_random generator;

// ---- logits in memory --------------------------------------------------------------

static uint32_t logits[MOST];
static bool unreachable;

static bool get(void *self, uint32_t addr, void *to, uint32_t bytes) {
  (void)self;
  assert_true(addr >= 64 && addr - 64 + bytes <= sizeof logits);
  memcpy(to, (const uint8_t *)logits + addr - 64, bytes);
  return !unreachable;
}

static const mx_memory_port port = {.get = get};

static uint32_t bits(float v) {
  uint32_t w;
  memcpy(&w, &v, sizeof w);
  return w;
}
static float value(uint32_t i) {
  float v;
  memcpy(&v, &logits[i], sizeof v);
  return v;
}
static void set(uint32_t i, float v) { logits[i] = bits(v); }

static uint32_t *lent(uint32_t words) {
  uint32_t *p = malloc(words * sizeof *p);  // exact, for sanitizers
  assert_non_null(p);
  return p;
}

static mx_sampler sampler_of(uint32_t temperature_milli, uint32_t top_p_milli, uint64_t seed, uint32_t words) {
  mx_sampler s = {.temperature_milli = temperature_milli, .top_p_milli = top_p_milli, .scratch = lent(words), .scratch_words = words};
  mx_sampler_seed(&s, seed);
  return s;
}

static uint32_t choose(mx_sampler *s, uint32_t count) {
  uint32_t token = UINT32_MAX;
  assert_true(mx_sampler_choose(s, &port, 64, count, &token));
  assert_true(token < count);
  return token;
}

// One choice with a fresh sampler.
static uint32_t choose_once(uint32_t temperature_milli, uint32_t top_p_milli, uint64_t seed, uint32_t count) {
  mx_sampler s = sampler_of(temperature_milli, top_p_milli, seed, 16);
  uint32_t token = choose(&s, count);
  free(s.scratch);
  return token;
}

// ---- parts -------------------------------------------------------------------------

static void generator_is_xoshiro128pp(void **state) {
  (void)state;
  static const uint32_t published[] = {641, 1573767, 3222811527, 3517856514, 836907274, 4247214768, 3867114732, 1355841295, 495546011, 621204420};
  mx_sampler s = {.state = {1, 2, 3, 4}};
  for (size_t i = 0; i < sizeof published / sizeof *published; i++) assert_int_equal(mx_sampler_random(&s), published[i]);
  mx_sampler_seed(&s, 0);
  assert_int_equal(s.state[0], 0x7b1dcdaf);  // of splitmix64
  assert_int_equal(s.state[1], 0xe220a839);
  assert_int_equal(s.state[2], 0xa1b965f4);
  assert_int_equal(s.state[3], 0x6e789e6a);
}

static void weights_are_powers_of_two(void **state) {
  (void)state;
  double worst = 0;
  for (uint32_t x = 0; x < 1 << 24; x += 3) {
    double off = fabs((double)mx_sampler_weight(x) - ldexp(exp2(-ldexp(x, -24)), 31));
    if (off > worst) worst = off;
  }
  printf("weights are off by at most %.1f of 2^31\n", worst);
  assert_true(worst < 34);  // of the Taylor series: 2^31 / 2 * (ln 2 / 4096)^2 = 31
  for (uint32_t x = 0; x < 1 << 24; x += 12345)
    for (uint32_t octave = 0; octave < 32; octave++) assert_int_equal(mx_sampler_weight(octave << 24 | x), mx_sampler_weight(x) >> octave);
}

static void ranks_order_as_the_device_does(void **state) {
  (void)state;
  static const uint32_t rising[] = {0xff800000, 0xff7fffff, 0xbf800000, 0x80800000, 0, 0x00800000, 0x3f800000, 0x7f7fffff, 0x7f800000};
  for (size_t i = 1; i < sizeof rising / sizeof *rising; i++) assert_true(mx_sampler_rank(rising[i - 1]) < mx_sampler_rank(rising[i]));
  assert_int_equal(mx_sampler_rank(0x80000000), mx_sampler_rank(0));
  assert_int_equal(mx_sampler_rank(0x807fffff), mx_sampler_rank(0x007fffff));
  assert_int_equal(mx_sampler_rank(0xffc00000), mx_sampler_rank(0x7f800001));
  assert_true(mx_sampler_rank(0x7fc00000) < mx_sampler_rank(0xff800000));
}

static void numbers_are_parsed(void **state) {
  (void)state;
  static const struct { const char *text; uint32_t milli; } good[] = {
      {"0", 0}, {"0.85", 850}, {"1", 1000}, {"1.000", 1000}, {".5", 500}, {"2.", 2000}, {"10.001", 10001}, {"4000000", 4000000000}};
  static const char *const bad[] = {"", ".", "1.0000", "-1", "1e3", "0,5", " 1", "1 ", "1.2.3", "40000000", "99999999999999999999", "nan"};
  uint32_t milli;
  for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
    assert_true(mx_sampler_parse_milli(good[i].text, &milli));
    assert_int_equal(milli, good[i].milli);
  }
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    if (mx_sampler_parse_milli(bad[i], &milli)) fail_msg("'%s' is taken", bad[i]);
}

// ---- statistics --------------------------------------------------------------------

static void random_logits(uint32_t count, float scale) {
  for (uint32_t i = 0; i < count; i++) set(i, scale * test_random_float(&generator));
}

// What softmax and top-p say in double precision.
static void probabilities(uint32_t count, uint32_t temperature_milli, uint32_t top_p_milli, double *p) {
  double max = -INFINITY, sum = 0, kept = 0;
  for (uint32_t i = 0; i < count; i++) max = fmax(max, value(i));
  for (uint32_t i = 0; i < count; i++) sum += p[i] = exp((value(i) - max) * 1000 / temperature_milli);
  double least = INFINITY;  // of those that are kept
  while (kept < sum * top_p_milli / 1000 * (1 - 1e-12)) {
    double next = 0;
    for (uint32_t i = 0; i < count; i++)
      if (p[i] < least) next = fmax(next, p[i]);
    least = next;
    kept = 0;
    for (uint32_t i = 0; i < count; i++) kept += p[i] >= least ? p[i] : 0;
  }
  for (uint32_t i = 0; i < count; i++) p[i] = p[i] >= least ? p[i] / kept : 0;
}

static void check_distribution(uint32_t count, uint32_t temperature_milli, uint32_t top_p_milli) {
  enum { DRAWS = 100000, COUNT = 64 };
  double p[COUNT], chi2 = 0;
  uint32_t hits[COUNT] = {0}, degrees = 0;
  mx_sampler s = sampler_of(temperature_milli, top_p_milli, test_random_u32(&generator), count);
  probabilities(count, temperature_milli, top_p_milli, p);
  for (uint32_t i = 0; i < DRAWS; i++) hits[choose(&s, count)]++;
  for (uint32_t i = 0; i < count; i++) {
    if (p[i] == 0 && hits[i]) fail_msg("token %u was chosen outside of top-p", i);
    if (p[i] * DRAWS < 5) continue;
    chi2 += pow(hits[i] - p[i] * DRAWS, 2) / (p[i] * DRAWS);
    degrees++;
  }
  // Six standard deviations of chi-squared.
  if (chi2 > degrees + 6 * sqrt(2.0 * degrees) + 6)
    fail_msg("chi-squared %.1f with %u tokens at %u, %u", chi2, degrees, temperature_milli, top_p_milli);
  free(s.scratch);
}

static void frequencies_follow_the_distribution(void **state) {
  (void)state;
  static const uint32_t temperatures[] = {10, 300, 1000, 1700, 10000}, shares[] = {1000, 950, 500, 1};
  for (size_t t = 0; t < 5; t++)
    for (size_t k = 0; k < 4; k++) {
      random_logits(40, 6);
      check_distribution(40, temperatures[t], shares[k]);
    }
}

// ---- exactly -----------------------------------------------------------------------

typedef struct { uint32_t x, token; } candidate;

static int by_distance(const void *a, const void *b) {
  const candidate *p = a, *q = b;
  return p->x != q->x ? p->x < q->x ? -1 : 1 : (p->token > q->token) - (p->token < q->token);
}

// The definition of README.md with wide integers and a sort. No NaN, no infinities, |logit| < 2^15.
static uint32_t reference(mx_sampler *s, uint32_t count) {
  candidate *list = calloc(count, sizeof *list);
  bool *kept = calloc(count, sizeof *kept);
  assert_true(list && kept);
  uint32_t n = 0, slope = (uint32_t)(24204406323u / s->temperature_milli);
  int64_t max = INT64_MIN;
  unsigned __int128 all = 0, sum = 0;
  for (uint32_t i = 0; i < count; i++) max = (int64_t)ldexp(value(i), 24) > max ? (int64_t)ldexp(value(i), 24) : max;
  for (uint32_t i = 0; i < count; i++) {
    __int128 x = (__int128)(max - (int64_t)ldexp(value(i), 24)) * slope / (1 << 24);
    if (x < (__int128)32 << 24) list[n++] = (candidate){(uint32_t)x, i}, all += mx_sampler_weight((uint32_t)x);
  }
  qsort(list, n, sizeof *list, by_distance);
  for (uint32_t i = 0; i < n; i++) {
    bool enough = sum * 1000 >= all * s->top_p_milli && list[i].x != list[i - 1].x;
    if (enough) break;
    sum += mx_sampler_weight(list[i].x);
    kept[list[i].token] = true;
  }
  uint64_t high = mx_sampler_random(s), u = high << 32 | mx_sampler_random(s), at = (uint64_t)(u * sum >> 64), past = 0;
  uint32_t token = UINT32_MAX;
  for (uint32_t i = 0; i < count && token == UINT32_MAX; i++) {
    for (uint32_t k = 0; kept[i] && k < n; k++)
      if (list[k].token == i) past += mx_sampler_weight(list[k].x);
    if (past > at) token = i;
  }
  free(list);
  free(kept);
  return token;
}

static void choices_are_those_of_the_definition(void **state) {
  (void)state;
  static const float scales[] = {0.001f, 1, 8, 100, 20000};
  for (int i = 0; i < 1500; i++) {
    uint32_t count = 1 + test_random_below(&generator, 150), milli = 10 + test_random_below(&generator, i % 2 ? 2000 : 9991);
    random_logits(count, scales[i % 5]);
    for (uint32_t k = 0; i % 3 && k < count / 2; k++) logits[test_random_below(&generator, count)] = logits[test_random_below(&generator, count)];
    mx_sampler a = sampler_of(milli, 1 + test_random_below(&generator, 1000), test_random_u32(&generator),
                              1 + test_random_below(&generator, 160));
    mx_sampler b = a;
    uint32_t want = reference(&b, count), got = choose(&a, count);
    if (got != want) fail_msg("token %u of %u, expected %u (%u, %u)", got, count, want, a.temperature_milli, a.top_p_milli);
    assert_memory_equal(a.state, b.state, sizeof a.state);
    free(a.scratch);
  }
}

// The same tokens whatever is lent, and for the largest vocabulary that is met.
static void memory_does_not_matter(void **state) {
  (void)state;
  random_logits(MOST, 12);
  for (uint64_t seed = 1; seed < 4; seed++) {
    mx_sampler few = sampler_of(900, 900, seed, 1), some = sampler_of(900, 900, seed, 1000), all = sampler_of(900, 900, seed, MOST);
    uint32_t token = choose(&few, MOST);
    assert_int_equal(choose(&some, MOST), token);
    assert_int_equal(choose(&all, MOST), token);
    free(few.scratch), free(some.scratch), free(all.scratch);
  }
}

// Whoever changes a bit of the result breaks texts that others wrote down: these stay.
static void known_choices(void **state) {
  (void)state;
  static const uint32_t known[] = {59, 35, 78, 99, 59, 54, 27, 32, 59, 32, 24, 35, 89, 81, 40, 86};
  for (uint32_t i = 0; i < 100; i++) set(i, (float)((int)(i * 37 % 100) - 50) / 16);
  mx_sampler s = sampler_of(800, 950, 42, 100);
  for (size_t i = 0; i < sizeof known / sizeof *known; i++) assert_int_equal(choose(&s, 100), known[i]);
  free(s.scratch);
}

// ---- edges -------------------------------------------------------------------------

static void temperature_0_is_greedy(void **state) {
  (void)state;
  random_logits(50, 3);
  set(17, 9);
  set(31, 9);
  mx_sampler s = sampler_of(0, 1, 5, 8), before = s;
  assert_int_equal(choose(&s, 50), 17);
  assert_memory_equal(s.state, before.state, sizeof s.state);
  free(s.scratch);
  assert_int_equal(choose_once(10, 1, 5, 17), choose_once(0, 1000, 5, 17));
}

static void nan_is_never_chosen(void **state) {
  (void)state;
  for (uint32_t i = 0; i < 20; i++) set(i, i % 2 ? NAN : -NAN);
  for (uint64_t seed = 0; seed < 50; seed++) assert_int_equal(choose_once(1000, 1000, seed, 20), 0);
  set(7, -INFINITY);
  for (uint64_t seed = 0; seed < 50; seed++) assert_int_equal(choose_once(1000, 1000, seed, 20), 7);
  set(9, -3e38f);
  set(11, -3e38f);
  for (uint64_t seed = 0; seed < 50; seed++) assert_int_equal(choose_once(1000, 1000, seed, 20) | 2, 11);
}

static void infinities_share_all(void **state) {
  (void)state;
  uint32_t hits[20] = {0};
  random_logits(20, 5);
  set(3, INFINITY), set(12, INFINITY), set(13, 3e38f), set(14, -INFINITY);
  for (uint64_t seed = 0; seed < 200; seed++) hits[choose_once(10000, 1000, seed, 20)]++;
  assert_int_equal(hits[3] + hits[12], 200);
  assert_true(hits[3] > 60 && hits[12] > 60);
}

static void huge_logits_that_differ_do_not_share(void **state) {
  (void)state;
  for (uint32_t i = 0; i < 8; i++) set(i, 1e30f);
  set(5, nextafterf(1e30f, INFINITY));
  for (uint64_t seed = 0; seed < 50; seed++) assert_int_equal(choose_once(10000, 1000, seed, 8), 5);
  for (uint32_t i = 0; i < 8; i++) set(i, 274877906944.0f);  // 2^38, where fixed point ends
  set(2, nextafterf(274877906944.0f, 0));
  for (uint64_t seed = 0; seed < 50; seed++) assert_true(choose_once(10000, 1000, seed, 8) != 2);
}

static void ties_are_kept_together(void **state) {
  (void)state;
  uint32_t hits[6] = {0};
  for (uint32_t i = 0; i < 6; i++) set(i, i < 2 ? 1 : i < 5 ? 0 : -1);
  for (uint64_t seed = 0; seed < 3000; seed++) hits[choose_once(1000, 700, seed, 6)]++;
  for (uint32_t i = 0; i < 5; i++) assert_true(hits[i] > 200);  // 2 e hold 63 %: one more of three equals is wanted, so all
  assert_int_equal(hits[5], 0);
}

static void one_token_is_no_choice(void **state) {
  (void)state;
  set(0, -4);
  assert_int_equal(choose_once(1000, 500, 9, 1), 0);
}

static void unreachable_memory_is_told(void **state) {
  (void)state;
  uint32_t token;
  mx_sampler s = sampler_of(1000, 900, 1, 4);
  unreachable = true;
  assert_false(mx_sampler_choose(&s, &port, 64, 100, &token));
  unreachable = false;
  free(s.scratch);
}

int main(void) {
  generator.state = test_seed();
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(generator_is_xoshiro128pp), cmocka_unit_test(weights_are_powers_of_two),
      cmocka_unit_test(ranks_order_as_the_device_does), cmocka_unit_test(numbers_are_parsed),
      cmocka_unit_test(frequencies_follow_the_distribution), cmocka_unit_test(choices_are_those_of_the_definition),
      cmocka_unit_test(memory_does_not_matter), cmocka_unit_test(known_choices),
      cmocka_unit_test(temperature_0_is_greedy), cmocka_unit_test(nan_is_never_chosen),
      cmocka_unit_test(infinities_share_all), cmocka_unit_test(huge_logits_that_differ_do_not_share),
      cmocka_unit_test(ties_are_kept_together), cmocka_unit_test(one_token_is_no_choice),
      cmocka_unit_test(unreachable_memory_is_told),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
