/* ngram.c - a drafter without a network.  Requirements: ngram.h. */
#include "models/pair/ngram.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { LONGEST = DUO_NGRAM_ORDER - 1, SHARES = 65535, HEAD = 20, TAIL = 8 };
static const char magic[8] = { 'D', 'U', 'O', 'N', 'G', 'R', 'M', '1' };

/* A context and what followed it. */
struct gram { uint16_t context[LONGEST], length, next, share; };

struct duo_ngram { int vocabulary, n; struct gram *at; };        /* in the order of contexts */

/* ---------------------------------------------------------------- order and search */

static int by_context(const struct gram *a, const struct gram *b)
{
    if (a->length != b->length) return a->length < b->length ? -1 : 1;
    for (int i = 0; i < a->length; i++)
        if (a->context[i] != b->context[i]) return a->context[i] < b->context[i] ? -1 : 1;
    return 0;
}

static int by_context_and_next(const void *a, const void *b)
{
    const struct gram *x = a, *y = b;
    int order = by_context(x, y);
    return order ? order : x->next < y->next ? -1 : x->next > y->next;
}

static int search(const void *a, const void *b) { return by_context(a, b); }

static struct gram context_of(const int32_t *ids, int n, int length)
{
    struct gram g = { .length = (uint16_t)length };
    for (int i = 0; i < length; i++) g.context[i] = (uint16_t)ids[n - length + i];
    return g;
}

/* (2) The entry of the longest known suffix, at most `longest` tokens. */
static const struct gram *find(const struct gram *at, int n_grams, const int32_t *ids, int n, int longest)
{
    for (int length = n < longest ? n : longest; length >= 0; length--) {
        struct gram key = context_of(ids, n, length);
        const struct gram *found = bsearch(&key, at, (size_t)n_grams, sizeof key, search);
        if (found) return found;
    }
    return NULL;
}

/* ---------------------------------------------------------------- building */

struct duo_ngram_build { int vocabulary; struct gram *at; size_t n, room; };

struct duo_ngram_build *duo_ngram_build_new(int vocabulary)
{
    assert(vocabulary > 0 && vocabulary <= DUO_NGRAM_VOCABULARY);
    struct duo_ngram_build *b = duo_new(1, sizeof *b);
    b->vocabulary = vocabulary;
    return b;
}

void duo_ngram_build_free(struct duo_ngram_build *b)
{
    if (b) free(b->at);
    free(b);
}

void duo_ngram_build_add(struct duo_ngram_build *b, const int32_t *ids, int n)
{
    for (int i = 1; i < n; i++)
        for (int length = 0; length <= LONGEST && length <= i; length++) {
            if (b->n == b->room) b->at = duo_grow(b->at, b->room = 2 * b->room + 1024, sizeof *b->at);
            assert(ids[i] >= 0 && ids[i] < b->vocabulary);
            b->at[b->n] = context_of(ids, i, length);
            b->at[b->n++].next = (uint16_t)ids[i];
        }
}

/* One entry a context from sorted observations [from, to): (2) the most frequent next token. */
static struct gram best_of(const struct gram *at, size_t from, size_t to)
{
    size_t most = 0, best = from;
    for (size_t i = from, run = from; i < to; i++) {
        if (at[i].next != at[run].next) run = i;
        if (i - run + 1 > most) most = i - run + 1, best = run;
    }
    struct gram g = at[best];
    g.share = (uint16_t)((double)most / (double)(to - from) * SHARES + 0.5);
    return g;
}

/* (3) Does it say what the next shorter context says? */
static bool adds_nothing(const struct gram *g, const struct gram *kept, int n)
{
    int32_t ids[LONGEST];
    for (int i = 0; i < g->length; i++) ids[i] = g->context[i];
    const struct gram *shorter = find(kept, n, ids, g->length, g->length - 1);
    return shorter && shorter->next == g->next && abs(shorter->share - g->share) <= SHARES / 8;
}

/* Entries grow by length, so that those of all shorter contexts are there when a longer one is judged. */
static int reduce(struct duo_ngram_build *b, int least, struct gram *kept)
{
    int n = 0;
    qsort(b->at, b->n, sizeof *b->at, by_context_and_next);
    for (size_t from = 0, to; from < b->n; from = to) {
        for (to = from; to < b->n && by_context(&b->at[to], &b->at[from]) == 0;) to++;
        struct gram g = best_of(b->at, from, to);
        if (g.length == 0 || (to - from >= (size_t)least && !adds_nothing(&g, kept, n))) kept[n++] = g;
    }
    return n;
}

struct bytes { unsigned char *at; size_t n; };

static void put(struct bytes *b, uint64_t x, int size)
{
    for (int i = 0; i < size; i++) b->at[b->n++] = (unsigned char)(x >> 8 * i);
}

static uint64_t digest(const unsigned char *at, size_t n)
{
    uint64_t h = 0xCBF29CE484222325u;
    for (size_t i = 0; i < n; i++) h = (h ^ at[i]) * 0x100000001B3u;
    return h;
}

enum duo_status duo_ngram_build_write(struct duo_ngram_build *b, int least, const char *path, struct duo_err *err)
{
    struct gram *kept = duo_new(b->n + 1, sizeof *kept);
    int n = reduce(b, least, kept);
    struct bytes out = { .at = duo_new(HEAD + (size_t)n * (5 + 2 * LONGEST) + TAIL, 1) };
    memcpy(out.at, magic, sizeof magic);
    out.n = sizeof magic;
    put(&out, (uint64_t)b->vocabulary, 4), put(&out, DUO_NGRAM_ORDER, 4), put(&out, (uint64_t)n, 4);
    for (int i = 0; i < n; i++) {
        put(&out, kept[i].length, 1);
        for (int k = 0; k < kept[i].length; k++) put(&out, kept[i].context[k], 2);
        put(&out, kept[i].next, 2), put(&out, kept[i].share, 2);
    }
    put(&out, digest(out.at, out.n), 8);
    free(kept);
    FILE *file = fopen(path, "wb");
    bool good = file && fwrite(out.at, 1, out.n, file) == out.n;
    if (file) good &= fclose(file) == 0;
    free(out.at);
    return good ? DUO_OK : duo_fail_at(err, DUO_NO_RESOURCES, path, 0, 0, "can't be written: %s", strerror(errno));
}

/* ---------------------------------------------------------------- reading */

static uint64_t get(const unsigned char *at, int size)
{
    uint64_t x = 0;
    for (int i = 0; i < size; i++) x |= (uint64_t)at[i] << 8 * i;
    return x;
}

bool duo_ngram_is(const char *path)
{
    char head[sizeof magic];
    FILE *file = fopen(path, "rb");
    bool is = file && fread(head, 1, sizeof head, file) == sizeof head && memcmp(head, magic, sizeof magic) == 0;
    if (file) fclose(file);
    return is;
}

/* The whole file; NULL: it can't be read. */
static unsigned char *slurp(const char *path, size_t *n)
{
    FILE *file = fopen(path, "rb");
    unsigned char *at = NULL;
    *n = 0;
    if (!file) return NULL;
    for (size_t room = 0, got = 1; got;) {
        if (*n == room) at = duo_grow(at, room = 2 * room + 65536, 1);
        *n += got = fread(at + *n, 1, room - *n, file);
    }
    bool bad = ferror(file) != 0;
    fclose(file);
    if (!bad) return at;
    free(at);
    return NULL;
}

static const char *parse(struct duo_ngram *g, const unsigned char *at, size_t n)
{
    if (n < HEAD + TAIL || memcmp(at, magic, sizeof magic) != 0) return "not an n-gram drafter (DUONGRM1 expected)";
    if (get(at + n - TAIL, 8) != digest(at, n - TAIL)) return "cut short or changed: its checksum is another";
    uint64_t vocabulary = get(at + 8, 4), entries = get(at + 16, 4);
    if (vocabulary < 1 || vocabulary > DUO_NGRAM_VOCABULARY || get(at + 12, 4) != DUO_NGRAM_ORDER) return "its vocabulary or order is none of ours";
    if (entries < 1 || entries > (n - HEAD - TAIL) / 5) return "more entries than bytes";
    g->vocabulary = (int)vocabulary;
    g->at = duo_new((size_t)entries, sizeof *g->at);
    size_t pos = HEAD;
    for (g->n = 0; (uint64_t)g->n < entries; g->n++) {
        struct gram *e = &g->at[g->n];
        if (pos >= n - TAIL) return "entries end too early";
        e->length = at[pos++];
        if (e->length > LONGEST || n - TAIL - pos < (size_t)e->length * 2 + 4) return "an entry is too long";
        for (int i = 0; i < e->length; i++, pos += 2) e->context[i] = (uint16_t)get(at + pos, 2);
        e->next = (uint16_t)get(at + pos, 2), e->share = (uint16_t)get(at + pos + 2, 2);
        pos += 4;
        if (e->next >= vocabulary) return "a token outside its vocabulary";
        if (g->n ? by_context(e - 1, e) >= 0 : e->length != 0) return "entries are out of order";
    }
    return pos == n - TAIL ? NULL : "bytes behind the last entry";
}

enum duo_status duo_ngram_open(struct duo_ngram **out, const char *path, struct duo_err *err)
{
    size_t n;
    *out = NULL;
    unsigned char *at = slurp(path, &n);
    if (!at) return duo_fail_at(err, DUO_BAD_INPUT, path, 0, 0, "can't be read: %s", strerror(errno));
    struct duo_ngram *g = duo_new(1, sizeof *g);
    const char *why = parse(g, at, n);
    free(at);
    if (!why) return *out = g, DUO_OK;
    duo_ngram_free(g);
    return duo_fail_at(err, DUO_BAD_INPUT, path, 0, 0, "%s", why);
}

void duo_ngram_free(struct duo_ngram *g)
{
    if (g) free(g->at);
    free(g);
}

int duo_ngram_vocabulary(const struct duo_ngram *g) { return g->vocabulary; }

int32_t duo_ngram_next(const struct duo_ngram *g, const int32_t *ids, int n, double *probability)
{
    const struct gram *found = find(g->at, g->n, ids, n, LONGEST);
    if (probability) *probability = (double)found->share / SHARES;
    return found->next;
}

double duo_ngram_probability(const struct duo_ngram *g, const int32_t *ids, int n, int32_t token)
{
    double share;
    int32_t next = duo_ngram_next(g, ids, n, &share);
    return token == next ? share : g->vocabulary > 1 ? (1 - share) / (g->vocabulary - 1) : 0;
}
