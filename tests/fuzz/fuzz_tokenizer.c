/* fuzz_tokenizer.c - libFuzzer: any text through every family of tokenizers, and any bytes as the lists of a vocabulary.
 *
 * First byte: which.  0..4: a made vocabulary, the rest is text (its second byte: special tokens or not); it must come
 * back from its ids.  Others: tokens, scores, kinds and merges are cut out of the rest. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "models/slm/make.h"
#include "models/slm/tokenizer.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

enum { N_MADE = 5 };

/* A new file's name in `path`, in memory where the system has such a folder: a disk is a hundred times slower. */
static void new_file(char path[64])
{
    strcpy(path, access("/dev/shm", W_OK) == 0 ? "/dev/shm/duosim_fuzz_XXXXXX" : "/tmp/duosim_fuzz_XXXXXX");
    int fd = mkstemp(path);
    if (fd < 0) abort();
    close(fd);
}

static struct duo_tokenizer *made(int which)
{
    static const char *const names[N_MADE] = { "tiny-llama", "tiny-llama2", "tiny-llama3", "tiny-qwen2", "tiny-gemma" };
    static struct duo_tokenizer *t[N_MADE];
    if (t[which]) return t[which];
    char path[64];
    struct duo_err err = { 0 };
    struct duo_gguf *g;
    new_file(path);
    if (duo_model_make(names[which], "q8_0", 1, path, NULL, &err) || duo_gguf_open(&g, path, &err) || duo_tokenizer_new(&t[which], g, &err)) abort();
    duo_gguf_close(g);
    remove(path);
    return t[which];
}

static void there_and_back(const struct duo_tokenizer *t, const char *text, size_t n, bool special, bool must)
{
    struct duo_ids ids = { 0 };
    struct duo_bytes back = { 0 };
    duo_encode(t, text, n, special, false, &ids);
    for (size_t i = 0; i < ids.n; i++)
        if (ids.at[i] < 0 || ids.at[i] >= duo_tokenizer_size(t)) abort();
    duo_decode(t, ids.at, ids.n, true, &back);
    if (must && (back.n != n || (n && memcmp(back.at, text, n) != 0))) abort();
    free(ids.at);
    free(back.at);
}

/* ---- a file's bytes by hand: a disk, even one in memory, is ten times slower */

static uint8_t file[1 << 16];
static size_t  filled;

static void put(const void *at, size_t n)
{
    if (n > sizeof file - filled) abort();
    memcpy(file + filled, at, n);
    filled += n;
}

static void put_32(uint32_t v) { put(&v, 4); }
static void put_64(uint64_t v) { put(&v, 8); }
static void put_text(const void *at, size_t n) { put_64(n), put(at, n); }
static void put_key(const char *key, uint32_t type) { put_text(key, strlen(key)), put_32(type); }
static void put_words(const char *key, const char *words) { put_key(key, DUO_GGUF_TEXT), put_text(words, strlen(words)); }

/* The pieces of the bytes that end at a '|', from `at` on; false: none left. */
static bool next_piece(const uint8_t *bytes, size_t n, size_t *at, size_t *length)
{
    if (*at >= n) return false;
    const uint8_t *end = memchr(bytes + *at, '|', n - *at);
    *length = end ? (size_t)(end - bytes) - *at : n - *at;
    return true;
}

enum what { TEXTS, SCORES, KINDS, MERGES };

/* Merges are the pieces with a blank; scores and kinds are made of their first two bytes. */
static void put_list(const char *key, enum what what, const uint8_t *bytes, size_t n)
{
    static const uint32_t types[] = { DUO_GGUF_TEXT, DUO_GGUF_F32, DUO_GGUF_I32, DUO_GGUF_TEXT };
    size_t length, count_at;
    uint64_t count = 0;
    put_key(key, DUO_GGUF_ARRAY);
    put_32(types[what]);
    count_at = filled;
    put_64(0);
    for (size_t at = 0; next_piece(bytes, n, &at, &length); at += length + 1) {
        if (what == MERGES && !memchr(bytes + at, ' ', length)) continue;
        count++;
        if (what == SCORES)     { float score = length ? (int8_t)bytes[at] : 0; put(&score, 4); }
        else if (what == KINDS) put_32(length > 1 ? bytes[at + 1] % 8u : 1);
        else                    put_text(bytes + at, length);
    }
    memcpy(file + count_at, &count, 8);
}

static void vocabulary_of(const uint8_t *bytes, size_t n)
{
    filled = 0;
    put("GGUF", 4), put_32(3), put_64(0), put_64(6);
    put_words("tokenizer.ggml.model", n && bytes[0] & 1 ? "gpt2" : "llama");
    put_words("tokenizer.ggml.pre", n > 1 && bytes[1] & 1 ? "llama-bpe" : "smollm");
    put_list("tokenizer.ggml.tokens", TEXTS, bytes, n);
    put_list("tokenizer.ggml.scores", SCORES, bytes, n);
    put_list("tokenizer.ggml.token_type", KINDS, bytes, n);
    put_list("tokenizer.ggml.merges", MERGES, bytes, n);
    struct duo_err err = { 0 };
    struct duo_gguf *g = NULL;
    struct duo_tokenizer *t = NULL;
    if (duo_gguf_parse(&g, file, filled, "fuzz", &err)) abort();
    if (duo_tokenizer_new(&t, g, &err) == DUO_OK) there_and_back(t, (const char *)bytes, n, true, false);
    else if (!err.text[0]) abort();
    duo_tokenizer_free(t);
    duo_gguf_close(g);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    if (n < 2) return 0;
    const char *text = (const char *)bytes + 2;
    bool mark = memmem(text, n - 2, "\xE2\x96\x81", 3) != NULL;      /* SentencePiece's own sign for a space is lost, as ever */
    bool special = bytes[1] & 1;
    if (bytes[0] < N_MADE) there_and_back(made(bytes[0]), text, n - 2, special, !mark && !special);
    else vocabulary_of(bytes + 1, n - 1);
    return 0;
}
