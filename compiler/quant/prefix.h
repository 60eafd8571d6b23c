#ifndef MX_PREFIX_H
#define MX_PREFIX_H
// PrefixQuant's prefix (Chen et al., arXiv 2410.05265, section 4 and its code):
// tokens whose activations are massive are found and put in front of every
// text, so that what follows has none; their keys and values are stored.
#include "compiler/quant/calibrate.h"
#include "compiler/quant/source.h"

// Finds the prefix on the calibration text, computes its cache and logits in
// FP32. `count`: 0 for as many as are found. Leaves out->n == 0 if there is no
// outlier token. The caller frees out with mx_prefix_free.
mx_status mx_prefix_find(const mx_source *source, const mx_calibration *c, uint32_t count, unsigned threads, mx_prefix *out,
                         mx_error *e);
void mx_prefix_free(mx_prefix *p);

// The text with the prefix in place of each sequence's BOS; sequences are cut
// where they outgrow `context`.
mx_status mx_prefix_prepend(const mx_calibration *c, const mx_prefix *p, uint32_t context, mx_calibration *out, mx_error *e);
#endif
