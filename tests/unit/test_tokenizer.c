/* test_tokenizer.c - requirements of models/slm/tokenizer.h, pretoken.h and unicode.h; ids against those of llama.cpp
 * (tokenizer_ids.tsv, made by tokenizer_ids.py; $DUOSIM_TOKENIZER_IDS adds a file of that form). */
#include <stdlib.h>
#include <unistd.h>

#include "models/slm/fetch.h"
#include "models/slm/make.h"
#include "models/slm/pretoken.h"
#include "models/slm/tokenizer.h"
#include "models/slm/unicode.h"
#include "sim/base/rng.h"
#include "tests/check.h"

static char folder[] = "/tmp/duosim_tokenizer_XXXXXX";

/* ---------------------------------------------------------------- characters */

static void test_unicode(void)
{
    static const struct { uint32_t code; enum duo_char_kind kind; } known[] = {
        { 'a', DUO_CHAR_LETTER }, { 'Z', DUO_CHAR_LETTER }, { '0', DUO_CHAR_NUMBER }, { '9', DUO_CHAR_NUMBER }, { '_', DUO_CHAR_OTHER },
        { ' ', DUO_CHAR_SPACE }, { '\n', DUO_CHAR_SPACE }, { 0x1C, DUO_CHAR_OTHER }, { 0x85, DUO_CHAR_SPACE }, { 0xA0, DUO_CHAR_SPACE },
        { 0xB2, DUO_CHAR_NUMBER }, { 0xBD, DUO_CHAR_NUMBER }, { 0xE9, DUO_CHAR_LETTER }, { 0x301, DUO_CHAR_OTHER }, { 0x3B1, DUO_CHAR_LETTER },
        { 0x663, DUO_CHAR_NUMBER }, { 0x200B, DUO_CHAR_OTHER }, { 0x2028, DUO_CHAR_SPACE }, { 0x2160, DUO_CHAR_NUMBER }, { 0x3000, DUO_CHAR_SPACE },
        { 0x65E5, DUO_CHAR_LETTER }, { 0xAC00, DUO_CHAR_LETTER }, { 0x1F600, DUO_CHAR_OTHER }, { 0x20000, DUO_CHAR_LETTER }, { 0x10FFFF, DUO_CHAR_OTHER },
        { DUO_NO_CHAR, DUO_CHAR_OTHER }, { UINT32_MAX, DUO_CHAR_OTHER },
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) CHECK_INT(duo_char_kind(known[i].code), known[i].kind);
    int wrong = 0;
    for (uint32_t code = 0; code < DUO_NO_CHAR; code++) {
        char text[4];
        uint32_t back;
        int n = duo_utf8_write(code, text);
        bool surrogate = code >= 0xD800 && code < 0xE000;
        int m = duo_utf8_read(text, (size_t)n, &back);
        wrong += surrogate ? back != DUO_NO_CHAR || m != 1 : back != code || m != n;
        if (n > 1) wrong += duo_utf8_read(text, (size_t)n - 1, &back) != 1 || back != DUO_NO_CHAR;      /* cut short */
    }
    CHECK_INT(wrong, 0);
    static const char *const bad[] = { "\x80", "\xC0\x80", "\xE0\x80\x80", "\xF0\x80\x80\x80", "\xF4\x90\x80\x80", "\xFF\xFF", "\xC3(", "\xE2\x82(" };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        uint32_t code;
        CHECK_INT(duo_utf8_read(bad[i], strlen(bad[i]), &code), 1);
        CHECK_INT(code, DUO_NO_CHAR);
    }
}

/* Words by the regular expressions of pretoken.h, worked out by hand; '|' stands between them. */
static void test_words(void)
{
    static const struct { enum duo_pretokenizer pre; const char *text, *words; } cases[] = {
        { DUO_PRE_GPT2, "Hello world", "Hello| world" },
        { DUO_PRE_GPT2, "it's 1234  x", "it|'s| 1234| | x" },
        { DUO_PRE_GPT2, "IT'S", "IT|'|S" },
        { DUO_PRE_GPT2, "a \n\n b\n", "a| \n\n| b|\n" },
        { DUO_PRE_GPT2, "a,,, b!", "a|,,,| b|!" },
        { DUO_PRE_GPT2, "   ", "   " },
        { DUO_PRE_GPT2, "caf\xC3\xA9s \xE6\x97\xA5\xE6\x9C\xAC", "caf\xC3\xA9s| \xE6\x97\xA5\xE6\x9C\xAC" },
        { DUO_PRE_SMOLLM, "it's 1234  x", "it|'s| |1|2|3|4| | x" },
        { DUO_PRE_SMOLLM, "a  1b", "a|  |1|b" },
        { DUO_PRE_SMOLLM, "\xC2\xBD cup", "\xC2\xBD| cup" },
        { DUO_PRE_QWEN2, "IT'S 1234", "IT|'S| |1|2|3|4" },
        { DUO_PRE_QWEN2, "a\tb .x(y", "a|\tb| .|x|(y" },
        { DUO_PRE_QWEN2, "x!!\n\n y \n z", "x|!!\n\n| y| \n| z" },
        { DUO_PRE_QWEN2, "  \n  x  ", "  \n| | x|  " },
        { DUO_PRE_LLAMA, "12345 abc", "123|45| abc" },
        { DUO_PRE_LLAMA, "don't  WE'LL", "don|'t| | WE|'LL" },
        { DUO_PRE_LLAMA, "\r\n\r\nx", "\r\n\r\n|x" },
        { DUO_PRE_LLAMA, "'", "'" },
        { DUO_PRE_LLAMA, " ", " " },
        { DUO_PRE_LLAMA, "a\xFF\xFE b", "a|\xFF\xFE| b" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        size_t count, from, to, at = 0;
        char got[128];
        struct duo_char *c = duo_chars(cases[i].text, strlen(cases[i].text), &count);
        struct duo_words w = { .pre = cases[i].pre, .c = c, .count = count };
        while (duo_word_next(&w, &from, &to)) {
            if (at) got[at++] = '|';
            memcpy(got + at, cases[i].text + c[from].at, c[to].at - c[from].at);
            at += c[to].at - c[from].at;
        }
        got[at] = 0;
        CHECK_TEXT(got, cases[i].words);
        free(c);
    }
}

/* ---------------------------------------------------------------- models to try */

static const char *const tiny[] = { "tiny-llama", "tiny-llama2", "tiny-llama3", "tiny-qwen2", "tiny-gemma" };
enum { N_TINY = 5, REAL = N_TINY, N_MODELS };
static struct duo_tokenizer *tokenizers[N_MODELS];

static struct duo_tokenizer *open_one(const char *path)
{
    struct duo_err err = { 0 };
    struct duo_gguf *g;
    struct duo_tokenizer *t = NULL;
    CHECK_INT(duo_gguf_open(&g, path, &err), DUO_OK);
    if (g) CHECK_INT(duo_tokenizer_new(&t, g, &err), DUO_OK);
    if (err.status) printf("%s: %s\n", err.file, err.text);
    duo_gguf_close(g);                       /* the tokenizer has what it needs */
    return t;
}

static void open_all(void)
{
    struct duo_err err = { 0 };
    char path[4096];
    for (int i = 0; i < N_TINY; i++) {
        snprintf(path, sizeof path, "%s/%s.gguf", folder, tiny[i]);
        CHECK_INT(duo_model_make(tiny[i], "q8_0", 1, path, NULL, &err), DUO_OK);
        tokenizers[i] = open_one(path);
        remove(path);
    }
    if (duo_model_find("smollm2-135m", path, sizeof path, &err) == DUO_OK) tokenizers[REAL] = open_one(path);
    else CHECK_SKIP("smollm2-135m is not here: 'duosim models fetch smollm2-135m' gets it");
}

static struct duo_tokenizer *named(const char *name)
{
    for (int i = 0; i < N_TINY; i++)
        if (!strcmp(name, tiny[i])) return tokenizers[i];
    return !strcmp(name, "smollm2-135m") ? tokenizers[REAL] : NULL;
}

/* ---------------------------------------------------------------- against llama.cpp */

static bool same_ids(const struct duo_ids *got, const char *want)
{
    size_t i = 0;
    if (*want == '-') return got->n == 0;
    for (char *end; *want && *want != '\n'; want = end, i++) {
        long id = strtol(want, &end, 10);
        if (end == want || i >= got->n || got->at[i] != id) return false;
    }
    return i == got->n;
}

static void compare_file(const char *path)
{
    FILE *in = fopen(path, "r");
    char *line = NULL, name[64], *bytes;
    size_t room = 0;
    int lines = 0, different = 0, left_out = 0;
    CHECK(in != NULL);
    if (!in) return;
    while (getline(&line, &room, in) > 0) {
        int special, from = 0, to = 0, n_hex = 0;
        if (*line == '#' || sscanf(line, "%63[^\t]\t%d\t%n%*[0-9a-f-]%n", name, &special, &from, &to) < 2) continue;
        struct duo_tokenizer *t = named(name);
        if (!t) {
            left_out++;
            continue;
        }
        bytes = malloc((size_t)(to - from) / 2 + 1);
        for (int i = from; i + 1 < to; i += 2) {
            unsigned x;
            sscanf(line + i, "%2x", &x);
            bytes[n_hex++] = (char)x;
        }
        struct duo_ids ids = { 0 };
        duo_encode(t, bytes, (size_t)n_hex, special != 0, true, &ids);
        lines++;
        if (!same_ids(&ids, line + to + 1)) different++, printf("%s differs: %s", path, line);
        free(bytes);
        free(ids.at);
    }
    CHECK_INT(different, 0);
    CHECK(lines > 0);
    if (left_out) CHECK_SKIP("lines of models that are not here");
    free(line);
    fclose(in);
}

static void test_ids(void)
{
    const char *source = getenv("DUOSIM_SOURCE"), *more = getenv("DUOSIM_TOKENIZER_IDS");
    char path[4096];
    snprintf(path, sizeof path, "%s/tests/unit/tokenizer_ids.tsv", source ? source : ".");
    compare_file(path);
    if (more) compare_file(more);
}

/* ---------------------------------------------------------------- there and back */

/* Any bytes: ASCII, letters, CJK, emoji, controls, and what is no UTF-8. */
static size_t any_text(struct duo_rng *rng, char *out, bool utf8)
{
    size_t n = 0;
    for (int k = (int)(duo_rng_bits(rng) % 40); k > 0; k--) {
        uint64_t bits = duo_rng_bits(rng), which = bits % 8, x = bits >> 8;
        uint32_t code = which < 3 ? 0x20 + (uint32_t)(x % 95) : which == 3 ? (uint32_t)(x % 32) : which == 4 ? 0xA0 + (uint32_t)(x % 0x500)
                      : which == 5 ? 0x4E00 + (uint32_t)(x % 0x5000) : which == 6 ? 0x1F300 + (uint32_t)(x % 0x400) : (uint32_t)(x % 0xD800);
        if (!utf8 && bits >> 60 == 0) out[n++] = (char)(x % 256);
        else if (code != 0x2581) n += (size_t)duo_utf8_write(code, out + n);        /* SentencePiece's own sign for a space */
    }
    return n;
}

/* (2): a vocabulary with all bytes gives every text back. */
static void test_round_trip(void)
{
    struct duo_rng rng;
    char text[256];
    duo_rng_init(&rng, 1, "texts", 0);
    for (int m = 0; m < N_TINY; m++) {
        int lost = 0;
        for (int i = 0; i < 500; i++) {
            size_t n = any_text(&rng, text, i % 2);
            struct duo_ids ids = { 0 };
            struct duo_bytes back = { 0 };
            duo_encode(tokenizers[m], text, n, false, true, &ids);
            duo_decode(tokenizers[m], ids.at, ids.n, false, &back);
            lost += back.n != n || memcmp(back.at, text, n) != 0;
            for (size_t k = 0; k < ids.n; k++) lost += ids.at[k] < 0 || ids.at[k] >= duo_tokenizer_size(tokenizers[m]);
            free(ids.at);
            free(back.at);
        }
        CHECK_INT(lost, 0);
    }
}

/* (5): texts on which merging one by one would take hours. */
static void test_long(void)
{
    enum { LONG = 200000 };
    char *text = malloc(LONG);
    for (int kind = 0; kind < 4; kind++) {
        for (int i = 0; i < LONG; i++) text[i] = "aaaa a b\n  <|im_"[kind == 0 ? 0 : kind == 1 ? i % 7 : kind == 2 ? 8 + i % 3 : 11 + i % 5];
        for (int m = 0; m < N_MODELS; m++) {
            struct duo_ids ids = { 0 };
            struct duo_bytes back = { 0 };
            if (!tokenizers[m]) continue;
            duo_encode(tokenizers[m], text, LONG, true, false, &ids);
            duo_decode(tokenizers[m], ids.at, ids.n, true, &back);
            CHECK(back.n == LONG && memcmp(back.at, text, LONG) == 0);
            free(ids.at);
            free(back.at);
        }
    }
    free(text);
}

/* ---------------------------------------------------------------- special tokens */

static void test_special(void)
{
    struct duo_tokenizer *t = tokenizers[3];
    static const char text[] = "<|im_start|>user<|im_end|>";
    struct duo_ids a = { 0 }, b = { 0 }, c = { 0 };
    struct duo_bytes back = { 0 };
    int start = duo_token_find(t, "<|im_start|>", 12), end = duo_token_find(t, "<|im_end|>", 10);
    CHECK(start >= 0 && end >= 0 && duo_token_kind(t, start) == DUO_TOKEN_CONTROL);
    CHECK(duo_token_ends(t, end) && !duo_token_ends(t, start) && !duo_token_ends(t, -1) && !duo_token_ends(t, 1 << 30));
    duo_encode(t, text, strlen(text), true, false, &a);
    CHECK(a.at[0] == start && a.at[a.n - 1] == end);
    duo_encode(t, text, strlen(text), false, false, &b);
    for (size_t i = 0; i < b.n; i++) CHECK(b.at[i] != start && b.at[i] != end);
    duo_decode(t, b.at, b.n, false, &back);
    CHECK_TEXT(back.at, text);
    back.n = 0;
    duo_decode(t, a.at, a.n, false, &back);
    CHECK_TEXT(back.at, "user");
    /* (3): a marker that begins in what is trusted and ends in what is not, is none. */
    struct duo_part parts[] = { { "<|im_start|>", 12, true }, { "<|im_end|>", 10, false }, { "<|im_", 5, true }, { "end|>", 5, false }, { "<|im_end|>", 10, true } };
    duo_encode_parts(t, parts, 5, false, &c);
    int starts = 0, ends = 0;
    for (size_t i = 0; i < c.n; i++) starts += c.at[i] == start, ends += c.at[i] == end;
    CHECK(starts == 1 && ends == 1 && c.at[0] == start && c.at[c.n - 1] == end);
    /* A user-defined token counts everywhere: Gemma's two ends of lines. */
    struct duo_ids d = { 0 };
    int lines = duo_token_find(tokenizers[4], "\n\n", 2);
    duo_encode(tokenizers[4], "a\n\nb", 4, false, false, &d);
    CHECK(lines >= 0 && d.n == 3 && d.at[1] == lines);
    CHECK_INT(duo_tokenizers_differ(t, t), -1);
    CHECK(duo_tokenizers_differ(t, tokenizers[0]) >= 0);
    CHECK_INT(duo_token_first(tokenizers[4]), 2);
    CHECK_INT(duo_token_first(t), DUO_NO_TOKEN);
    free(a.at), free(b.at), free(c.at), free(d.at), free(back.at);
}

/* ---------------------------------------------------------------- (4) metadata that lie */

struct lie {
    const char *words;                           /* of the error */
    const char *model, *pre;
    int         tokens, scores, kinds;           /* how many of each; -1: no such list */
    bool        twice, nan_score, no_merges;
    int64_t     bos;                             /* -1: not said */
};

static enum duo_status try_lie(const struct lie *l, struct duo_err *err)
{
    struct duo_gguf_out *o = duo_gguf_out_new();
    struct duo_gguf_list texts = { .type = DUO_GGUF_TEXT }, scores = { .type = DUO_GGUF_F32 }, kinds = { .type = DUO_GGUF_I32 }, merges = { .type = DUO_GGUF_TEXT };
    char path[64], text[16];
    for (int i = 0; i < l->tokens; i++) duo_gguf_list_add_text(&texts, text, (size_t)snprintf(text, sizeof text, "t%d", l->twice ? i % 3 : i));
    for (int i = 0; i < l->scores; i++) duo_gguf_list_add_real(&scores, l->nan_score ? (double)NAN : (double)i);
    for (int i = 0; i < l->kinds; i++) duo_gguf_list_add_whole(&kinds, i % 9 - 1);
    static const char *const odd[] = { "", " ", "a", "a ", " a", "t1 t2", "t1t2", "t0  t1", "no such" };
    for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++) duo_gguf_list_add_text(&merges, odd[i], strlen(odd[i]));
    struct { const char *key; struct duo_gguf_list *list; bool there; } lists[] = {
        { "tokenizer.ggml.tokens", &texts, l->tokens >= 0 }, { "tokenizer.ggml.scores", &scores, l->scores >= 0 },
        { "tokenizer.ggml.token_type", &kinds, l->kinds >= 0 }, { "tokenizer.ggml.merges", &merges, !l->no_merges },
    };
    for (int i = 0; i < 4; i++) {
        struct duo_gguf_value v = duo_gguf_list_value(lists[i].list);
        if (lists[i].there) duo_gguf_put(o, lists[i].key, &v);
        duo_gguf_list_free(lists[i].list);
    }
    if (l->model) duo_gguf_put_words(o, "tokenizer.ggml.model", l->model);
    if (l->pre) duo_gguf_put_words(o, "tokenizer.ggml.pre", l->pre);
    if (l->bos >= 0) duo_gguf_put_whole(o, "tokenizer.ggml.bos_token_id", (uint32_t)l->bos);
    snprintf(path, sizeof path, "%s/lie.gguf", folder);
    struct duo_gguf *g = NULL;
    struct duo_tokenizer *t = NULL;
    *err = (struct duo_err) { 0 };
    struct duo_gguf_source none = { .packed = NULL, .rows = NULL };
    enum duo_status status = duo_gguf_write(o, path, &none, NULL, err);
    if (status == DUO_OK) status = duo_gguf_open(&g, path, err);
    if (status == DUO_OK) status = duo_tokenizer_new(&t, g, err);
    if (t) {                                     /* what was accepted can be used */
        struct duo_ids ids = { 0 };
        struct duo_bytes back = { 0 };
        duo_encode(t, "t1t2 t0 \xFF\n", 10, true, true, &ids);
        duo_decode(t, ids.at, ids.n, true, &back);
        free(ids.at);
        free(back.at);
    }
    duo_tokenizer_free(t);
    duo_gguf_close(g);
    duo_gguf_out_free(o);
    remove(path);
    return status;
}

static void test_lies(void)
{
    static const struct lie lies[] = {
        { "lacks the metadata key tokenizer.ggml.model", NULL, NULL, 5, 5, 5, .bos = -1 },
        { "tokenizer model t5 is not supported", "t5", NULL, 5, 5, 5, .bos = -1 },
        { "pre-tokenizer (not said) is not supported", "gpt2", NULL, 5, 5, 5, .bos = -1 },
        { "pre-tokenizer tekken is not supported", "gpt2", "tekken", 5, 5, 5, .bos = -1 },
        { "lacks the metadata key tokenizer.ggml.tokens", "llama", NULL, -1, 5, 5, .bos = -1 },
        { "a vocabulary of 0 tokens", "llama", NULL, 0, 0, 0, .bos = -1 },
        { "tokens 0 and 3 have the same text", "llama", NULL, 5, 5, 5, .twice = true, .bos = -1 },
        { "lacks the metadata key tokenizer.ggml.scores", "llama", NULL, 5, -1, 5, .bos = -1 },
        { "5 tokens and 4 scores", "llama", NULL, 5, 4, 5, .bos = -1 },
        { "5 tokens and 6 scores", "llama", NULL, 5, 6, 5, .bos = -1 },
        { "5 tokens and 0 scores", "llama", NULL, 5, 0, 5, .bos = -1 },
        { "the score of token 0 is no number", "llama", NULL, 5, 5, 5, .nan_score = true, .bos = -1 },
        { "5 tokens and 3 token types", "llama", NULL, 5, 5, 3, .bos = -1 },
        { "lacks the metadata key tokenizer.ggml.merges", "gpt2", "smollm", 5, -1, 5, .no_merges = true, .bos = -1 },
        { "bos_token_id is 5; 0 to 4", "gpt2", "smollm", 5, -1, 5, .bos = 5 },
        { "bos_token_id is 4294967295; 0 to 4", "llama", NULL, 5, 5, 5, .bos = 4294967295 },
        { NULL, "llama", NULL, 5, 5, 5, .bos = 1 },
        { NULL, "llama", NULL, 1, 1, -1, .bos = -1 },
        { NULL, "gpt2", "qwen2", 5, -1, 5, .bos = -1 },
        { NULL, "gpt2", "llama-bpe", 1, -1, -1, .bos = -1 },
    };
    struct duo_err err;
    for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
        CHECK_INT(try_lie(&lies[i], &err), lies[i].words ? DUO_BAD_INPUT : DUO_OK);
        if (lies[i].words) CHECK_HAS(err.text, lies[i].words);
    }
}

int main(void)
{
    if (!mkdtemp(folder)) return 2;
    test_unicode();
    test_words();
    open_all();
    if (check_failed == 0) {
        test_ids();
        test_round_trip();
        test_long();
        test_special();
        test_lies();
    }
    for (int i = 0; i < N_MODELS; i++) duo_tokenizer_free(tokenizers[i]);
    rmdir(folder);
    return check_done();
}
