#ifndef MX_DOCUMENTS_H
#define MX_DOCUMENTS_H
// A text of documents with a marker between them.
#include <stdbool.h>
#include <stddef.h>

typedef struct {
  const char *text;
  size_t len;
} mx_document;

// The next document of text [len] at or after *at, which begins at 0 and moves
// past the document's marker. ASCII white space around a document is dropped, and
// so are empty documents. False: there is none. `marker` is not empty.
bool mx_document_next(const char *text, size_t len, const char *marker, size_t *at, mx_document *out);
#endif
