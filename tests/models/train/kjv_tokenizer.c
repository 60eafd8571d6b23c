// Trains the BPE tokenizer: kjv-tokenizer TEXT VOCABULARY SIZE
//
// The text is first cut into words: a space with the letters after it, or one character that
// is not a letter. Then the most frequent adjacent pair of pieces within words becomes a new
// piece, until the vocabulary is full. Of equally frequent pairs the one seen first (lowest
// left id, then lowest right id) wins, so the result depends on the text alone.
#include "tokenizer.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WORD_LIMIT = 48, PIECES = 2048, WORD_SLOTS = 1 << 17 };

// A distinct word as piece numbers (of struct trainer, not token ids).
struct word {
    char text[WORD_LIMIT]; // ' ' still as a space
    unsigned length;       // symbols
    unsigned count;        // occurrences
    uint16_t symbols[WORD_LIMIT];
};

struct trainer {
    struct word *words; // [WORD_SLOTS], a hash table; empty where count == 0
    char pieces[PIECES][PIECE_LIMIT + 1];
    size_t piece_count;
    uint16_t of_byte[256]; // piece number + 1 of each single character seen
    unsigned *pairs;       // [PIECES][PIECES] occurrences
};

static uint16_t piece_of_byte(struct trainer *t, unsigned char byte)
{
    if (!t->of_byte[byte]) {
        char text[2] = {(char)byte, '\0'};
        strcpy(t->pieces[t->piece_count++], byte == ' ' ? SPACE_PIECE : text);
        t->of_byte[byte] = (uint16_t)t->piece_count;
    }
    return (uint16_t)(t->of_byte[byte] - 1);
}

static void count_word(struct trainer *t, const char *text, unsigned length)
{
    uint32_t h = 2166136261u;
    for (unsigned i = 0; i < length; i++)
        h = (h ^ (unsigned char)text[i]) * 16777619u;
    struct word *w;
    for (;; h++) {
        w = &t->words[h % WORD_SLOTS];
        if (!w->count || (w->length == length && memcmp(w->text, text, length) == 0))
            break;
    }
    if (!w->count) {
        w->length = length;
        memcpy(w->text, text, length);
        for (unsigned i = 0; i < length; i++)
            w->symbols[i] = piece_of_byte(t, (unsigned char)text[i]);
    }
    w->count++;
}

// Counts the words of one chapter, which the encoder will give a leading space.
static void count_chapter(struct trainer *t, const char *line)
{
    char word[WORD_LIMIT] = " ";
    unsigned length = 1;
    for (; *line && *line != '\n'; line++) {
        int joins = isalpha((unsigned char)*line) && length < WORD_LIMIT &&
                    (length == 0 || word[0] == ' ' || isalpha((unsigned char)word[0]));
        if (!joins && length) {
            count_word(t, word, length);
            length = 0;
        }
        word[length++] = *line;
    }
    if (length)
        count_word(t, word, length);
}

// Returns left * PIECES + right of the most frequent pair, or 0 when no pair occurs twice.
static size_t best_pair(struct trainer *t)
{
    memset(t->pairs, 0, (size_t)PIECES * PIECES * sizeof *t->pairs);
    for (size_t i = 0; i < WORD_SLOTS; i++) {
        const struct word *w = &t->words[i];
        for (unsigned s = 1; w->count && s < w->length; s++)
            t->pairs[(size_t)w->symbols[s - 1] * PIECES + w->symbols[s]] += w->count;
    }
    size_t best = 0;
    for (size_t i = 0; i < t->piece_count * PIECES; i++)
        if (t->pairs[i] > t->pairs[best])
            best = i;
    return t->pairs[best] > 1 ? best : 0;
}

static void apply_merge(struct trainer *t, uint16_t left, uint16_t right, uint16_t merged)
{
    for (size_t i = 0; i < WORD_SLOTS; i++) {
        struct word *w = &t->words[i];
        unsigned out = 0;
        for (unsigned s = 0; w->count && s < w->length; s++) {
            if (s + 1 < w->length && w->symbols[s] == left && w->symbols[s + 1] == right) {
                w->symbols[out++] = merged;
                s++;
            } else {
                w->symbols[out++] = w->symbols[s];
            }
        }
        if (w->count)
            w->length = out;
    }
}

static void learn_merges(struct trainer *t, size_t pieces)
{
    while (t->piece_count < pieces) {
        size_t pair = best_pair(t);
        const char *left = t->pieces[pair / PIECES];
        const char *right = t->pieces[pair % PIECES];
        size_t left_length = strlen(left);
        size_t right_length = strlen(right);
        if (!pair || left_length + right_length > PIECE_LIMIT)
            return;
        char *merged = t->pieces[t->piece_count];
        memcpy(merged, left, left_length);
        memcpy(merged + left_length, right, right_length + 1);
        apply_merge(t, (uint16_t)(pair / PIECES), (uint16_t)(pair % PIECES),
                    (uint16_t)t->piece_count);
        t->piece_count++;
    }
}

// Merged pieces first, in the order learnt, then the single characters: score = -rank.
static int save(const struct trainer *t, size_t characters, const char *path)
{
    struct tokenizer out;
    if (tokenizer_init(&out, TOKEN_FIRST_PIECE + t->piece_count) != 0)
        return -1;
    for (size_t i = 0; i < t->piece_count; i++) {
        const char *text = t->pieces[(characters + i) % t->piece_count];
        tokenizer_add(&out, text, strlen(text), 0 - (float)i);
    }
    int result = tokenizer_save(&out, path);
    tokenizer_free(&out);
    return result;
}

static int read_text(struct trainer *t, const char *path)
{
    FILE *f = fopen(path, "r");
    if (!f) {
        perror(path);
        return -1;
    }
    char *line = NULL;
    size_t capacity = 0;
    while (getline(&line, &capacity, f) > 0)
        count_chapter(t, line);
    free(line);
    fclose(f);
    return 0;
}

int main(int argc, char **argv)
{
    size_t size = argc == 4 ? strtoul(argv[3], NULL, 10) : 0;
    if (size <= TOKEN_FIRST_PIECE || size - TOKEN_FIRST_PIECE > PIECES) {
        fprintf(stderr, "usage: kjv-tokenizer TEXT VOCABULARY SIZE   (SIZE 260 to %d)\n",
                PIECES + TOKEN_FIRST_PIECE);
        return 2;
    }
    static struct trainer t;
    t.words = calloc(WORD_SLOTS, sizeof *t.words);
    t.pairs = calloc((size_t)PIECES * PIECES, sizeof *t.pairs);
    int failed = !t.words || !t.pairs || read_text(&t, argv[1]) != 0;
    if (!failed) {
        size_t characters = t.piece_count;
        learn_merges(&t, size - TOKEN_FIRST_PIECE);
        failed = save(&t, characters, argv[2]) != 0;
    }
    free(t.words);
    free(t.pairs);
    return failed;
}
