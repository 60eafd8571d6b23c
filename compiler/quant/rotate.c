#include "compiler/quant/rotate.h"
void mx_rotation_new(const mx_config *c, bool values, mx_online online, uint64_t seed, mx_rotation *out) { (void)c; *out = (mx_rotation){.values = values, .online = online, .basis.seed = seed}; }
void mx_rotation_free(mx_rotation *r, const mx_config *c) { (void)r; (void)c; }
mx_status mx_rotate_layer(const mx_rotation *r, const mx_config *c, mx_layer *l, mx_error *e) { (void)r; (void)c; (void)l; return mx_fail(e, MX_UNSUPPORTED, MX_NOWHERE, "rotate"); }
mx_status mx_rotate_embedding(const mx_rotation *r, mx_matrix *m, mx_error *e) { (void)r; (void)m; return mx_fail(e, MX_UNSUPPORTED, MX_NOWHERE, "rotate"); }
mx_status mx_rotate_head(const mx_rotation *r, mx_matrix *n, mx_matrix *m, mx_error *e) { (void)r; (void)n; (void)m; return mx_fail(e, MX_UNSUPPORTED, MX_NOWHERE, "rotate"); }
