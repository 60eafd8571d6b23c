#include "compiler/quant/rsq.h"
mx_status mx_rsq_weigh(mx_forward *f, mx_error *e) { (void)f; return mx_fail(e, MX_UNSUPPORTED, MX_NOWHERE, "rsq"); }
