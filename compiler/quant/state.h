#ifndef MX_QUANT_STATE_H
#define MX_QUANT_STATE_H
// What an interrupted quantization left, so that the same command goes on with
// the same bytes. A folder holds
//   choices    rotation, prefix, formats as planned at the start
//   layer.N    a finished layer
//   streams    number of finished layers, formats and the prefix's cache as they
//              are by now, residual streams and token weights of all passes
// Each is a file of transfer.h with the key of the run; `streams` is replaced
// after its layers are there, so that the folder is consistent at any time.
#include "compiler/quant/plan.h"
#include "compiler/quant/qmodel.h"
#include "compiler/quant/quantize.h"

enum { MX_STATE_PASSES = 4 };

// What a run carries from one layer to the next.
typedef struct {
  mx_qmodel *model;       // its layers and prefix
  mx_rotation *rotation;
  mx_plan *plan;
  mx_forward *passes[MX_STATE_PASSES];  // x and weight; NULL: not in use
} mx_state_parts;

// Same key, same bytes: a hash of the model (of a file its size, time and
// samples), the options, the calibration tokens, this program and its OpenBLAS.
mx_status mx_state_key(const mx_model *m, const mx_quantize_options *o, uint64_t *key, mx_error *e);

// The folder, made if need be; MX_IO.
mx_status mx_state_prepare(const char *folder, mx_error *e);
// Removes the folder and the files above in it; nothing else.
void mx_state_remove(const char *folder);

mx_status mx_state_save_choices(const char *folder, uint64_t key, const mx_state_parts *p, mx_error *e);
// Layer `index`, and the streams after it.
mx_status mx_state_save_layer(const char *folder, uint64_t key, uint32_t index, const mx_state_parts *p, mx_error *e);

// How the folder fits a run.
typedef enum { MX_STATE_NONE, MX_STATE_OTHER, MX_STATE_DAMAGED, MX_STATE_FITS } mx_state_fit;

// Whether choices of this key are there, and with how many finished layers.
mx_state_fit mx_state_look(const char *folder, uint64_t key, uint32_t *done);

// Both read what mx_state_look found: rotation, prefix and plan into p; then, the
// passes being set up, the first `done` layers, streams and plan. On an error
// p is only fit to be freed.
mx_status mx_state_load_choices(const char *folder, mx_state_parts *p, mx_error *e);
mx_status mx_state_load_layers(const char *folder, uint32_t done, mx_state_parts *p, mx_error *e);
#endif
