#include "compiler/import/documents.h"

#include <string.h>

static bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

// Where `marker` begins in text [len] at or after `from` <= len, or len.
static size_t find_marker(const char *text, size_t len, size_t from, const char *marker) {
  size_t n = strlen(marker);
  for (; len - from >= n; from++) {
    const char *hit = memchr(text + from, marker[0], len - from - n + 1);
    if (!hit) break;
    from = (size_t)(hit - text);
    if (memcmp(hit, marker, n) == 0) return from;
  }
  return len;
}

bool mx_document_next(const char *text, size_t len, const char *marker, size_t *at, mx_document *out) {
  while (*at < len) {
    size_t begin = *at, end = find_marker(text, len, begin, marker);
    *at = end + strlen(marker);
    while (begin < end && is_space(text[begin])) begin++;
    while (end > begin && is_space(text[end - 1])) end--;
    *out = (mx_document){text + begin, end - begin};
    if (out->len) return true;
  }
  return false;
}
