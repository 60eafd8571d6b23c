// IEEE 754 binary16 conversion, round to nearest even.
#ifndef TRAIN_HALF_H
#define TRAIN_HALF_H

#include <stdint.h>
#include <string.h>

static inline uint16_t half_from_float(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    uint16_t sign = (uint16_t)(bits >> 16 & 0x8000);
    uint32_t magnitude = bits & 0x7fffffff;
    if (magnitude >= 0x47800000) // 65536 and above, infinity, NaN
        return (uint16_t)(sign | (magnitude > 0x7f800000 ? 0x7e00 : 0x7c00));
    // Steps of the result: 2^-10 of its power of two, and never below 2^-24 (subnormals).
    uint32_t exponent = magnitude >> 23;
    uint32_t shift = exponent < 113 ? 126 - exponent : 13;
    if (shift > 24)
        return sign; // below half the smallest subnormal
    uint32_t mantissa = (magnitude & 0x7fffff) | 0x800000;
    uint32_t half = mantissa >> shift;
    uint32_t rest = mantissa & ((1u << shift) - 1);
    uint32_t midpoint = 1u << (shift - 1);
    half += rest > midpoint || (rest == midpoint && (half & 1));
    // A carry out of the mantissa steps into the exponent, which is what rounding up means.
    uint32_t base = exponent < 113 ? 0 : (exponent - 113) << 10;
    return (uint16_t)(sign | (base + half));
}

static inline float half_to_float(uint16_t half)
{
    uint32_t exponent = half >> 10 & 31;
    uint32_t mantissa = half & 0x3ff;
    float value;
    if (exponent == 0) {
        value = (float)mantissa * 0x1p-24f;
    } else {
        uint32_t bits = exponent == 31 ? 0x7f800000 | mantissa << 13
                                       : (exponent + 112) << 23 | mantissa << 13;
        memcpy(&value, &bits, sizeof value);
    }
    return half & 0x8000 ? -value : value;
}

#endif
