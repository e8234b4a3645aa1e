/* jsonl.c - see jsonl.h. */
#include "sim/base/jsonl.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { FLAGS = JSON_REJECT_DUPLICATES | JSON_DECODE_INT_AS_REAL | JSON_DECODE_ANY | JSON_ALLOW_NUL };

/* ---- what is done to the text before it is parsed: (2) and (4) ---- */

struct filter {
    const char *const *skip;
    int    depth;                              /* of open brackets */
    bool   in_string, escaped, keyed, drop;    /* keyed: `word` is the last string of the outermost object; drop: its value is skipped */
    bool   minus, bare;                        /* a '-' is held back; `word` is a bare word that has begun */
    char   word[64];
    size_t n;
};

static bool listed(const struct filter *f)
{
    for (const char *const *s = f->skip; s && *s; s++)
        if (strlen(*s) == f->n && memcmp(*s, f->word, f->n) == 0) return true;
    return false;
}

static void keep(struct filter *f, char c)
{
    if (f->n < sizeof f->word) f->word[f->n] = c;
    f->n++;
}

/* A bare word has ended: null for what Python alone writes. */
static size_t end_word(struct filter *f, char *out)
{
    bool number = (f->n == 3 && memcmp(f->word, "NaN", 3) == 0) || (f->n == 8 && memcmp(f->word, "Infinity", 8) == 0);
    size_t n = number ? 4 : f->n < sizeof f->word ? f->n : sizeof f->word;

    memcpy(out, number ? "null" : f->word, n);
    f->bare = false;
    return n;
}

static bool starts_word(char c) { return c == 'N' || c == 'I'; }
static bool in_word(char c)     { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

/* Inside a string, its quotes included. */
static void track_string(struct filter *f, char c)
{
    if (f->escaped)     f->escaped = false;
    else if (c == '\\') f->escaped = true;
    else if (c == '"')  f->in_string = false, f->keyed = f->depth == 1;
    if (f->in_string && f->depth == 1) keep(f, c);
}

static void track(struct filter *f, char c)
{
    if (c == '"') f->in_string = true, f->n = 0;
    else if (c == '{' || c == '[') f->depth++;
    else if (c == '}' || c == ']') f->depth--;
}

/* The next byte; what comes out of it goes to `out` (at most the word and three more). */
static size_t pass(struct filter *f, char c, char *out)
{
    size_t n = 0;

    if (f->in_string) {
        track_string(f, c);
        if (!f->drop) out[n++] = c;
        return n;
    }
    if (f->drop) {                                                            /* (4) */
        if (f->depth > 1 || (c != ',' && c != '}')) {
            track(f, c);
            return 0;
        }
        f->drop = false;
    }
    if (f->bare && in_word(c)) return keep(f, c), 0;
    if (f->bare) n = end_word(f, out);
    if (f->minus && c != 'I') out[n++] = '-';
    f->minus = false;
    if (c == '-') return f->minus = true, n;
    if (starts_word(c)) return f->bare = true, f->n = 0, keep(f, c), n;       /* (2) */
    if (c == ':' && f->keyed && listed(f)) {
        f->drop = true;
        memcpy(out + n, ":null", 5);
        return n + 5;
    }
    if (c != ' ' && c != '\t' && c != '\r' && c != '\n') f->keyed = false;
    track(f, c);
    out[n++] = c;
    return n;
}

static size_t flush(struct filter *f, char *out)
{
    size_t n = f->bare ? end_word(f, out) : 0;

    if (f->minus) out[n++] = '-';
    f->minus = false;
    return n;
}

/* ---- one value from memory ---- */

/* jansson's words, with the place in the file where it has one. */
static enum duo_status complain(const json_error_t *e, const char *file, int line, bool column, struct duo_err *err)
{
    int at = e->line > 0 ? line + e->line - 1 : line;

    if (json_error_code(e) == json_error_out_of_memory) return duo_fail_at(err, DUO_NO_RESOURCES, file, at, 0, "out of memory");
    return duo_fail_at(err, DUO_BAD_INPUT, file, at, column && e->column > 0 ? e->column : 0, "no JSON: %s", e->text);
}

/* A copy without what Python alone writes; NULL: there is nothing of that kind. */
static char *plain(const char *text, size_t n, size_t *length)
{
    struct filter f = { .skip = NULL };
    char *copy;

    if (!memmem(text, n, "NaN", 3) && !memmem(text, n, "Infinity", 8)) return NULL;
    copy = duo_new(2 * n + 64, 1);
    *length = 0;
    for (size_t i = 0; i < n; i++) *length += pass(&f, text[i], copy + *length);
    *length += flush(&f, copy + *length);
    return copy;
}

enum duo_status duo_json_read(json_t **out, const char *text, size_t n, const char *file, int line, struct duo_err *err)
{
    json_error_t error;
    size_t length;
    char *copy;

    *out = json_loadb(text, n, FLAGS, &error);
    if (!*out && (copy = plain(text, n, &length))) {
        *out = json_loadb(copy, length, FLAGS, &error);
        free(copy);
    }
    return *out ? DUO_OK : complain(&error, file, line, true, err);
}

/* ---- lines ---- */

struct duo_jsonl { FILE *file; char *path, *text; size_t room; int line; json_t *value; };

enum duo_status duo_jsonl_open(struct duo_jsonl **out, const char *path, struct duo_err *err)
{
    FILE *file = fopen(path, "rb");

    *out = NULL;
    if (!file) return duo_fail_at(err, DUO_BAD_INPUT, path, 0, 0, "%s", strerror(errno));
    *out = duo_new(1, sizeof **out);
    (*out)->file = file;
    (*out)->path = duo_copy(path);
    return DUO_OK;
}

void duo_jsonl_close(struct duo_jsonl *j)
{
    if (!j) return;
    json_decref(j->value);
    fclose(j->file);
    free(j->text);
    free(j->path);
    free(j);
}

int duo_jsonl_next(struct duo_jsonl *j, const json_t **value, struct duo_err *err)
{
    ssize_t n;

    json_decref(j->value);
    *value = j->value = NULL;
    while ((n = getline(&j->text, &j->room, j->file)) >= 0) {
        char *text = j->text;
        j->line++;
        if (j->line == 1 && n >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0) text += 3, n -= 3;
        while (n > 0 && strchr(" \t\r\n", text[n - 1]) && text[n - 1]) n--;
        if (n == 0) continue;                                                 /* (1) */
        if (duo_json_read(&j->value, text, (size_t)n, j->path, j->line, err) != DUO_OK) return -1;
        *value = j->value;
        return 1;
    }
    if (!ferror(j->file)) return 0;
    duo_fail_at(err, DUO_BAD_INPUT, j->path, 0, 0, "%s", strerror(errno));
    return -1;
}

int duo_jsonl_line(const struct duo_jsonl *j) { return j->line; }

enum duo_status duo_jsonl_bad(const struct duo_jsonl *j, struct duo_err *err, const char *fmt, ...)
{
    char    what[400];
    va_list args;

    va_start(args, fmt);
    vsnprintf(what, sizeof what, fmt, args);
    va_end(args);
    return duo_fail_at(err, DUO_BAD_INPUT, j->path, j->line, 0, "%s", what);
}

/* ---- a whole file ---- */

struct source { FILE *file; struct filter filter; };

/* jansson asks for the next piece; 0 is the end. */
static size_t piece(void *to, size_t room, void *from)
{
    struct source *s = from;
    char *out = to;
    size_t n = 0;

    while (n + sizeof s->filter.word + 8 < room) {
        int c = getc_unlocked(s->file);
        if (c == EOF) return n + flush(&s->filter, out + n);
        n += pass(&s->filter, (char)c, out + n);
    }
    return n;
}

enum duo_status duo_json_read_file(json_t **out, const char *path, const char *const *skip, struct duo_err *err)
{
    struct source s = { .file = fopen(path, "rb"), .filter = { .skip = skip } };
    json_error_t error;
    enum duo_status status = DUO_OK;

    *out = NULL;
    if (!s.file) return duo_fail_at(err, DUO_BAD_INPUT, path, 0, 0, "%s", strerror(errno));
    for (const char *bom = "\xEF\xBB\xBF"; *bom; bom++) {
        int c = getc_unlocked(s.file);
        if (c == (unsigned char)*bom) continue;
        if (c != EOF) ungetc(c, s.file);
        break;
    }
    *out = json_load_callback(piece, &s, FLAGS, &error);
    if (ferror(s.file)) status = duo_fail_at(err, DUO_BAD_INPUT, path, 0, 0, "%s", strerror(errno));
    else if (!*out)     status = complain(&error, path, 1, !skip, err);
    if (status != DUO_OK) json_decref(*out), *out = NULL;
    fclose(s.file);
    return status;
}

/* ---- members ---- */

double duo_json_number_of(const json_t *object, const char *key)
{
    const json_t *x = json_object_get(object, key);

    return json_is_real(x) ? json_real_value(x) : json_is_integer(x) ? (double)json_integer_value(x)
         : json_is_true(x) ? 1 : json_is_false(x) ? 0 : NAN;
}

const char *duo_json_text_of(const json_t *object, const char *key) { return json_string_value(json_object_get(object, key)); }

size_t duo_json_letters(const json_t *text)
{
    const char *at = json_string_value(text);
    size_t n = json_string_length(text), letters = 0;

    for (size_t i = 0; i < n; i++) letters += ((unsigned char)at[i] & 0xC0) != 0x80;
    return letters;
}
