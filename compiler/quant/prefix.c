#include "compiler/quant/prefix.h"
mx_status mx_prefix_find(const mx_source *source, const mx_calibration *c, uint32_t count, unsigned threads, mx_prefix *out, mx_error *e) { (void)source; (void)c; (void)count; (void)threads; *out = (mx_prefix){0}; return mx_fail(e, MX_UNSUPPORTED, MX_NOWHERE, "prefix"); }
void mx_prefix_free(mx_prefix *p) { (void)p; }
mx_status mx_prefix_prepend(const mx_calibration *c, const mx_prefix *p, uint32_t context, mx_calibration *out, mx_error *e) { (void)c; (void)p; (void)context; *out = (mx_calibration){0}; return mx_fail(e, MX_UNSUPPORTED, MX_NOWHERE, "prefix"); }
