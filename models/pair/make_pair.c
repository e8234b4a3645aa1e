/* make_pair.c - what of the pair is made when the project is built: quantized model files, and the n-gram drafter.
 *
 *   make_pair quantize FROM.gguf MIX OUT.gguf     MIX: f16, q8_0, q4_0; each tensor as llama.cpp's quantize program has it
 *   make_pair ngram MODEL.gguf ROWS LEAST OUT     from so many training rows, in the token ids of MODEL */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "models/pair/ngram.h"
#include "models/pair/tasks_inside.h"
#include "models/slm/make.h"
#include "models/slm/tokenizer.h"

/* ---------------------------------------------------------------- quantize */

static void values_of(void *user, int tensor, uint64_t row, uint64_t n, float *out)
{
    const struct duo_gguf_tensor *t = duo_gguf_tensor(user, tensor);
    size_t bytes = duo_row_bytes(t->format, t->n[0]);
    for (uint64_t i = 0; i < n; i++) duo_dequantize_row(t->format, (const unsigned char *)t->data + (row + i) * bytes, out + i * t->n[0], t->n[0]);
}

static enum duo_format format_in(int mix, const struct duo_shape *s, const char *name)
{
    char of_layer[DUO_GGUF_NAME + 1];
    for (int w = 0; w < DUO_WEIGHT_END; w++)
        for (int layer = 0; layer < s->layers; layer++) {
            duo_weight_name((enum duo_weight)w, layer, of_layer);
            if (strcmp(of_layer, name) == 0) return duo_mix_format(mix, (enum duo_weight)w, s, layer);
        }
    return DUO_FORMAT_COUNT;
}

static enum duo_status quantize(const char *from, const char *mix, const char *to, struct duo_err *err)
{
    static const struct { const char *name; uint32_t file_type; } known[] = { { "f16", 1 }, { "q8_0", 7 }, { "q4_0", 2 } };
    const char *const *mixes;
    int chosen = -1, n = duo_model_mixes(&mixes);
    uint32_t file_type = 0;
    for (size_t k = 0; k < sizeof known / sizeof known[0]; k++)
        for (int i = 0; i < n; i++)
            if (strcmp(mix, known[k].name) == 0 && strcmp(mix, mixes[i]) == 0) chosen = i, file_type = known[k].file_type;
    if (chosen < 0) return duo_fail(err, DUO_BAD_INPUT, "%s: f16, q8_0 or q4_0 expected", mix);

    struct duo_gguf *g;
    struct duo_shape shape;
    DUO_TRY(duo_gguf_open(&g, from, err));
    enum duo_status status = duo_shape_read(&shape, g, err);
    struct duo_gguf_out *out = duo_gguf_out_new();
    for (int i = 0; i < duo_gguf_keys(g) && status == DUO_OK; i++) {
        struct duo_gguf_text key = duo_gguf_key(g, i);
        char name[256];
        snprintf(name, sizeof name, "%.*s", (int)key.n, key.at);
        if (strcmp(name, "general.file_type") == 0) duo_gguf_put_whole(out, name, file_type);
        else duo_gguf_put(out, name, duo_gguf_value(g, i));
    }
    for (int i = 0; i < duo_gguf_tensors(g) && status == DUO_OK; i++) {
        const struct duo_gguf_tensor *t = duo_gguf_tensor(g, i);
        duo_gguf_put_tensor(out, t->name, format_in(chosen, &shape, t->name), t->dims, t->n);
    }
    if (status == DUO_OK) status = duo_gguf_write(out, to, &(struct duo_gguf_source) { .user = g, .rows = values_of }, NULL, err);
    duo_gguf_out_free(out);
    duo_gguf_close(g);
    return status;
}

/* ---------------------------------------------------------------- ngram */

static void add_row(struct duo_ngram_build *b, const struct duo_tokenizer *tokenizer, const struct duo_task_text *t)
{
    struct duo_ids ids = { 0 };
    int32_t end = duo_token_last(tokenizer);
    for (int i = -1; i < t->n_more; i++) {           /* each question as it is asked alone */
        char text[3 * DUO_DRAFT_TEXT];
        int n = i < 0 ? snprintf(text, sizeof text, "%s%s", t->prompt.at, t->answer.at)
                      : snprintf(text, sizeof text, "%.*s%s%s", (int)t->shared, t->prompt.at, t->more[i].ask, t->more[i].answer);
        ids.n = 0;
        duo_encode(tokenizer, text, (size_t)n, false, true, &ids);
        if (ids.n == ids.room) ids.at = duo_grow(ids.at, ++ids.room, sizeof *ids.at);
        if (ids.n == 0 || ids.at[ids.n - 1] != end) ids.at[ids.n++] = end;
        duo_ngram_build_add(b, ids.at, (int)ids.n);
    }
    free(ids.at);
}

static enum duo_status ngram(const char *model, int rows, int least, const char *to, struct duo_err *err)
{
    struct duo_gguf *g;
    struct duo_tokenizer *tokenizer = NULL;
    DUO_TRY(duo_gguf_open(&g, model, err));
    enum duo_status status = duo_tokenizer_new(&tokenizer, g, err);
    if (status == DUO_OK) {
        struct duo_ngram_build *b = duo_ngram_build_new(duo_tokenizer_size(tokenizer));
        for (int i = 0; i < rows; i++) {
            struct duo_task_text t;
            duo_write_row(&t, 1, i, 0);
            add_row(b, tokenizer, &t);
        }
        status = duo_ngram_build_write(b, least, to, err);
        duo_ngram_build_free(b);
    }
    duo_tokenizer_free(tokenizer);
    duo_gguf_close(g);
    return status;
}

int main(int argc, char **argv)
{
    struct duo_err err = { 0 };
    enum duo_status status = DUO_BAD_INPUT;
    if (argc == 5 && strcmp(argv[1], "quantize") == 0) status = quantize(argv[2], argv[3], argv[4], &err);
    else if (argc == 6 && strcmp(argv[1], "ngram") == 0) status = ngram(argv[2], atoi(argv[3]), atoi(argv[4]), argv[5], &err);
    else duo_fail(&err, DUO_BAD_INPUT, "usage: make_pair quantize FROM.gguf MIX OUT.gguf | make_pair ngram MODEL.gguf ROWS LEAST OUT");
    if (status != DUO_OK) duo_err_print(stderr, &err, false);
    return (int)status;
}
