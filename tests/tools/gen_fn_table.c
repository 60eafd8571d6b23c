// Fits golden/fn_table.def and prints it. Not part of the build: the table is
// the definition, and this says where its numbers come from.
//   cc -O2 -std=c17 -I. tests/tools/gen_fn_table.c -lm -o build/gen_fn_table
// For each segment: a real quadratic through Chebyshev points, then the
// integer (c1, c2) near it whose evaluation with the truncations of the
// definition has the smallest worst error over every d; c0 centres that error.
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { BANKS = 4, SEGMENTS = 128, D_COUNT = 1 << 17 };

static const char *bank_text[BANKS] = {
    "2^v / 2",
    "1 / (2 - v)",
    "1 / sqrt(2 - v)",
    "1 / sqrt(2 * (2 - v))",
};

// v: the offset that `mirrored` in golden/fn.c leaves is put back here.
static long double exact(int bank, long double v) {
  long double x = 2 - v - 0x1p-24L;
  if (bank == 0) return exp2l(v) / 2;
  if (bank == 1) return 1 / x;
  return 1 / sqrtl(bank == 2 ? x : 2 * x);
}

// The quadratic (q[0] + q[1] u + q[2] u^2), u = distance from the segment's
// start, that meets the function in three Chebyshev points.
static void interpolate(int bank, int segment, long double q[3]) {
  long double h = 1.0L / SEGMENTS;
  long double start = segment * h;
  long double u[3], f[3];
  for (int k = 0; k < 3; k++) {
    u[k] = h / 2 * (1 - cosl((2 * k + 1) * acosl(-1) / 6));
    f[k] = exact(bank, start + u[k]);
  }
  long double d01 = (f[1] - f[0]) / (u[1] - u[0]);
  long double d12 = (f[2] - f[1]) / (u[2] - u[1]);
  q[2] = (d12 - d01) / (u[2] - u[0]);
  q[1] = d01 - q[2] * (u[0] + u[1]);
  q[0] = f[0] - u[0] * (q[1] + u[0] * q[2]);
}

typedef struct {
  int64_t c0, c1, c2;
  double worst;  // before rounding, in units of 2^-27
} fit;

// Worst error over the d that occur, for the best c0.
static fit try_pair(const double *want, int step, int64_t c1, int64_t c2) {
  double low = 1e30, high = -1e30;
  for (int64_t d = step - 1; d < D_COUNT; d += step) {
    int64_t slope = c1 + (c2 * (d >> 4) >> 14);
    double e = want[d] - (double)(slope * d >> 15);
    if (e < low) low = e;
    if (e > high) high = e;
  }
  // 3.5: truncating 3 bits is rounding if half an ulp (4) is added first and
  // the value stands in the middle of its unit.
  fit f = {.c1 = c1, .c2 = c2};
  f.c0 = llround((low + high) / 2 + 3.5);
  f.worst = fmax(high - ((double)f.c0 - 3.5), ((double)f.c0 - 3.5) - low);
  return f;
}

static fit fit_segment(int bank, int segment, double *want) {
  int step = bank == 0 ? 1 : 2;  // mirrored fractions are odd
  for (int d = step - 1; d < D_COUNT; d += step)
    want[d] = (double)(exact(bank, ((long double)segment * D_COUNT + d) * 0x1p-24L) * 0x1p27L);
  long double q[3];
  interpolate(bank, segment, q);
  fit best = {.worst = 1e30};
  int64_t mid2 = llroundl(q[2] * 0x1p12L);
  for (int64_t c2 = mid2 - 2; c2 <= mid2 + 2; c2++) {
    // A change of c2 is met by the slope at the middle of the segment.
    long double slope = q[1] + (q[2] - (long double)c2 * 0x1p-12L) / SEGMENTS;
    int64_t mid1 = llroundl(slope * 0x1p18L + 0.5L);
    for (int64_t c1 = mid1 - 2; c1 <= mid1 + 2; c1++) {
      fit f = try_pair(want, step, c1, c2);
      if (c2 >= 0 && c2 < 1 << 12 && f.worst < best.worst) best = f;
    }
  }
  return best;
}

int main(void) {
  double *want = malloc(D_COUNT * sizeof *want);
  if (!want) return 1;
  printf("// SEGMENT(c0, c1, c2): four banks of 128 quadratics; see golden/fn.h for units and\n"
         "// golden/README.md, \"Functions\", for their use. Fitted by tests/tools/gen_fn_table.c.\n");
  for (int bank = 0; bank < BANKS; bank++) {
    double worst = 0;
    printf("\n// %s\n", bank_text[bank]);
    for (int segment = 0; segment < SEGMENTS; segment++) {
      fit f = fit_segment(bank, segment, want);
      int64_t last = f.c1 + (f.c2 * ((D_COUNT - 1) >> 4) >> 14);
      if (f.c0 >> 26 != 1 || last >> 18 || f.c1 < 0) {
        fprintf(stderr, "gen_fn_table: bank %d segment %d does not fit its widths\n", bank, segment);
        return 1;
      }
      printf("SEGMENT(0x%07llX, 0x%05llX, 0x%03llX)\n", (unsigned long long)f.c0,
             (unsigned long long)f.c1, (unsigned long long)f.c2);
      if (f.worst > worst) worst = f.worst;
    }
    fprintf(stderr, "%-24s worst error before rounding %.3f of 2^-24\n", bank_text[bank], worst / 8);
  }
  free(want);
  return 0;
}
