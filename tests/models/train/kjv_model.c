// Trains, scores, samples and exports the model. See usage() for the commands.
#include "checkpoint.h"
#include "dataset.h"
#include "evaluate.h"
#include "export.h"
#include "optimizer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const struct model_config CONFIG = {
    .dim = 192,
    .layers = 4,
    .heads = 8,
    .kv_heads = 4,
    .hidden = 500,
    .vocab = 1000,
    .context = 256,
    .norm_epsilon = 1e-5,
    .rope_theta = 10000,
};

// What the command line can set, as name=value.
struct arguments {
    struct optimizer_options train;
    uint64_t seed;
    uint64_t stop;  // stop after this step although the schedule goes on to train.steps
    uint64_t every; // steps between evaluations, each of which writes the checkpoint
    const char *text;
    const char *heldout;
    const char *vocabulary;
    const char *checkpoint;
    const char *curve;
    const char *gguf;
    const char *llama2c;
    const char *llama2c_tokenizer;
    const char *prompt;
    size_t tokens;
    double temperature;
};

static const struct arguments DEFAULTS = {
    .train = {.peak_rate = 3e-3,
              .final_rate = 1e-5,
              .weight_decay = 0.1,
              .dropout = 0,
              .clip = 1,
              .warmup_steps = 100,
              .steps = 5000,
              .threads = 2},
    .seed = 1,
    .stop = UINT64_MAX,
    .every = 250,
    .text = "build/kjv/train.txt",
    .heldout = "tests/models/heldout.txt",
    .vocabulary = "build/kjv/vocab.tsv",
    .checkpoint = "build/kjv/checkpoint.bin",
    .curve = "build/kjv/curve.csv",
    .gguf = "build/kjv/kjv.gguf",
    .llama2c = "build/kjv/kjv.bin",
    .llama2c_tokenizer = "build/kjv/tokenizer.bin",
    .prompt = "In the beginning",
    .tokens = 200,
    .temperature = 0,
};

static int usage(void)
{
    fputs("usage: kjv-model train|eval|sample|encode|export [name=value ...]\n"
          "  train   text= vocab= heldout= checkpoint= curve= seed= steps= stop= rate= final=\n"
          "          decay= dropout= warmup= threads= every=   (goes on from the checkpoint, if any)\n"
          "  eval    checkpoint= vocab= heldout=\n"
          "  sample  checkpoint= vocab= prompt= tokens= temperature= seed=\n"
          "  encode  vocab= prompt=   (prints the token ids, without <s>)\n"
          "  export  checkpoint= vocab= gguf= llama2c= tokenizer=\n",
          stderr);
    return 2;
}

enum argument_kind { TEXT, REAL, COUNT };

static int set_argument(struct arguments *a, const char *argument)
{
    unsigned long threads = a->train.threads;
    unsigned long tokens = a->tokens;
    const struct {
        const char *name;
        enum argument_kind kind;
        void *target;
    } table[] = {
        {"text", TEXT, &a->text},
        {"vocab", TEXT, &a->vocabulary},
        {"heldout", TEXT, &a->heldout},
        {"checkpoint", TEXT, &a->checkpoint},
        {"curve", TEXT, &a->curve},
        {"gguf", TEXT, &a->gguf},
        {"llama2c", TEXT, &a->llama2c},
        {"tokenizer", TEXT, &a->llama2c_tokenizer},
        {"prompt", TEXT, &a->prompt},
        {"seed", COUNT, &a->seed},
        {"stop", COUNT, &a->stop},
        {"every", COUNT, &a->every},
        {"steps", COUNT, &a->train.steps},
        {"warmup", COUNT, &a->train.warmup_steps},
        {"threads", COUNT, &threads},
        {"tokens", COUNT, &tokens},
        {"rate", REAL, &a->train.peak_rate},
        {"final", REAL, &a->train.final_rate},
        {"decay", REAL, &a->train.weight_decay},
        {"dropout", REAL, &a->train.dropout},
        {"temperature", REAL, &a->temperature},
    };
    size_t length = strcspn(argument, "=");
    const char *value = argument + length + 1;
    for (size_t i = 0; argument[length] && i < sizeof table / sizeof table[0]; i++) {
        if (strlen(table[i].name) != length || memcmp(table[i].name, argument, length) != 0)
            continue;
        char *end = "";
        if (table[i].kind == TEXT)
            *(const char **)table[i].target = value;
        else if (table[i].kind == REAL)
            *(double *)table[i].target = strtod(value, &end);
        else
            *(uint64_t *)table[i].target = strtoul(value, &end, 10);
        a->train.threads = (unsigned)threads;
        a->tokens = tokens;
        if (*end == '\0' && *value)
            return 0;
    }
    fprintf(stderr, "kjv-model: error: bad argument '%s'\n", argument);
    return -1;
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

// Held-out score of the parameters as they would ship.
static int score_as_shipped(struct score *score, const struct model_config *c,
                            const real *parameters, const struct documents *d, size_t stride)
{
    size_t n = model_parameters(c);
    real *rounded = malloc(n * sizeof *rounded);
    if (!rounded)
        return -1;
    memcpy(rounded, parameters, n * sizeof *rounded);
    round_to_half(rounded, c);
    int result = evaluate(score, c, rounded, d, stride);
    free(rounded);
    return result;
}

struct training {
    const struct arguments *arguments;
    struct tokenizer tokenizer;
    struct documents text;
    struct documents heldout;
    struct sampler sampler;
    struct optimizer optimizer;
    uint32_t *inputs;  // [BATCH_SEQUENCES][context]
    uint32_t *targets; // [BATCH_SEQUENCES][context]
};

static int training_init(struct training *t, const struct arguments *a)
{
    *t = (struct training){.arguments = a};
    if (tokenizer_load(&t->tokenizer, a->vocabulary) != 0 ||
        documents_load(&t->text, &t->tokenizer, a->text) != 0 ||
        documents_load(&t->heldout, &t->tokenizer, a->heldout) != 0)
        return -1;
    if (t->tokenizer.count != CONFIG.vocab) {
        fprintf(stderr, "%s: error: %zu tokens, expected %zu\n", a->vocabulary,
                t->tokenizer.count, CONFIG.vocab);
        return -1;
    }
    size_t batch = BATCH_SEQUENCES * CONFIG.context;
    t->inputs = malloc(batch * sizeof *t->inputs);
    t->targets = malloc(batch * sizeof *t->targets);
    if (!t->inputs || !t->targets ||
        sampler_init(&t->sampler, &t->text, CONFIG.context, a->seed) != 0 ||
        optimizer_init(&t->optimizer, &CONFIG, &a->train) != 0) {
        fprintf(stderr, "kjv-model: error: out of memory, too little text or bad threads=\n");
        return -1;
    }
    return 0;
}

static void training_free(struct training *t)
{
    optimizer_free(&t->optimizer);
    sampler_free(&t->sampler);
    documents_free(&t->text);
    documents_free(&t->heldout);
    tokenizer_free(&t->tokenizer);
    free(t->inputs);
    free(t->targets);
}

// Starts from the checkpoint when there is one, else from the seed and with a new curve.
static int start_or_resume(struct training *t)
{
    const struct arguments *a = t->arguments;
    FILE *f = fopen(a->checkpoint, "rb");
    if (f) {
        fclose(f);
        return checkpoint_load(&t->optimizer, a->checkpoint);
    }
    model_initialise(t->optimizer.parameters, &CONFIG, a->seed);
    f = fopen(a->curve, "w");
    if (!f) {
        perror(a->curve);
        return -1;
    }
    fprintf(f, "step,epoch,rate,train_nats_per_token,heldout_bits_per_byte,seconds\n");
    return fclose(f);
}

static double epoch_of(const struct training *t)
{
    return (double)(t->optimizer.step * BATCH_SEQUENCES) / (double)t->sampler.windows;
}

static int report(struct training *t, double loss, double seconds)
{
    struct score score;
    struct optimizer *o = &t->optimizer;
    if (score_as_shipped(&score, &CONFIG, o->parameters, &t->heldout, CONFIG.context) != 0)
        return -1;
    FILE *f = fopen(t->arguments->curve, "a");
    if (!f) {
        perror(t->arguments->curve);
        return -1;
    }
    fprintf(f, "%llu,%.2f,%.2e,%.4f,%.4f,%.0f\n", (unsigned long long)o->step, epoch_of(t),
            optimizer_rate(&o->options, o->step), loss, bits_per_byte(&score), seconds);
    if (fclose(f) != 0)
        return -1;
    return checkpoint_save(o, t->arguments->seed, t->arguments->checkpoint);
}

static double train_step(struct training *t)
{
    for (uint64_t i = 0; i < BATCH_SEQUENCES; i++)
        sampler_window(&t->sampler, t->optimizer.step * BATCH_SEQUENCES + i,
                       t->inputs + i * CONFIG.context, t->targets + i * CONFIG.context);
    return optimizer_step(&t->optimizer, t->inputs, t->targets);
}

static int train(const struct arguments *a)
{
    struct training t;
    int failed = training_init(&t, a) != 0 || start_or_resume(&t) != 0;
    double start = now();
    double loss = 0;
    uint64_t steps = 0; // since the last report
    uint64_t end = a->stop < a->train.steps ? a->stop : a->train.steps;
    while (!failed && t.optimizer.step < end) {
        loss += train_step(&t);
        steps++;
        if (t.optimizer.step % a->every == 0 || t.optimizer.step == end) {
            failed = report(&t, loss / (double)steps, now() - start) != 0;
            loss = 0;
            steps = 0;
        }
    }
    training_free(&t);
    return failed;
}

// A checkpoint without moments or workspaces, for the other commands; round: as shipped.
static int load_model(struct optimizer *o, struct tokenizer *t, const struct arguments *a)
{
    memset(o, 0, sizeof *o);
    struct checkpoint_header h;
    if (checkpoint_read_header(&h, a->checkpoint) != 0 || tokenizer_load(t, a->vocabulary) != 0)
        return -1;
    o->config = h.config;
    o->parameters = calloc(h.parameters, sizeof *o->parameters);
    if (!o->parameters || t->count != h.config.vocab || checkpoint_load(o, a->checkpoint) != 0) {
        fprintf(stderr, "%s: error: cannot be loaded with %s\n", a->checkpoint, a->vocabulary);
        return -1;
    }
    round_to_half(o->parameters, &o->config);
    return 0;
}

static int print_scores(const struct optimizer *o, const struct documents *d)
{
    const size_t strides[] = {o->config.context, o->config.context / 2};
    for (size_t i = 0; i < 2; i++) {
        struct score s;
        if (evaluate(&s, &o->config, o->parameters, d, strides[i]) != 0)
            return -1;
        printf("step %llu, stride %zu: %.4f bits per byte, perplexity %.3f per token "
               "(%zu tokens, %zu bytes)\n",
               (unsigned long long)o->step, strides[i], bits_per_byte(&s), perplexity(&s),
               s.tokens, s.bytes);
    }
    return 0;
}

static int run_with_model(const char *command, const struct arguments *a)
{
    struct optimizer o;
    struct tokenizer t = {0};
    struct documents d = {0};
    int failed = load_model(&o, &t, a);
    if (failed)
        ;
    else if (strcmp(command, "eval") == 0)
        failed = documents_load(&d, &t, a->heldout) || print_scores(&o, &d);
    else if (strcmp(command, "sample") == 0)
        failed = sample_text(&o.config, o.parameters, &t, a->prompt, a->tokens, a->temperature,
                             a->seed);
    else
        failed = export_gguf(a->gguf, &o.config, o.parameters, &t) ||
                 export_llama2c(a->llama2c, a->llama2c_tokenizer, &o.config, o.parameters, &t);
    documents_free(&d);
    tokenizer_free(&t);
    optimizer_free(&o);
    return failed != 0;
}

static int print_encoding(const struct arguments *a)
{
    struct tokenizer t;
    if (tokenizer_load(&t, a->vocabulary) != 0)
        return 1;
    uint32_t *ids = malloc(tokenizer_bound(strlen(a->prompt)) * sizeof *ids);
    size_t count = ids ? tokenizer_encode(&t, a->prompt, strlen(a->prompt), ids) : SIZE_MAX;
    for (size_t i = 0; count != SIZE_MAX && i < count; i++)
        printf("%s%u", i ? " " : "", ids[i]);
    printf("\n");
    free(ids);
    tokenizer_free(&t);
    return count == SIZE_MAX;
}

int main(int argc, char **argv)
{
    struct arguments a = DEFAULTS;
    if (argc < 2)
        return usage();
    for (int i = 2; i < argc; i++)
        if (set_argument(&a, argv[i]) != 0)
            return usage();
    // The trainer's own threads each run whole products: BLAS threads would only compete.
    openblas_set_num_threads(1);
    if (strcmp(argv[1], "train") == 0)
        return train(&a);
    if (strcmp(argv[1], "encode") == 0)
        return print_encoding(&a);
    if (strcmp(argv[1], "eval") == 0 || strcmp(argv[1], "sample") == 0 ||
        strcmp(argv[1], "export") == 0)
        return run_with_model(argv[1], &a);
    return usage();
}
