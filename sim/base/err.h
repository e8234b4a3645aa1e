/* err.h - how anything in this project says that it failed.
 *
 * A function that can fail because of its input returns an enum duo_status and takes a
 * struct duo_err to explain itself in: file, line, column, what was expected.  A broken
 * promise inside the program is an assert().  There is no third way.
 * The values of enum duo_status are the exit codes of the program. */
#ifndef DUO_BASE_ERR_H
#define DUO_BASE_ERR_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum duo_status {
    DUO_OK           = 0,
    DUO_FELL_SHORT   = 1,    /* a check or an expectation was not met */
    DUO_BAD_INPUT    = 2,    /* a file, an option, a value */
    DUO_RUN_FAILED   = 3,    /* a policy or model broke its contract, a run died */
    DUO_NO_RESOURCES = 4     /* memory, disk */
};

struct duo_err {
    enum duo_status status;
    char            file[256];       /* "" when there is none */
    int             line, column;    /* 1-based; 0 when there is none */
    char            text[512];
};

/* Fill *err and return `status`, so that callers can write `return duo_fail(...)`.  The first
 * failure stays: a filled *err is not overwritten.  `err` may be NULL. */
enum duo_status duo_fail(struct duo_err *err, enum duo_status status, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* The same with a place in a file.  `file` is copied (its last 255 bytes). */
enum duo_status duo_fail_at(struct duo_err *err, enum duo_status status, const char *file, int line, int column,
                            const char *fmt, ...) __attribute__((format(printf, 6, 7)));

/* "file:line:column: text" and a newline, leaving out what is not known; or, with `json`,
 * {"error": {"file", "line", "column", "message"}}. */
void duo_err_print(FILE *out, const struct duo_err *err, bool json);

/* The nearest of `n` words by edit distance (insert, delete, replace, swap of neighbours), or
 * NULL when none is nearer than a third of the word's length (at least 2). */
const char *duo_nearest(const char *word, const char *const *words, size_t n);

/* Zeroed memory, never NULL: out of memory prints one line and exits DUO_NO_RESOURCES. */
void *duo_new(size_t n, size_t size);
void *duo_grow(void *old, size_t n, size_t size);    /* realloc of n * size; new bytes are not zeroed */
char *duo_copy(const char *text);                    /* strdup; NULL stays NULL */

#define DUO_TRY(call)                                          \
    do {                                                       \
        enum duo_status duo_try_ = (call);                     \
        if (duo_try_ != DUO_OK) return duo_try_;               \
    } while (0)

#endif
