#include "tokenizer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static size_t hash_bytes(const char *text, size_t length)
{
    uint64_t h = 0xcbf29ce484222325u; // FNV-1a
    for (size_t i = 0; i < length; i++)
        h = (h ^ (unsigned char)text[i]) * 0x100000001b3u;
    return (size_t)(h ^ (h >> 32));
}

static void set_piece(struct piece *p, const char *text, size_t length, float score, int type)
{
    memcpy(p->text, text, length);
    p->text[length] = '\0';
    p->length = length;
    p->score = score;
    p->type = type;
}

int tokenizer_init(struct tokenizer *t, size_t capacity)
{
    size_t slots = 64;
    while (slots < 4 * capacity)
        slots *= 2;
    t->pieces = calloc(capacity, sizeof *t->pieces);
    t->slots = calloc(slots, sizeof *t->slots);
    t->slot_mask = slots - 1;
    t->count = TOKEN_FIRST_PIECE;
    if (!t->pieces || !t->slots || capacity < TOKEN_FIRST_PIECE) {
        tokenizer_free(t);
        return -1;
    }
    set_piece(&t->pieces[TOKEN_UNKNOWN], "<unk>", 5, 0, TYPE_UNKNOWN);
    set_piece(&t->pieces[TOKEN_BOS], "<s>", 3, 0, TYPE_CONTROL);
    set_piece(&t->pieces[TOKEN_EOS], "</s>", 4, 0, TYPE_CONTROL);
    for (unsigned b = 0; b < 256; b++) {
        char name[8];
        snprintf(name, sizeof name, "<0x%02X>", b);
        set_piece(&t->pieces[TOKEN_FIRST_BYTE + b], name, 6, 0, TYPE_BYTE);
    }
    return 0;
}

void tokenizer_free(struct tokenizer *t)
{
    free(t->pieces);
    free(t->slots);
    *t = (struct tokenizer){0};
}

// The slot that holds the piece, or the empty slot where it belongs.
static uint32_t *find_slot(const struct tokenizer *t, const char *text, size_t length)
{
    size_t i = hash_bytes(text, length);
    for (;; i++) {
        uint32_t *slot = &t->slots[i & t->slot_mask];
        if (*slot == 0)
            return slot;
        const struct piece *p = &t->pieces[*slot - 1];
        if (p->length == length && memcmp(p->text, text, length) == 0)
            return slot;
    }
}

uint32_t tokenizer_add(struct tokenizer *t, const char *text, size_t length, float score)
{
    uint32_t id = (uint32_t)t->count++;
    set_piece(&t->pieces[id], text, length, score, TYPE_NORMAL);
    *find_slot(t, text, length) = id + 1;
    return id;
}

uint32_t tokenizer_find(const struct tokenizer *t, const char *text, size_t length)
{
    uint32_t slot = *find_slot(t, text, length);
    return slot ? slot - 1 : TOKEN_UNKNOWN;
}

int tokenizer_save(const struct tokenizer *t, const char *path)
{
    FILE *f = fopen(path, "w");
    if (!f) {
        perror(path);
        return -1;
    }
    for (size_t id = TOKEN_FIRST_PIECE; id < t->count; id++)
        fprintf(f, "%g\t%s\n", (double)t->pieces[id].score, t->pieces[id].text);
    if (fclose(f) != 0) {
        perror(path);
        return -1;
    }
    return 0;
}

static size_t count_lines(FILE *f)
{
    size_t lines = 0;
    for (int c; (c = fgetc(f)) != EOF;)
        lines += c == '\n';
    rewind(f);
    return lines;
}

int tokenizer_load(struct tokenizer *t, const char *path)
{
    FILE *f = fopen(path, "r");
    if (!f) {
        perror(path);
        return -1;
    }
    int failed = tokenizer_init(t, TOKEN_FIRST_PIECE + count_lines(f));
    char line[PIECE_LIMIT + 64];
    for (unsigned number = 1; !failed && fgets(line, sizeof line, f); number++) {
        char *text;
        float score = strtof(line, &text);
        size_t length = strcspn(text, "\n");
        if (*text != '\t' || length < 2 || length - 1 > PIECE_LIMIT || text[length] != '\n') {
            fprintf(stderr, "%s:%u: error: expected score, tab, text\n", path, number);
            tokenizer_free(t);
            failed = -1;
        } else {
            tokenizer_add(t, text + 1, length - 1, score);
        }
    }
    fclose(f);
    return failed;
}

// A run of the text that is one piece so far, in a doubly linked list by index.
struct symbol {
    const char *text;
    size_t length; // 0 = merged into its left neighbour
    size_t previous, next;
};

static const size_t NONE = SIZE_MAX;

// A pair of neighbours that may merge; stale when `length` no longer matches.
struct candidate {
    float score;
    size_t left, right;
    size_t length;
};

struct merge_queue {
    struct candidate *heap; // the best at [0]
    size_t count;
};

static int is_better(const struct candidate *a, const struct candidate *b)
{
    return a->score > b->score || (!(a->score < b->score) && a->left < b->left);
}

static void swap_candidates(struct candidate *a, struct candidate *b)
{
    struct candidate c = *a;
    *a = *b;
    *b = c;
}

static void queue_push(struct merge_queue *q, struct candidate c)
{
    size_t i = q->count++;
    q->heap[i] = c;
    for (; i > 0 && is_better(&q->heap[i], &q->heap[(i - 1) / 2]); i = (i - 1) / 2)
        swap_candidates(&q->heap[i], &q->heap[(i - 1) / 2]);
}

static struct candidate queue_pop(struct merge_queue *q)
{
    struct candidate best = q->heap[0];
    q->heap[0] = q->heap[--q->count];
    for (size_t i = 0;;) {
        size_t child = 2 * i + 1;
        if (child >= q->count)
            return best;
        if (child + 1 < q->count && is_better(&q->heap[child + 1], &q->heap[child]))
            child++;
        if (!is_better(&q->heap[child], &q->heap[i]))
            return best;
        swap_candidates(&q->heap[i], &q->heap[child]);
        i = child;
    }
}

static void offer_pair(const struct tokenizer *t, const struct symbol *symbols, size_t left,
                       size_t right, struct merge_queue *q)
{
    if (left == NONE || right == NONE)
        return;
    size_t length = symbols[left].length + symbols[right].length;
    uint32_t id = tokenizer_find(t, symbols[left].text, length);
    if (id != TOKEN_UNKNOWN)
        queue_push(q, (struct candidate){t->pieces[id].score, left, right, length});
}

static size_t utf8_length(unsigned char lead)
{
    if (lead < 0xc0)
        return 1;
    if (lead < 0xe0)
        return 2;
    return lead < 0xf0 ? 3 : 4;
}

// One symbol per UTF-8 character. Returns their number.
static size_t split_characters(struct symbol *symbols, const char *text, size_t length)
{
    size_t count = 0;
    for (size_t at = 0; at < length; count++) {
        size_t n = utf8_length((unsigned char)text[at]);
        if (n > length - at)
            n = length - at;
        symbols[count] = (struct symbol){text + at, n, count ? count - 1 : NONE, count + 1};
        at += n;
    }
    if (count)
        symbols[count - 1].next = NONE;
    return count;
}

static void merge_all(const struct tokenizer *t, struct symbol *symbols, size_t count,
                      struct merge_queue *q)
{
    for (size_t i = 1; i < count; i++)
        offer_pair(t, symbols, i - 1, i, q);
    while (q->count) {
        struct candidate c = queue_pop(q);
        struct symbol *left = &symbols[c.left];
        struct symbol *right = &symbols[c.right];
        if (!left->length || !right->length || left->length + right->length != c.length)
            continue; // one of the two has merged with something else since
        left->length = c.length;
        right->length = 0;
        left->next = right->next;
        if (right->next != NONE)
            symbols[right->next].previous = c.left;
        offer_pair(t, symbols, left->previous, c.left, q);
        offer_pair(t, symbols, c.left, left->next, q);
    }
}

static size_t emit(const struct tokenizer *t, const struct symbol *symbols, size_t count,
                   uint32_t *ids)
{
    size_t n = 0;
    for (size_t i = count ? 0 : NONE; i != NONE; i = symbols[i].next) {
        uint32_t id = tokenizer_find(t, symbols[i].text, symbols[i].length);
        if (id != TOKEN_UNKNOWN)
            ids[n++] = id;
        for (size_t b = 0; id == TOKEN_UNKNOWN && b < symbols[i].length; b++)
            ids[n++] = TOKEN_FIRST_BYTE + (unsigned char)symbols[i].text[b];
    }
    return n;
}

// Copies the text with a space in front and every space as U+2581. Returns the new length.
static size_t escape_spaces(char *out, const char *text, size_t length)
{
    char *p = out;
    if (length)
        p = (char *)memcpy(p, SPACE_PIECE, 3) + 3;
    for (size_t i = 0; i < length; i++) {
        if (text[i] == ' ')
            p = (char *)memcpy(p, SPACE_PIECE, 3) + 3;
        else
            *p++ = text[i];
    }
    return (size_t)(p - out);
}

size_t tokenizer_encode(const struct tokenizer *t, const char *text, size_t length, uint32_t *ids)
{
    size_t bound = tokenizer_bound(length);
    char *escaped = malloc(bound);
    struct symbol *symbols = malloc(bound * sizeof *symbols);
    // Each character starts at most one candidate, and each merge adds at most two.
    struct merge_queue queue = {malloc(3 * bound * sizeof *queue.heap), 0};
    size_t count = SIZE_MAX;
    if (escaped && symbols && queue.heap) {
        size_t escaped_length = escape_spaces(escaped, text, length);
        size_t characters = split_characters(symbols, escaped, escaped_length);
        merge_all(t, symbols, characters, &queue);
        count = emit(t, symbols, characters, ids);
    }
    free(escaped);
    free(symbols);
    free(queue.heap);
    return count;
}

size_t tokenizer_decode(const struct tokenizer *t, uint32_t id, char *out)
{
    const struct piece *p = &t->pieces[id];
    size_t n = 0;
    if (p->type == TYPE_BYTE)
        out[n++] = (char)(id - TOKEN_FIRST_BYTE);
    for (size_t i = 0; p->type == TYPE_NORMAL && i < p->length;) {
        if (strncmp(p->text + i, SPACE_PIECE, 3) == 0) {
            out[n++] = ' ';
            i += 3;
        } else {
            out[n++] = p->text[i++];
        }
    }
    out[n] = '\0';
    return n;
}
