/* fuzz_gguf.c - libFuzzer: any bytes as a GGUF file.  What is accepted is looked at as a whole: metadata, tensors, shape, chat. */
#include <stdlib.h>
#include <string.h>

#include "models/slm/chat.h"
#include "models/slm/shape.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static volatile unsigned sink;

static void look(const struct duo_gguf_value *v)
{
    struct duo_gguf_value item;
    if (v->type == DUO_GGUF_TEXT && v->text.n) sink += (unsigned char)v->text.at[0] + (unsigned char)v->text.at[v->text.n - 1];
    if (v->type != DUO_GGUF_ARRAY) return;
    struct duo_gguf_array a = v->array;
    while (duo_gguf_next(&a, &item)) look(&item);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct duo_gguf *g;
    struct duo_err err = { 0 };
    /* The file's own memory is aligned like a mapped one. */
    unsigned char *copy = aligned_alloc(64, (n + 64) / 64 * 64);
    if (n) memcpy(copy, bytes, n);
    if (duo_gguf_parse(&g, copy, n, "fuzz", &err) == DUO_OK) {
        struct duo_shape shape;
        struct duo_chat_form form;
        float row[256];
        for (int i = 0; i < duo_gguf_keys(g); i++) look(duo_gguf_value(g, i));
        for (int i = 0; i < duo_gguf_tensors(g); i++) {
            const struct duo_gguf_tensor *t = duo_gguf_tensor(g, i);
            const struct duo_format_info *f = duo_format_info(t->format);
            duo_dequantize_row(t->format, (const char *)t->data + t->bytes - f->bytes, row, f->values);
            sink += row[0] > 0;
        }
        err = (struct duo_err) { 0 };
        if (duo_shape_read(&shape, g, &err) == DUO_OK) sink += (unsigned)shape.layers;
        err = (struct duo_err) { 0 };
        if (duo_chat_read(&form, g, &err) == DUO_OK) duo_chat_free(&form);
        duo_gguf_close(g);
    } else if (err.status == DUO_OK || !err.text[0]) {
        abort();                                 /* refused without a word */
    }
    free(copy);
    return 0;
}
