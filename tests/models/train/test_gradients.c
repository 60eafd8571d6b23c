// The hand-written backward pass against central finite differences, in double precision
// (build with -DTRAIN_DOUBLE), for a tiny model with every feature of the real one: grouped
// queries, dropout, an ignored target, tied embeddings.
#include "half.h"
#include "model.h"
#include "random.h"

// cmocka.h needs these first.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

_Static_assert(sizeof(real) == sizeof(double), "build with -DTRAIN_DOUBLE");

// The context is longer than one query block of attention.c (64), so that both of its edges
// are crossed; sizes are small and odd otherwise.
enum { SEQUENCES = 2, CONTEXT = 70, ROWS = SEQUENCES * CONTEXT };

static const struct model_config CONFIG = {
    .dim = 12,
    .layers = 2,
    .heads = 2,
    .kv_heads = 1,
    .hidden = 7,
    .vocab = 11,
    .context = CONTEXT,
    .norm_epsilon = 1e-5,
    .rope_theta = 10000,
};

struct fixture {
    struct workspace *workspace;
    real *parameters;
    real *gradient;
    uint32_t inputs[ROWS];
    uint32_t targets[ROWS];
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    size_t n = model_parameters(&CONFIG);
    uint64_t random = 7;
    f->workspace = workspace_new(&CONFIG, SEQUENCES);
    f->parameters = calloc(n, sizeof *f->parameters);
    f->gradient = calloc(n, sizeof *f->gradient);
    model_initialise(f->parameters, &CONFIG, 3);
    // Away from the initial values: larger, and norm gains that are not all 1.
    for (size_t i = 0; i < n; i++)
        f->parameters[i] += 0.2 * random_normal(&random);
    for (size_t r = 0; r < ROWS; r++) {
        f->inputs[r] = (uint32_t)random_below(&random, CONFIG.vocab);
        f->targets[r] = (uint32_t)random_below(&random, CONFIG.vocab);
    }
    f->targets[ROWS - 1] = IGNORED_TARGET;
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    workspace_free(f->workspace);
    free(f->parameters);
    free(f->gradient);
    free(f);
    return 0;
}

static double total_loss(struct fixture *f, double dropout)
{
    real loss[ROWS];
    double sum = 0;
    model_forward(f->workspace, f->parameters, f->inputs, dropout, 5);
    model_loss(f->workspace, loss, f->targets, 1);
    for (size_t r = 0; r < ROWS; r++)
        sum += loss[r];
    return sum;
}

static double numeric_gradient(struct fixture *f, size_t i, double dropout)
{
    const double step = 1e-5;
    double value = f->parameters[i];
    f->parameters[i] = value + step;
    double above = total_loss(f, dropout);
    f->parameters[i] = value - step;
    double below = total_loss(f, dropout);
    f->parameters[i] = value;
    return (above - below) / (2 * step);
}

// Every parameter of the model is checked.
static void check_gradients(struct fixture *f, double dropout)
{
    total_loss(f, dropout);
    model_backward(f->workspace, f->parameters, f->gradient, f->inputs, dropout, 5);
    for (size_t i = 0; i < model_parameters(&CONFIG); i++) {
        double numeric = numeric_gradient(f, i, dropout);
        double error = fabs(f->gradient[i] - numeric);
        if (error > 1e-6 * (1 + fabs(numeric)))
            fail_msg("parameter %zu, dropout %g: backward pass %.9g, difference quotient %.9g", i,
                     dropout, f->gradient[i], numeric);
    }
}

static void gradients_match_differences(void **state)
{
    check_gradients(*state, 0);
}

static void gradients_match_differences_with_dropout(void **state)
{
    check_gradients(*state, 0.3);
}

static void gradients_add_up(void **state)
{
    struct fixture *f = *state;
    size_t n = model_parameters(&CONFIG);
    total_loss(f, 0);
    model_backward(f->workspace, f->parameters, f->gradient, f->inputs, 0, 5);
    real *once = malloc(n * sizeof *once);
    memcpy(once, f->gradient, n * sizeof *once);
    total_loss(f, 0);
    model_backward(f->workspace, f->parameters, f->gradient, f->inputs, 0, 5);
    for (size_t i = 0; i < n; i++)
        assert_true(fabs(f->gradient[i] - 2 * once[i]) < 1e-9 * (1 + fabs(once[i])));
    free(once);
}

static void the_future_is_masked(void **state)
{
    struct fixture *f = *state;
    const size_t position = 65; // in the second query block
    size_t width = position * CONFIG.vocab;
    real *before = malloc(width * sizeof *before);
    model_forward(f->workspace, f->parameters, f->inputs, 0, 0);
    memcpy(before, workspace_logits(f->workspace), width * sizeof *before);
    f->inputs[position] = (f->inputs[position] + 1) % (uint32_t)CONFIG.vocab;
    model_forward(f->workspace, f->parameters, f->inputs, 0, 0);
    const real *after = workspace_logits(f->workspace);
    assert_memory_equal(before, after, width * sizeof *before);
    assert_memory_not_equal(&(real){0}, &(real){after[width] - before[width - 1]}, sizeof(real));
    free(before);
}

static void half_conversion_rounds_to_even(void **state)
{
    (void)state;
    for (uint32_t h = 0; h < 0x7c00; h++) { // every finite half comes back
        assert_int_equal(half_from_float(half_to_float((uint16_t)h)), h);
        assert_int_equal(half_from_float(-half_to_float((uint16_t)h)), h | 0x8000);
    }
    assert_int_equal(half_from_float(1 + 0x1p-11f), 0x3c00);     // tie, down to even
    assert_int_equal(half_from_float(1 + 0x3p-11f), 0x3c02);     // tie, up to even
    assert_int_equal(half_from_float(1 + 0x1.002p-11f), 0x3c01); // just above a tie
    assert_int_equal(half_from_float(65520), 0x7c00);            // tie with 65536: infinity
    assert_int_equal(half_from_float(65519), 0x7bff);
    assert_int_equal(half_from_float(0x1p-25f), 0);              // tie with the least subnormal
    assert_int_equal(half_from_float(0x1.8p-25f), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(gradients_match_differences, setup, teardown),
        cmocka_unit_test_setup_teardown(gradients_match_differences_with_dropout, setup, teardown),
        cmocka_unit_test_setup_teardown(gradients_add_up, setup, teardown),
        cmocka_unit_test_setup_teardown(the_future_is_masked, setup, teardown),
        cmocka_unit_test(half_conversion_rounds_to_even),
    };
    openblas_set_num_threads(1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
