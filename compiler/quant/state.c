#include "compiler/quant/state.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "compiler/quant/blas.h"
#include "compiler/quant/qparts.h"

static const char magic[4] = "MXS1", what[] = "state of a quantization";

enum { PATH_BYTES = 4096, HEAD_BYTES = 1 << 20, SAMPLES = 256, SAMPLE_BYTES = 4096 };

// ---- key -----------------------------------------------------------------------

typedef struct {
  uint64_t value;
} hash;

static void add(hash *h, const void *data, size_t n) {  // FNV-1a, 64 bits
  const uint8_t *p = data;
  for (size_t i = 0; i < n; i++) h->value = (h->value ^ p[i]) * 0x100000001b3u;
}

// For much data.
static void add_checksum(hash *h, const void *data, size_t n) {
  uint32_t crc = (uint32_t)crc32_z(0, data, n);
  add(h, &crc, sizeof crc);
  add(h, &n, sizeof n);
}

static void add_file(hash *h, const mx_file *f) {
  size_t head = f->size_bytes < HEAD_BYTES ? f->size_bytes : HEAD_BYTES, rest = f->size_bytes - head;
  add(h, &f->size_bytes, sizeof f->size_bytes);
  add(h, &f->changed_ns, sizeof f->changed_ns);
  add_checksum(h, f->data, head);
  for (size_t i = 0; i < SAMPLES && rest > SAMPLE_BYTES; i++)
    add_checksum(h, f->data + head + (rest - SAMPLE_BYTES) / SAMPLES * i, SAMPLE_BYTES);
  mx_file_forget(f, 0, f->size_bytes);
}

static void add_matrices(hash *h, const mx_model *m) {
  char name[MX_MATRIX_NAME_BYTES];
  for (uint32_t i = 0; i < mx_model_matrix_count(m); i++) {
    const mx_matrix *w = mx_model_matrix(m, i, name);
    add_checksum(h, w->data, (size_t)w->rows * w->cols * sizeof *w->data);
  }
}

static mx_status add_program(hash *h, mx_error *e) {
  mx_file self;
  mx_status s = mx_file_map("/proc/self/exe", &self, e);
  if (s) return s;
  add_checksum(h, self.data, self.size_bytes);
  mx_file_unmap(&self);
  add(h, openblas_get_config(), strlen(openblas_get_config()));
  add(h, openblas_get_corename(), strlen(openblas_get_corename()));
  return MX_OK;
}

mx_status mx_state_key(const mx_model *m, const mx_quantize_options *o, uint64_t *key, mx_error *e) {
  hash h = {0xcbf29ce484222325u};
  add(&h, &m->config, sizeof m->config);
  if (m->file.data) add_file(&h, &m->file);
  else if (!m->stored) add_matrices(&h, m);
  add(&h, &o->weights, sizeof o->weights);
  add(&h, &o->act_bits, sizeof o->act_bits);
  add(&h, &o->kv_bits, sizeof o->kv_bits);
  add(&h, &o->seed, sizeof o->seed);
  add(&h, &o->methods, sizeof o->methods);
  if (o->calibration) {
    const mx_calibration *c = o->calibration;
    add_checksum(&h, c->tokens, c->n_tokens * sizeof *c->tokens);
    add_checksum(&h, c->starts, (c->n_sequences + (size_t)1) * sizeof *c->starts);
  }
  mx_status s = add_program(&h, e);
  *key = h.value;
  return s;
}

// ---- folder ----------------------------------------------------------------------

static mx_status path_in(const char *folder, const char *name, char out[PATH_BYTES], mx_error *e) {
  int n = snprintf(out, PATH_BYTES, "%s/%s", folder, name);
  return n > 0 && n < PATH_BYTES ? MX_OK : mx_fail(e, MX_USAGE, MX_NOWHERE, "the path is too long");
}

static void layer_name(uint32_t index, char out[32]) { snprintf(out, 32, "layer.%u", index); }

mx_status mx_state_prepare(const char *folder, mx_error *e) {
  struct stat st;
  if (!mkdir(folder, 0777)) return MX_OK;
  if (errno == EEXIST && !stat(folder, &st) && S_ISDIR(st.st_mode)) return MX_OK;
  return mx_fail(e, MX_IO, (mx_loc){folder, 0}, "cannot create a folder: %s", strerror(errno));
}

static bool begins(const char *text, const char *with) { return !strncmp(text, with, strlen(with)); }

void mx_state_remove(const char *folder) {
  DIR *d = opendir(folder);
  if (!d) return;
  for (const struct dirent *entry; (entry = readdir(d));) {
    char path[PATH_BYTES];
    mx_error ignored = {0};
    bool ours = begins(entry->d_name, "choices") || begins(entry->d_name, "layer.") || begins(entry->d_name, "streams");
    if (ours && !path_in(folder, entry->d_name, path, &ignored)) unlink(path);
  }
  closedir(d);
  rmdir(folder);
}

// ---- parts -----------------------------------------------------------------------

static mx_status move_rotation(mx_transfer *t, mx_rotation *r, const mx_config *c) {
  uint32_t flags = (uint32_t)(r->values | r->online.down << 1 | r->online.qk << 2 | (r->hidden != NULL) << 3);
  mx_status s = mx_move_u32(t, &flags, "rotation");
  if (!s) s = mx_move_basis(t, &r->basis, c->dim);
  r->values = flags & 1;
  r->online = (mx_online){.down = flags >> 1 & 1, .qk = flags >> 2 & 1};
  if (s || !(flags & 8)) return s;
  if (!t->writing && !(r->hidden = calloc(c->n_layers, sizeof *r->hidden))) s = MX_LIMIT;
  for (uint32_t i = 0; i < c->n_layers && !s; i++) {
    if (!t->writing && !(r->hidden[i] = calloc(c->hidden_dim, sizeof **r->hidden))) s = MX_LIMIT;
    for (uint32_t k = 0; k < c->hidden_dim && !s; k++) s = mx_move_u32(t, &r->hidden[i][k], "rotation");
  }
  return s == MX_LIMIT ? mx_fail(t->e, s, MX_NOWHERE, "no memory for an order of channels") : s;
}

static mx_status move_formats(mx_transfer *t, mx_matrix_format *f) {
  mx_status s = mx_move_u32(t, &f->n_parts, "formats");
  if (!s && (f->n_parts < 1 || f->n_parts > MX_PARTS))
    s = mx_fail(t->e, MX_FORMAT, mx_bytes_loc(&t->in), "%u parts, expected 1 or 2", f->n_parts);
  for (unsigned i = 0; i < f->n_parts && !s; i++) {
    s = mx_move_u32(t, &f->part[i].cols, "formats");
    if (!s) s = mx_move_part_format(t, &f->part[i].weights, &f->part[i].acts);
  }
  return s;
}

// A plan that is read into has its layers already, or is made here.
static mx_status move_plan(mx_transfer *t, mx_plan *p, const mx_config *c) {
  size_t n = (size_t)c->n_layers * MX_QLAYER_MATRICES;
  if (!p->layers && !(p->layers = calloc(n, sizeof *p->layers)))
    return mx_fail(t->e, MX_LIMIT, MX_NOWHERE, "no memory for a plan");
  p->n_layers = c->n_layers;
  mx_status s = MX_OK;
  for (size_t i = 0; i < n && !s; i++) s = move_formats(t, &p->layers[i]);
  return s ? s : move_formats(t, &p->head);
}

static mx_status move_pass(mx_transfer *t, mx_forward *f) {
  size_t tokens = f->calibration->n_tokens;
  uint32_t weighed = f->weight != NULL;
  mx_status s = mx_move_f32s(t, f->x, tokens * f->config->dim, "residual stream");
  if (!s) s = mx_move_u32(t, &weighed, "token weights");
  if (s || !weighed) return s;
  if (!f->weight && !(f->weight = calloc(tokens, sizeof *f->weight)))
    return mx_fail(t->e, MX_LIMIT, MX_NOWHERE, "no memory for token weights");
  return mx_move_f32s(t, f->weight, tokens, "token weights");
}

static mx_status move_choices(mx_transfer *t, const mx_state_parts *p) {
  mx_status s = move_rotation(t, p->rotation, &p->model->config);
  if (!s) s = mx_move_prefix(t, &p->model->prefix, &p->model->config);
  return s ? s : move_plan(t, p->plan, &p->model->config);
}

// The cache of a prefix that is there: its values are scaled with wv.
static mx_status move_cache(mx_transfer *t, const mx_prefix *p, const mx_config *c) {
  size_t n = (size_t)c->n_layers * p->n * c->n_kv_heads * c->head_dim;
  mx_status s = mx_move_f32s(t, p->keys, n, "prefix keys");
  return s ? s : mx_move_f32s(t, p->values, n, "prefix values");
}

static mx_status move_streams(mx_transfer *t, const mx_state_parts *p) {
  mx_status s = move_plan(t, p->plan, &p->model->config);
  if (!s) s = move_cache(t, &p->model->prefix, &p->model->config);
  for (int i = 0; i < MX_STATE_PASSES && !s; i++)
    if (p->passes[i]) s = move_pass(t, p->passes[i]);
  return s;
}

// ---- files -----------------------------------------------------------------------

typedef enum { CHOICES, LAYER, STREAMS } kind;

static mx_status move_file(mx_transfer *t, kind k, uint32_t layer, const mx_state_parts *p) {
  if (k == CHOICES) return move_choices(t, p);
  return k == LAYER ? mx_move_layer(t, &p->model->layers[layer]) : move_streams(t, p);
}

// The key of a file, and the number that it carries: the layer, or how many are done.
static mx_status move_head(mx_transfer *t, uint64_t *key, uint32_t *number) {
  mx_status s = mx_move_u64(t, key, "key");
  return s ? s : mx_move_u32(t, number, "number of a layer");
}

static mx_status save(const char *folder, const char *name, uint64_t key, uint32_t number, kind k,
                      const mx_state_parts *p, mx_error *e) {
  char path[PATH_BYTES];
  mx_transfer t;
  mx_status s = path_in(folder, name, path, e);
  if (s) return s;
  s = mx_transfer_create(&t, path, magic, e);
  if (!s) s = move_head(&t, &key, &number);
  if (!s) s = move_file(&t, k, number, p);
  return mx_transfer_finish(&t, s);
}

static mx_status load(const char *folder, const char *name, kind k, const mx_state_parts *p, mx_error *e) {
  char path[PATH_BYTES];
  mx_transfer t;
  uint64_t key;
  uint32_t number;
  mx_status s = path_in(folder, name, path, e);
  if (s) return s;
  s = mx_transfer_open(&t, path, magic, what, e);
  if (!s) s = move_head(&t, &key, &number);
  if (!s) s = move_file(&t, k, number, p);
  if (!s) s = mx_transfer_at_end(&t, name);
  mx_transfer_close(&t);
  return s;
}

static mx_state_fit look(const char *folder, const char *name, uint64_t key, uint32_t *number) {
  char path[PATH_BYTES];
  mx_transfer t;
  mx_error e = {0};
  uint64_t found = 0;
  if (path_in(folder, name, path, &e) || access(path, F_OK)) return MX_STATE_NONE;
  mx_status s = mx_transfer_open(&t, path, magic, what, &e);
  if (!s) s = move_head(&t, &found, number);
  mx_transfer_close(&t);
  return s ? MX_STATE_DAMAGED : found == key ? MX_STATE_FITS : MX_STATE_OTHER;
}

mx_status mx_state_save_choices(const char *folder, uint64_t key, const mx_state_parts *p, mx_error *e) {
  return save(folder, "choices", key, 0, CHOICES, p, e);
}

mx_status mx_state_save_layer(const char *folder, uint64_t key, uint32_t index, const mx_state_parts *p, mx_error *e) {
  char name[32];
  layer_name(index, name);
  mx_status s = save(folder, name, key, index, LAYER, p, e);
  return s ? s : save(folder, "streams", key, index + 1, STREAMS, p, e);
}

mx_state_fit mx_state_look(const char *folder, uint64_t key, uint32_t *done) {
  uint32_t ignored;
  char name[32];
  *done = 0;
  mx_state_fit fit = look(folder, "choices", key, &ignored);
  if (fit != MX_STATE_FITS) return fit;
  fit = look(folder, "streams", key, done);
  if (fit == MX_STATE_NONE) return MX_STATE_FITS;
  for (uint32_t i = 0; i < *done && fit == MX_STATE_FITS; i++) {
    layer_name(i, name);
    fit = look(folder, name, key, &ignored);
    if (fit != MX_STATE_FITS) fit = MX_STATE_DAMAGED;
  }
  return fit;
}

mx_status mx_state_load_choices(const char *folder, mx_state_parts *p, mx_error *e) {
  return load(folder, "choices", CHOICES, p, e);
}

mx_status mx_state_load_layers(const char *folder, uint32_t done, mx_state_parts *p, mx_error *e) {
  char name[32];
  mx_status s = MX_OK;
  for (uint32_t i = 0; i < done && !s; i++) {
    layer_name(i, name);
    s = load(folder, name, LAYER, p, e);
  }
  return s ? s : load(folder, "streams", STREAMS, p, e);
}
