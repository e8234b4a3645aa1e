/* jsonl.h - read JSON (RFC 8259): jansson parses, this says where what is wrong stands.
 *
 * (1) Lines of JSON: one value a line, one line held at a time; blank lines are skipped; LF or CRLF, optional UTF-8 BOM and
 *     last newline.
 * (2) All numbers are doubles.  NaN, Infinity and -Infinity, which JSON has not and Python writes, are read as null.
 * (3) What is no JSON, a key given twice, text behind the value, what is not UTF-8: an error with file, line and column.
 * (4) A whole file is read in pieces; what the outermost object holds under the keys `skip` is not kept and reads as null,
 *     so that a file whose bulk nobody wants takes no memory. */
#ifndef DUO_BASE_JSONL_H
#define DUO_BASE_JSONL_H

#include <jansson.h>

#include "sim/base/err.h"

struct duo_jsonl;

enum duo_status duo_jsonl_open(struct duo_jsonl **, const char *path, struct duo_err *);
void            duo_jsonl_close(struct duo_jsonl *);                             /* NULL is fine */

/* 1: a value is there, until the next call; 0: the end; -1: *err is filled, and the value is NULL as at the end. */
int             duo_jsonl_next(struct duo_jsonl *, const json_t **, struct duo_err *);
int             duo_jsonl_line(const struct duo_jsonl *);                        /* of the value, 1-based */
enum duo_status duo_jsonl_bad(const struct duo_jsonl *, struct duo_err *, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));                                       /* an error at this line */

/* One value from memory or a file; the caller gives it back with json_decref().  `file` and `line` are for the error;
 * `skip` ends with NULL, or is NULL. */
enum duo_status duo_json_read(json_t **, const char *text, size_t n, const char *file, int line, struct duo_err *);
enum duo_status duo_json_read_file(json_t **, const char *path, const char *const *skip, struct duo_err *);

/* A member's number (true is 1, false 0) or text; NAN, NULL where it is absent or another kind. */
double      duo_json_number_of(const json_t *object, const char *key);
const char *duo_json_text_of(const json_t *object, const char *key);
size_t      duo_json_letters(const json_t *text);                                /* code points of a string */

#endif
