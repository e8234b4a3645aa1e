/* gguf.c - a GGUF file read in place.  Requirements: gguf.h. */
#include "models/slm/gguf.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "numbers are read as they lie in the file");
_Static_assert(sizeof(size_t) == 8, "a length of the file fits a size_t");

struct entry { struct duo_gguf_text key; struct duo_gguf_value value; };

struct duo_gguf {
    char                    path[256];
    const unsigned char    *bytes;
    size_t                  size;
    void                   *mapped;        /* NULL: the caller's memory */
    int                     version;
    uint64_t                align;
    struct entry           *entries;
    struct duo_gguf_tensor *tensors;
    int                     n_entries, n_tensors;
    int                    *entry_order, *tensor_order;    /* by key, by name */
};

static const uint8_t type_bytes[DUO_GGUF_TYPE_END] = {
#define X(name, number, bytes) [number] = bytes,
    DUO_GGUF_TYPES(X)
#undef X
};

/* ---------------------------------------------------------------- reading */

/* What is left to read of the file; what returns false has filled *err.  (1) */
struct reader {
    const struct duo_gguf *file;
    const unsigned char   *at, *end;
    const char            *what;       /* being read, for the words of an error */
    struct duo_err        *err;
};

static void say(const struct reader *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void say(const struct reader *r, const char *fmt, ...)
{
    char text[400];
    va_list list;
    va_start(list, fmt);
    vsnprintf(text, sizeof text, fmt, list);
    va_end(list);
    duo_fail_at(r->err, DUO_BAD_INPUT, r->file->path, 0, 0, "%s", text);
}
#define bad(...) (say(__VA_ARGS__), false)

static size_t left(const struct reader *r) { return (size_t)(r->end - r->at); }

static bool take(struct reader *r, void *out, size_t n)
{
    if (left(r) < n) return bad(r, "ends within %s (byte %zu)", r->what, (size_t)(r->end - r->file->bytes));
    memcpy(out, r->at, n);
    r->at += n;
    return true;
}

/* Both versions that are read have 64-bit lengths; version 1 had 32. */
static bool take_text(struct reader *r, struct duo_gguf_text *out)
{
    uint64_t n;
    if (!take(r, &n, sizeof n)) return false;
    if (n > left(r)) return bad(r, "%s: a text of %llu bytes, where %zu are left", r->what, (unsigned long long)n, left(r));
    *out = (struct duo_gguf_text) { (const char *)r->at, (size_t)n };
    r->at += n;
    return true;
}

static bool take_type(struct reader *r, enum duo_gguf_type *out)
{
    uint32_t type;
    if (!take(r, &type, sizeof type)) return false;
    if (type >= DUO_GGUF_TYPE_END) return bad(r, "%s: no metadata type has the number %u", r->what, type);
    *out = (enum duo_gguf_type)type;
    return true;
}

/* A number as it lies in the file. */
static void decode(enum duo_gguf_type type, const unsigned char *at, struct duo_gguf_value *out)
{
    union { uint8_t u8; int8_t i8; uint16_t u16; int16_t i16; uint32_t u32; int32_t i32; float f32; uint64_t u64; int64_t i64; double f64; } x;
    memcpy(&x, at, type_bytes[type]);
    out->type = type;
    switch (type) {
    case DUO_GGUF_U8:   out->u = x.u8;       break;
    case DUO_GGUF_I8:   out->i = x.i8;       break;
    case DUO_GGUF_U16:  out->u = x.u16;      break;
    case DUO_GGUF_I16:  out->i = x.i16;      break;
    case DUO_GGUF_U32:  out->u = x.u32;      break;
    case DUO_GGUF_I32:  out->i = x.i32;      break;
    case DUO_GGUF_F32:  out->f = (double)x.f32; break;
    case DUO_GGUF_BOOL: out->b = x.u8 != 0;  break;
    case DUO_GGUF_U64:  out->u = x.u64;      break;
    case DUO_GGUF_I64:  out->i = x.i64;      break;
    case DUO_GGUF_F64:  out->f = x.f64;      break;
    case DUO_GGUF_TEXT: case DUO_GGUF_ARRAY: case DUO_GGUF_TYPE_END: assert(false);
    }
}

static bool take_value(struct reader *, enum duo_gguf_type, int depth, struct duo_gguf_value *out);

static bool take_array(struct reader *r, int depth, struct duo_gguf_array *out)
{
    if (depth > DUO_GGUF_DEPTH) return bad(r, "%s: arrays in arrays, more than %d deep", r->what, DUO_GGUF_DEPTH);
    if (!take_type(r, &out->type) || !take(r, &out->n, sizeof out->n)) return false;
    out->at = r->at;
    size_t each = type_bytes[out->type];
    if (each && out->n > left(r) / each)
        return bad(r, "%s: an array of %llu items, where %zu bytes are left", r->what, (unsigned long long)out->n, left(r));
    if (each && out->type != DUO_GGUF_BOOL) {
        r->at += out->n * each;
    } else {                             /* read all: the lengths are in the items */
        struct duo_gguf_value item;
        for (uint64_t i = 0; i < out->n; i++)
            if (!take_value(r, out->type, depth + 1, &item)) return false;
    }
    out->bytes = (size_t)(r->at - out->at);
    return true;
}

static bool take_value(struct reader *r, enum duo_gguf_type type, int depth, struct duo_gguf_value *out)
{
    out->type = type;
    if (type == DUO_GGUF_TEXT) return take_text(r, &out->text);
    if (type == DUO_GGUF_ARRAY) return take_array(r, depth, &out->array);
    unsigned char number[8];
    if (!take(r, number, type_bytes[type])) return false;
    if (type == DUO_GGUF_BOOL && number[0] > 1) return bad(r, "%s: a flag is 0 or 1, not %u", r->what, number[0]);
    decode(type, number, out);
    return true;
}

/* ---------------------------------------------------------------- names */

/* For messages: what can't be printed becomes '?', and what is long is cut. */
static const char *shown(struct duo_gguf_text t, char out[DUO_GGUF_NAME + 4])
{
    size_t n = t.n < DUO_GGUF_NAME ? t.n : DUO_GGUF_NAME;
    for (size_t i = 0; i < n; i++) out[i] = t.at[i] >= ' ' && t.at[i] <= '~' ? t.at[i] : '?';
    memcpy(out + n, t.n > n ? "..." : "", t.n > n ? 4 : 1);
    return out;
}

static bool good_name(const struct reader *r, struct duo_gguf_text t, size_t most)
{
    char name[DUO_GGUF_NAME + 4];
    if (t.n == 0 || t.n > most) return bad(r, "%s: a name of %zu bytes (1 to %zu are allowed)", r->what, t.n, most);
    for (size_t i = 0; i < t.n; i++)
        if ((unsigned char)t.at[i] < ' ' || t.at[i] == 0x7F) return bad(r, "%s: a name with control characters: %s", r->what, shown(t, name));
    return true;
}

static int compare(const char *a, size_t an, const char *b, size_t bn)
{
    int c = memcmp(a, b, an < bn ? an : bn);
    return c ? c : (an > bn) - (an < bn);
}

static int by_key(const void *a, const void *b, void *with)
{
    const struct entry *e = with, *x = &e[*(const int *)a], *y = &e[*(const int *)b];
    return compare(x->key.at, x->key.n, y->key.at, y->key.n);
}

static int by_name(const void *a, const void *b, void *with)
{
    const struct duo_gguf_tensor *t = with;
    return strcmp(t[*(const int *)a].name, t[*(const int *)b].name);
}

/* The numbers 0..n-1 in order, and (4): none twice. */
static int *sorted(int n, void *with, int (*order)(const void *, const void *, void *), int *twice)
{
    int *at = duo_new((size_t)n + 1, sizeof *at);
    for (int i = 0; i < n; i++) at[i] = i;
    qsort_r(at, (size_t)n, sizeof *at, order, with);
    *twice = -1;
    for (int i = 1; i < n && *twice < 0; i++)
        if (order(&at[i - 1], &at[i], with) == 0) *twice = at[i];
    return at;
}

/* ---------------------------------------------------------------- the parts of a file */

static bool read_head(struct reader *r, struct duo_gguf *g, uint64_t *n_tensors, uint64_t *n_entries)
{
    uint32_t magic, version;
    r->what = "the header";
    if (g->size == 0) return bad(r, "is empty");
    if (g->size < 4 || memcmp(r->at, "GGUF", 4) != 0) return bad(r, "is no GGUF file (it doesn't begin with GGUF)");
    if (!take(r, &magic, sizeof magic) || !take(r, &version, sizeof version)) return false;
    if (version != 0 && (version & 0xFFFF) == 0) return bad(r, "is a GGUF file for big-endian machines, which is not read");
    if (version != 2 && version != 3) return bad(r, "is GGUF version %u; versions 2 and 3 are read", version);
    g->version = (int)version;
    if (!take(r, n_tensors, sizeof *n_tensors) || !take(r, n_entries, sizeof *n_entries)) return false;
    if (*n_entries > DUO_GGUF_ENTRIES) return bad(r, "claims %llu metadata keys; %d are allowed", (unsigned long long)*n_entries, DUO_GGUF_ENTRIES);
    if (*n_tensors > DUO_GGUF_ENTRIES) return bad(r, "claims %llu tensors; %d are allowed", (unsigned long long)*n_tensors, DUO_GGUF_ENTRIES);
    return true;
}

static bool read_entries(struct reader *r, struct duo_gguf *g, uint64_t n)
{
    char name[DUO_GGUF_NAME + 4], what[DUO_GGUF_NAME + 40];
    int room = 0;
    for (uint64_t i = 0; i < n; i++) {
        r->what = "the metadata";
        struct entry e;
        enum duo_gguf_type type;
        if (!take_text(r, &e.key) || !good_name(r, e.key, DUO_GGUF_KEY)) return false;
        snprintf(what, sizeof what, "metadata %s", shown(e.key, name));
        r->what = what;
        if (!take_type(r, &type) || !take_value(r, type, 1, &e.value)) return false;
        if (g->n_entries == room) {                              /* (2) */
            room = room ? 2 * room : 16;
            g->entries = duo_grow(g->entries, (size_t)room, sizeof *g->entries);
        }
        g->entries[g->n_entries++] = e;
    }
    int twice;
    g->entry_order = sorted(g->n_entries, g->entries, by_key, &twice);
    if (twice >= 0) return bad(r, "has the metadata key %s twice", shown(g->entries[twice].key, name));

    g->align = 32;
    const struct duo_gguf_value *align = duo_gguf_find(g, "general.alignment");
    if (!align) return true;
    if (align->type != DUO_GGUF_U32) return bad(r, "general.alignment is no U32");
    g->align = align->u;
    if (g->align < 8 || g->align > 1 << 16 || (g->align & (g->align - 1)))
        return bad(r, "general.alignment is %llu; a power of two from 8 to 65536 is expected", (unsigned long long)g->align);
    return true;
}

/* Names of formats that others write and that are not read here, for the words of an error. */
static const char *foreign_format(uint32_t type)
{
    static const char *const names[] = {
        [9] = "Q8_1", [10] = "Q2_K", [11] = "Q3_K", [15] = "Q8_K", [16] = "IQ2_XXS", [17] = "IQ2_XS", [18] = "IQ3_XXS", [19] = "IQ1_S",
        [20] = "IQ4_NL", [21] = "IQ3_S", [22] = "IQ2_S", [23] = "IQ4_XS", [24] = "I8", [25] = "I16", [26] = "I32", [27] = "I64",
        [28] = "F64", [29] = "IQ1_M", [34] = "TQ1_0", [35] = "TQ2_0", [39] = "MXFP4",
    };
    return type < sizeof names / sizeof names[0] && names[type] ? names[type] : "unknown";
}

/* One row of the table; its offset goes to *offset. */
static bool read_tensor(struct reader *r, struct duo_gguf_tensor *t, uint64_t *offset)
{
    struct duo_gguf_text name;
    char what[DUO_GGUF_NAME + 40];
    uint32_t dims, type;
    r->what = "the table of tensors";
    if (!take_text(r, &name) || !good_name(r, name, DUO_GGUF_NAME)) return false;
    *t = (struct duo_gguf_tensor) { 0 };
    memcpy(t->name, name.at, name.n);
    snprintf(what, sizeof what, "tensor %s", t->name);
    r->what = what;
    if (!take(r, &dims, sizeof dims)) return false;
    if (dims < 1 || dims > DUO_GGUF_DIMS) return bad(r, "%s has %u dimensions; 1 to %d are allowed", what, dims, DUO_GGUF_DIMS);
    t->dims = (int)dims;
    uint64_t rows = 1;
    for (int i = 0; i < DUO_GGUF_DIMS; i++) {
        t->n[i] = 1;
        if (i < t->dims && !take(r, &t->n[i], sizeof t->n[i])) return false;
        if (t->n[i] == 0) return bad(r, "%s has a dimension of 0", what);
        if (i > 0 && __builtin_mul_overflow(rows, t->n[i], &rows)) return bad(r, "%s has more values than fit 64 bits", what);
    }
    if (!take(r, &type, sizeof type) || !take(r, offset, sizeof *offset)) return false;
    t->format = duo_format_of_ggml(type);
    if (t->format == DUO_FORMAT_COUNT) return bad(r, "%s is of type %u (%s), which is not supported", what, type, foreign_format(type));
    const struct duo_format_info *f = duo_format_info(t->format);
    if (t->n[0] % f->values)
        return bad(r, "%s: rows of %llu values are no whole number of %s blocks of %u", what, (unsigned long long)t->n[0], f->name, f->values);
    if (__builtin_mul_overflow(t->n[0] / f->values, (uint64_t)f->bytes, &t->bytes) || __builtin_mul_overflow(t->bytes, rows, &t->bytes))
        return bad(r, "%s has more bytes than fit 64 bits", what);
    return true;
}

struct stretch { uint64_t from, to; int tensor; };

static int by_start(const void *a, const void *b)
{
    const struct stretch *x = a, *y = b;
    return (x->from > y->from) - (x->from < y->from);
}

/* Every tensor lies in the file, aligned, and on no other's bytes. */
static bool place_tensors(struct reader *r, struct duo_gguf *g, struct stretch *at)
{
    size_t head = (size_t)(r->at - g->bytes), base;
    base = (head + g->align - 1) & ~(size_t)(g->align - 1);
    size_t room = base < g->size ? g->size - base : 0;
    for (int i = 0; i < g->n_tensors; i++) {
        struct duo_gguf_tensor *t = &g->tensors[i];
        if (at[i].from % g->align)
            return bad(r, "tensor %s begins at %llu, which is no multiple of %llu", t->name, (unsigned long long)at[i].from, (unsigned long long)g->align);
        if (t->bytes > room || at[i].from > room - t->bytes)
            return bad(r, "tensor %s: %llu bytes from %llu lie past the end (is the file cut short?)", t->name,
                       (unsigned long long)t->bytes, (unsigned long long)at[i].from);
        at[i].to = at[i].from + t->bytes;
        t->data = g->bytes + base + at[i].from;
    }
    qsort(at, (size_t)g->n_tensors, sizeof *at, by_start);
    for (int i = 1; i < g->n_tensors; i++)
        if (at[i].from < at[i - 1].to)
            return bad(r, "tensors %s and %s overlap", g->tensors[at[i - 1].tensor].name, g->tensors[at[i].tensor].name);
    return true;
}

static bool read_tensors(struct reader *r, struct duo_gguf *g, uint64_t n)
{
    struct stretch *at = NULL;
    int room = 0;
    bool good = true;
    for (uint64_t i = 0; i < n && good; i++) {
        struct duo_gguf_tensor t;
        uint64_t offset;
        good = read_tensor(r, &t, &offset);
        if (!good) break;
        if (g->n_tensors == room) {                              /* (2) */
            room = room ? 2 * room : 16;
            g->tensors = duo_grow(g->tensors, (size_t)room, sizeof *g->tensors);
            at = duo_grow(at, (size_t)room, sizeof *at);
        }
        at[g->n_tensors] = (struct stretch) { offset, 0, g->n_tensors };
        g->tensors[g->n_tensors++] = t;
    }
    if (good) {
        int twice;
        g->tensor_order = sorted(g->n_tensors, g->tensors, by_name, &twice);
        if (twice >= 0) good = bad(r, "has the tensor %s twice", g->tensors[twice].name);
        else if (g->n_tensors) good = place_tensors(r, g, at);
    }
    free(at);
    return good;
}

/* ---------------------------------------------------------------- open and close */

static enum duo_status read_all(struct duo_gguf *g, struct duo_err *err)
{
    struct reader r = { .file = g, .at = g->bytes, .end = g->bytes + g->size, .what = "the header", .err = err };
    uint64_t n_tensors, n_entries;
    bool good = read_head(&r, g, &n_tensors, &n_entries) && read_entries(&r, g, n_entries) && read_tensors(&r, g, n_tensors);
    return good ? DUO_OK : DUO_BAD_INPUT;
}

enum duo_status duo_gguf_parse(struct duo_gguf **out, const void *bytes, size_t n, const char *name, struct duo_err *err)
{
    struct duo_gguf *g = duo_new(1, sizeof *g);
    snprintf(g->path, sizeof g->path, "%s", name);
    g->bytes = n ? bytes : (const unsigned char *)"";
    g->size = n;
    enum duo_status status = read_all(g, err);
    *out = status == DUO_OK ? g : NULL;
    if (status != DUO_OK) duo_gguf_close(g);
    return status;
}

enum duo_status duo_gguf_open(struct duo_gguf **out, const char *path, struct duo_err *err)
{
    *out = NULL;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);      /* a pipe without a writer must not hang us */
    if (fd < 0) return duo_fail_at(err, DUO_BAD_INPUT, path, 0, 0, "%s", strerror(errno));
    struct stat s;
    if (fstat(fd, &s) != 0 || !S_ISREG(s.st_mode)) {
        close(fd);
        return duo_fail_at(err, DUO_BAD_INPUT, path, 0, 0, "is no regular file");
    }
    size_t size = (size_t)s.st_size;
    void *mapped = size ? mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0) : NULL;
    int why = errno;
    close(fd);
    if (mapped == MAP_FAILED) return duo_fail_at(err, DUO_NO_RESOURCES, path, 0, 0, "can't be mapped: %s", strerror(why));
    enum duo_status status = duo_gguf_parse(out, mapped, size, path, err);
    if (status == DUO_OK) (*out)->mapped = mapped;
    else if (mapped) munmap(mapped, size);
    return status;
}

void duo_gguf_close(struct duo_gguf *g)
{
    if (!g) return;
    if (g->mapped) munmap(g->mapped, g->size);
    free(g->entries);
    free(g->tensors);
    free(g->entry_order);
    free(g->tensor_order);
    free(g);
}

/* ---------------------------------------------------------------- looking things up */

const char *duo_gguf_path(const struct duo_gguf *g) { return g->path; }
int         duo_gguf_version(const struct duo_gguf *g) { return g->version; }
size_t      duo_gguf_bytes(const struct duo_gguf *g) { return g->size; }
int         duo_gguf_keys(const struct duo_gguf *g) { return g->n_entries; }
int         duo_gguf_tensors(const struct duo_gguf *g) { return g->n_tensors; }

struct duo_gguf_text         duo_gguf_key(const struct duo_gguf *g, int i) { return g->entries[i].key; }
const struct duo_gguf_value *duo_gguf_value(const struct duo_gguf *g, int i) { return &g->entries[i].value; }

const struct duo_gguf_tensor *duo_gguf_tensor(const struct duo_gguf *g, int i) { return &g->tensors[i]; }

bool duo_gguf_same(struct duo_gguf_text t, const char *text) { return t.n == strlen(text) && memcmp(t.at, text, t.n) == 0; }

const struct duo_gguf_value *duo_gguf_find(const struct duo_gguf *g, const char *key)
{
    for (int low = 0, high = g->n_entries; low < high;) {
        int mid = low + (high - low) / 2;
        const struct entry *e = &g->entries[g->entry_order[mid]];
        int c = compare(key, strlen(key), e->key.at, e->key.n);
        if (c == 0) return &e->value;
        if (c < 0) high = mid;
        else low = mid + 1;
    }
    return NULL;
}

const struct duo_gguf_tensor *duo_gguf_tensor_named(const struct duo_gguf *g, const char *name)
{
    for (int low = 0, high = g->n_tensors; low < high;) {
        int mid = low + (high - low) / 2;
        const struct duo_gguf_tensor *t = &g->tensors[g->tensor_order[mid]];
        int c = strcmp(name, t->name);
        if (c == 0) return t;
        if (c < 0) high = mid;
        else low = mid + 1;
    }
    return NULL;
}

/* The bytes were checked when the file was opened. */
bool duo_gguf_next(struct duo_gguf_array *a, struct duo_gguf_value *out)
{
    if (a->n == 0) return false;
    static const struct duo_gguf no_file;
    struct reader r = { .file = &no_file, .at = a->at, .end = a->at + a->bytes, .what = "an array" };
    bool good = take_value(&r, a->type, 1, out);
    assert(good);
    (void)good;
    a->n--;
    a->at = r.at;
    a->bytes = left(&r);
    return true;
}

static enum duo_status missing(const struct duo_gguf *g, const char *key, bool needed, struct duo_err *err)
{
    return needed ? duo_fail_at(err, DUO_BAD_INPUT, g->path, 0, 0, "lacks the metadata key %s", key) : DUO_OK;
}

static enum duo_status wrong(const struct duo_gguf *g, const char *key, const char *want, struct duo_err *err)
{
    return duo_fail_at(err, DUO_BAD_INPUT, g->path, 0, 0, "metadata %s: %s is expected", key, want);
}

enum duo_status duo_gguf_whole(const struct duo_gguf *g, const char *key, bool needed, int64_t low, int64_t high, int64_t *out, struct duo_err *err)
{
    const struct duo_gguf_value *v = duo_gguf_find(g, key);
    if (!v) return missing(g, key, needed, err);
    int64_t x;
    switch (v->type) {
    case DUO_GGUF_U8: case DUO_GGUF_U16: case DUO_GGUF_U32: case DUO_GGUF_U64: x = v->u > INT64_MAX ? INT64_MAX : (int64_t)v->u; break;
    case DUO_GGUF_I8: case DUO_GGUF_I16: case DUO_GGUF_I32: case DUO_GGUF_I64: x = v->i; break;
    default: return wrong(g, key, "a whole number", err);
    }
    if (x < low || x > high)
        return duo_fail_at(err, DUO_BAD_INPUT, g->path, 0, 0, "metadata %s is %lld; %lld to %lld is expected", key, (long long)x, (long long)low, (long long)high);
    *out = x;
    return DUO_OK;
}

enum duo_status duo_gguf_real(const struct duo_gguf *g, const char *key, bool needed, double *out, struct duo_err *err)
{
    const struct duo_gguf_value *v = duo_gguf_find(g, key);
    if (!v) return missing(g, key, needed, err);
    if ((v->type != DUO_GGUF_F32 && v->type != DUO_GGUF_F64) || !(v->f - v->f == 0)) return wrong(g, key, "a finite real number", err);
    *out = v->f;
    return DUO_OK;
}

enum duo_status duo_gguf_flag(const struct duo_gguf *g, const char *key, bool needed, bool *out, struct duo_err *err)
{
    const struct duo_gguf_value *v = duo_gguf_find(g, key);
    if (!v) return missing(g, key, needed, err);
    if (v->type != DUO_GGUF_BOOL) return wrong(g, key, "a flag", err);
    *out = v->b;
    return DUO_OK;
}

enum duo_status duo_gguf_words(const struct duo_gguf *g, const char *key, bool needed, struct duo_gguf_text *out, struct duo_err *err)
{
    const struct duo_gguf_value *v = duo_gguf_find(g, key);
    if (!v) return missing(g, key, needed, err);
    if (v->type != DUO_GGUF_TEXT) return wrong(g, key, "a text", err);
    *out = v->text;
    return DUO_OK;
}

enum duo_status duo_gguf_items(const struct duo_gguf *g, const char *key, bool needed, enum duo_gguf_type type, struct duo_gguf_array *out,
                               struct duo_err *err)
{
    static const char *const names[DUO_GGUF_TYPE_END] = {
#define X(name, number, bytes) [number] = "an array of " #name,
        DUO_GGUF_TYPES(X)
#undef X
    };
    const struct duo_gguf_value *v = duo_gguf_find(g, key);
    if (!v) return missing(g, key, needed, err);
    if (v->type != DUO_GGUF_ARRAY || v->array.type != type) return wrong(g, key, names[type], err);
    *out = v->array;
    return DUO_OK;
}

enum duo_status duo_gguf_need(const struct duo_gguf *g, const char *name, uint64_t n0, uint64_t n1, const struct duo_gguf_tensor **out,
                              struct duo_err *err)
{
    const struct duo_gguf_tensor *t = duo_gguf_tensor_named(g, name);
    if (!t) return duo_fail_at(err, DUO_BAD_INPUT, g->path, 0, 0, "lacks the tensor %s", name);
    char want[64], got[128];
    size_t at = 0;
    for (int i = 0; i < t->dims; i++) at += (size_t)snprintf(got + at, sizeof got - at, "%s%llu", i ? " x " : "", (unsigned long long)t->n[i]);
    snprintf(want, sizeof want, n1 ? "%llu x %llu" : "%llu", (unsigned long long)n0, (unsigned long long)n1);
    bool same = t->n[0] == n0 && t->n[1] == (n1 ? n1 : 1) && t->n[2] == 1 && t->n[3] == 1;
    if (!same) return duo_fail_at(err, DUO_BAD_INPUT, g->path, 0, 0, "tensor %s is %s; %s is expected", name, got, want);
    *out = t;
    return DUO_OK;
}

/* ---------------------------------------------------------------- the format of its weights */

/* The numbers of general.file_type. */
static const char *const file_types[] = {
    [0] = "F32", [1] = "F16", [2] = "Q4_0", [3] = "Q4_1", [7] = "Q8_0", [8] = "Q5_0", [9] = "Q5_1", [14] = "Q4_K_S", [15] = "Q4_K_M",
    [16] = "Q5_K_S", [17] = "Q5_K_M", [18] = "Q6_K", [32] = "BF16",
};
enum { N_FILE_TYPES = sizeof file_types / sizeof file_types[0] };

void duo_gguf_quant(const struct duo_gguf *g, char out[16])
{
    int64_t type = -1;
    size_t bytes[DUO_FORMAT_COUNT] = { 0 };
    int most = 0;
    if (duo_gguf_whole(g, "general.file_type", false, 0, N_FILE_TYPES - 1, &type, NULL) == DUO_OK && type >= 0 && file_types[type]) {
        snprintf(out, 16, "%s", file_types[type]);
        return;
    }
    for (int i = 0; i < duo_gguf_tensors(g); i++) bytes[duo_gguf_tensor(g, i)->format] += duo_gguf_tensor(g, i)->bytes;
    for (int f = 1; f < DUO_FORMAT_COUNT; f++)
        if (bytes[f] > bytes[most]) most = f;
    snprintf(out, 16, "%s", duo_format_info((enum duo_format)most)->name);
}
