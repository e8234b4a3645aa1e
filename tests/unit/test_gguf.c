/* test_gguf.c - requirements of models/slm/gguf.h: files made byte by byte here, files that the writer makes, and files that lie. */
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "models/slm/gguf.h"
#include "sim/base/rng.h"
#include "tests/check.h"

static char folder[] = "/tmp/duosim_gguf_XXXXXX";

/* ---------------------------------------------------------------- files byte by byte */

struct raw { unsigned char at[4096]; size_t n; };

static void put(struct raw *r, const void *from, size_t n)
{
    memcpy(r->at + r->n, from, n);
    r->n += n;
}
static void u32(struct raw *r, uint32_t x) { put(r, &x, 4); }
static void u64(struct raw *r, uint64_t x) { put(r, &x, 8); }
static void text(struct raw *r, const char *t) { u64(r, strlen(t)), put(r, t, strlen(t)); }
static void head(struct raw *r, uint32_t version, uint64_t tensors, uint64_t keys)
{
    r->n = 0;
    put(r, "GGUF", 4), u32(r, version), u64(r, tensors), u64(r, keys);
}
static void pad(struct raw *r, size_t align) { while (r->n % align) r->at[r->n++] = 0; }
static void key(struct raw *r, const char *name, uint32_t type) { text(r, name), u32(r, type); }
static void tensor(struct raw *r, const char *name, uint32_t dims, uint64_t n0, uint64_t n1, uint32_t type, uint64_t offset)
{
    text(r, name), u32(r, dims);
    if (dims > 0) u64(r, n0);
    for (uint32_t i = 1; i < dims && i < 8; i++) u64(r, i == 1 ? n1 : 1);
    u32(r, type), u64(r, offset);
}
static void floats(struct raw *r, int n, float x)
{
    pad(r, 32);
    for (int i = 0; i < n; i++) put(r, &(float) { x + (float)i }, 4);
}

/* Look at all that there is; what is out of bounds is for AddressSanitizer to see. */
static double use_value(const struct duo_gguf_value *v)
{
    switch (v->type) {
    case DUO_GGUF_TEXT: {
        double sum = 0;
        for (size_t i = 0; i < v->text.n; i++) sum += v->text.at[i];
        return sum;
    }
    case DUO_GGUF_ARRAY: {
        struct duo_gguf_array a = v->array;
        struct duo_gguf_value item;
        double sum = 0;
        while (duo_gguf_next(&a, &item)) sum += use_value(&item);
        return sum;
    }
    case DUO_GGUF_F32: case DUO_GGUF_F64: return v->f - v->f == 0 ? v->f : 0;
    case DUO_GGUF_BOOL: return v->b;
    case DUO_GGUF_I8: case DUO_GGUF_I16: case DUO_GGUF_I32: case DUO_GGUF_I64: return (double)v->i;
    default: return (double)v->u;
    }
}

static double use(const struct duo_gguf *g)
{
    double sum = 0;
    for (int i = 0; i < duo_gguf_keys(g); i++) sum += use_value(duo_gguf_value(g, i)) + (double)duo_gguf_key(g, i).n;
    for (int i = 0; i < duo_gguf_tensors(g); i++) {
        const struct duo_gguf_tensor *t = duo_gguf_tensor(g, i);
        const unsigned char *b = t->data;
        for (size_t k = 0; k < t->bytes; k++) sum += b[k];
    }
    return sum;
}

/* In memory of exactly that size, so that a byte too far is seen. */
static enum duo_status parse(const struct raw *r, struct duo_gguf **g, struct duo_err *err)
{
    static unsigned char *copy;
    free(copy);
    copy = malloc(r->n ? r->n : 1);
    memcpy(copy, r->at, r->n);
    *err = (struct duo_err) { 0 };
    enum duo_status status = duo_gguf_parse(g, copy, r->n, "it", err);
    CHECK((status == DUO_OK) == (*g != NULL) && (status == DUO_OK) == (err->status == DUO_OK));
    return status;
}

/* A small good file, version 2: a key of each kind and two tensors. */
static void small(struct raw *r, uint32_t version)
{
    head(r, version, 2, 5);
    key(r, "general.architecture", DUO_GGUF_TEXT), text(r, "llama");
    key(r, "a.flag", DUO_GGUF_BOOL), put(r, "\1", 1);
    key(r, "a.list", DUO_GGUF_ARRAY), u32(r, DUO_GGUF_I32), u64(r, 3), u32(r, 7), u32(r, (uint32_t)-8), u32(r, 9);
    key(r, "a.texts", DUO_GGUF_ARRAY), u32(r, DUO_GGUF_TEXT), u64(r, 2), text(r, "one"), text(r, "");
    key(r, "a.nest", DUO_GGUF_ARRAY), u32(r, DUO_GGUF_ARRAY), u64(r, 2);
    u32(r, DUO_GGUF_U8), u64(r, 2), put(r, "\3\4", 2), u32(r, DUO_GGUF_BOOL), u64(r, 1), put(r, "\0", 1);
    tensor(r, "w", 2, 4, 2, 0, 0);
    tensor(r, "v", 1, 3, 0, 0, 32);
    floats(r, 8, 1);
    floats(r, 3, 100);
}

static void test_by_hand(void)
{
    struct raw r;
    struct duo_gguf *g;
    struct duo_err err;
    for (uint32_t version = 2; version <= 3; version++) {
        small(&r, version);
        CHECK_INT(parse(&r, &g, &err), DUO_OK);
        if (!g) return;
        CHECK_INT(duo_gguf_version(g), version);
        CHECK_INT(duo_gguf_keys(g), 5);
        CHECK_INT(duo_gguf_tensors(g), 2);
        CHECK(duo_gguf_find(g, "a.nothing") == NULL && duo_gguf_tensor_named(g, "u") == NULL);
        struct duo_gguf_text arch;
        CHECK_INT(duo_gguf_words(g, "general.architecture", true, &arch, &err), DUO_OK);
        CHECK(duo_gguf_same(arch, "llama"));
        bool flag = false;
        CHECK_INT(duo_gguf_flag(g, "a.flag", true, &flag, &err), DUO_OK);
        CHECK(flag);
        struct duo_gguf_array list;
        struct duo_gguf_value item;
        CHECK_INT(duo_gguf_items(g, "a.list", true, DUO_GGUF_I32, &list, &err), DUO_OK);
        int want[] = { 7, -8, 9 }, k = 0;
        while (duo_gguf_next(&list, &item)) CHECK_INT(item.i, want[k++]);
        CHECK_INT(k, 3);
        CHECK_NEAR(use_value(duo_gguf_find(g, "a.nest")), 7, 0);
        const struct duo_gguf_tensor *t;
        CHECK_INT(duo_gguf_need(g, "w", 4, 2, &t, &err), DUO_OK);
        float x;
        memcpy(&x, (const char *)t->data + 28, 4);
        CHECK_NEAR(x, 8, 0);
        CHECK_INT(duo_gguf_need(g, "v", 3, 0, &t, &err), DUO_OK);
        CHECK_INT(t->bytes, 12);
        CHECK_INT(duo_gguf_need(g, "w", 4, 3, &t, &err), DUO_BAD_INPUT);
        CHECK_TEXT(err.text, "tensor w is 4 x 2; 4 x 3 is expected");
        err = (struct duo_err) { 0 };
        CHECK_INT(duo_gguf_need(g, "w2", 4, 3, &t, &err), DUO_BAD_INPUT);
        CHECK_TEXT(err.text, "lacks the tensor w2");
        err = (struct duo_err) { 0 };
        int64_t whole = 5;
        CHECK_INT(duo_gguf_whole(g, "a.flag", true, 0, 9, &whole, &err), DUO_BAD_INPUT);
        CHECK_HAS(err.text, "a.flag: a whole number");
        CHECK_INT(duo_gguf_whole(g, "no.key", false, 0, 9, &whole, &err), DUO_OK);
        CHECK_INT(whole, 5);
        duo_gguf_close(g);
    }
}

/* ---------------------------------------------------------------- files that lie */

enum lie {
#define LIES(X)                                                                                                                          \
    X(EMPTY, "is empty") X(MAGIC, "no GGUF file") X(SHORT_MAGIC, "no GGUF file") X(HEAD_CUT, "ends within the header")                   \
    X(VERSION_0, "version 0") X(VERSION_1, "version 1") X(VERSION_4, "version 4") X(BIG_ENDIAN, "big-endian")                            \
    X(MANY_KEYS, "metadata keys; 65536") X(MANY_TENSORS, "tensors; 65536") X(KEYS_MISSING, "ends within") X(TENSORS_MISSING, "ends within") \
    X(KEY_LENGTH, "a text of 18446744073709551615 bytes") X(KEY_EMPTY, "a name of 0 bytes") X(KEY_CONTROL, "control characters")          \
    X(KEY_TWICE, "a.b twice") X(TYPE_13, "has the number 13") X(TYPE_HUGE, "has the number 4294967295") X(FLAG_2, "0 or 1, not 2")       \
    X(FLAGS_2, "0 or 1, not 7") X(TEXT_LONG, "a text of 1099511627776 bytes") X(ARRAY_LONG, "an array of 1152921504606846976 items")      \
    X(ARRAY_WRAPS, "an array of 4611686018427387905 items") X(TEXTS_LONG, "ends within") X(ARRAY_TYPE, "has the number 99")              \
    X(NESTED, "more than 4 deep") X(NEST_MANY, "ends within") X(ALIGN_0, "a power of two from 8") X(ALIGN_3, "a power of two from 8")     \
    X(ALIGN_HUGE, "a power of two from 8") X(ALIGN_TYPE, "is no U32") X(DIMS_0, "0 dimensions") X(DIMS_5, "5 dimensions")                 \
    X(DIMS_HUGE, "dimensions; 1 to 4") X(DIM_ZERO, "a dimension of 0") X(ROWS_WRAP, "more values than fit") X(BYTES_WRAP, "more bytes than fit") \
    X(FORMAT_IQ, "IQ2_XXS), which is not supported") X(FORMAT_UNKNOWN, "type 77 (unknown)") X(BLOCKS, "no whole number of Q4_0 blocks of 32") \
    X(K_BLOCKS, "no whole number of Q6_K blocks of 256") X(OFFSET_ODD, "no multiple of 32") X(OFFSET_FAR, "past the end")                 \
    X(OFFSET_WRAPS, "past the end") X(DATA_CUT, "past the end") X(NO_DATA, "past the end") X(OVERLAP, "overlap")                          \
    X(TENSOR_TWICE, "tensor w twice") X(NAME_LONG, "a name of 65 bytes") X(NAME_EMPTY, "a name of 0 bytes")
#define X(name, words) LIE_##name,
    LIES(X)
#undef X
    N_LIES
};
static const char *const lie_words[] = {
#define X(name, words) [LIE_##name] = words,
    LIES(X)
#undef X
};

/* One key of a type, whose value the caller adds; or one tensor of 4 x 2. */
static void one_key(struct raw *r, const char *name, uint32_t type) { head(r, 3, 0, 1), key(r, name, type); }
static void one_tensor(struct raw *r, const char *name, uint32_t dims, uint64_t n0, uint64_t n1, uint32_t type, uint64_t offset)
{
    head(r, 3, 1, 0), tensor(r, name, dims, n0, n1, type, offset), floats(r, 8, 1);
}

static void aligned(struct raw *r, uint32_t align) { one_key(r, "general.alignment", DUO_GGUF_U32), u32(r, align); }

static void lie_about_keys(struct raw *r, enum lie lie)
{
    switch (lie) {
    case LIE_KEY_LENGTH:  head(r, 3, 0, 1), u64(r, UINT64_MAX), text(r, "abc"); break;
    case LIE_KEY_EMPTY:   one_key(r, "", 4), u32(r, 1); break;
    case LIE_KEY_CONTROL: one_key(r, "a\nb", 4), u32(r, 1); break;
    case LIE_KEY_TWICE:   head(r, 3, 0, 3), key(r, "a.b", 4), u32(r, 1), key(r, "a", 4), u32(r, 1), key(r, "a.b", 4), u32(r, 1); break;
    case LIE_TYPE_13:     one_key(r, "a", 13), u64(r, 0); break;
    case LIE_TYPE_HUGE:   one_key(r, "a", UINT32_MAX), u64(r, 0); break;
    case LIE_FLAG_2:      one_key(r, "a", DUO_GGUF_BOOL), put(r, "\2", 1); break;
    case LIE_FLAGS_2:     one_key(r, "a", DUO_GGUF_ARRAY), u32(r, DUO_GGUF_BOOL), u64(r, 3), put(r, "\1\0\7", 3); break;
    case LIE_TEXT_LONG:   one_key(r, "a", DUO_GGUF_TEXT), u64(r, 1ull << 40), put(r, "abc", 3); break;
    case LIE_ARRAY_LONG:  one_key(r, "a", DUO_GGUF_ARRAY), u32(r, DUO_GGUF_U8), u64(r, 1ull << 60), u64(r, 0); break;
    case LIE_ARRAY_WRAPS: one_key(r, "a", DUO_GGUF_ARRAY), u32(r, DUO_GGUF_I32), u64(r, (1ull << 62) + 1), u64(r, 0); break;
    case LIE_TEXTS_LONG:  one_key(r, "a", DUO_GGUF_ARRAY), u32(r, DUO_GGUF_TEXT), u64(r, 1ull << 60), text(r, "abc"), text(r, ""); break;
    case LIE_ARRAY_TYPE:  one_key(r, "a", DUO_GGUF_ARRAY), u32(r, 99), u64(r, 1), u64(r, 0); break;
    case LIE_NESTED:      one_key(r, "a", DUO_GGUF_ARRAY); for (int i = 0; i < 8; i++) u32(r, DUO_GGUF_ARRAY), u64(r, 1); u32(r, 0), u64(r, 0); break;
    case LIE_NEST_MANY:   one_key(r, "a", DUO_GGUF_ARRAY), u32(r, DUO_GGUF_ARRAY), u64(r, 1ull << 61), u32(r, 0), u64(r, 1), put(r, "x", 1); break;
    case LIE_ALIGN_0:     aligned(r, 0); break;
    case LIE_ALIGN_3:     aligned(r, 48); break;
    case LIE_ALIGN_HUGE:  aligned(r, 1u << 31); break;
    case LIE_ALIGN_TYPE:  one_key(r, "general.alignment", DUO_GGUF_U64), u64(r, 32); break;
    default: break;
    }
}

static void lie_about_tensors(struct raw *r, enum lie lie)
{
    switch (lie) {
    case LIE_DIMS_0:         one_tensor(r, "w", 0, 0, 0, 0, 0); break;
    case LIE_DIMS_5:         one_tensor(r, "w", 5, 4, 2, 0, 0); break;
    case LIE_DIMS_HUGE:      one_tensor(r, "w", UINT32_MAX, 4, 2, 0, 0); break;
    case LIE_DIM_ZERO:       one_tensor(r, "w", 2, 4, 0, 0, 0); break;
    case LIE_ROWS_WRAP:      head(r, 3, 1, 0), text(r, "w"), u32(r, 3), u64(r, 4), u64(r, 1ull << 33), u64(r, 1ull << 33), u32(r, 0), u64(r, 0); break;
    case LIE_BYTES_WRAP:     one_tensor(r, "w", 2, 1ull << 62, 4, 0, 0); break;
    case LIE_FORMAT_IQ:      one_tensor(r, "w", 2, 256, 1, 16, 0); break;
    case LIE_FORMAT_UNKNOWN: one_tensor(r, "w", 2, 256, 1, 77, 0); break;
    case LIE_BLOCKS:         one_tensor(r, "w", 2, 33, 1, 2, 0); break;
    case LIE_K_BLOCKS:       one_tensor(r, "w", 2, 288, 1, 14, 0); break;
    case LIE_OFFSET_ODD:     one_tensor(r, "w", 1, 4, 0, 0, 4); break;
    case LIE_OFFSET_FAR:     one_tensor(r, "w", 1, 8, 0, 0, 32); break;
    case LIE_OFFSET_WRAPS:   one_tensor(r, "w", 1, 8, 0, 0, UINT64_MAX - 31); break;
    case LIE_DATA_CUT:       one_tensor(r, "w", 2, 4, 2, 0, 0), r->n -= 1; break;
    case LIE_NO_DATA:        head(r, 3, 1, 0), tensor(r, "w", 2, 4, 2, 0, 0); break;
    case LIE_OVERLAP:        head(r, 3, 2, 0), tensor(r, "w", 1, 16, 0, 0, 0), tensor(r, "v", 1, 8, 0, 0, 32), floats(r, 16, 1); break;
    case LIE_TENSOR_TWICE:   head(r, 3, 2, 0), tensor(r, "w", 1, 8, 0, 0, 0), tensor(r, "w", 1, 8, 0, 0, 32), floats(r, 16, 1); break;
    case LIE_NAME_LONG:      one_tensor(r, "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0", 1, 8, 0, 0, 0); break;
    case LIE_NAME_EMPTY:     one_tensor(r, "", 1, 8, 0, 0, 0); break;
    default: break;
    }
}

static void make_lie(struct raw *r, enum lie lie)
{
    small(r, 3);
    switch (lie) {
    case LIE_EMPTY:           r->n = 0; break;
    case LIE_MAGIC:           r->at[3] = 'X'; break;
    case LIE_SHORT_MAGIC:     r->n = 3; break;
    case LIE_HEAD_CUT:        r->n = 20; break;
    case LIE_VERSION_0:       r->at[4] = 0; break;
    case LIE_VERSION_1:       r->at[4] = 1; break;
    case LIE_VERSION_4:       r->at[4] = 4; break;
    case LIE_BIG_ENDIAN:      memcpy(r->at + 4, "\0\0\0\3", 4); break;
    case LIE_MANY_KEYS:       head(r, 3, 0, 1ull << 40); break;
    case LIE_MANY_TENSORS:    head(r, 3, UINT64_MAX, 0); break;
    case LIE_KEYS_MISSING:    head(r, 3, 0, 65536); break;
    case LIE_TENSORS_MISSING: head(r, 3, 65536, 0); break;
    default: lie_about_keys(r, lie), lie_about_tensors(r, lie);
    }
}

static void test_lies(void)
{
    struct raw r;
    struct duo_gguf *g;
    struct duo_err err;
    CHECK(N_LIES >= 40);
    for (int lie = 0; lie < N_LIES; lie++) {
        make_lie(&r, (enum lie)lie);
        CHECK_INT(parse(&r, &g, &err), DUO_BAD_INPUT);
        CHECK_HAS(err.text, lie_words[lie]);
        CHECK_TEXT(err.file, "it");
        CHECK(strchr(err.text, '\n') == NULL);
        if (g) printf("lie %d was believed\n", lie), duo_gguf_close(g);
    }
}

/* (2): with 64 MB more than what is in use now, no lie makes the program ask for more. */
static void test_memory(void)
{
#if defined(__SANITIZE_ADDRESS__)
    CHECK_SKIP("the address space can't be bounded under AddressSanitizer");
#else
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        long pages = 0;
        FILE *f = fopen("/proc/self/statm", "r");
        if (!f || fscanf(f, "%ld", &pages) != 1) _exit(99);
        fclose(f);
        rlim_t most = (rlim_t)pages * (rlim_t)sysconf(_SC_PAGESIZE) + (64 << 20);
        if (setrlimit(RLIMIT_AS, &(struct rlimit) { most, most }) != 0) _exit(98);
        void *volatile much = malloc(100 << 20);                  /* the bound holds */
        if (much) _exit(97);
        static struct raw r;
        struct duo_gguf *g;
        struct duo_err err;
        for (int lie = 0; lie < N_LIES; lie++) {
            make_lie(&r, (enum lie)lie);
            if (parse(&r, &g, &err) != DUO_BAD_INPUT) _exit(96);
        }
        _exit(0);
    }
    int status = -1;
    waitpid(child, &status, 0);
    CHECK_INT(status, 0);
#endif
}

/* Every file cut short, every bit turned over, and bytes at random: refused in words or read, never a crash. */
static void test_damage(void)
{
    struct raw whole, r;
    struct duo_gguf *g;
    struct duo_err err;
    int read = 0, refused = 0;
    double sum = 0;
    small(&whole, 3);
    for (size_t n = 0; n < whole.n; n++) {
        r = whole, r.n = n;
        CHECK_INT(parse(&r, &g, &err), DUO_BAD_INPUT);
    }
    for (size_t bit = 0; bit < 8 * whole.n; bit++) {
        r = whole, r.at[bit / 8] ^= (unsigned char)(1u << bit % 8);
        if (parse(&r, &g, &err) == DUO_OK) read++, sum += use(g), duo_gguf_close(g);
        else refused++;
    }
    struct duo_rng rng;
    duo_rng_init(&rng, 1, "damage", 0);
    for (int i = 0; i < 20000; i++) {
        r = whole;
        for (int k = 0; k < 3; k++) {
            uint64_t bits = duo_rng_bits(&rng);
            r.at[bits % whole.n] = (unsigned char)(bits >> 32);
        }
        if (parse(&r, &g, &err) == DUO_OK) read++, sum += use(g), duo_gguf_close(g);
        else refused++;
    }
    CHECK(read > 100 && refused > 1000 && sum == sum);
}

/* ---------------------------------------------------------------- the writer */

static struct duo_gguf_value number(enum duo_gguf_type type, int64_t whole, double real)
{
    struct duo_gguf_value v = { .type = type };
    if (type == DUO_GGUF_F32 || type == DUO_GGUF_F64) v.f = real;
    else if (type == DUO_GGUF_BOOL) v.b = whole != 0;
    else v.i = whole;
    return v;
}

static const struct { const char *key; enum duo_gguf_type type; int64_t whole; double real; } singles[] = {
    { "t.u8", DUO_GGUF_U8, 255, 0 }, { "t.i8", DUO_GGUF_I8, -128, 0 }, { "t.u16", DUO_GGUF_U16, 65535, 0 }, { "t.i16", DUO_GGUF_I16, -32768, 0 },
    { "t.u32", DUO_GGUF_U32, 4294967295, 0 }, { "t.i32", DUO_GGUF_I32, -2147483648, 0 }, { "t.u64", DUO_GGUF_U64, INT64_MAX, 0 },
    { "t.i64", DUO_GGUF_I64, INT64_MIN, 0 }, { "t.f32", DUO_GGUF_F32, 0, 0.15625 }, { "t.f64", DUO_GGUF_F64, 0, 0.1 }, { "t.bool", DUO_GGUF_BOOL, 1, 0 },
};
enum { N_SINGLES = sizeof singles / sizeof singles[0] };

static void put_all(struct duo_gguf_out *o)
{
    struct duo_gguf_value v;
    struct duo_gguf_list nest = { .type = DUO_GGUF_ARRAY };
    for (int i = 0; i < N_SINGLES; i++) {
        v = number(singles[i].type, singles[i].whole, singles[i].real);
        duo_gguf_put(o, singles[i].key, &v);
        struct duo_gguf_list list = { .type = singles[i].type };
        char name[64];
        snprintf(name, sizeof name, "list.%s", singles[i].key);
        for (int k = 0; k < 5; k++) duo_gguf_list_add(&list, &v);
        v = duo_gguf_list_value(&list);
        duo_gguf_put(o, name, &v);
        duo_gguf_list_add(&nest, &v);
        duo_gguf_list_free(&list);
    }
    v = duo_gguf_list_value(&nest);
    duo_gguf_put(o, "nest", &v);
    duo_gguf_list_free(&nest);
    duo_gguf_put_words(o, "words", "caf\xC3\xA9");
    struct duo_gguf_list texts = { .type = DUO_GGUF_TEXT };
    duo_gguf_list_add_text(&texts, "a\0b", 3);
    duo_gguf_list_add_text(&texts, "", 0);
    v = duo_gguf_list_value(&texts);
    duo_gguf_put(o, "texts", &v);
    duo_gguf_list_free(&texts);
}

static void check_all(const struct duo_gguf *g)
{
    struct duo_err err = { 0 };
    for (int i = 0; i < N_SINGLES; i++) {
        const struct duo_gguf_value *v = duo_gguf_find(g, singles[i].key);
        CHECK(v && v->type == singles[i].type);
        if (!v) continue;
        if (v->type == DUO_GGUF_F32 || v->type == DUO_GGUF_F64) CHECK_NEAR(v->f, singles[i].real, 0);
        else if (v->type == DUO_GGUF_BOOL) CHECK(v->b);
        else CHECK_INT(v->i, singles[i].whole);
        int64_t whole = 3;
        bool is_whole = v->type != DUO_GGUF_F32 && v->type != DUO_GGUF_F64 && v->type != DUO_GGUF_BOOL;
        CHECK_INT(duo_gguf_whole(g, singles[i].key, true, INT64_MIN, INT64_MAX, &whole, &err) == DUO_OK, is_whole);
        if (is_whole) CHECK_INT(whole, singles[i].whole);
        char name[64];
        snprintf(name, sizeof name, "list.%s", singles[i].key);
        struct duo_gguf_array list = { 0 };
        struct duo_gguf_value item;
        CHECK_INT(duo_gguf_items(g, name, true, singles[i].type, &list, &err), DUO_OK);
        int n = 0;
        for (; duo_gguf_next(&list, &item); n++) CHECK(item.type == v->type && memcmp(&item.u, &v->u, v->type == DUO_GGUF_BOOL ? 1 : 8) == 0);
        CHECK_INT(n, 5);
    }
    const struct duo_gguf_value *nest = duo_gguf_find(g, "nest"), *texts = duo_gguf_find(g, "texts");
    CHECK(nest && nest->array.n == N_SINGLES && nest->array.type == DUO_GGUF_ARRAY);
    struct duo_gguf_array a = texts->array;
    struct duo_gguf_value item;
    CHECK(duo_gguf_next(&a, &item) && item.text.n == 3 && memcmp(item.text.at, "a\0b", 3) == 0);
    CHECK(duo_gguf_next(&a, &item) && item.text.n == 0 && !duo_gguf_next(&a, &item));
    CHECK(duo_gguf_same(duo_gguf_find(g, "words")->text, "caf\xC3\xA9"));
}

enum { WIDTH = 512, ROWS = 3 };
static float values[ROWS * WIDTH];

static void rows_of(void *user, int number_of, uint64_t row, uint64_t n, float *out)
{
    int *calls = user;
    (*calls)++;
    (void)number_of;
    memcpy(out, values + row * WIDTH, n * WIDTH * sizeof *out);
}

static void test_round_trip(void)
{
    char path[64];
    snprintf(path, sizeof path, "%s/all.gguf", folder);
    for (int i = 0; i < ROWS * WIDTH; i++) values[i] = (float)(sin(i * 0.7) * (1 + i % 11));
    for (int version = 2; version <= 3; version++) {
        struct duo_gguf_out *o = duo_gguf_out_new();
        duo_gguf_out_version(o, version);
        if (version == 3) duo_gguf_out_align(o, 256);
        put_all(o);
        for (int f = 0; f < DUO_FORMAT_COUNT; f++)
            CHECK_INT(duo_gguf_put_tensor(o, duo_format_info((enum duo_format)f)->name, (enum duo_format)f, 2, (uint64_t[]) { WIDTH, ROWS }), f);
        struct duo_err err = { 0 };
        struct duo_gguf *g = NULL;
        int calls = 0;
        size_t size = 0;
        CHECK_INT(duo_gguf_write(o, path, &(struct duo_gguf_source) { .user = &calls, .rows = rows_of }, &size, &err), DUO_OK);
        duo_gguf_out_free(o);
        CHECK_INT(calls, DUO_FORMAT_COUNT);
        CHECK_INT(duo_gguf_open(&g, path, &err), DUO_OK);
        if (!g) { printf("%s\n", err.text); return; }
        CHECK_INT(duo_gguf_bytes(g), size);
        CHECK_INT(duo_gguf_version(g), version);
        check_all(g);
        for (int f = 0; f < DUO_FORMAT_COUNT; f++) {
            const struct duo_gguf_tensor *t = NULL;
            unsigned char want[4 * WIDTH];
            CHECK_INT(duo_gguf_need(g, duo_format_info((enum duo_format)f)->name, WIDTH, ROWS, &t, &err), DUO_OK);
            if (!t) continue;
            size_t row = duo_row_bytes((enum duo_format)f, WIDTH);
            CHECK_INT(t->format, f);
            CHECK_INT(t->bytes, ROWS * row);
            CHECK_INT((uintptr_t)t->data % (version == 3 ? 256 : 32), 0);
            for (int i = 0; i < ROWS; i++) {
                duo_quantize_row((enum duo_format)f, values + i * WIDTH, want, WIDTH);
                CHECK(memcmp((const char *)t->data + (size_t)i * row, want, row) == 0);
            }
        }
        duo_gguf_close(g);
    }
    remove(path);
}

/* Bytes as the package gguf 0.19.0 of PyPI quantizes these values: rows of 512, hashed as duo_hash_bytes does. */
static void test_quantizers(void)
{
    static const struct { enum duo_format format; size_t bytes; uint64_t hash; } golden[] = {
        { DUO_FORMAT_F16,  4096, 0x9da56d0596269398 }, { DUO_FORMAT_BF16, 4096, 0x66588510c9319ee7 }, { DUO_FORMAT_Q8_0, 2176, 0x32b07d120af2edff },
        { DUO_FORMAT_Q4_0, 1152, 0x2be17cce7dc21a76 }, { DUO_FORMAT_Q4_1, 1280, 0x8838e0f1b1306f14 }, { DUO_FORMAT_Q5_0, 1408, 0xe2a10c5350f7a617 },
        { DUO_FORMAT_Q5_1, 1536, 0xf30ab492b4663d2b },
    };
    static float x[4 * WIDTH];
    static unsigned char packed[4 * 4 * WIDTH];
    for (int i = 0; i < 4 * WIDTH; i++) x[i] = (float)ldexp(i * 7919 % 2003 - 1001, -(i / 256));
    for (size_t f = 0; f < sizeof golden / sizeof golden[0]; f++) {
        size_t row = duo_row_bytes(golden[f].format, WIDTH);
        for (size_t r = 0; r < 4; r++) duo_quantize_row(golden[f].format, x + r * WIDTH, packed + r * row, WIDTH);
        CHECK_INT(4 * row, golden[f].bytes);
        CHECK_INT(duo_hash_bytes(0, packed, 4 * row), golden[f].hash);
    }
}

/* What is no file, or can't be written. */
static void test_paths(void)
{
    struct duo_err err = { 0 };
    struct duo_gguf *g = NULL;
    char path[80];
    CHECK_INT(duo_gguf_open(&g, "/nonexistent/x.gguf", &err), DUO_BAD_INPUT);
    CHECK_HAS(err.text, "No such file");
    err = (struct duo_err) { 0 };
    CHECK_INT(duo_gguf_open(&g, folder, &err), DUO_BAD_INPUT);
    CHECK_HAS(err.text, "no regular file");
    err = (struct duo_err) { 0 };
    snprintf(path, sizeof path, "%s/pipe", folder);
    CHECK_INT(mkfifo(path, 0600), 0);
    CHECK_INT(duo_gguf_open(&g, path, &err), DUO_BAD_INPUT);    /* and returns at all */
    remove(path);
    err = (struct duo_err) { 0 };
    struct duo_gguf_out *o = duo_gguf_out_new();
    CHECK_INT(duo_gguf_write(o, "/nonexistent/x.gguf", &(struct duo_gguf_source) { .rows = rows_of }, NULL, &err), DUO_BAD_INPUT);
    CHECK_HAS(err.text, "can't be written");
    snprintf(path, sizeof path, "%s/empty.gguf", folder);
    err = (struct duo_err) { 0 };
    CHECK_INT(duo_gguf_write(o, path, &(struct duo_gguf_source) { .rows = rows_of }, NULL, &err), DUO_OK);
    CHECK_INT(duo_gguf_open(&g, path, &err), DUO_OK);           /* no key, no tensor: nothing wrong with that */
    duo_gguf_close(g);
    duo_gguf_out_free(o);
    remove(path);
}

int main(void)
{
    if (!mkdtemp(folder)) return 2;
    test_by_hand();
    test_lies();
    test_memory();
    test_damage();
    test_round_trip();
    test_quantizers();
    test_paths();
    rmdir(folder);
    return check_done();
}
