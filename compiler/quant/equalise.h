#ifndef MX_EQUALISE_H
#define MX_EQUALISE_H
// Equalisation: a scale s per input channel of matrices that share their input,
// W_j * s_j and x_j / s_j, folded into what makes x. The product stays, up to
// rounding; what changes is how well W and x fit their formats. SmoothQuant and
// AWQ differ in how they choose s.
//
//   input       consumers       folded into
//   attn        wq wk wv        gain of attn_norm
//   wo          wo              rows of wv; heads that share a value head share s
//   ffn         w_gate w_up     gain of ffn_norm
//   down        w_down          rows of w_up (silu(gate) * up is linear in up);
//                               channels that an online transform mixes share s
//   head        output          gain of output_norm
#include "compiler/quant/forward.h"
#include "compiler/quant/method.h"
#include "compiler/quant/plan.h"

// Matrices that share an input of `cols` channels.
typedef struct {
  mx_input input;
  uint32_t cols, n_consumers;
  mx_matrix *consumers[3];
  mx_matrix *gain;      // [1][cols], or NULL:
  mx_matrix *producer;  // its rows are the channels, each used by `repeat` heads
  uint32_t repeat, head_dim;
  bool transformed;     // between producer and input lies the online transform
  mx_matrix *rest;      // turns the module's inner result into its output; NULL: none
  const mx_layer *layer;  // whose norms of heads the module has, if it is attention
  float *max, *mean;    // [cols] magnitudes over all calibration tokens
} mx_equal_group;

typedef struct {
  const mx_methods *methods;
  mx_plan *plan;
  uint32_t layer;              // at hand
  mx_prefix *prefix;           // values follow the rows of wv when they are scaled
  mx_forward full;             // all tokens, for magnitudes
  mx_calibration sample_text;
  mx_forward sample;           // about MX_EQUALISE_TOKENS, for losses
  float *inputs[MX_INPUTS];    // [sample tokens][cols], not rounded
  float *max[MX_INPUTS], *mean[MX_INPUTS];
  float *wanted, *got;         // [sample tokens][outputs of a module]
  mx_matrix trial[3];          // weights scaled and rounded
  mx_error *e;
} mx_equaliser;

enum { MX_EQUALISE_TOKENS = 2048 };

// Both keep the original model's activations. Formats are the plan's; static.h
// changes them. `prefix` (n = 0: none) is in front of the text; its values are
// scaled with wv. The caller frees with mx_equaliser_free, after an error too.
mx_status mx_equaliser_new(const mx_source *source, const mx_calibration *c, const mx_methods *m, mx_plan *plan,
                           mx_prefix *prefix, unsigned kv_bits, unsigned threads, mx_equaliser *out, mx_error *e);
void mx_equaliser_free(mx_equaliser *q);

// Chooses and folds scales in `work`, a copy of layer `original`; layers in order.
mx_status mx_equalise_layer(mx_equaliser *q, uint32_t layer, const mx_layer *original, mx_layer *work);
// After the last layer: of copies of output_norm and output.
mx_status mx_equalise_head(mx_equaliser *q, const mx_matrix *original_norm, mx_matrix *norm, mx_matrix *output);

// Formats of the group's consumer i, as planned.
const mx_matrix_format *mx_equalise_format(const mx_equaliser *q, const mx_equal_group *g, unsigned i);

// For the methods. The loss is the mean square difference, over the sample,
// between the output of the group's module (attention, the feed-forward layer,
// or the product itself) with exact weights and inputs and with both rounded to
// their formats, scaled by s [cols]. Tokens of a prefix do not count.
mx_status mx_equalise_loss(mx_equaliser *q, const mx_equal_group *g, const float *s, double *loss);
void mx_equalise_fold(mx_equaliser *q, mx_equal_group *g, const float *s);
// Makes s equal where channels have one producer or are mixed by the online
// transform: the geometric mean, or the greatest.
void mx_equalise_share(const mx_equal_group *g, float *s);
void mx_equalise_share_greatest(const mx_equal_group *g, float *s);
#endif
