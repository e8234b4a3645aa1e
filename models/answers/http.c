/* http.c - ask a server over HTTP.  Requirements: http.h. */
#include "models/answers/http.h"

#include <string.h>

#ifdef DUO_HAVE_CURL

#include <curl/curl.h>
#include <stdlib.h>
#include <time.h>

enum { MOST_BYTES = 64 << 20, MOST_BACKOFF = 30 };

struct duo_http {
    struct duo_http_spec spec;
    CURL   *curl;
    struct curl_slist *headers;
    char    why[CURL_ERROR_SIZE];
    char   *key;                         /* of its own; NULL: none */
    char   *reply;
    size_t  n, room;
    bool    too_long;
    long    code;
};

static size_t receive(char *from, size_t size, size_t count, void *user)
{
    struct duo_http *h = user;
    size_t n = size * count;
    if (h->n + n >= MOST_BYTES) {
        h->too_long = true;
        return 0;
    }
    if (h->n + n + 1 > h->room) {
        h->room = 2 * (h->n + n + 1);
        h->reply = duo_grow(h->reply, h->room, 1);
    }
    memcpy(h->reply + h->n, from, n);
    h->n += n;
    h->reply[h->n] = 0;
    return n;
}

static double or(double x, double other) { return x > 0 ? x : other; }

/* A key is one line of visible characters: anything else would write headers of its own. */
static enum duo_status take_key(struct duo_http *h, const char *key, struct duo_err *err)
{
    for (const char *p = key; *p; p++)
        if (*p <= ' ' || *p > '~') return duo_fail(err, DUO_BAD_INPUT, "the key holds a character that no key has");
    size_t n = strlen(key) + 32;
    char *line = duo_new(n, 1);
    snprintf(line, n, "Authorization: Bearer %s", key);
    h->headers = curl_slist_append(h->headers, line);
    free(line);
    h->key = duo_copy(key);
    return DUO_OK;
}

enum duo_status duo_http_open(struct duo_http **out, const struct duo_http_spec *spec, struct duo_err *err)
{
    static bool begun;
    if (!begun && curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) return duo_fail(err, DUO_NO_RESOURCES, "libcurl can't begin");
    begun = true;
    struct duo_http *h = *out = duo_new(1, sizeof *h);
    h->spec = *spec;
    h->spec.connect_s = or(spec->connect_s, 10);
    h->spec.reply_s   = or(spec->reply_s, 300);
    h->spec.wait_s    = or(spec->wait_s, 120);
    h->spec.backoff_s = or(spec->backoff_s, 1);
    h->spec.tries     = spec->tries > 0 ? spec->tries : 8;
    h->curl = curl_easy_init();
    if (!h->curl) return duo_fail(err, DUO_NO_RESOURCES, "libcurl can't begin");
    h->headers = curl_slist_append(NULL, "Content-Type: application/json");
    h->headers = curl_slist_append(h->headers, "Expect:");
    if (spec->key && *spec->key) DUO_TRY(take_key(h, spec->key, err));
    curl_easy_setopt(h->curl, CURLOPT_HTTPHEADER, h->headers);
    curl_easy_setopt(h->curl, CURLOPT_USERAGENT, "duosim/" DUO_VERSION);
    curl_easy_setopt(h->curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(h->curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(h->curl, CURLOPT_FOLLOWLOCATION, 0L);                   /* (1) */
    curl_easy_setopt(h->curl, CURLOPT_PROXY, spec->proxy ? spec->proxy : "");
    curl_easy_setopt(h->curl, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    curl_easy_setopt(h->curl, CURLOPT_CONNECTTIMEOUT_MS, (long)(h->spec.connect_s * 1e3));
    curl_easy_setopt(h->curl, CURLOPT_TIMEOUT_MS, (long)(h->spec.reply_s * 1e3));
    curl_easy_setopt(h->curl, CURLOPT_ERRORBUFFER, h->why);
    curl_easy_setopt(h->curl, CURLOPT_WRITEFUNCTION, receive);
    curl_easy_setopt(h->curl, CURLOPT_WRITEDATA, h);
    return DUO_OK;
}

void duo_http_free(struct duo_http *h)
{
    if (!h) return;
    curl_slist_free_all(h->headers);
    curl_easy_cleanup(h->curl);
    free(h->key);
    free(h->reply);
    free(h);
}

long duo_http_code(const struct duo_http *h) { return h->code; }

/* (4), and what would break a line becomes a blank. */
static void clean(const struct duo_http *h, char *text)
{
    size_t n = h->key ? strlen(h->key) : 0;
    for (char *at = text; n > 0 && (at = strstr(at, h->key)) != NULL; at += n) memset(at, '*', n);
    for (char *p = text; *p; p++)
        if ((unsigned char)*p < ' ' || *p == 127) *p = ' ';
}

/* What the server says is wrong: the value of "message" or "error" where the reply has one, else how it begins.  Whole
 * parsing would be too much: the reply may be a page of some proxy. */
static void servers_words(const struct duo_http *h, char *out, size_t n)
{
    const char *from = h->reply ? h->reply : "", *keys[] = { "\"message\"", "\"detail\"", "\"error\"" };
    size_t length = strlen(from);
    for (int i = 0; i < 3; i++) {
        const char *at = strstr(from, keys[i]);
        if (!at) continue;
        at += strlen(keys[i]);
        at += strspn(at, " \t\r\n:");
        if (*at != '"') continue;
        from = at + 1;
        for (length = 0; from[length] && (from[length] != '"' || from[length - 1] == '\\'); length++) { }
        break;
    }
    if (length > 240) length = 240;
    if (length >= n) length = n - 1;
    memcpy(out, from, length);
    out[length] = 0;
    clean(h, out);
}

static enum duo_status no_reply(struct duo_http *h, const char *url, CURLcode code, struct duo_err *err)
{
    char why[CURL_ERROR_SIZE];
    snprintf(why, sizeof why, "%s", h->why[0] ? h->why : curl_easy_strerror(code));
    clean(h, why);
    h->code = 0;
    if (h->too_long) return duo_fail_at(err, DUO_RUN_FAILED, url, 0, 0, "the reply is longer than %d MB", MOST_BYTES >> 20);
    switch (code) {
    case CURLE_OPERATION_TIMEDOUT: return duo_fail_at(err, DUO_RUN_FAILED, url, 0, 0, "no whole reply in time (%g s to connect, %g s in all): %s", h->spec.connect_s, h->spec.reply_s, why);
    case CURLE_PARTIAL_FILE:
    case CURLE_RECV_ERROR:
    case CURLE_GOT_NOTHING:        return duo_fail_at(err, DUO_RUN_FAILED, url, 0, 0, "the reply was cut off: %s", why);
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_URL_MALFORMAT:      return duo_fail_at(err, DUO_BAD_INPUT, url, 0, 0, "http:// or https:// and a host expected: %s", why);
    default:                       return duo_fail_at(err, DUO_RUN_FAILED, url, 0, 0, "no reply: %s", why);
    }
}

static enum duo_status refused(const struct duo_http *h, const char *url, int tries, struct duo_err *err)
{
    char words[256];
    char *where = NULL;
    servers_words(h, words, sizeof words);
    if (h->code >= 300 && h->code < 400) {
        curl_easy_getinfo(h->curl, CURLINFO_REDIRECT_URL, &where);
        return duo_fail_at(err, DUO_RUN_FAILED, url, 0, 0, "HTTP %ld: the server points to %.200s; redirects aren't followed, give that address itself", h->code, where ? where : "nowhere");
    }
    enum duo_status status = h->code >= 400 && h->code < 500 && h->code != 429 ? DUO_BAD_INPUT : DUO_RUN_FAILED;
    if (tries > 1) return duo_fail_at(err, status, url, 0, 0, "HTTP %ld, asked %d times: %s", h->code, tries, words);
    return duo_fail_at(err, status, url, 0, 0, "HTTP %ld: %s", h->code, words[0] ? words : "without a word");
}

static bool comes_back(long code) { return code == 429 || code == 502 || code == 503 || code == 504; }

static void wait(double seconds)
{
    struct timespec left = { (time_t)seconds, (long)((seconds - (double)(time_t)seconds) * 1e9) };
    while (nanosleep(&left, &left) != 0) { }
}

/* (2) Seconds until the next try; < 0: there is none. */
static double next_wait(const struct duo_http *h, int tries, double waited)
{
    curl_off_t told = 0;
    double seconds = h->spec.backoff_s * (double)(1 << (tries < 20 ? tries - 1 : 19));
    if (seconds > MOST_BACKOFF) seconds = MOST_BACKOFF;
    if (curl_easy_getinfo(h->curl, CURLINFO_RETRY_AFTER, &told) == CURLE_OK && told > 0) seconds = (double)told;
    return tries < h->spec.tries && waited + seconds <= h->spec.wait_s ? seconds : -1;
}

static CURLcode once(struct duo_http *h, const char *url, const char *body)
{
    h->n = 0;
    h->too_long = false;
    h->why[0] = 0;
    if (h->reply) h->reply[0] = 0;
    curl_easy_setopt(h->curl, CURLOPT_URL, url);
    if (body) {
        curl_easy_setopt(h->curl, CURLOPT_POST, 1L);
        curl_easy_setopt(h->curl, CURLOPT_POSTFIELDS, body);
        curl_easy_setopt(h->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)strlen(body));
    } else {
        curl_easy_setopt(h->curl, CURLOPT_HTTPGET, 1L);
    }
    CURLcode code = curl_easy_perform(h->curl);
    if (code == CURLE_OK) curl_easy_getinfo(h->curl, CURLINFO_RESPONSE_CODE, &h->code);
    return code;
}

enum duo_status duo_http_ask(struct duo_http *h, const char *url, const char *body, const char **reply, size_t *n, struct duo_err *err)
{
    double waited = 0;
    for (int tries = 1;; tries++) {
        CURLcode code = once(h, url, body);
        if (code != CURLE_OK) return no_reply(h, url, code, err);
        if (h->code >= 200 && h->code < 300) {
            *reply = h->reply ? h->reply : "";
            *n = h->n;
            return DUO_OK;
        }
        double seconds = comes_back(h->code) ? next_wait(h, tries, waited) : -1;
        if (seconds < 0) return refused(h, url, tries, err);
        char text[400];
        snprintf(text, sizeof text, "%.200s: HTTP %ld; once more in %g s", url, h->code, seconds);
        if (h->spec.note) h->spec.note(h->spec.user, text);
        wait(seconds);
        waited += seconds;
    }
}

#else

enum duo_status duo_http_open(struct duo_http **out, const struct duo_http_spec *spec, struct duo_err *err)
{
    (void)spec;
    *out = NULL;
    return duo_fail(err, DUO_BAD_INPUT, "this build has no libcurl: servers can't be asked (Debian: libcurl4-openssl-dev, then build again)");
}

void duo_http_free(struct duo_http *h) { (void)h; }
long duo_http_code(const struct duo_http *h) { return (void)h, 0; }

enum duo_status duo_http_ask(struct duo_http *h, const char *url, const char *body, const char **reply, size_t *n, struct duo_err *err)
{
    (void)h, (void)body;
    *reply = "";
    *n = 0;
    return duo_fail_at(err, DUO_BAD_INPUT, url, 0, 0, "this build has no libcurl");
}

#endif
