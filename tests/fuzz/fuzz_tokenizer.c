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

/* Tokens end at a '|'; scores, kinds and merges are made of the same bytes. */
static void vocabulary_of(const uint8_t *bytes, size_t n)
{
    struct duo_gguf_out *o = duo_gguf_out_new();
    struct duo_gguf_list texts = { .type = DUO_GGUF_TEXT }, scores = { .type = DUO_GGUF_F32 }, kinds = { .type = DUO_GGUF_I32 }, merges = { .type = DUO_GGUF_TEXT };
    bool pairs = n && bytes[0] & 1;
    for (size_t at = 0; at < n;) {
        const uint8_t *end = memchr(bytes + at, '|', n - at);
        size_t length = end ? (size_t)(end - bytes) - at : n - at;
        duo_gguf_list_add_text(&texts, (const char *)bytes + at, length);
        duo_gguf_list_add_real(&scores, length ? (double)(int8_t)bytes[at] : 0);
        duo_gguf_list_add_whole(&kinds, length > 1 ? bytes[at + 1] % 8 : 1);
        if (memchr(bytes + at, ' ', length)) duo_gguf_list_add_text(&merges, (const char *)bytes + at, length);
        at += length + 1;
    }
    struct { const char *key; struct duo_gguf_list *list; } lists[] = {
        { "tokenizer.ggml.tokens", &texts }, { "tokenizer.ggml.scores", &scores }, { "tokenizer.ggml.token_type", &kinds }, { "tokenizer.ggml.merges", &merges },
    };
    for (int i = 0; i < 4; i++) {
        struct duo_gguf_value v = duo_gguf_list_value(lists[i].list);
        duo_gguf_put(o, lists[i].key, &v);
        duo_gguf_list_free(lists[i].list);
    }
    duo_gguf_put_words(o, "tokenizer.ggml.model", pairs ? "gpt2" : "llama");
    duo_gguf_put_words(o, "tokenizer.ggml.pre", n > 1 && bytes[1] & 1 ? "llama-bpe" : "smollm");
    char path[64];
    struct duo_err err = { 0 };
    struct duo_gguf *g = NULL;
    struct duo_tokenizer *t = NULL;
    struct duo_gguf_source none = { 0 };
    new_file(path);
    if (duo_gguf_write(o, path, &none, NULL, &err) || duo_gguf_open(&g, path, &err)) abort();
    remove(path);
    if (duo_tokenizer_new(&t, g, &err) == DUO_OK) there_and_back(t, (const char *)bytes, n, true, false);
    else if (!err.text[0]) abort();
    duo_tokenizer_free(t);
    duo_gguf_close(g);
    duo_gguf_out_free(o);
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
