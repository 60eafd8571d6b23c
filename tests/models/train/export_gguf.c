#include "export.h"

#include "half.h"

#include <stdio.h>
#include <string.h>

// The file is written in the machine's byte order, which GGUF requires to be little endian.
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "GGUF is little endian");

enum { GGUF_VERSION = 3, GGUF_ALIGNMENT = 32, GGUF_FILE_TYPE_MOSTLY_F16 = 1 };
enum { GGML_F32 = 0, GGML_F16 = 1 };
enum gguf_type {
    GGUF_UINT32 = 4,
    GGUF_INT32 = 5,
    GGUF_FLOAT32 = 6,
    GGUF_BOOL = 7,
    GGUF_STRING = 8,
    GGUF_ARRAY = 9,
};

static void put_u32(FILE *f, uint32_t v)
{
    fwrite(&v, sizeof v, 1, f);
}

static void put_u64(FILE *f, uint64_t v)
{
    fwrite(&v, sizeof v, 1, f);
}

static void put_f32(FILE *f, float v)
{
    fwrite(&v, sizeof v, 1, f);
}

static void put_string(FILE *f, const char *s)
{
    put_u64(f, strlen(s));
    fwrite(s, 1, strlen(s), f);
}

// The metadata section: writes pairs, or only counts them, so that the count in the header
// cannot differ from what follows.
struct metadata {
    FILE *f; // NULL: count only
    uint64_t count;
};

// Returns whether to write the value.
static int put_key(struct metadata *m, const char *key, enum gguf_type type)
{
    m->count++;
    if (!m->f)
        return 0;
    put_string(m->f, key);
    put_u32(m->f, type);
    return 1;
}

static void meta_u32(struct metadata *m, const char *key, size_t value)
{
    if (put_key(m, key, GGUF_UINT32))
        put_u32(m->f, (uint32_t)value);
}

static void meta_f32(struct metadata *m, const char *key, double value)
{
    if (put_key(m, key, GGUF_FLOAT32))
        put_f32(m->f, (float)value);
}

static void meta_bool(struct metadata *m, const char *key, int value)
{
    if (put_key(m, key, GGUF_BOOL))
        fputc(value, m->f);
}

static void meta_string(struct metadata *m, const char *key, const char *value)
{
    if (put_key(m, key, GGUF_STRING))
        put_string(m->f, value);
}

static int put_array(struct metadata *m, const char *key, enum gguf_type type, size_t count)
{
    if (!put_key(m, key, GGUF_ARRAY))
        return 0;
    put_u32(m->f, type);
    put_u64(m->f, count);
    return 1;
}

static void model_metadata(struct metadata *m, const struct model_config *c)
{
    meta_string(m, "general.architecture", "llama");
    meta_string(m, "general.name", "mxforge KJV 1.8M");
    meta_string(m, "general.description",
                "A test model trained from scratch on the King James Bible");
    meta_string(m, "general.license", "CC0-1.0");
    meta_u32(m, "general.alignment", GGUF_ALIGNMENT);
    meta_u32(m, "general.file_type", GGUF_FILE_TYPE_MOSTLY_F16);
    meta_u32(m, "general.quantization_version", 2);
    meta_u32(m, "llama.context_length", c->context);
    meta_u32(m, "llama.embedding_length", c->dim);
    meta_u32(m, "llama.block_count", c->layers);
    meta_u32(m, "llama.feed_forward_length", c->hidden);
    meta_u32(m, "llama.attention.head_count", c->heads);
    meta_u32(m, "llama.attention.head_count_kv", c->kv_heads);
    meta_f32(m, "llama.attention.layer_norm_rms_epsilon", c->norm_epsilon);
    meta_u32(m, "llama.rope.dimension_count", c->dim / c->heads);
    meta_f32(m, "llama.rope.freq_base", c->rope_theta);
    meta_u32(m, "llama.vocab_size", c->vocab);
}

static void tokenizer_metadata(struct metadata *m, const struct tokenizer *t)
{
    meta_string(m, "tokenizer.ggml.model", "llama");
    if (put_array(m, "tokenizer.ggml.tokens", GGUF_STRING, t->count))
        for (size_t i = 0; i < t->count; i++)
            put_string(m->f, t->pieces[i].text);
    if (put_array(m, "tokenizer.ggml.scores", GGUF_FLOAT32, t->count))
        for (size_t i = 0; i < t->count; i++)
            put_f32(m->f, t->pieces[i].score);
    if (put_array(m, "tokenizer.ggml.token_type", GGUF_INT32, t->count))
        for (size_t i = 0; i < t->count; i++)
            put_u32(m->f, (uint32_t)t->pieces[i].type);
    meta_u32(m, "tokenizer.ggml.bos_token_id", TOKEN_BOS);
    meta_u32(m, "tokenizer.ggml.eos_token_id", TOKEN_EOS);
    meta_u32(m, "tokenizer.ggml.unknown_token_id", TOKEN_UNKNOWN);
    meta_bool(m, "tokenizer.ggml.add_bos_token", 1);
    meta_bool(m, "tokenizer.ggml.add_eos_token", 0);
    meta_bool(m, "tokenizer.ggml.add_space_prefix", 1);
}

static uint64_t put_metadata(FILE *f, const struct model_config *c, const struct tokenizer *t)
{
    struct metadata m = {f, 0};
    model_metadata(&m, c);
    tokenizer_metadata(&m, t);
    return m.count;
}

struct tensor {
    char name[48];
    const real *data; // [rows][columns]
    size_t columns;   // ne[0]
    size_t rows;      // ne[1]; 0 for a norm gain, which is one-dimensional and F32
};

enum { TENSORS_PER_LAYER = 9, TENSOR_LIMIT = 2 + 64 * TENSORS_PER_LAYER };

struct tensor_list {
    struct tensor items[TENSOR_LIMIT];
    size_t count;
};

static void add_tensor(struct tensor_list *list, const char *name, const real *data,
                       size_t columns, size_t rows)
{
    struct tensor *t = &list->items[list->count++];
    snprintf(t->name, sizeof t->name, "%s", name);
    t->data = data;
    t->columns = columns;
    t->rows = rows;
}

static void add_layer(struct tensor_list *list, const struct model_config *c, const real *p,
                      size_t layer)
{
    struct layer_offsets o = model_layer(c, layer);
    size_t kv_dim = c->kv_heads * (c->dim / c->heads);
    const real *key = p + o.qkv + c->dim * c->dim;
    const struct {
        const char *name;
        const real *data;
        size_t columns, rows;
    } parts[TENSORS_PER_LAYER] = {
        {"attn_norm", p + o.attn_norm, c->dim, 0},
        {"attn_q", p + o.qkv, c->dim, c->dim},
        {"attn_k", key, c->dim, kv_dim},
        {"attn_v", key + kv_dim * c->dim, c->dim, kv_dim},
        {"attn_output", p + o.attn_out, c->dim, c->dim},
        {"ffn_norm", p + o.ffn_norm, c->dim, 0},
        {"ffn_gate", p + o.gate_up, c->dim, c->hidden},
        {"ffn_up", p + o.gate_up + c->hidden * c->dim, c->dim, c->hidden},
        {"ffn_down", p + o.down, c->hidden, c->dim},
    };
    for (size_t i = 0; i < TENSORS_PER_LAYER; i++) {
        char name[48];
        snprintf(name, sizeof name, "blk.%zu.%s.weight", layer, parts[i].name);
        add_tensor(list, name, parts[i].data, parts[i].columns, parts[i].rows);
    }
}

static size_t tensor_elements(const struct tensor *t)
{
    return t->columns * (t->rows ? t->rows : 1);
}

static size_t padded_bytes(const struct tensor *t)
{
    size_t bytes = tensor_elements(t) * (t->rows ? 2 : 4);
    return (bytes + GGUF_ALIGNMENT - 1) / GGUF_ALIGNMENT * GGUF_ALIGNMENT;
}

static void put_tensor_infos(FILE *f, const struct tensor_list *list)
{
    uint64_t offset = 0;
    for (size_t i = 0; i < list->count; i++) {
        const struct tensor *t = &list->items[i];
        put_string(f, t->name);
        put_u32(f, t->rows ? 2 : 1);
        put_u64(f, t->columns);
        if (t->rows)
            put_u64(f, t->rows);
        put_u32(f, t->rows ? GGML_F16 : GGML_F32);
        put_u64(f, offset);
        offset += padded_bytes(t);
    }
}

static void pad_file(FILE *f)
{
    while (ftell(f) % GGUF_ALIGNMENT)
        fputc(0, f);
}

static void put_tensor_data(FILE *f, const struct tensor_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        const struct tensor *t = &list->items[i];
        pad_file(f);
        for (size_t j = 0; j < tensor_elements(t); j++) {
            uint16_t half = half_from_float((float)t->data[j]);
            if (t->rows)
                fwrite(&half, sizeof half, 1, f);
            else
                put_f32(f, (float)t->data[j]);
        }
    }
    pad_file(f);
}

int export_gguf(const char *path, const struct model_config *c, const real *parameters,
                const struct tokenizer *t)
{
    static struct tensor_list list;
    list.count = 0;
    add_tensor(&list, "token_embd.weight", parameters, c->dim, c->vocab);
    for (size_t l = 0; l < c->layers; l++)
        add_layer(&list, c, parameters, l);
    add_tensor(&list, "output_norm.weight", parameters + model_output_norm(c), c->dim, 0);

    char temporary[4096];
    snprintf(temporary, sizeof temporary, "%s.tmp", path);
    FILE *f = fopen(temporary, "wb");
    if (!f) {
        perror(temporary);
        return -1;
    }
    fwrite("GGUF", 1, 4, f);
    put_u32(f, GGUF_VERSION);
    put_u64(f, list.count);
    put_u64(f, put_metadata(NULL, c, t));
    put_metadata(f, c, t);
    put_tensor_infos(f, &list);
    put_tensor_data(f, &list);
    int failed = ferror(f);
    if (fclose(f) != 0 || failed || rename(temporary, path) != 0) {
        perror(path);
        return -1;
    }
    return 0;
}
