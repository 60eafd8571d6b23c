#ifndef MX_ELEMENTS_H
#define MX_ELEMENTS_H
// Number formats of weights in model files, and their conversion to FP32.
#include <stddef.h>  // size_t
#include <stdint.h>

typedef enum { MX_ELEMENT_F32, MX_ELEMENT_F16, MX_ELEMENT_BF16 } mx_element;

static inline size_t mx_element_bytes(mx_element type) { return type == MX_ELEMENT_F32 ? 4 : 2; }

// out [n] from little-endian elements [n]; every value is exact. `from` need not be aligned.
void mx_elements_read(mx_element type, const uint8_t *from, size_t n, float *out);
#endif
