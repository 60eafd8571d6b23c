#include "compiler/quant/static.h"
mx_status mx_static_group(mx_equaliser *q, mx_equal_group *g) { (void)g; return mx_fail(q->e, MX_UNSUPPORTED, MX_NOWHERE, "static"); }
