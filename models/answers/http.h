/* http.h - ask a server over HTTP, by libcurl, so that every way to fail is one line.
 *
 * (1) No redirects, no proxy unless one is named, no cookies, no netrc; TLS as curl has it (certificates are checked).
 * (2) 429, 502, 503, 504: asked again after Retry-After, or after a wait that doubles, for a stated number of tries and a
 *     stated time.  Nothing else is asked twice.
 * (3) A reply of status 200-299 is DUO_OK.  400-499 (but 429): DUO_BAD_INPUT with what the server says.  All else, and no or half a
 *     reply, too late or too long a one: DUO_RUN_FAILED.
 * (4) The key is blotted out wherever a server repeats it. */
#ifndef DUO_MODELS_HTTP_H
#define DUO_MODELS_HTTP_H

#include <stddef.h>

#include "sim/base/err.h"

struct duo_http_spec {
    const char *key;                     /* NULL: none */
    double      connect_s, reply_s, wait_s, backoff_s;
    int         tries;
    const char *proxy;
    void      (*note)(void *user, const char *text);
    void       *user;
};

struct duo_http;
enum duo_status duo_http_open(struct duo_http **, const struct duo_http_spec *, struct duo_err *);
void            duo_http_free(struct duo_http *);

/* `body` NULL: GET; else POST as JSON.  *reply: borrowed until the next call, ends with a NUL beyond *n. */
enum duo_status duo_http_ask(struct duo_http *, const char *url, const char *body, const char **reply, size_t *n, struct duo_err *);
long            duo_http_code(const struct duo_http *);      /* of the last reply; 0: there was none */

#endif
