#include "compiler/quant/mixed.h"
mx_status mx_mixed_order(const mx_source *source, const mx_calibration *c, unsigned threads, mx_rotation *out, mx_error *e) { (void)source; (void)c; (void)threads; *out = (mx_rotation){0}; return mx_fail(e, MX_UNSUPPORTED, MX_NOWHERE, "mixed"); }
mx_status mx_mixed_plan(const mx_source *source, const mx_calibration *c, const mx_methods *how, unsigned kv_bits, unsigned threads, mx_plan *plan, mx_error *e) { (void)source; (void)c; (void)how; (void)kv_bits; (void)threads; (void)plan; return mx_fail(e, MX_UNSUPPORTED, MX_NOWHERE, "mixed"); }
