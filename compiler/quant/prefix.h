#ifndef MX_PREFIX_H
#define MX_PREFIX_H
// PrefixQuant's prefix (Chen et al., arXiv 2410.05265, section 4 and its code):
// tokens whose activations are massive are found and put in front of every
// text, so that what follows has none; their keys and values are stored.
//
// A token is an outlier of a layer if its largest magnitude at the input of
// w_down is over 64 times (the published eta) the median of its sequence. The
// prefix is the ids met most often as outliers, position 0 aside, then BOS; as
// many ids as the layer with most has outliers in a sequence on average,
// rounded up; a single id met in fewer than a tenth of the sequences is none.
// Ours: at most 8 ids; no prefix at all where nothing is massive, BOS included;
// of equally frequent ids the one with the greater magnitude. Theirs is kept in
// FP16 beside a quantized cache, ours is rounded to the format of the cache.
#include "compiler/quant/calibrate.h"
#include "compiler/quant/source.h"

// Finds the prefix on the calibration text, computes its cache and logits in
// FP32. `count`: so many ids and BOS, outliers or not (those with the greatest
// ratio to the median next); 0 for as many as are found. Leaves out->n == 0 if
// there is no outlier token. The caller frees out with mx_prefix_free. MX_USAGE:
// no text, a token outside the vocabulary, or no room in the context;
// MX_UNSUPPORTED: no BOS; MX_FORMAT: an activation is not finite.
mx_status mx_prefix_find(const mx_source *source, const mx_calibration *c, uint32_t count, unsigned threads, mx_prefix *out,
                         mx_error *e);
void mx_prefix_free(mx_prefix *p);

// The text with the prefix (n > 0) in place of each sequence's BOS; sequences
// are cut where they outgrow `context`. The caller frees *out. MX_USAGE: a
// sequence without BOS, or no room in the context.
mx_status mx_prefix_prepend(const mx_calibration *c, const mx_prefix *p, uint32_t context, mx_calibration *out, mx_error *e);
#endif
