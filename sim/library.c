#include "sim/library.h"

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

// The directory "engines" beside the running executable, in path[size].
static bool default_directory(char *path, size_t size) {
  ssize_t n = readlink("/proc/self/exe", path, size);
  if (n <= 0 || (size_t)n >= size) return false;
  path[n] = 0;
  char *slash = strrchr(path, '/');
  size_t left = slash ? size - (size_t)(slash - path) : 0;
  return slash && (size_t)snprintf(slash, left, "/engines") < left;
}

mx_status mx_library_path(const char *directory, const char *file, char *path, size_t size, mx_error *e) {
  char beside[PATH_MAX];
  if (!directory && !default_directory(beside, sizeof beside))
    return mx_fail(e, MX_IO, MX_NOWHERE, "cannot tell where this executable is");
  int n = snprintf(path, size, "%s/%s", directory ? directory : beside, file);
  if (n < 0 || (size_t)n >= size) return mx_fail(e, MX_LIMIT, MX_NOWHERE, "the path of the engine is too long");
  return MX_OK;
}
