/* vocabulary.c - what a model's file says about its tokens.  Requirements: tokenizer.h. */
#include "models/slm/vocabulary.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "models/slm/unicode.h"
#include "sim/base/rng.h"

/* ---------------------------------------------------------------- bytes as characters */

static bool prints(unsigned byte) { return (byte >= '!' && byte <= '~') || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE; }

uint32_t duo_byte_char(unsigned char byte)
{
    if (prints(byte)) return byte;
    uint32_t code = 0x100;
    for (unsigned b = 0; b < byte; b++) code += !prints(b);
    return code;
}

int duo_char_byte(uint32_t code)
{
    if (code < 0x100) return prints(code) ? (int)code : -1;
    for (int b = 0; b < 256; b++)
        if (!prints((unsigned)b) && code-- == 0x100) return b;
    return -1;
}

/* ---------------------------------------------------------------- tables */

static size_t power_above(size_t n)
{
    size_t size = 16;
    while (size < n) size *= 2;
    return size;
}

static size_t text_slot(const struct duo_tokenizer *t, const char *text, size_t n)
{
    size_t slot = (size_t)duo_hash_bytes(0, text, n) & t->by_text_mask;
    while (t->by_text[slot] >= 0) {
        const struct duo_token *k = &t->tokens[t->by_text[slot]];
        if (k->n == n && memcmp(t->texts + k->at, text, n) == 0) break;
        slot = (slot + 1) & t->by_text_mask;
    }
    return slot;
}

int duo_token_find(const struct duo_tokenizer *t, const char *text, size_t n)
{
    return n == 0 || n > t->longest ? DUO_NO_TOKEN : t->by_text[text_slot(t, text, n)];
}

static size_t merge_slot(const struct duo_tokenizer *t, int32_t left, int32_t right)
{
    size_t slot = (size_t)duo_mix((uint64_t)(uint32_t)left << 32 | (uint32_t)right) & t->merges_mask;
    while (t->merges[slot].rank >= 0 && (t->merges[slot].left != left || t->merges[slot].right != right)) slot = (slot + 1) & t->merges_mask;
    return slot;
}

const struct duo_merge *duo_merge_of(const struct duo_tokenizer *t, int32_t left, int32_t right)
{
    if (!t->merges || left < 0 || right < 0) return NULL;
    const struct duo_merge *m = &t->merges[merge_slot(t, left, right)];
    return m->rank >= 0 ? m : NULL;
}

/* ---------------------------------------------------------------- reading */

#define FAIL(g, err, ...) duo_fail_at(err, DUO_BAD_INPUT, duo_gguf_path(g), 0, 0, __VA_ARGS__)

static enum duo_status read_family(struct duo_tokenizer *t, const struct duo_gguf *g, struct duo_err *err)
{
    static const char *const pre_names[] = {
#define X(name, text) [DUO_PRE_##name] = text,
        DUO_PRETOKENIZERS(X)
#undef X
    };
    static const struct { const char *name; enum duo_pretokenizer pre; } others[] = {
        { "llama3", DUO_PRE_LLAMA }, { "llama-v3", DUO_PRE_LLAMA }, { "deepseek-r1-qwen", DUO_PRE_QWEN2 },
    };
    struct duo_gguf_text model, pre = { 0 };
    DUO_TRY(duo_gguf_words(g, "tokenizer.ggml.model", true, &model, err));
    DUO_TRY(duo_gguf_words(g, "tokenizer.ggml.pre", false, &pre, err));
    int shown = model.n < 40 ? (int)model.n : 40;
    if (duo_gguf_same(model, "llama")) {
        t->family = DUO_SENTENCE_PIECE;
        t->add_bos = t->space_first = true;
        t->bos = 1, t->eos = 2, t->unknown = 0;
        return DUO_OK;
    }
    if (!duo_gguf_same(model, "gpt2")) return FAIL(g, err, "tokenizer model %.*s is not supported (gpt2 and llama are)", shown, model.at);
    t->family = DUO_BYTE_PAIRS;
    t->pre = DUO_PRE_END;
    for (int i = 0; i < DUO_PRE_END; i++)
        if (duo_gguf_same(pre, pre_names[i])) t->pre = (enum duo_pretokenizer)i;
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        if (duo_gguf_same(pre, others[i].name)) t->pre = others[i].pre;
    if (!pre.n || t->pre == DUO_PRE_END)
        return FAIL(g, err, "pre-tokenizer %.*s is not supported (smollm, qwen2, llama-bpe, gpt-2 are)", pre.n ? (pre.n < 40 ? (int)pre.n : 40) : 10,
                    pre.n ? pre.at : "(not said)");
    t->whole_words = t->add_bos = t->pre == DUO_PRE_LLAMA;
    return DUO_OK;
}

/* Texts into our own memory, which grows with what is there. */
static enum duo_status read_texts(struct duo_tokenizer *t, const struct duo_gguf *g, struct duo_err *err)
{
    struct duo_gguf_array list;
    struct duo_gguf_value v;
    DUO_TRY(duo_gguf_items(g, "tokenizer.ggml.tokens", true, DUO_GGUF_TEXT, &list, err));
    if (list.n < 1 || list.n > DUO_MAX_TOKENS) return FAIL(g, err, "has a vocabulary of %llu tokens; 1 to %d are allowed", (unsigned long long)list.n, DUO_MAX_TOKENS);
    t->texts = duo_new(list.bytes, 1);          /* 8 of them are each text's length */
    t->tokens = duo_new((size_t)list.n, sizeof *t->tokens);
    while (duo_gguf_next(&list, &v)) {
        if (v.text.n > UINT32_MAX) return FAIL(g, err, "token %d is too long", t->n);
        struct duo_token *k = &t->tokens[t->n++];
        *k = (struct duo_token) { .at = t->texts_n, .n = (uint32_t)v.text.n, .kind = DUO_TOKEN_NORMAL };
        memcpy(t->texts + t->texts_n, v.text.at, v.text.n);
        t->texts_n += v.text.n;
        if (v.text.n > t->longest) t->longest = v.text.n;
    }
    size_t size = power_above(2 * (size_t)t->n);
    t->by_text = duo_new(size, sizeof *t->by_text);
    t->by_text_mask = size - 1;
    memset(t->by_text, 0xFF, size * sizeof *t->by_text);
    for (int i = 0; i < t->n; i++) {
        if (t->tokens[i].n == 0) continue;      /* found by nobody */
        size_t slot = text_slot(t, t->texts + t->tokens[i].at, t->tokens[i].n);
        if (t->by_text[slot] >= 0) return FAIL(g, err, "tokens %d and %d have the same text", t->by_text[slot], i);
        t->by_text[slot] = i;
    }
    return DUO_OK;
}

static enum duo_status read_scores(struct duo_tokenizer *t, const struct duo_gguf *g, struct duo_err *err)
{
    struct duo_gguf_array list = { 0 };
    struct duo_gguf_value v;
    DUO_TRY(duo_gguf_items(g, "tokenizer.ggml.scores", t->family == DUO_SENTENCE_PIECE, DUO_GGUF_F32, &list, err));
    if (list.at && list.n != (uint64_t)t->n) return FAIL(g, err, "has %d tokens and %llu scores", t->n, (unsigned long long)list.n);
    for (int i = 0; duo_gguf_next(&list, &v); i++) {
        if (v.f != v.f) return FAIL(g, err, "the score of token %d is no number", i);
        t->tokens[i].score = (float)v.f;
    }
    list = (struct duo_gguf_array) { 0 };
    DUO_TRY(duo_gguf_items(g, "tokenizer.ggml.token_type", false, DUO_GGUF_I32, &list, err));
    if (list.at && list.n != (uint64_t)t->n) return FAIL(g, err, "has %d tokens and %llu token types", t->n, (unsigned long long)list.n);
    for (int i = 0; duo_gguf_next(&list, &v); i++)
        t->tokens[i].kind = v.i >= DUO_TOKEN_NORMAL && v.i <= DUO_TOKEN_BYTE ? (uint8_t)v.i : DUO_TOKEN_UNDEFINED;
    return DUO_OK;
}

/* A merge whose parts or whole are no tokens can never yield one; it is left out. */
static enum duo_status read_merges(struct duo_tokenizer *t, const struct duo_gguf *g, struct duo_err *err)
{
    struct duo_gguf_array list;
    struct duo_gguf_value v;
    DUO_TRY(duo_gguf_items(g, "tokenizer.ggml.merges", true, DUO_GGUF_TEXT, &list, err));
    if (list.n > DUO_MAX_TOKENS) return FAIL(g, err, "has %llu merges; %d are allowed", (unsigned long long)list.n, DUO_MAX_TOKENS);
    size_t size = power_above(2 * (size_t)list.n);
    t->merges = duo_new(size, sizeof *t->merges);
    t->merges_mask = size - 1;
    for (size_t i = 0; i < size; i++) t->merges[i].rank = -1;
    char *whole = duo_new(t->longest + 1, 1);
    for (int32_t rank = 0; duo_gguf_next(&list, &v); rank++) {
        const char *gap = v.text.n > 1 ? memchr(v.text.at + 1, ' ', v.text.n - 1) : NULL;
        if (!gap || v.text.n - 1 > t->longest) continue;
        size_t n = (size_t)(gap - v.text.at), m = v.text.n - n - 1;
        memcpy(whole, v.text.at, n);
        memcpy(whole + n, gap + 1, m);
        struct duo_merge merge = { duo_token_find(t, v.text.at, n), duo_token_find(t, gap + 1, m), rank, duo_token_find(t, whole, n + m) };
        if (merge.left < 0 || merge.right < 0 || merge.token < 0) continue;
        struct duo_merge *slot = &t->merges[merge_slot(t, merge.left, merge.right)];
        if (slot->rank < 0) *slot = merge;
    }
    free(whole);
    return DUO_OK;
}

static void find_bytes(struct duo_tokenizer *t)
{
    for (int b = 0; b < 256; b++) {
        char text[8], byte = (char)b;
        if (t->family == DUO_BYTE_PAIRS) {
            t->bytes[b] = duo_token_find(t, text, (size_t)duo_utf8_write(duo_byte_char((unsigned char)b), text));
            continue;
        }
        snprintf(text, sizeof text, "<0x%02X>", (unsigned)b);
        t->bytes[b] = duo_token_find(t, text, 6);
        if (t->bytes[b] < 0) t->bytes[b] = duo_token_find(t, &byte, 1);
        if (t->bytes[b] < 0) t->bytes[b] = t->unknown;
    }
}

/* ---------------------------------------------------------------- special tokens */

/* Texts that end an answer in the vocabularies at hand, whatever the file calls them; as llama.cpp has them. */
static const char *const ends[] = {
    "<|eot_id|>", "<|im_end|>", "<|end|>", "<end_of_turn>", "<|endoftext|>", "</s>", "<|eom_id|>", "<EOT>", "_<EOT>", "<|end_of_text|>",
    "<end_of_utterance>", "<eos>", "<|fim_pad|>", "<fim-pad>", "<fim_pad>", "<PAD>", "<|fim_repo|>", "<|repo_name|>", "<fim-repo>", "<REPO>",
    "<reponame>", "<|file_sep|>",
};

static enum duo_status read_id(const struct duo_tokenizer *t, const struct duo_gguf *g, const char *key, int *id, struct duo_err *err)
{
    int64_t x = *id < t->n ? *id : DUO_NO_TOKEN;
    DUO_TRY(duo_gguf_whole(g, key, false, 0, t->n - 1, &x, err));
    *id = (int)x;
    return DUO_OK;
}

static int longest_first(const void *a, const void *b, void *with)
{
    const struct duo_token *t = with, *x = &t[*(const int32_t *)a], *y = &t[*(const int32_t *)b];
    if (x->n != y->n) return x->n < y->n ? 1 : -1;
    return (x > y) - (x < y);
}

static enum duo_status read_special(struct duo_tokenizer *t, const struct duo_gguf *g, struct duo_err *err)
{
    int eot = DUO_NO_TOKEN, eom = DUO_NO_TOKEN;
    DUO_TRY(read_id(t, g, "tokenizer.ggml.bos_token_id", &t->bos, err));
    DUO_TRY(read_id(t, g, "tokenizer.ggml.eos_token_id", &t->eos, err));
    DUO_TRY(read_id(t, g, "tokenizer.ggml.unknown_token_id", &t->unknown, err));
    DUO_TRY(read_id(t, g, "tokenizer.ggml.eot_token_id", &eot, err));
    DUO_TRY(read_id(t, g, "tokenizer.ggml.eom_token_id", &eom, err));
    DUO_TRY(duo_gguf_flag(g, "tokenizer.ggml.add_bos_token", false, &t->add_bos, err));
    DUO_TRY(duo_gguf_flag(g, "tokenizer.ggml.add_eos_token", false, &t->add_eos, err));
    DUO_TRY(duo_gguf_flag(g, "tokenizer.ggml.add_space_prefix", false, &t->space_first, err));
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        int id = duo_token_find(t, ends[i], strlen(ends[i]));
        if (id < 0) continue;
        t->tokens[id].ends = true;
        t->tokens[id].kind = DUO_TOKEN_CONTROL;
    }
    int more[] = { t->eos, eot, eom };
    for (int i = 0; i < 3; i++)
        if (more[i] >= 0) t->tokens[more[i]].ends = true;
    t->special = duo_new((size_t)t->n, sizeof *t->special);
    for (int i = 0; i < t->n; i++) {
        uint8_t kind = t->tokens[i].kind;
        bool special = kind == DUO_TOKEN_CONTROL || kind == DUO_TOKEN_USER || kind == DUO_TOKEN_UNKNOWN;
        if (special && t->tokens[i].n) t->special[t->n_special++] = i;
    }
    qsort_r(t->special, (size_t)t->n_special, sizeof *t->special, longest_first, t->tokens);
    return DUO_OK;
}

static enum duo_status read_all(struct duo_tokenizer *t, const struct duo_gguf *g, struct duo_err *err)
{
    t->bos = t->eos = t->unknown = DUO_NO_TOKEN;
    DUO_TRY(read_family(t, g, err));
    DUO_TRY(read_texts(t, g, err));
    DUO_TRY(read_scores(t, g, err));
    if (t->family == DUO_BYTE_PAIRS) DUO_TRY(read_merges(t, g, err));
    DUO_TRY(read_special(t, g, err));
    find_bytes(t);
    return DUO_OK;
}

enum duo_status duo_tokenizer_new(struct duo_tokenizer **out, const struct duo_gguf *g, struct duo_err *err)
{
    struct duo_tokenizer *t = duo_new(1, sizeof *t);
    enum duo_status status = read_all(t, g, err);
    *out = status == DUO_OK ? t : NULL;
    if (status != DUO_OK) duo_tokenizer_free(t);
    return status;
}

void duo_tokenizer_free(struct duo_tokenizer *t)
{
    if (!t) return;
    free(t->tokens);
    free(t->texts);
    free(t->by_text);
    free(t->merges);
    free(t->special);
    free(t);
}

/* ---------------------------------------------------------------- questions */

int duo_tokenizer_size(const struct duo_tokenizer *t) { return t->n; }

const char *duo_token_text(const struct duo_tokenizer *t, int id, size_t *n)
{
    assert(id >= 0 && id < t->n);
    *n = t->tokens[id].n;
    return t->texts + t->tokens[id].at;
}

enum duo_token_kind duo_token_kind(const struct duo_tokenizer *t, int id)
{
    assert(id >= 0 && id < t->n);
    return (enum duo_token_kind)t->tokens[id].kind;
}

bool duo_token_ends(const struct duo_tokenizer *t, int id) { return id >= 0 && id < t->n && t->tokens[id].ends; }
int  duo_token_first(const struct duo_tokenizer *t) { return t->add_bos ? t->bos : DUO_NO_TOKEN; }
int  duo_token_last(const struct duo_tokenizer *t) { return t->eos; }

int duo_tokenizers_differ(const struct duo_tokenizer *a, const struct duo_tokenizer *b)
{
    int n = a->n < b->n ? a->n : b->n;
    for (int i = 0; i < n; i++) {
        const struct duo_token *x = &a->tokens[i], *y = &b->tokens[i];
        if (x->n != y->n || memcmp(a->texts + x->at, b->texts + y->at, x->n) != 0) return i;
    }
    return a->n == b->n ? -1 : n;
}
