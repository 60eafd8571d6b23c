#ifndef MX_CODEBOOK_H
#define MX_CODEBOOK_H
// A table of 16 elements fitted to a matrix (format `codebook`).
//
// SqueezeLLM (Kim et al., arXiv 2306.07629, 4.1) minimises the sum over weights of
// F_ii (w - Q(w))^2, F the Fisher information, by weighted k-means, a table per
// row. Differences:
//   here F_ii is the mean square of the weight's input: the diagonal of the
//   Hessian of the matrix's output error; 1 without calibration
//   a table per matrix, of weights over their block's E8M0 scale, so that an error
//   counts with the square of the scale
//   elements are the integers -127 .. 127 over 64, and the best 16 of them are found
//   exactly, by dynamic programming over the sorted grid (for k-means in one
//   dimension: Wang and Song, The R Journal 3/2, 2011), where k-means finds a
//   local optimum
// Elements are distinct and ascend. Scales are those of rounding to nearest; with
// `search`, scales of least error for the table (side.h) and the table for them
// take turns until it stays, at most MX_CODEBOOK_PASSES times.
//
// Before a table is fitted (equalisation trials, order of channels) the format
// has that of mx_weight_format_parse, quantiles of the normal distribution.
#include "compiler/quant/calibrate.h"
#include "compiler/quant/format.h"

enum { MX_CODEBOOK_PASSES = 6 };

// Replaces f->table, f with `fitted`, for columns first .. first + cols of m. h, of
// all columns of m, may be NULL. If no weight counts (all 0) the table stays. The
// same for any number of threads. MX_LIMIT: no memory.
mx_status mx_codebook_fit(const mx_matrix *m, uint32_t first, uint32_t cols, const mx_hessian *h, bool search,
                          unsigned threads, mx_weight_format *f, mx_error *e);
#endif
