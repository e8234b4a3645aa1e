/* words.c - made-up vocabularies of the real families and sizes, for make.c.
 *
 * Words grow from letters by joining two that are there, as a trained vocabulary does; so every word has a merge, and
 * what is a word can be reached. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "models/slm/make.h"
#include "models/slm/unicode.h"
#include "models/slm/vocabulary.h"
#include "sim/base/rng.h"

struct special { const char *text; enum duo_token_kind kind; };

/* Layouts of conversations, in our own words; the markers are what is recognised. */
static const char chatml[] =
    "{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\n' + m['content'] + '<|im_end|>' + '\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}";
static const char llama3[] =
    "{{ bos_token }}{% for m in messages %}{{ '<|start_header_id|>' + m['role'] + '<|end_header_id|>\n\n' + m['content'] | trim + '<|eot_id|>' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|start_header_id|>assistant<|end_header_id|>\n\n' }}{% endif %}";
static const char zephyr[] =
    "{% for m in messages %}{{ '<|' + m['role'] + '|>\n' + m['content'] + eos_token + '\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>\n' }}{% endif %}{# <|user|> #}";
static const char gemma[] =
    "{{ bos_token }}{% for m in messages %}{% set role = 'model' if m['role'] == 'assistant' else m['role'] %}"
    "{{ '<start_of_turn>' + role + '\n' + m['content'] | trim + '<end_of_turn>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<start_of_turn>model\n' }}{% endif %}";

static const struct family {
    const char    *model, *pre, *chat;
    bool           add_bos, special_first;
    int            bos, eos, pad, unknown;        /* indices of `special`; -1: none */
    struct special special[8];
} families[] = {
    [DUO_WORDS_SMOLLM] = { "gpt2", "smollm", chatml, false, true, 1, 2, 2, 0,
        { { "<|endoftext|>", DUO_TOKEN_CONTROL }, { "<|im_start|>", DUO_TOKEN_CONTROL }, { "<|im_end|>", DUO_TOKEN_CONTROL } } },
    [DUO_WORDS_QWEN] = { "gpt2", "qwen2", chatml, false, false, 0, 2, 0, -1,
        { { "<|endoftext|>", DUO_TOKEN_CONTROL }, { "<|im_start|>", DUO_TOKEN_CONTROL }, { "<|im_end|>", DUO_TOKEN_CONTROL } } },
    [DUO_WORDS_LLAMA3] = { "gpt2", "llama-bpe", llama3, true, false, 0, 4, -1, -1,
        { { "<|begin_of_text|>", DUO_TOKEN_CONTROL }, { "<|end_of_text|>", DUO_TOKEN_CONTROL }, { "<|start_header_id|>", DUO_TOKEN_CONTROL },
          { "<|end_header_id|>", DUO_TOKEN_CONTROL }, { "<|eot_id|>", DUO_TOKEN_CONTROL } } },
    [DUO_WORDS_LLAMA2] = { "llama", "default", zephyr, true, true, 1, 2, 2, 0,
        { { "<unk>", DUO_TOKEN_UNKNOWN }, { "<s>", DUO_TOKEN_CONTROL }, { "</s>", DUO_TOKEN_CONTROL } } },
    [DUO_WORDS_GEMMA] = { "llama", "default", gemma, true, true, 2, 1, 0, 3,
        { { "<pad>", DUO_TOKEN_CONTROL }, { "<eos>", DUO_TOKEN_CONTROL }, { "<bos>", DUO_TOKEN_CONTROL }, { "<unk>", DUO_TOKEN_UNKNOWN },
          { "<start_of_turn>", DUO_TOKEN_CONTROL }, { "<end_of_turn>", DUO_TOKEN_CONTROL }, { "\n\n", DUO_TOKEN_USER } } },
};

/* ---------------------------------------------------------------- words that grow */

enum { LONGEST = 12 };
struct word { char text[LONGEST + 4]; uint8_t n, space; };      /* n: bytes; space: of the mark that it begins with */

struct pool { struct word *words; int n, room; int32_t *slots; size_t mask; };

static bool add_word(struct pool *p, const struct word *w)
{
    size_t slot = (size_t)duo_hash_bytes(0, w->text, w->n) & p->mask;
    for (; p->slots[slot] >= 0; slot = (slot + 1) & p->mask) {
        const struct word *x = &p->words[p->slots[slot]];
        if (x->n == w->n && memcmp(x->text, w->text, w->n) == 0) return false;
    }
    assert(p->n < p->room);
    p->slots[slot] = p->n;
    p->words[p->n++] = *w;
    return true;
}

/* Letters, and the mark of a space: what words begin from. */
static struct pool begin_pool(int most, const char *space)
{
    struct pool p = { .room = most + 64 };
    size_t size = 1024;
    while (size < 2 * (size_t)p.room) size *= 2;
    p.words = duo_new((size_t)p.room, sizeof *p.words);
    p.slots = duo_new(size, sizeof *p.slots);
    p.mask = size - 1;
    memset(p.slots, 0xFF, size * sizeof *p.slots);
    struct word w = { .n = (uint8_t)strlen(space), .space = (uint8_t)strlen(space) };
    memcpy(w.text, space, w.n);
    add_word(&p, &w);
    for (char c = 'a'; c <= 'z'; c++) add_word(&p, &(struct word) { .text = { c }, .n = 1 });
    for (char c = 'A'; c <= 'Z'; c++) add_word(&p, &(struct word) { .text = { c }, .n = 1 });
    return p;
}

/* Join two until there are `n` words; the parts of word i go to left[i] and right[i]. */
static void grow_pool(struct pool *p, int n, uint64_t seed, int *left, int *right)
{
    struct duo_rng rng;
    duo_rng_init(&rng, seed, "words", 0);
    while (p->n < n) {
        uint64_t bits = duo_rng_bits(&rng);
        int a = (int)((bits & 0xFFFFFFFF) % (uint64_t)p->n), b = (int)((bits >> 32) % (uint64_t)p->n);
        const struct word *x = &p->words[a], *y = &p->words[b];
        if (y->space || x->n + y->n > LONGEST + x->space) continue;
        struct word w = { .n = (uint8_t)(x->n + y->n), .space = x->space };
        memcpy(w.text, x->text, x->n);
        memcpy(w.text + x->n, y->text, y->n);
        int at = p->n;
        if (add_word(p, &w)) left[at] = a, right[at] = b;
    }
}

/* ---------------------------------------------------------------- the lists of a file */

struct lists { struct duo_gguf_list texts, scores, kinds, merges; };

static void add_token(struct lists *l, const char *text, size_t n, double score, enum duo_token_kind kind)
{
    duo_gguf_list_add_text(&l->texts, text, n);
    duo_gguf_list_add_real(&l->scores, score);
    duo_gguf_list_add_whole(&l->kinds, kind);
}

static int add_special(struct lists *l, const struct family *f)
{
    int n = 0;
    for (; n < 8 && f->special[n].text; n++) add_token(l, f->special[n].text, strlen(f->special[n].text), 0, f->special[n].kind);
    return n;
}

/* Fill up to n with tokens that nobody uses, as the real vocabularies do. */
static void fill(struct lists *l, int n)
{
    char text[32];
    while (l->texts.n < (uint64_t)n) {
        int length = snprintf(text, sizeof text, "[PAD%llu]", (unsigned long long)l->texts.n);
        add_token(l, text, (size_t)length, 0, DUO_TOKEN_UNUSED);
    }
}

static int count_special(const struct family *f)
{
    int n = 0;
    while (n < 8 && f->special[n].text) n++;
    return n;
}

/* 256 bytes, words with their merges, special tokens first or last. */
static int put_pairs(struct lists *l, const struct family *f, int n, uint64_t seed)
{
    int specials = count_special(f), joined = n - specials - 256, first = 0;
    struct pool p = begin_pool(joined + 53, "\xC4\xA0");
    int *left = duo_new((size_t)p.room, sizeof *left), *right = duo_new((size_t)p.room, sizeof *right), letters = p.n;
    grow_pool(&p, letters + joined, seed, left, right);
    if (f->special_first) add_special(l, f);
    for (int b = 0; b < 256; b++) {
        char text[4];
        add_token(l, text, (size_t)duo_utf8_write(duo_byte_char((unsigned char)b), text), 0, DUO_TOKEN_NORMAL);
    }
    for (int i = letters; i < p.n; i++) {
        const struct word *w = &p.words[i], *a = &p.words[left[i]], *b = &p.words[right[i]];
        char merge[2 * LONGEST + 16];
        int length = snprintf(merge, sizeof merge, "%.*s %.*s", a->n, a->text, b->n, b->text);
        add_token(l, w->text, w->n, 0, DUO_TOKEN_NORMAL);
        duo_gguf_list_add_text(&l->merges, merge, (size_t)length);
    }
    if (!f->special_first) {
        first = (int)l->texts.n;
        add_special(l, f);
    }
    free(left), free(right), free(p.words), free(p.slots);
    return first;
}

/* Special tokens, 256 bytes, words by falling score, letters last. */
static void put_pieces(struct lists *l, const struct family *f, int n, uint64_t seed)
{
    int joined = n - count_special(f) - 256 - 53;
    struct pool p = begin_pool(joined + 53, "\xE2\x96\x81");
    int *left = duo_new((size_t)p.room, sizeof *left), *right = duo_new((size_t)p.room, sizeof *right), letters = p.n;
    assert(letters == 53);
    grow_pool(&p, letters + joined, seed, left, right);
    add_special(l, f);
    for (int b = 0; b < 256; b++) {
        char text[8];
        snprintf(text, sizeof text, "<0x%02X>", (unsigned)b);
        add_token(l, text, 6, 0, DUO_TOKEN_BYTE);
    }
    for (int i = letters; i < p.n; i++) add_token(l, p.words[i].text, p.words[i].n, letters - i, DUO_TOKEN_NORMAL);
    for (int i = 0; i < letters; i++) add_token(l, p.words[i].text, p.words[i].n, -joined - i, DUO_TOKEN_NORMAL);
    free(left), free(right), free(p.words), free(p.slots);
}

static void put_list(struct duo_gguf_out *o, const char *key, struct duo_gguf_list *list)
{
    struct duo_gguf_value v = duo_gguf_list_value(list);
    if (list->n) duo_gguf_put(o, key, &v);
    duo_gguf_list_free(list);
}

void duo_words_put(struct duo_gguf_out *o, enum duo_word_family which, int n, uint64_t seed)
{
    const struct family *f = &families[which];
    struct lists l = { .texts = { .type = DUO_GGUF_TEXT }, .scores = { .type = DUO_GGUF_F32 }, .kinds = { .type = DUO_GGUF_I32 },
                       .merges = { .type = DUO_GGUF_TEXT } };
    bool pairs = !strcmp(f->model, "gpt2");
    int first = 0;
    if (pairs) first = put_pairs(&l, f, n, seed);
    else put_pieces(&l, f, n, seed);
    fill(&l, n);
    assert(l.texts.n == (uint64_t)n);
    duo_gguf_put_words(o, "tokenizer.ggml.model", f->model);
    duo_gguf_put_words(o, "tokenizer.ggml.pre", f->pre);
    put_list(o, "tokenizer.ggml.tokens", &l.texts);
    if (pairs) duo_gguf_list_free(&l.scores);
    else put_list(o, "tokenizer.ggml.scores", &l.scores);
    put_list(o, "tokenizer.ggml.token_type", &l.kinds);
    put_list(o, "tokenizer.ggml.merges", &l.merges);
    const struct { const char *key; int at; } ids[] = {
        { "tokenizer.ggml.bos_token_id", f->bos }, { "tokenizer.ggml.eos_token_id", f->eos }, { "tokenizer.ggml.padding_token_id", f->pad },
        { "tokenizer.ggml.unknown_token_id", f->unknown },
    };
    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++)
        if (ids[i].at >= 0) duo_gguf_put_whole(o, ids[i].key, (uint32_t)(first + ids[i].at));
    duo_gguf_put_flag(o, "tokenizer.ggml.add_bos_token", f->add_bos);
    if (!pairs) duo_gguf_put_flag(o, "tokenizer.ggml.add_space_prefix", which != DUO_WORDS_GEMMA);
    duo_gguf_put_words(o, "tokenizer.chat_template", f->chat);
}
