#include "export.h"

#include <stdio.h>
#include <string.h>

static void put_i32(FILE *f, size_t v)
{
    int32_t value = (int32_t)v;
    fwrite(&value, sizeof value, 1, f);
}

static void put_floats(FILE *f, const real *p, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        float value = (float)p[i];
        fwrite(&value, sizeof value, 1, f);
    }
}

// The legacy format stores each kind of tensor for all layers together: count elements at
// layer_offset + skip of every layer.
static void put_kind(FILE *f, const struct model_config *c, const real *p, size_t offset,
                     size_t count)
{
    size_t layer_size = model_layer(c, 1).attn_norm - model_layer(c, 0).attn_norm;
    for (size_t l = 0; l < c->layers; l++)
        put_floats(f, p + offset + l * layer_size, count);
}

static void put_weights(FILE *f, const struct model_config *c, const real *p)
{
    struct layer_offsets o = model_layer(c, 0);
    size_t square = c->dim * c->dim;
    size_t kv = c->kv_heads * (c->dim / c->heads) * c->dim;
    size_t ffn = c->hidden * c->dim;
    put_floats(f, p, c->vocab * c->dim);
    put_kind(f, c, p, o.attn_norm, c->dim);
    put_kind(f, c, p, o.qkv, square);               // q
    put_kind(f, c, p, o.qkv + square, kv);          // k
    put_kind(f, c, p, o.qkv + square + kv, kv);     // v
    put_kind(f, c, p, o.attn_out, square);
    put_kind(f, c, p, o.ffn_norm, c->dim);
    put_kind(f, c, p, o.gate_up, ffn);              // w1, the gate
    put_kind(f, c, p, o.down, ffn);                 // w2
    put_kind(f, c, p, o.gate_up + ffn, ffn);        // w3, up
    put_floats(f, p + model_output_norm(c), c->dim);
    // freq_cis_real and freq_cis_imag, [context][head_dim / 2] each: readers skip them.
    for (size_t i = 0; i < c->context * (c->dim / c->heads); i++)
        put_floats(f, &(const real){0}, 1);
}

static int write_model(const char *path, const struct model_config *c, const real *parameters)
{
    FILE *f = fopen(path, "wb");
    if (!f) {
        perror(path);
        return -1;
    }
    put_i32(f, c->dim);
    put_i32(f, c->hidden);
    put_i32(f, c->layers);
    put_i32(f, c->heads);
    put_i32(f, c->kv_heads);
    put_i32(f, c->vocab); // positive: the head is shared with the embedding
    put_i32(f, c->context);
    put_weights(f, c, parameters);
    int failed = ferror(f);
    if (fclose(f) != 0 || failed) {
        perror(path);
        return -1;
    }
    return 0;
}

// llama2.c writes pieces as text: U+2581 becomes a space, <s> and </s> stand on their own line.
static size_t plain_piece(const struct tokenizer *t, uint32_t id, char *out)
{
    if (id == TOKEN_BOS)
        return (size_t)sprintf(out, "\n<s>\n");
    if (id == TOKEN_EOS)
        return (size_t)sprintf(out, "\n</s>\n");
    if (t->pieces[id].type != TYPE_NORMAL)
        return (size_t)sprintf(out, "%s", t->pieces[id].text);
    return tokenizer_decode(t, id, out);
}

static int write_tokenizer(const char *path, const struct tokenizer *t)
{
    FILE *f = fopen(path, "wb");
    if (!f) {
        perror(path);
        return -1;
    }
    char text[PIECE_LIMIT + 1];
    size_t longest = 0;
    for (uint32_t id = 0; id < t->count; id++) {
        size_t length = plain_piece(t, id, text);
        longest = length > longest ? length : longest;
    }
    put_i32(f, longest);
    for (uint32_t id = 0; id < t->count; id++) {
        size_t length = plain_piece(t, id, text);
        fwrite(&t->pieces[id].score, sizeof(float), 1, f);
        put_i32(f, length);
        fwrite(text, 1, length, f);
    }
    int failed = ferror(f);
    if (fclose(f) != 0 || failed) {
        perror(path);
        return -1;
    }
    return 0;
}

int export_llama2c(const char *model_path, const char *tokenizer_path,
                   const struct model_config *c, const real *parameters,
                   const struct tokenizer *t)
{
    if (write_model(model_path, c, parameters) != 0)
        return -1;
    return write_tokenizer(tokenizer_path, t);
}
