/* tokenizer.c - texts to ids by merging neighbours, and back.  Requirements: tokenizer.h. */
#include "models/slm/tokenizer.h"

#include <stdlib.h>
#include <string.h>

#include "models/slm/unicode.h"
#include "models/slm/vocabulary.h"

static void add_id(struct duo_ids *ids, int32_t id)
{
    if (ids->n == ids->room) {
        ids->room = ids->room ? 2 * ids->room : 64;
        ids->at = duo_grow(ids->at, ids->room, sizeof *ids->at);
    }
    ids->at[ids->n++] = id;
}

static void add_bytes(struct duo_bytes *b, const char *from, size_t n)
{
    if (b->room - b->n <= n) {
        b->room = 2 * b->room + n + 64;
        b->at = duo_grow(b->at, b->room, 1);
    }
    if (n) memcpy(b->at + b->n, from, n);
    b->n += n;
    b->at[b->n] = 0;
}

/* ---------------------------------------------------------------- merging */

/* A stretch of the text that has become one; n = 0: swallowed by its left neighbour. */
struct symbol { size_t at, n; int64_t before, after; int32_t token; };

/* Two neighbours that could merge: the least key first, then the leftmost.  n: their bytes together, by which one that
 * has changed since is known. */
struct bigram { double key; int64_t left, right; size_t n; int32_t token; };

struct merging {
    const struct duo_tokenizer *t;
    const char    *text;
    struct symbol *symbols;
    size_t         n_symbols, symbol_room;
    struct bigram *heap;
    size_t         n, room;
};

static bool sooner(const struct bigram *a, const struct bigram *b) { return a->key < b->key || (a->key == b->key && a->left < b->left); }

static void push(struct merging *m, struct bigram b)
{
    if (m->n == m->room) {
        m->room = m->room ? 2 * m->room : 64;
        m->heap = duo_grow(m->heap, m->room, sizeof *m->heap);
    }
    size_t i = m->n++;
    for (; i > 0 && sooner(&b, &m->heap[(i - 1) / 2]); i = (i - 1) / 2) m->heap[i] = m->heap[(i - 1) / 2];
    m->heap[i] = b;
}

static struct bigram pop(struct merging *m)
{
    struct bigram top = m->heap[0], last = m->heap[--m->n];
    size_t i = 0;
    for (size_t child; (child = 2 * i + 1) < m->n; i = child) {
        if (child + 1 < m->n && sooner(&m->heap[child + 1], &m->heap[child])) child++;
        if (!sooner(&m->heap[child], &last)) break;
        m->heap[i] = m->heap[child];
    }
    if (m->n) m->heap[i] = last;
    return top;
}

/* Byte pairs merge by rank, SentencePiece by the score of what comes out. */
static void consider(struct merging *m, int64_t left, int64_t right)
{
    if (left < 0 || right < 0) return;
    const struct symbol *a = &m->symbols[left], *b = &m->symbols[right];
    struct bigram pair = { .left = left, .right = right, .n = a->n + b->n };
    if (m->t->family == DUO_BYTE_PAIRS) {
        const struct duo_merge *merge = duo_merge_of(m->t, a->token, b->token);
        if (!merge) return;
        pair.key = merge->rank;
        pair.token = merge->token;
    } else {
        pair.token = duo_token_find(m->t, m->text + a->at, pair.n);
        if (pair.token < 0) return;
        pair.key = -(double)m->t->tokens[pair.token].score;
    }
    push(m, pair);
}

static void add_symbol(struct merging *m, size_t at, size_t n, int32_t token)
{
    if (m->n_symbols == m->symbol_room) {
        m->symbol_room = m->symbol_room ? 2 * m->symbol_room : 64;
        m->symbols = duo_grow(m->symbols, m->symbol_room, sizeof *m->symbols);
    }
    int64_t i = (int64_t)m->n_symbols++;
    m->symbols[i] = (struct symbol) { at, n, i - 1, -1, token };
    if (i > 0) m->symbols[i - 1].after = i;
}

static void merge_all(struct merging *m)
{
    m->n = 0;
    for (size_t i = 1; i < m->n_symbols; i++) consider(m, (int64_t)i - 1, (int64_t)i);
    while (m->n) {
        struct bigram pair = pop(m);
        struct symbol *a = &m->symbols[pair.left], *b = &m->symbols[pair.right];
        if (!a->n || !b->n || a->n + b->n != pair.n) continue;
        a->n = pair.n;
        a->token = pair.token;
        a->after = b->after;
        b->n = 0;
        if (a->after >= 0) m->symbols[a->after].before = pair.left;
        consider(m, a->before, pair.left);
        consider(m, pair.left, a->after);
    }
}

/* ---------------------------------------------------------------- one family and the other */

/* The word as byte-level texts write it, when that is a token. */
static int whole_word(const struct duo_tokenizer *t, const char *word, size_t n)
{
    char text[512];
    size_t at = 0;
    if (n > sizeof text / 4) return DUO_NO_TOKEN;
    for (size_t i = 0; i < n; i++) at += (size_t)duo_utf8_write(duo_byte_char((unsigned char)word[i]), text + at);
    return duo_token_find(t, text, at);
}

static void encode_pairs(struct merging *m, const char *text, size_t n, struct duo_ids *out)
{
    size_t count, from, to;
    struct duo_char *chars = duo_chars(text, n, &count);
    struct duo_words words = { .pre = m->t->pre, .c = chars, .count = count };
    m->text = text;
    while (duo_word_next(&words, &from, &to)) {
        size_t begin = chars[from].at, end = chars[to].at;
        int whole = m->t->whole_words ? whole_word(m->t, text + begin, end - begin) : DUO_NO_TOKEN;
        if (whole >= 0) {
            add_id(out, whole);
            continue;
        }
        m->n_symbols = 0;
        for (size_t i = begin; i < end; i++) add_symbol(m, i, 1, m->t->bytes[(unsigned char)text[i]]);
        merge_all(m);
        for (int64_t i = 0; i >= 0; i = m->symbols[i].after)      /* a byte that the vocabulary lacks is lost, as in llama.cpp */
            if (m->symbols[i].token >= 0) add_id(out, m->symbols[i].token);
    }
    free(chars);
}

static const char mark[] = "\xE2\x96\x81";    /* SentencePiece's space, U+2581 */

static void encode_pieces(struct merging *m, const char *text, size_t n, bool space_first, struct duo_ids *out)
{
    struct duo_bytes marked = { 0 };
    uint32_t code;
    if (space_first) add_bytes(&marked, mark, 3);
    for (size_t i = 0; i < n; i++) add_bytes(&marked, text[i] == ' ' ? mark : text + i, text[i] == ' ' ? 3 : 1);
    m->text = marked.at;
    m->n_symbols = 0;
    for (size_t at = 0, step; at < marked.n; at += step) {
        step = (size_t)duo_utf8_read(marked.at + at, marked.n - at, &code);
        add_symbol(m, at, step, duo_token_find(m->t, marked.at + at, step));
    }
    merge_all(m);
    for (int64_t i = m->n_symbols ? 0 : -1; i >= 0; i = m->symbols[i].after) {
        const struct symbol *s = &m->symbols[i];
        if (s->token >= 0) {
            add_id(out, s->token);
            continue;
        }
        for (size_t k = 0; k < s->n; k++) {
            int32_t byte = m->t->bytes[(unsigned char)marked.at[s->at + k]];
            if (byte >= 0) add_id(out, byte);
        }
    }
    free(marked.at);
}

/* ---------------------------------------------------------------- special tokens */

/* The text in pieces: text, or (id >= 0) a special token. */
struct piece { size_t from, to; int32_t id; };
struct pieces { struct piece *at; size_t n, room; };

static void add_piece(struct pieces *p, size_t from, size_t to, int32_t id)
{
    if (from == to) return;
    if (p->n == p->room) {
        p->room = p->room ? 2 * p->room : 16;
        p->at = duo_grow(p->at, p->room, sizeof *p->at);
    }
    p->at[p->n++] = (struct piece) { from, to, id };
}

/* (3): a control token counts where it lies in one part that allows it. */
static bool allowed(const struct duo_part *parts, size_t n_parts, size_t from, size_t to, bool anywhere)
{
    size_t begin = 0;
    for (size_t i = 0; i < n_parts && !anywhere && begin <= from; begin += parts[i].n, i++)
        if (parts[i].special && to <= begin + parts[i].n) return true;
    return anywhere;
}

/* Cut `id` out of every piece of text; the longest tokens come first. */
static void cut(struct pieces *p, const struct duo_tokenizer *t, int32_t id, const char *text, const struct duo_part *parts, size_t n_parts)
{
    const struct duo_token *k = &t->tokens[id];
    const char *word = t->texts + k->at;
    struct pieces cuts = { 0 };
    for (size_t i = 0; i < p->n; i++) {
        struct piece x = p->at[i];
        size_t rest = x.from;
        const char *hit = NULL;
        for (size_t from = x.from; x.id < 0 && (hit = memmem(text + from, x.to - from, word, k->n)) != NULL;) {
            size_t at = (size_t)(hit - text);
            from = at + 1;
            if (!allowed(parts, n_parts, at, at + k->n, k->kind == DUO_TOKEN_USER)) continue;
            add_piece(&cuts, rest, at, DUO_NO_TOKEN);
            add_piece(&cuts, at, at + k->n, id);
            rest = from = at + k->n;
        }
        add_piece(&cuts, rest, x.to, x.id);
    }
    free(p->at);
    *p = cuts;
}

static struct pieces find_special(const struct duo_tokenizer *t, const char *text, size_t n, const struct duo_part *parts, size_t n_parts)
{
    struct pieces p = { 0 };
    bool there[256] = { false }, any = false;
    add_piece(&p, 0, n, DUO_NO_TOKEN);
    for (size_t i = 0; i < n; i++) there[(unsigned char)text[i]] = true;
    for (size_t i = 0; i < n_parts; i++) any |= parts[i].special;
    for (int i = 0; i < t->n_special; i++) {
        const struct duo_token *k = &t->tokens[t->special[i]];
        const char *word = t->texts + k->at;
        if (k->n > n || !there[(unsigned char)word[0]] || (!any && k->kind != DUO_TOKEN_USER)) continue;
        if (memmem(text, n, word, k->n)) cut(&p, t, t->special[i], text, parts, n_parts);
    }
    return p;
}

/* ---------------------------------------------------------------- encode */

void duo_encode_parts(const struct duo_tokenizer *t, const struct duo_part *parts, size_t n_parts, bool whole, struct duo_ids *out)
{
    struct duo_bytes all = { 0 };
    for (size_t i = 0; i < n_parts; i++) add_bytes(&all, parts[i].text, parts[i].n);
    struct pieces p = find_special(t, all.at, all.n, parts, n_parts);
    struct merging m = { .t = t };
    bool after_special = true;
    if (whole && t->add_bos && t->bos >= 0) add_id(out, t->bos);
    for (size_t i = 0; i < p.n; i++) {
        const struct piece *x = &p.at[i];
        const char *text = all.at + x->from;
        size_t n = x->to - x->from;
        if (x->id >= 0) add_id(out, x->id);
        else if (t->family == DUO_BYTE_PAIRS) encode_pairs(&m, text, n, out);
        else encode_pieces(&m, text, n, t->space_first && after_special, out);
        after_special = x->id >= 0;
    }
    if (whole && t->add_eos && t->eos >= 0) add_id(out, t->eos);
    free(m.symbols);
    free(m.heap);
    free(p.at);
    free(all.at);
}

void duo_encode(const struct duo_tokenizer *t, const char *text, size_t n, bool special, bool whole, struct duo_ids *out)
{
    duo_encode_parts(t, &(struct duo_part) { text, n, special }, 1, whole, out);
}

/* ---------------------------------------------------------------- decode */

/* Characters that stand for bytes become those; one that stands for none stays. */
static void decode_pairs(const char *text, size_t n, struct duo_bytes *out)
{
    for (size_t at = 0; at < n;) {
        uint32_t code;
        size_t step = (size_t)duo_utf8_read(text + at, n - at, &code);
        int byte = duo_char_byte(code);
        char one = (char)byte;
        add_bytes(out, byte >= 0 ? &one : text + at, byte >= 0 ? 1 : step);
        at += step;
    }
}

static void decode_piece(const char *text, size_t n, struct duo_bytes *out)
{
    for (size_t at = 0; at < n;) {
        bool space = n - at >= 3 && memcmp(text + at, mark, 3) == 0;
        add_bytes(out, space ? " " : text + at, 1);
        at += space ? 3 : 1;
    }
}

static int hex(char c) { return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1; }

void duo_decode_one(const struct duo_tokenizer *t, int id, bool special, struct duo_bytes *out)
{
    if (id < 0 || id >= t->n) return;
    const struct duo_token *k = &t->tokens[id];
    const char *text = t->texts + k->at;
    switch ((enum duo_token_kind)k->kind) {
    case DUO_TOKEN_CONTROL: case DUO_TOKEN_UNKNOWN:
        if (special) add_bytes(out, text, k->n);
        break;
    case DUO_TOKEN_USER:
        add_bytes(out, text, k->n);
        break;
    case DUO_TOKEN_NORMAL:
        if (t->family == DUO_BYTE_PAIRS) decode_pairs(text, k->n, out);
        else decode_piece(text, k->n, out);
        break;
    case DUO_TOKEN_BYTE:
        if (k->n == 6 && memcmp(text, "<0x", 3) == 0 && hex(text[3]) >= 0 && hex(text[4]) >= 0)
            add_bytes(out, &(char) { (char)(hex(text[3]) * 16 + hex(text[4])) }, 1);
        break;
    case DUO_TOKEN_UNDEFINED: case DUO_TOKEN_UNUSED: break;
    }
}

void duo_decode(const struct duo_tokenizer *t, const int32_t *ids, size_t n, bool special, struct duo_bytes *out)
{
    size_t from = out->n;
    bool first_text = t->space_first;
    add_bytes(out, NULL, 0);                           /* a 0 even when nothing is added */
    for (size_t i = 0; i < n; i++) {
        size_t before = out->n;
        duo_decode_one(t, ids[i], special, out);
        bool control = ids[i] >= 0 && ids[i] < t->n && t->tokens[ids[i]].kind == DUO_TOKEN_CONTROL;
        if (first_text && !control && out->n > before) {
            if (before == from && out->at[before] == ' ') memmove(out->at + before, out->at + before + 1, out->n-- - before);
            first_text = false;
        }
    }
}
