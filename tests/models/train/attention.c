#include "attention.h"

#include <string.h>

// Query rows are taken in blocks, each against only the keys up to the block's end: this skips
// most of the masked half of the score matrix and keeps the products large enough for BLAS.
enum { QUERY_BLOCK = 64 };

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

void rope_table(real *table, const struct attention_shape *s, double theta)
{
    size_t pairs = s->head_dim / 2;
    for (size_t t = 0; t < s->context; t++)
        for (size_t i = 0; i < pairs; i++) {
            double angle = (double)t * pow(theta, -2.0 * (double)i / (double)s->head_dim);
            *table++ = (real)cos(angle);
            *table++ = (real)sin(angle);
        }
}

void rope_apply(real *qkv, const real *table, const struct attention_shape *s, real direction)
{
    for (size_t t = 0; t < s->context; t++, qkv += qkv_width(s), table += s->head_dim)
        for (size_t h = 0; h < s->heads + s->kv_heads; h++) {
            real *x = qkv + h * s->head_dim;
            for (size_t i = 0; i < s->head_dim; i += 2) {
                real c = table[i];
                real d = table[i + 1] * direction;
                real x0 = x[i];
                real x1 = x[i + 1];
                x[i] = x0 * c - x1 * d;
                x[i + 1] = x0 * d + x1 * c;
            }
        }
}

// Softmax of p[0..count), and zeros in p[count..width).
static void causal_softmax(real *p, size_t count, size_t width)
{
    real maximum = p[0];
    for (size_t i = 1; i < count; i++)
        maximum = p[i] > maximum ? p[i] : maximum;
    real sum = 0;
    for (size_t i = 0; i < count; i++) {
        p[i] = real_exp(p[i] - maximum);
        sum += p[i];
    }
    real inverse = 1 / sum;
    for (size_t i = 0; i < count; i++)
        p[i] *= inverse;
    for (size_t i = count; i < width; i++)
        p[i] = 0;
}

// The q, k and v (or their gradients) of one query head, as views into a fused row.
struct head_view {
    struct matrix q, k, v;
};

static struct head_view head_of(const real *qkv, size_t head, const struct attention_shape *s)
{
    size_t ld = qkv_width(s);
    size_t kv = head / (s->heads / s->kv_heads);
    real *base = (real *)qkv;
    return (struct head_view){
        {base + head * s->head_dim, ld},
        {base + (s->heads + kv) * s->head_dim, ld},
        {base + (s->heads + s->kv_heads + kv) * s->head_dim, ld},
    };
}

static struct matrix rows_from(struct matrix a, size_t row)
{
    return (struct matrix){a.p + row * a.ld, a.ld};
}

void attention_forward(real *out, real *probabilities, const real *qkv,
                       const struct attention_shape *s)
{
    size_t n = s->context;
    real scale = 1 / real_sqrt((real)s->head_dim);
    for (size_t h = 0; h < s->heads; h++) {
        struct head_view x = head_of(qkv, h, s);
        struct matrix y = {out + h * s->head_dim, s->heads * s->head_dim};
        struct matrix p = {probabilities + h * n * n, n};
        for (size_t start = 0; start < n; start += QUERY_BLOCK) {
            size_t end = smaller(start + QUERY_BLOCK, n);
            struct matrix block = rows_from(p, start);
            matmul(block, rows_from(x.q, start), AS_IS, x.k, TRANSPOSED, end - start, end,
                   s->head_dim, scale, 0);
            for (size_t t = start; t < end; t++)
                causal_softmax(p.p + t * n, t + 1, end);
            matmul(rows_from(y, start), block, AS_IS, x.v, AS_IS, end - start, s->head_dim, end, 1,
                   0);
        }
    }
}

// dp[0..width) from d loss/d probability to d loss/d score, given the probabilities p.
static void softmax_backward(real *dp, const real *p, size_t width)
{
    real dot = 0;
    for (size_t i = 0; i < width; i++)
        dot += dp[i] * p[i];
    for (size_t i = 0; i < width; i++)
        dp[i] = p[i] * (dp[i] - dot);
}

void attention_backward(real *d_qkv, const real *d_out, const real *probabilities,
                        const real *qkv, real *scratch, const struct attention_shape *s)
{
    size_t n = s->context;
    real scale = 1 / real_sqrt((real)s->head_dim);
    memset(d_qkv, 0, n * qkv_width(s) * sizeof *d_qkv);
    for (size_t h = 0; h < s->heads; h++) {
        struct head_view x = head_of(qkv, h, s);
        struct head_view dx = head_of(d_qkv, h, s);
        struct matrix dy = {(real *)d_out + h * s->head_dim, s->heads * s->head_dim};
        struct matrix p = {(real *)probabilities + h * n * n, n};
        for (size_t start = 0; start < n; start += QUERY_BLOCK) {
            size_t end = smaller(start + QUERY_BLOCK, n);
            size_t rows = end - start;
            struct matrix ds = {scratch, n};
            struct matrix p_block = rows_from(p, start);
            struct matrix dy_block = rows_from(dy, start);
            matmul(dx.v, p_block, TRANSPOSED, dy_block, AS_IS, end, s->head_dim, rows, 1, 1);
            matmul(ds, dy_block, AS_IS, x.v, TRANSPOSED, rows, end, s->head_dim, 1, 0);
            for (size_t t = 0; t < rows; t++)
                softmax_backward(ds.p + t * n, p_block.p + t * n, end);
            matmul(rows_from(dx.q, start), ds, AS_IS, x.k, AS_IS, rows, s->head_dim, end, scale,
                   0);
            matmul(dx.k, ds, TRANSPOSED, rows_from(x.q, start), AS_IS, end, s->head_dim, rows,
                   scale, 1);
        }
    }
}
