/* gguf_write.c - GGUF files written.  Requirements: gguf.h. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "models/slm/gguf.h"

struct bytes { unsigned char *at; size_t n, room; };

struct planned {
    char            name[DUO_GGUF_NAME + 1];
    enum duo_format format;
    int             dims;
    uint64_t        n[DUO_GGUF_DIMS], rows;
    size_t          row_bytes, bytes;
};

struct duo_gguf_out {
    uint32_t        version, align;
    struct bytes    entries;
    uint64_t        n_entries;
    struct planned *tensors;
    int             n_tensors, room;
};

/* ---------------------------------------------------------------- bytes */

static void append(struct bytes *b, const void *from, size_t n)
{
    if (n > b->room - b->n) {
        b->room = 2 * b->room + n + 64;
        b->at = duo_grow(b->at, b->room, 1);
    }
    if (n) memcpy(b->at + b->n, from, n);
    b->n += n;
}

static void append_u32(struct bytes *b, uint32_t x) { append(b, &x, sizeof x); }
static void append_u64(struct bytes *b, uint64_t x) { append(b, &x, sizeof x); }

static void append_text(struct bytes *b, const char *text, size_t n)
{
    append_u64(b, n);
    append(b, text, n);
}

/* The value alone, without its type. */
static void append_value(struct bytes *b, const struct duo_gguf_value *v)
{
    switch (v->type) {
    case DUO_GGUF_U8: case DUO_GGUF_I8: case DUO_GGUF_BOOL: {
        uint8_t x = v->type == DUO_GGUF_U8 ? (uint8_t)v->u : v->type == DUO_GGUF_I8 ? (uint8_t)v->i : (uint8_t)v->b;
        append(b, &x, sizeof x);
        break;
    }
    case DUO_GGUF_U16: case DUO_GGUF_I16: {
        uint16_t x = v->type == DUO_GGUF_U16 ? (uint16_t)v->u : (uint16_t)v->i;
        append(b, &x, sizeof x);
        break;
    }
    case DUO_GGUF_U32:  append_u32(b, (uint32_t)v->u); break;
    case DUO_GGUF_I32:  append_u32(b, (uint32_t)v->i); break;
    case DUO_GGUF_U64:  append_u64(b, v->u);           break;
    case DUO_GGUF_I64:  append_u64(b, (uint64_t)v->i); break;
    case DUO_GGUF_F32:  append(b, &(float) { (float)v->f }, sizeof(float)); break;
    case DUO_GGUF_F64:  append(b, &v->f, sizeof v->f);  break;
    case DUO_GGUF_TEXT: append_text(b, v->text.at, v->text.n); break;
    case DUO_GGUF_ARRAY:
        append_u32(b, v->array.type);
        append_u64(b, v->array.n);
        append(b, v->array.at, v->array.bytes);
        break;
    case DUO_GGUF_TYPE_END: assert(false);
    }
}

/* ---------------------------------------------------------------- lists */

void duo_gguf_list_add(struct duo_gguf_list *l, const struct duo_gguf_value *v)
{
    assert(v->type == l->type);
    struct bytes b = { l->at, l->bytes, l->room };
    append_value(&b, v);
    l->at = b.at;
    l->bytes = b.n;
    l->room = b.room;
    l->n++;
}

void duo_gguf_list_add_text(struct duo_gguf_list *l, const char *text, size_t n)
{
    duo_gguf_list_add(l, &(struct duo_gguf_value) { .type = DUO_GGUF_TEXT, .text = { text, n } });
}

void duo_gguf_list_add_whole(struct duo_gguf_list *l, int64_t x)
{
    duo_gguf_list_add(l, &(struct duo_gguf_value) { .type = l->type, .i = x });
}

void duo_gguf_list_add_real(struct duo_gguf_list *l, double x)
{
    duo_gguf_list_add(l, &(struct duo_gguf_value) { .type = l->type, .f = x });
}

struct duo_gguf_value duo_gguf_list_value(const struct duo_gguf_list *l)
{
    return (struct duo_gguf_value) { .type = DUO_GGUF_ARRAY, .array = { l->type, l->n, l->at, l->bytes } };
}

void duo_gguf_list_free(struct duo_gguf_list *l)
{
    free(l->at);
    *l = (struct duo_gguf_list) { .type = l->type };
}

/* ---------------------------------------------------------------- keys and tensors */

struct duo_gguf_out *duo_gguf_out_new(void)
{
    struct duo_gguf_out *o = duo_new(1, sizeof *o);
    o->version = 3;
    o->align = 32;
    return o;
}

void duo_gguf_out_free(struct duo_gguf_out *o)
{
    if (!o) return;
    free(o->entries.at);
    free(o->tensors);
    free(o);
}

void duo_gguf_out_version(struct duo_gguf_out *o, int version)
{
    assert(version == 2 || version == 3);
    o->version = (uint32_t)version;
}

void duo_gguf_out_align(struct duo_gguf_out *o, uint32_t alignment)
{
    assert(alignment >= 8 && alignment <= 1 << 16 && (alignment & (alignment - 1)) == 0);
    o->align = alignment;
    duo_gguf_put_whole(o, "general.alignment", alignment);
}

void duo_gguf_put(struct duo_gguf_out *o, const char *key, const struct duo_gguf_value *v)
{
    assert(*key);
    append_text(&o->entries, key, strlen(key));
    append_u32(&o->entries, v->type);
    append_value(&o->entries, v);
    o->n_entries++;
}

void duo_gguf_put_whole(struct duo_gguf_out *o, const char *key, uint32_t x)
{
    duo_gguf_put(o, key, &(struct duo_gguf_value) { .type = DUO_GGUF_U32, .u = x });
}

void duo_gguf_put_real(struct duo_gguf_out *o, const char *key, double x)
{
    duo_gguf_put(o, key, &(struct duo_gguf_value) { .type = DUO_GGUF_F32, .f = x });
}

void duo_gguf_put_flag(struct duo_gguf_out *o, const char *key, bool x)
{
    duo_gguf_put(o, key, &(struct duo_gguf_value) { .type = DUO_GGUF_BOOL, .b = x });
}

void duo_gguf_put_words(struct duo_gguf_out *o, const char *key, const char *x)
{
    duo_gguf_put(o, key, &(struct duo_gguf_value) { .type = DUO_GGUF_TEXT, .text = { x, strlen(x) } });
}

int duo_gguf_put_tensor(struct duo_gguf_out *o, const char *name, enum duo_format format, int dims, const uint64_t *n)
{
    assert(*name && strlen(name) <= DUO_GGUF_NAME && dims >= 1 && dims <= DUO_GGUF_DIMS);
    assert(n[0] % duo_format_info(format)->values == 0);
    if (o->n_tensors == o->room) {
        o->room = o->room ? 2 * o->room : 64;
        o->tensors = duo_grow(o->tensors, (size_t)o->room, sizeof *o->tensors);
    }
    struct planned *t = &o->tensors[o->n_tensors];
    *t = (struct planned) { .format = format, .dims = dims, .rows = 1, .row_bytes = duo_row_bytes(format, n[0]) };
    strcpy(t->name, name);
    for (int i = 0; i < DUO_GGUF_DIMS; i++) {
        t->n[i] = i < dims ? n[i] : 1;
        if (i > 0) t->rows *= t->n[i];
    }
    t->bytes = t->rows * t->row_bytes;
    return o->n_tensors++;
}

/* ---------------------------------------------------------------- the file */

struct file { FILE *out; size_t at; };

static void put_bytes(struct file *f, const void *from, size_t n)
{
    if (n) fwrite(from, 1, n, f->out);        /* whether all went well is asked at the end */
    f->at += n;
}

static void pad(struct file *f, uint32_t align)
{
    static const unsigned char zeros[4096];
    for (size_t n = (align - f->at % align) % align; n;) {
        size_t part = n < sizeof zeros ? n : sizeof zeros;
        put_bytes(f, zeros, part);
        n -= part;
    }
}

static void put_head(struct file *f, const struct duo_gguf_out *o)
{
    struct bytes b = { 0 };
    append(&b, "GGUF", 4);
    append_u32(&b, o->version);
    append_u64(&b, (uint64_t)o->n_tensors);
    append_u64(&b, o->n_entries);
    append(&b, o->entries.at, o->entries.n);
    uint64_t offset = 0;
    for (int i = 0; i < o->n_tensors; i++) {
        const struct planned *t = &o->tensors[i];
        append_text(&b, t->name, strlen(t->name));
        append_u32(&b, (uint32_t)t->dims);
        for (int d = 0; d < t->dims; d++) append_u64(&b, t->n[d]);
        append_u32(&b, duo_format_info(t->format)->ggml);
        append_u64(&b, offset);
        offset = (offset + t->bytes + o->align - 1) / o->align * o->align;
    }
    put_bytes(f, b.at, b.n);
    free(b.at);
}

/* A few rows at a time: a tensor of a gigabyte needs no gigabyte here. */
static void put_rows(struct file *f, const struct planned *t, int number, const struct duo_gguf_source *from)
{
    enum { AT_ONCE = 1 << 18 };
    size_t   width = t->n[0];
    uint64_t most = width < AT_ONCE ? AT_ONCE / width : 1;
    float         *values = from->rows ? duo_new(most * width, sizeof *values) : NULL;
    unsigned char *packed = duo_new(most, t->row_bytes);
    for (uint64_t row = 0; row < t->rows && !ferror(f->out); row += most) {
        uint64_t n = t->rows - row < most ? t->rows - row : most;
        if (from->rows) {
            from->rows(from->user, number, row, n, values);
            for (uint64_t i = 0; i < n; i++) duo_quantize_row(t->format, values + i * width, packed + i * t->row_bytes, width);
        } else {
            from->packed(from->user, number, row, n, packed);
        }
        put_bytes(f, packed, n * t->row_bytes);
    }
    free(values);
    free(packed);
}

enum duo_status duo_gguf_write(const struct duo_gguf_out *o, const char *path, const struct duo_gguf_source *from, size_t *size, struct duo_err *err)
{
    char part[4400];
    int length = snprintf(part, sizeof part, "%s.%ld.part", path, (long)getpid());
    if (length < 0 || (size_t)length >= sizeof part) return duo_fail_at(err, DUO_BAD_INPUT, path, 0, 0, "is too long a name");
    struct file f = { .out = fopen(part, "wb") };
    if (!f.out) return duo_fail_at(err, DUO_BAD_INPUT, path, 0, 0, "can't be written: %s", strerror(errno));
    put_head(&f, o);
    for (int i = 0; i < o->n_tensors; i++) {
        const struct planned *t = &o->tensors[i];
        assert(!from->rows != !from->packed);
        pad(&f, o->align);
        put_rows(&f, t, i, from);
    }
    pad(&f, o->align);
    bool good = !ferror(f.out);
    good &= fclose(f.out) == 0;
    if (good && rename(part, path) == 0) {
        if (size) *size = f.at;
        return DUO_OK;
    }
    int why = errno;
    remove(part);
    return duo_fail_at(err, DUO_NO_RESOURCES, path, 0, 0, "can't be written: %s", strerror(why));
}
