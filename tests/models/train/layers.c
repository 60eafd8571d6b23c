#include "layers.h"

void linear_forward(struct matrix y, struct matrix x, const real *w, size_t rows, size_t inputs,
                    size_t outputs)
{
    matmul(y, x, AS_IS, (struct matrix){(real *)w, inputs}, TRANSPOSED, rows, outputs, inputs, 1,
           0);
}

void linear_backward(struct matrix dx, real *dw, struct matrix dy, struct matrix x, const real *w,
                     size_t rows, size_t inputs, size_t outputs)
{
    matmul(dx, dy, AS_IS, (struct matrix){(real *)w, inputs}, AS_IS, rows, inputs, outputs, 1, 0);
    matmul((struct matrix){dw, inputs}, dy, TRANSPOSED, x, AS_IS, outputs, inputs, rows, 1, 1);
}

void rmsnorm_forward(real *y, real *inverse_rms, const real *x, const real *gain, size_t rows,
                     size_t width, real epsilon)
{
    for (size_t r = 0; r < rows; r++, x += width, y += width) {
        real sum = 0;
        for (size_t i = 0; i < width; i++)
            sum += x[i] * x[i];
        real inverse = 1 / real_sqrt(sum / (real)width + epsilon);
        for (size_t i = 0; i < width; i++)
            y[i] = x[i] * inverse * gain[i];
        inverse_rms[r] = inverse;
    }
}

void rmsnorm_backward(real *dx, real *dgain, const real *dy, const real *x,
                      const real *inverse_rms, const real *gain, size_t rows, size_t width)
{
    for (size_t r = 0; r < rows; r++, x += width, dx += width, dy += width) {
        real inverse = inverse_rms[r];
        real dot = 0;
        for (size_t i = 0; i < width; i++)
            dot += dy[i] * gain[i] * x[i];
        // d(inverse)/dx[i] = -inverse^3 * x[i] / width
        real through_rms = dot * inverse * inverse * inverse / (real)width;
        for (size_t i = 0; i < width; i++) {
            dgain[i] += dy[i] * x[i] * inverse;
            dx[i] += dy[i] * gain[i] * inverse - x[i] * through_rms;
        }
    }
}

void swiglu_forward(real *h, const real *gate_up, size_t rows, size_t hidden)
{
    for (size_t r = 0; r < rows; r++, h += hidden, gate_up += 2 * hidden)
        for (size_t i = 0; i < hidden; i++) {
            real gate = gate_up[i];
            h[i] = gate / (1 + real_exp(-gate)) * gate_up[hidden + i];
        }
}

void swiglu_backward(real *d_gate_up, const real *dh, const real *gate_up, size_t rows,
                     size_t hidden)
{
    for (size_t r = 0; r < rows; r++) {
        for (size_t i = 0; i < hidden; i++) {
            real gate = gate_up[i];
            real up = gate_up[hidden + i];
            real sigmoid = 1 / (1 + real_exp(-gate));
            d_gate_up[i] = dh[i] * up * sigmoid * (1 + gate * (1 - sigmoid));
            d_gate_up[hidden + i] = dh[i] * gate * sigmoid;
        }
        dh += hidden;
        gate_up += 2 * hidden;
        d_gate_up += 2 * hidden;
    }
}

// A 32-bit mixer (multiply and xor-shift, all steps invertible) that vectorises.
static inline uint32_t hash32(uint32_t x)
{
    x ^= x >> 16;
    x *= 0x7feb352du;
    x ^= x >> 15;
    x *= 0x846ca68bu;
    x ^= x >> 16;
    return x;
}

// The share of the 32-bit range below which an element is dropped.
static uint32_t drop_threshold(real rate)
{
    return (uint32_t)((double)rate * 4294967296.0);
}

void dropout_add(real *y, const real *x, size_t count, real rate, uint32_t seed)
{
    uint32_t threshold = drop_threshold(rate);
    real scale = 1 / (1 - rate);
    for (uint32_t i = 0; i < (uint32_t)count; i++)
        y[i] += hash32(i ^ seed) >= threshold ? x[i] * scale : 0;
}

void dropout_backward(real *dx, const real *dy, size_t count, real rate, uint32_t seed)
{
    uint32_t threshold = drop_threshold(rate);
    real scale = 1 / (1 - rate);
    for (uint32_t i = 0; i < (uint32_t)count; i++)
        dx[i] = hash32(i ^ seed) >= threshold ? dy[i] * scale : 0;
}

// Returns log(sum(exp(x))) and leaves x[n] as softmax(x) * scale.
static real scaled_softmax(real *x, size_t n, real scale)
{
    real maximum = x[0];
    for (size_t i = 1; i < n; i++)
        maximum = x[i] > maximum ? x[i] : maximum;
    real sum = 0;
    for (size_t i = 0; i < n; i++) {
        x[i] = real_exp(x[i] - maximum);
        sum += x[i];
    }
    real factor = scale / sum;
    for (size_t i = 0; i < n; i++)
        x[i] *= factor;
    return maximum + real_log(sum);
}

void cross_entropy(real *loss, real *logits, const uint32_t *targets, size_t rows, size_t vocab,
                   real scale)
{
    for (size_t r = 0; r < rows; r++, logits += vocab) {
        if (targets[r] == IGNORED_TARGET) {
            loss[r] = 0;
            for (size_t i = 0; i < vocab; i++)
                logits[i] = 0;
            continue;
        }
        real of_target = logits[targets[r]];
        loss[r] = scaled_softmax(logits, vocab, scale) - of_target;
        logits[targets[r]] -= scale;
    }
}
