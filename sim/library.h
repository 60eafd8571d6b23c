#ifndef MX_SIM_LIBRARY_H
#define MX_SIM_LIBRARY_H
// Where engines that are loaded at run time lie.
#include <stddef.h>

#include "golden/error.h"

// directory/file, or with directory NULL the same in "engines" beside the executable.
mx_status mx_library_path(const char *directory, const char *file, char *path, size_t size, mx_error *e);
#endif
