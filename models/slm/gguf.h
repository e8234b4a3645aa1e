/* gguf.h - model files: GGUF versions 2 and 3, read in place and written.
 *
 * (1) The file is not trusted: every count, length, type, offset and alignment is checked before it is used, by
 *     arithmetic that can't overflow.  What was wrong is one line with the file's name.
 * (2) Nothing is allocated on a length that the file merely claims: what is kept grows with bytes that are there.
 * (3) The file is mapped, not read: texts, arrays and tensors are borrowed from it until duo_gguf_close().
 *     A file that another process shortens meanwhile kills this one, as with every mapped file.
 * (4) Every metadata type is read; arrays may hold arrays, DUO_GGUF_DEPTH deep.  A key or a tensor's name may occur once.
 * (5) Tensors: the formats of models/kernels/kernels.h.  Another one is refused with its name.
 * (6) What was written reads back the same, and the `gguf` package of Python reads it.
 *
 * Format: docs/gguf.md of the ggml project.  Little-endian files on little-endian machines. */
#ifndef DUO_SLM_GGUF_H
#define DUO_SLM_GGUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "models/kernels/kernels.h"
#include "sim/base/err.h"

/* X(NAME, number in the file, bytes; 0: not of one size) */
#define DUO_GGUF_TYPES(X)                                                                                      \
    X(U8, 0, 1) X(I8, 1, 1) X(U16, 2, 2) X(I16, 3, 2) X(U32, 4, 4) X(I32, 5, 4) X(F32, 6, 4) X(BOOL, 7, 1)     \
    X(TEXT, 8, 0) X(ARRAY, 9, 0) X(U64, 10, 8) X(I64, 11, 8) X(F64, 12, 8)

enum duo_gguf_type {
#define X(name, number, bytes) DUO_GGUF_##name = number,
    DUO_GGUF_TYPES(X)
#undef X
    DUO_GGUF_TYPE_END
};

enum {
    DUO_GGUF_DEPTH   = 4,         /* arrays in arrays */
    DUO_GGUF_DIMS    = 4,
    DUO_GGUF_NAME    = 64,        /* bytes of a tensor's name */
    DUO_GGUF_KEY     = 65535,     /* bytes of a key */
    DUO_GGUF_ENTRIES = 1 << 16    /* keys, and tensors, of one file */
};

/* Borrowed bytes; there is no 0 behind them, and there may be one among them. */
struct duo_gguf_text { const char *at; size_t n; };

/* Items lie behind one another as in the file; walk over them with duo_gguf_next(). */
struct duo_gguf_array { enum duo_gguf_type type; uint64_t n; const unsigned char *at; size_t bytes; };

struct duo_gguf_value {
    enum duo_gguf_type type;
    union {
        uint64_t              u;        /* U8 U16 U32 U64 */
        int64_t               i;        /* I8 I16 I32 I64 */
        double                f;        /* F32 F64 */
        bool                  b;
        struct duo_gguf_text  text;
        struct duo_gguf_array array;
    };
};

struct duo_gguf_tensor {
    char            name[DUO_GGUF_NAME + 1];
    enum duo_format format;
    int             dims;
    uint64_t        n[DUO_GGUF_DIMS];    /* n[0] is the length of a row; those past `dims` are 1 */
    const void     *data;
    size_t          bytes;
};

struct duo_gguf;

enum duo_status duo_gguf_open(struct duo_gguf **, const char *path, struct duo_err *);
/* The same from memory, which stays the caller's and must outlive it; `name` stands for the file in errors. */
enum duo_status duo_gguf_parse(struct duo_gguf **, const void *bytes, size_t n, const char *name, struct duo_err *);
void            duo_gguf_close(struct duo_gguf *);    /* NULL is fine */

const char *duo_gguf_path(const struct duo_gguf *);
int         duo_gguf_version(const struct duo_gguf *);
size_t      duo_gguf_bytes(const struct duo_gguf *);         /* of the file */

/* Metadata, in the file's order and by key (NULL: none). */
int                          duo_gguf_keys(const struct duo_gguf *);
struct duo_gguf_text         duo_gguf_key(const struct duo_gguf *, int);
const struct duo_gguf_value *duo_gguf_value(const struct duo_gguf *, int);
const struct duo_gguf_value *duo_gguf_find(const struct duo_gguf *, const char *key);

/* Take the first item off the array; false: there is none. */
bool duo_gguf_next(struct duo_gguf_array *, struct duo_gguf_value *);

/* A value that must be of a kind: a whole number in [low, high] (of any integer type), a number, a flag, a text, an
 * array of `type`.  A key that is not there leaves *out alone when `needed` is false, and is an error when it is true. */
enum duo_status duo_gguf_whole(const struct duo_gguf *, const char *key, bool needed, int64_t low, int64_t high, int64_t *out, struct duo_err *);
enum duo_status duo_gguf_real(const struct duo_gguf *, const char *key, bool needed, double *out, struct duo_err *);
enum duo_status duo_gguf_flag(const struct duo_gguf *, const char *key, bool needed, bool *out, struct duo_err *);
enum duo_status duo_gguf_words(const struct duo_gguf *, const char *key, bool needed, struct duo_gguf_text *out, struct duo_err *);
enum duo_status duo_gguf_items(const struct duo_gguf *, const char *key, bool needed, enum duo_gguf_type, struct duo_gguf_array *out,
                               struct duo_err *);
bool            duo_gguf_same(struct duo_gguf_text, const char *);

/* Tensors, in the file's order and by name. */
int                           duo_gguf_tensors(const struct duo_gguf *);
const struct duo_gguf_tensor *duo_gguf_tensor(const struct duo_gguf *, int);
const struct duo_gguf_tensor *duo_gguf_tensor_named(const struct duo_gguf *, const char *name);
/* One that must be there with this shape (n1 = 0: a vector of n0). */
enum duo_status duo_gguf_need(const struct duo_gguf *, const char *name, uint64_t n0, uint64_t n1, const struct duo_gguf_tensor **,
                              struct duo_err *);

/* The format of its weights as the file names it ("Q4_K_M"), or else that of most bytes. */
void duo_gguf_quant(const struct duo_gguf *, char out[16]);

/* ---------------------------------------------------------------- writing */

struct duo_gguf_out;

struct duo_gguf_out *duo_gguf_out_new(void);
void duo_gguf_out_free(struct duo_gguf_out *);
void duo_gguf_out_version(struct duo_gguf_out *, int version);         /* 2 or 3, the default */
void duo_gguf_out_align(struct duo_gguf_out *, uint32_t alignment);    /* a power of two from 8; 32 unless told */

/* Keys in order of the calls.  A key twice, or a bad one, is our own bug. */
void duo_gguf_put(struct duo_gguf_out *, const char *key, const struct duo_gguf_value *);
void duo_gguf_put_whole(struct duo_gguf_out *, const char *key, uint32_t);
void duo_gguf_put_real(struct duo_gguf_out *, const char *key, double);         /* as F32 */
void duo_gguf_put_flag(struct duo_gguf_out *, const char *key, bool);
void duo_gguf_put_words(struct duo_gguf_out *, const char *key, const char *);

/* An array that grows: items of its type, encoded as in the file.  An item of type ARRAY nests. */
struct duo_gguf_list { enum duo_gguf_type type; uint64_t n; unsigned char *at; size_t bytes, room; };
void duo_gguf_list_add(struct duo_gguf_list *, const struct duo_gguf_value *);
void duo_gguf_list_add_text(struct duo_gguf_list *, const char *, size_t n);
void duo_gguf_list_add_whole(struct duo_gguf_list *, int64_t);                  /* any integer type */
void duo_gguf_list_add_real(struct duo_gguf_list *, double);
struct duo_gguf_value duo_gguf_list_value(const struct duo_gguf_list *);        /* borrows the list */
void duo_gguf_list_free(struct duo_gguf_list *);

/* A tensor; its number is returned.  Its values come when the file is written, rows [row, row + n) at a time, in order. */
int duo_gguf_put_tensor(struct duo_gguf_out *, const char *name, enum duo_format, int dims, const uint64_t *n);

/* Where the values come from.  Exactly one is set: `rows` hands over F32, which is quantized here; `packed` the rows'
 * bytes as they go into the file. */
struct duo_gguf_source {
    void  *user;
    void (*rows)(void *user, int tensor, uint64_t row, uint64_t n, float *out);
    void (*packed)(void *user, int tensor, uint64_t row, uint64_t n, void *out);
};

/* Written beside `path` and renamed at the end: there is a whole file or none.  *size: its bytes; may be NULL. */
enum duo_status duo_gguf_write(const struct duo_gguf_out *, const char *path, const struct duo_gguf_source *, size_t *size, struct duo_err *);

#endif
