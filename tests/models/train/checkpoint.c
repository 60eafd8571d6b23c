#include "checkpoint.h"

#include <stdio.h>
#include <string.h>

static const char MAGIC[8] = "kjvckpt1";

static int write_all(FILE *f, const struct checkpoint_header *h, const struct optimizer *o)
{
    size_t n = h->parameters;
    return fwrite(h, sizeof *h, 1, f) == 1 && fwrite(o->parameters, sizeof(real), n, f) == n &&
           fwrite(o->first, sizeof(real), n, f) == n && fwrite(o->second, sizeof(real), n, f) == n;
}

int checkpoint_save(const struct optimizer *o, uint64_t seed, const char *path)
{
    struct checkpoint_header h;
    memset(&h, 0, sizeof h); // padding too, so that equal runs write equal files
    memcpy(h.magic, MAGIC, sizeof h.magic);
    h.parameters = model_parameters(&o->config);
    h.step = o->step;
    h.seed = seed;
    h.config = o->config;
    h.options = o->options;
    char temporary[4096];
    snprintf(temporary, sizeof temporary, "%s.tmp", path);
    FILE *f = fopen(temporary, "wb");
    int ok = f && write_all(f, &h, o);
    if (f && fclose(f) != 0)
        ok = 0;
    if (!ok || rename(temporary, path) != 0) {
        perror(path);
        return -1;
    }
    return 0;
}

static int read_header(struct checkpoint_header *h, FILE *f, const char *path)
{
    if (fread(h, sizeof *h, 1, f) != 1 || memcmp(h->magic, MAGIC, sizeof MAGIC) != 0 ||
        h->parameters != model_parameters(&h->config)) {
        fprintf(stderr, "%s: error: not a checkpoint of this program\n", path);
        return -1;
    }
    return 0;
}

int checkpoint_read_header(struct checkpoint_header *h, const char *path)
{
    FILE *f = fopen(path, "rb");
    if (!f) {
        perror(path);
        return -1;
    }
    int result = read_header(h, f, path);
    fclose(f);
    return result;
}

int checkpoint_load(struct optimizer *o, const char *path)
{
    struct checkpoint_header h;
    FILE *f = fopen(path, "rb");
    if (!f) {
        perror(path);
        return -1;
    }
    int failed = read_header(&h, f, path) != 0;
    size_t n = h.parameters;
    if (!failed && n != model_parameters(&o->config)) {
        fprintf(stderr, "%s: error: %zu parameters, expected %zu\n", path, n,
                model_parameters(&o->config));
        failed = 1;
    }
    if (!failed && (fread(o->parameters, sizeof(real), n, f) != n ||
                    (o->first && fread(o->first, sizeof(real), n, f) != n) ||
                    (o->second && fread(o->second, sizeof(real), n, f) != n))) {
        fprintf(stderr, "%s: error: truncated\n", path);
        failed = 1;
    }
    fclose(f);
    o->step = failed ? 0 : h.step;
    return failed ? -1 : 0;
}
