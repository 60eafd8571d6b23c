// For pthread_attr_setaffinity_np and the CPU_ macros.
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include "optimizer.h"

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const double BETA1 = 0.9;
static const double BETA2 = 0.95;
static const double ADAM_EPSILON = 1e-8;

int optimizer_init(struct optimizer *o, const struct model_config *c,
                   const struct optimizer_options *options)
{
    size_t n = model_parameters(c);
    memset(o, 0, sizeof *o);
    o->config = *c;
    o->options = *options;
    o->parameters = calloc(n, sizeof *o->parameters);
    o->first = calloc(n, sizeof *o->first);
    o->second = calloc(n, sizeof *o->second);
    o->gradients = calloc(n * SHARDS, sizeof *o->gradients);
    o->losses = calloc(BATCH_SEQUENCES * c->context, sizeof *o->losses);
    int failed = !o->parameters || !o->first || !o->second || !o->gradients || !o->losses ||
                 options->threads < 1 || options->threads > THREAD_LIMIT;
    for (unsigned i = 0; !failed && i < options->threads; i++) {
        o->workspaces[i] = workspace_new(c, SHARD_SEQUENCES);
        failed = !o->workspaces[i];
    }
    if (failed)
        optimizer_free(o);
    return failed ? -1 : 0;
}

void optimizer_free(struct optimizer *o)
{
    free(o->parameters);
    free(o->first);
    free(o->second);
    free(o->gradients);
    free(o->losses);
    for (unsigned i = 0; i < THREAD_LIMIT; i++)
        workspace_free(o->workspaces[i]);
    memset(o, 0, sizeof *o);
}

double optimizer_rate(const struct optimizer_options *o, uint64_t step)
{
    if (step < o->warmup_steps)
        return o->peak_rate * (double)(step + 1) / (double)o->warmup_steps;
    double done = (double)(step - o->warmup_steps) / (double)(o->steps - o->warmup_steps);
    double cosine = cos(3.14159265358979 * done);
    return o->final_rate + (o->peak_rate - o->final_rate) * 0.5 * (1 + cosine);
}

static void run_shard(struct optimizer *o, unsigned shard, struct workspace *w)
{
    size_t rows = SHARD_SEQUENCES * o->config.context;
    size_t n = model_parameters(&o->config);
    real *gradient = o->gradients + shard * n;
    const uint32_t *inputs = o->inputs + shard * rows;
    real rate = (real)o->options.dropout;
    uint32_t seed = ((uint32_t)o->step * SHARDS + shard) * 0x85ebca6bu + 1;
    memset(gradient, 0, n * sizeof *gradient);
    model_forward(w, o->parameters, inputs, rate, seed);
    model_loss(w, o->losses + shard * rows, o->targets + shard * rows,
               1 / (real)(rows * SHARDS));
    model_backward(w, o->parameters, gradient, inputs, rate, seed);
}

static void *run_shards(void *argument)
{
    struct optimizer *o = argument;
    struct workspace *w = o->workspaces[atomic_fetch_add(&o->next_thread, 1)];
    for (unsigned shard; (shard = atomic_fetch_add(&o->next_shard, 1)) < SHARDS;)
        run_shard(o, shard, w);
    return NULL;
}

static cpu_set_t processor(unsigned thread)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(thread % (processors > 0 ? (unsigned long)processors : 1), &set);
    return set;
}

// A thread that lives for one step is too short-lived for the kernel to move it away from its
// parent's processor, so it is created on its own. Only speed depends on it.
static int start_thread(pthread_t *thread, unsigned number, struct optimizer *o)
{
    cpu_set_t set = processor(number);
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setaffinity_np(&attributes, sizeof set, &set);
    int result = pthread_create(thread, &attributes, run_shards, o);
    pthread_attr_destroy(&attributes);
    return result;
}

// Runs all shards on this thread and as many others as asked for and to be had.
static void run_batch(struct optimizer *o)
{
    pthread_t threads[THREAD_LIMIT];
    unsigned started = 0;
    atomic_store(&o->next_shard, 0);
    atomic_store(&o->next_thread, 0);
    if (o->options.threads > 1) {
        cpu_set_t set = processor(0);
        pthread_setaffinity_np(pthread_self(), sizeof set, &set);
    }
    while (started + 1 < o->options.threads &&
           start_thread(&threads[started], started + 1, o) == 0)
        started++;
    run_shards(o);
    for (unsigned i = 0; i < started; i++)
        pthread_join(threads[i], NULL);
}

// Adds the shards into the first one. Returns the norm of the sum.
static double sum_gradients(struct optimizer *o)
{
    size_t n = model_parameters(&o->config);
    real *g = o->gradients;
    double squares = 0;
    for (size_t i = 0; i < n; i++) {
        real sum = 0;
        for (size_t s = 0; s < SHARDS; s++)
            sum += g[s * n + i];
        g[i] = sum;
        squares += (double)sum * (double)sum;
    }
    return sqrt(squares);
}

// AdamW on parameters [start, end) with the gradient times `scale`.
static void update_range(struct optimizer *o, size_t start, size_t end, double decay, real scale)
{
    double rate = optimizer_rate(&o->options, o->step);
    double t = (double)o->step + 1;
    real beta1 = (real)BETA1;
    real beta2 = (real)BETA2;
    real step_size = (real)(rate / (1 - pow(BETA1, t)));
    real unbias = (real)(1 / (1 - pow(BETA2, t)));
    real keep = (real)(1 - rate * decay);
    for (size_t i = start; i < end; i++) {
        real g = o->gradients[i] * scale;
        o->first[i] = beta1 * o->first[i] + (1 - beta1) * g;
        o->second[i] = beta2 * o->second[i] + (1 - beta2) * g * g;
        real deviation = real_sqrt(o->second[i] * unbias) + (real)ADAM_EPSILON;
        o->parameters[i] = o->parameters[i] * keep - step_size * o->first[i] / deviation;
    }
}

static void update(struct optimizer *o, real scale)
{
    double decay = o->options.weight_decay;
    size_t start = 0;
    for (size_t l = 0; l < o->config.layers; l++) {
        struct layer_offsets p = model_layer(&o->config, l);
        update_range(o, start, p.attn_norm, decay, scale);
        update_range(o, p.attn_norm, p.qkv, 0, scale);
        update_range(o, p.qkv, p.ffn_norm, decay, scale);
        update_range(o, p.ffn_norm, p.gate_up, 0, scale);
        start = p.gate_up;
    }
    size_t norm = model_output_norm(&o->config);
    update_range(o, start, norm, decay, scale);
    update_range(o, norm, model_parameters(&o->config), 0, scale);
}

double optimizer_step(struct optimizer *o, const uint32_t *inputs, const uint32_t *targets)
{
    o->inputs = inputs;
    o->targets = targets;
    run_batch(o);
    double norm = sum_gradients(o);
    update(o, (real)(norm > o->options.clip ? o->options.clip / norm : 1));
    o->step++;
    size_t rows = BATCH_SEQUENCES * o->config.context;
    double loss = 0;
    for (size_t i = 0; i < rows; i++)
        loss += (double)o->losses[i];
    return loss / (double)rows;
}
