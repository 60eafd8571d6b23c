#include "firmware/mx_sampler.h"

#include "golden/bytes.h"

// ---- the generator -----------------------------------------------------------------

static uint32_t rotate(uint32_t x, unsigned n) { return x << n | x >> (32 - n); }

// splitmix64, for the states of xoshiro128++.
static uint64_t spread(uint64_t *seed) {
  uint64_t z = *seed += 0x9e3779b97f4a7c15;
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
  z = (z ^ z >> 27) * 0x94d049bb133111eb;
  return z ^ z >> 31;
}

void mx_sampler_seed(mx_sampler *s, uint64_t seed) {
  for (unsigned i = 0; i < 4; i += 2) {
    uint64_t z = spread(&seed);
    s->state[i] = (uint32_t)z;
    s->state[i + 1] = (uint32_t)(z >> 32);
  }
}

uint32_t mx_sampler_random(mx_sampler *s) {
  uint32_t *a = s->state, out = rotate(a[0] + a[3], 7) + a[0], b = a[1] << 9;
  a[2] ^= a[0];
  a[3] ^= a[1];
  a[1] ^= a[2];
  a[0] ^= a[3];
  a[2] ^= b;
  a[3] = rotate(a[3], 11);
  return out;
}

// Uniform in [0, bound): the upper half of a 128-bit product with 64 random bits.
static uint64_t random_below(mx_sampler *s, uint64_t bound) {
  uint32_t high = mx_sampler_random(s), low = mx_sampler_random(s), b_high = (uint32_t)(bound >> 32), b_low = (uint32_t)bound;
  uint64_t a = (uint64_t)high * b_low, b = (uint64_t)low * b_high, c = (uint64_t)low * b_low >> 32;
  uint64_t middle = (uint32_t)a + (uint64_t)(uint32_t)b + c;
  return (uint64_t)high * b_high + (a >> 32) + (b >> 32) + (middle >> 32);
}

// ---- logits ------------------------------------------------------------------------

typedef struct {
  const mx_memory_port *memory;
  uint32_t addr, count;
  uint32_t *words, room;  // lent
  uint32_t first, held;   // logits first to first + held - 1 are there
  bool failed;
} reader;

static void load(reader *r, uint32_t i) {
  uint32_t n = r->count - i < r->room ? r->count - i : r->room;
  bool got = r->memory->get(r->memory->self, r->addr + 4 * i, r->words, 4 * n);
  r->first = i;
  r->held = got ? n : 0;
  if (!got) r->failed = true;
}

// The word of logit i; NaN if it could not be read.
static uint32_t logit(reader *r, uint32_t i) {
  if (i - r->first >= r->held) load(r, i);
  return r->failed ? UINT32_MAX : mx_load_aligned_u32((const uint8_t *)&r->words[i - r->first]);
}

uint32_t mx_sampler_rank(uint32_t word) {
  const uint32_t infinity = 0x7f800000, least_normal = 0x00800000, zero = 0x80000000;
  uint32_t magnitude = word & 0x7fffffff;
  if (magnitude > infinity) return 0;
  if (magnitude < least_normal) return zero;
  return word >> 31 ? zero - magnitude : zero + magnitude;
}

// ---- probabilities -----------------------------------------------------------------

enum { FRACTION = 24, MOST_OCTAVES = 32, HUGE_EXPONENT = 165 };  // |value| >= 2^38
static const uint32_t NONE = UINT32_MAX;

// A logit in units of 2^-24, toward zero, if it is not huge.
static int64_t fixed(uint32_t word) {
  uint32_t exponent = word >> 23 & 255, shift = exponent < 126 ? 126 - exponent : exponent - 126;
  uint64_t m = exponent ? (word & 0x7fffff) | 0x800000 : 0;
  m = exponent >= 126 ? m << shift : shift < 24 ? m >> shift : 0;
  return word >> 31 ? -(int64_t)m : (int64_t)m;
}

static bool is_huge(uint32_t word) { return (word >> 23 & 255) >= HUGE_EXPONENT; }

// log2(e) / temperature in units of 2^-24: log2(e) * 1000 * 2^24 in two parts over the milli.
static uint32_t slope_of(uint32_t milli) {
  const uint32_t upper = 369329, lower = 60979;
  return ((upper / milli) << 16) + ((upper % milli) << 16 | lower) / milli;
}

// The distribution that a temperature makes of the logits.
typedef struct {
  reader in;
  uint32_t max_rank, slope;
  int64_t max;    // in fixed point
  bool huge;      // it is
  bool ready;     // the lent words hold distances, of all tokens
  uint32_t most;  // x of the least probable token that may be chosen
} field;

// How far logit i is below the greatest, in octaves of probability of 2^-24; NONE: it has none.
static uint32_t distance(field *f, uint32_t i) {
  if (f->ready) return f->in.words[i];
  uint32_t word = logit(&f->in, i), rank = mx_sampler_rank(word);
  if (rank == f->max_rank) return 0;
  if (!rank || f->huge || is_huge(word)) return NONE;  // huge ones that differ do so by 2^15 and more
  uint64_t below = (uint64_t)(f->max - fixed(word));
  if (below >> 32) return NONE;
  uint64_t x = (below * f->slope) >> FRACTION;
  return x >> FRACTION < MOST_OCTAVES ? (uint32_t)x : NONE;
}

uint32_t mx_sampler_weight(uint32_t x) {
  static const uint32_t power[3][16] = {  // 2^(-i / 16), 2^(-i / 256), 2^(-i / 4096)
    {0x80000000, 0x7a92be8b, 0x75606374, 0x70666f76, 0x6ba27e65, 0x6712460b, 0x62b39509, 0x5e8451d0,
     0x5a82799a, 0x56ac1f75, 0x52ff6b55, 0x4f7a9930, 0x4c1bf829, 0x48e1e9ba, 0x45cae0f2, 0x42d561b4},
    {0x80000000, 0x7fa765ad, 0x7f4f08ae, 0x7ef6e8da, 0x7e9f0606, 0x7e476009, 0x7deff6b6, 0x7d98c9e6,
     0x7d41d96e, 0x7ceb2523, 0x7c94acde, 0x7c3e7073, 0x7be86fba, 0x7b92aa88, 0x7b3d20b6, 0x7ae7d21a},
    {0x80000000, 0x7ffa748e, 0x7ff4e959, 0x7fef5e62, 0x7fe9d3a9, 0x7fe4492d, 0x7fdebeee, 0x7fd934ed,
     0x7fd3ab29, 0x7fce21a3, 0x7fc8985a, 0x7fc30f4e, 0x7fbd8680, 0x7fb7fdef, 0x7fb2759c, 0x7faced85},
  };
  const uint32_t ln2 = 726818;  // in units of 2^-20
  uint32_t m = power[0][x >> 20 & 15];
  m = (uint32_t)((uint64_t)m * power[1][x >> 16 & 15] >> 31);
  m = (uint32_t)((uint64_t)m * power[2][x >> 12 & 15] >> 31);
  m = (uint32_t)((uint64_t)m * (0x80000000u - ((x & 0xfff) * ln2 >> 13)) >> 31);
  return m >> (x >> FRACTION);
}

// ---- choices -----------------------------------------------------------------------

// The first greatest logit.
static uint32_t greatest(field *f) {
  uint32_t best = 0, max = UINT32_MAX;
  for (uint32_t i = 0; i < f->in.count && !f->in.failed; i++) {
    uint32_t word = logit(&f->in, i), rank = mx_sampler_rank(word);
    if (rank > f->max_rank) f->max_rank = rank, max = word, best = i;
  }
  f->huge = is_huge(max);
  f->max = f->huge ? 0 : fixed(max);
  return best;
}

// Every pass asks for every distance, so they are kept where there is room.
static void keep_distances(field *f) {
  if (f->in.room < f->in.count) return;
  for (uint32_t i = 0; i < f->in.count; i++) f->in.words[i] = distance(f, i);
  f->ready = true;
}

enum { BITS = 6, BINS = 1 << BITS, LEVELS = 5 };

typedef struct { uint64_t sum[BINS]; uint32_t count[BINS]; } bins;

// The tokens whose x begins with `found`, by its next bits.
static void sort_by_bits(field *f, uint32_t found, uint32_t shift, bins *to) {
  for (uint32_t i = 0; i < BINS; i++) to->sum[i] = to->count[i] = 0;
  for (uint32_t i = 0; i < f->in.count; i++) {
    uint32_t x = distance(f, i), bin = x >> shift & (BINS - 1);
    if (x == NONE || x >> shift >> BITS != found) continue;
    to->sum[bin] += mx_sampler_weight(x);
    to->count[bin]++;
  }
}

// Find the least f->most that keeps tokens of top_p of the whole sum, some bits at a time
// from the highest, until they tell tokens apart. Returns the sum of what is kept.
static uint64_t keep(field *f, uint32_t top_p_milli) {
  uint64_t all = 0, below = 0;
  uint32_t found = 0, shift = BITS * (LEVELS - 1);
  bins now;
  sort_by_bits(f, 0, shift, &now);
  for (uint32_t b = 0; b < BINS; b++) all += now.sum[b];
  if (top_p_milli >= 1000) return all;
  for (;; shift -= BITS, sort_by_bits(f, found, shift, &now)) {
    uint32_t b = 0;
    while (b < BINS - 1 && 1000 * (below + now.sum[b]) < top_p_milli * all) below += now.sum[b++];
    found = found << BITS | b;
    if (shift && now.count[b] > 1) continue;
    f->most = ((found + 1) << shift) - 1;
    return below + now.sum[b];
  }
}

// The token at which the sum of what is kept passes `target`.
static uint32_t token_at(field *f, uint64_t target) {
  uint64_t sum = 0;
  uint32_t i = 0;
  for (; i < f->in.count - 1; i++) {
    uint32_t x = distance(f, i);
    if (x <= f->most) sum += mx_sampler_weight(x);
    if (sum > target) break;
  }
  return i;
}

bool mx_sampler_choose(mx_sampler *s, const mx_memory_port *memory, uint32_t addr, uint32_t count, uint32_t *token) {
  field f = {.in = {.memory = memory, .addr = addr, .count = count, .words = s->scratch, .room = s->scratch_words},
             .most = NONE - 1};
  *token = greatest(&f);
  if (f.in.failed) return false;
  if (!s->temperature_milli || !f.max_rank) return true;
  f.slope = slope_of(s->temperature_milli);
  keep_distances(&f);
  uint64_t sum = keep(&f, s->top_p_milli);
  *token = token_at(&f, random_below(s, sum));
  return !f.in.failed;
}

// ---- settings ----------------------------------------------------------------------

bool mx_sampler_parse_milli(const char *text, uint32_t *milli) {
  uint32_t value = 0, places = 0, digits = 0;
  bool point = false;
  for (; *text; text++) {
    if (*text == '.' && !point) {
      point = true;
      continue;
    }
    if (*text < '0' || *text > '9' || places == 3 || value > 4000000000u / 10) return false;
    value = 10 * value + (uint32_t)(*text - '0');
    places += point;
    digits++;
  }
  for (; places < 3; places++) {
    if (value > 4000000000u / 10) return false;
    value *= 10;
  }
  *milli = value;
  return digits != 0;
}
