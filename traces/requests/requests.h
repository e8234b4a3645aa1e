/* requests.h - logs of requests, as servers' benchmarks, proxies and instrumented clients write them: when a request came, of
 * which session, for which model, how long prompt and answer were.  Nobody graded an answer there.  Arrivals and outcomes both
 * read them; one reader a file, one table of formats (requests.c).
 *
 * (1) Every request of a log is handed on, those that count as none with the reason; nothing is left out in silence.
 * (2) What is not in the log is NULL, NAN, or not dated.
 * (3) Named as another format than it looks like, a file is refused by what it looks like. */
#ifndef DUO_TRACES_REQUESTS_H
#define DUO_TRACES_REQUESTS_H

#include <stdint.h>

#include "sim/base/err.h"

struct duo_logged {
    int         line;                            /* of the log, from 1; of one without lines, the request's number */
    const char *id, *session, *model;            /* until the call ends; id is never NULL */
    bool        dated;
    int64_t     at;                              /* ns from any origin, the same for all of a log */
    double      prompt_tokens, output_tokens;
    const char *why;                             /* it counts as none: static text; else NULL */
};
typedef void duo_logged_taker(void *to, const struct duo_logged *);

struct duo_log_format {
    const char *name, *about, *form;             /* form: what the file is, for messages */
    bool (*is)(const char *head);                /* by the beginning of the file */
    enum duo_status (*read)(const char *path, duo_logged_taker *, void *to, struct duo_err *);
};

extern const struct duo_log_format duo_log_vllm, duo_log_litellm, duo_log_otel;
enum { DUO_LOG_FORMATS = 3 };
extern const struct duo_log_format *const duo_log_formats[DUO_LOG_FORMATS];

/* The beginning of a file as text, at most n - 1 bytes; "" where it can't be read. */
void duo_log_head(const char *path, char *head, size_t n);
enum { DUO_LOG_HEAD = 65536 };
bool duo_log_is_json(const char *head);          /* its first letter is a bracket */

/* format->read after (3). */
enum duo_status duo_log_read(const struct duo_log_format *, const char *path, duo_logged_taker *, void *to, struct duo_err *);

/* For the readers: why a request without such counts is none; NULL: it is one. */
const char *duo_logged_lacks(const struct duo_logged *);

#endif
