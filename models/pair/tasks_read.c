/* tasks_read.c - tasks from JSON Lines.
 *
 * (1) Each line is one JSON object (RFC 8259); a blank line is skipped.
 * (2) prompt and reference are needed; the id defaults to the line's number; the split of a task that names
 *     none is not known (DUO_TASK_NO_SPLIT).
 * (3) Keys that are not ours are checked as JSON and ignored.
 * (4) What is wrong is said with file:line:column: no JSON, a field missing or of another type, invalid UTF-8, a 0 in a text,
 *     an id twice, a span that doesn't lie in the prompt. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "models/pair/tasks.h"
#include "sim/base/number.h"

enum { DEEPEST = 32 };

struct reader {
    const char *path, *line, *at;
    int number;
    struct duo_err *err;
    enum duo_status status;
};

static bool bad(struct reader *r, const char *at, const char *what)
{
    if (r->status == DUO_OK)
        r->status = duo_fail_at(r->err, DUO_BAD_INPUT, r->path, r->number, (int)(at - r->line) + 1, "%s", what);
    return false;
}

static void blanks(struct reader *r) { r->at += strspn(r->at, " \t\r\n"); }

static bool take(struct reader *r, char c)
{
    blanks(r);
    if (*r->at != c) return false;
    r->at++;
    return true;
}

/* ---------------------------------------------------------------- texts */

/* Bytes of one UTF-8 character, or 0: no overlong forms, surrogates or values past U+10FFFF. */
static size_t utf8(const unsigned char *at)
{
    unsigned c = at[0];
    size_t n = c < 0x80 ? 1 : c < 0xC2 ? 0 : c < 0xE0 ? 2 : c < 0xF0 ? 3 : c < 0xF5 ? 4 : 0;
    for (size_t i = 1; i < n; i++)
        if ((at[i] & 0xC0) != 0x80) return 0;
    bool wrong = (c == 0xE0 && at[1] < 0xA0) || (c == 0xED && at[1] > 0x9F) || (c == 0xF0 && at[1] < 0x90) || (c == 0xF4 && at[1] > 0x8F);
    return n > 1 && wrong ? 0 : n;
}

static size_t put_code(char *out, unsigned long c)
{
    if (c < 0x80) return out[0] = (char)c, 1;
    if (c < 0x800) return out[0] = (char)(0xC0 | c >> 6), out[1] = (char)(0x80 | (c & 63)), 2;
    if (c < 0x10000) return out[0] = (char)(0xE0 | c >> 12), out[1] = (char)(0x80 | (c >> 6 & 63)), out[2] = (char)(0x80 | (c & 63)), 3;
    out[0] = (char)(0xF0 | c >> 18), out[1] = (char)(0x80 | (c >> 12 & 63)), out[2] = (char)(0x80 | (c >> 6 & 63)), out[3] = (char)(0x80 | (c & 63));
    return 4;
}

static long four_digits(const char *at)
{
    char hex[5] = { 0 };
    if (strspn(at, "0123456789abcdefABCDEF") < 4) return -1;
    memcpy(hex, at, 4);
    return strtol(hex, NULL, 16);
}

/* Behind "\u": a character, of two escapes where it needs two. */
static bool read_code(struct reader *r, char *out, size_t *n)
{
    long high = four_digits(r->at), low;
    if (high < 0) return bad(r, r->at, "four hexadecimal digits expected behind \\u");
    r->at += 4;
    if (high == 0) return bad(r, r->at - 6, "a text without \\u0000 expected");
    if (high >= 0xDC00 && high <= 0xDFFF) return bad(r, r->at - 6, "half a character (a low surrogate alone)");
    if (high >= 0xD800 && high <= 0xDBFF) {
        low = r->at[0] == '\\' && r->at[1] == 'u' ? four_digits(r->at + 2) : -1;
        if (low < 0xDC00 || low > 0xDFFF) return bad(r, r->at - 6, "half a character (a high surrogate alone)");
        r->at += 6;
        high = 0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00);
    }
    *n += put_code(out + *n, (unsigned long)high);
    return true;
}

static bool read_escape(struct reader *r, char *out, size_t *n)
{
    static const char letters[] = "\"\\/bfnrt", means[] = "\"\\/\b\f\n\r\t";
    const char *found = *r->at ? strchr(letters, *r->at) : NULL;
    if (*r->at == 'u') return r->at++, read_code(r, out, n);
    if (!found) return bad(r, r->at - 1, "an escape of JSON expected behind \\");
    out[(*n)++] = means[found - letters];
    r->at++;
    return true;
}

/* A text, which the caller frees; NULL: it was none. */
static char *read_text(struct reader *r, const char *what)
{
    blanks(r);
    if (*r->at != '"') return bad(r, r->at, what), NULL;
    const char *end = r->at + 1;
    while (*end && *end != '"') end += *end == '\\' && end[1] ? 2 : 1;
    char *out = duo_new((size_t)(end - r->at), 1);   /* no escape is shorter than what it stands for */
    size_t n = 0;
    for (r->at++; r->status == DUO_OK && *r->at != '"';) {
        unsigned char c = (unsigned char)*r->at;
        size_t bytes = utf8((const unsigned char *)r->at);
        if (c == 0 || c == '\n') bad(r, r->at, "the text doesn't end: \" expected");
        else if (c < 0x20)  bad(r, r->at, "a control character must be escaped");
        else if (bytes == 0) bad(r, r->at, "invalid UTF-8");
        else if (c == '\\') r->at++, read_escape(r, out, &n);
        else memcpy(out + n, r->at, bytes), n += bytes, r->at += bytes;
    }
    if (r->status != DUO_OK) return free(out), NULL;
    r->at++;
    return out;
}

/* ---------------------------------------------------------------- values */

static bool read_whole(struct reader *r, long low, long high, int *out)
{
    blanks(r);
    char *end;
    const char *at = r->at;
    errno = 0;
    long x = strtol(at, &end, 10);
    if (end == at || errno || x < low || x > high || strspn(end, ".eE")) {
        char what[80];
        snprintf(what, sizeof what, "a whole number from %ld to %ld expected", low, high);
        return bad(r, at, what);
    }
    r->at = end;
    *out = (int)x;
    return true;
}

static bool skip_value(struct reader *r, int depth);

static bool skip_members(struct reader *r, char close, int depth)
{
    if (take(r, close)) return true;
    do {
        if (close == '}') {
            char *key = read_text(r, "a key in quotes expected");
            if (!key) return false;
            free(key);
            if (!take(r, ':')) return bad(r, r->at, "':' expected");
        }
        if (!skip_value(r, depth + 1)) return false;
    } while (take(r, ','));
    return take(r, close) || bad(r, r->at, close == '}' ? "',' or '}' expected" : "',' or ']' expected");
}

static bool skip_value(struct reader *r, int depth)
{
    static const char *const words[] = { "true", "false", "null" };
    double number;
    if (depth > DEEPEST) return bad(r, r->at, "nested too deep");
    if (take(r, '{')) return skip_members(r, '}', depth);
    if (take(r, '[')) return skip_members(r, ']', depth);
    if (*r->at == '"') {
        char *text = read_text(r, "");
        free(text);
        return text != NULL;
    }
    for (int i = 0; i < 3; i++)
        if (strncmp(r->at, words[i], strlen(words[i])) == 0) return r->at += strlen(words[i]), true;
    const char *end = duo_read_number(r->at, &number);
    if (!end) return bad(r, r->at, "a JSON value expected");
    r->at = end;
    return true;
}

/* ---------------------------------------------------------------- our keys */

/* One of a few words; *out: which. */
static bool read_word(struct reader *r, const char *const *words, size_t n, int *out)
{
    blanks(r);
    const char *at = r->at;
    char *text = read_text(r, "a text expected"), what[200] = "";
    if (!text) return false;
    bool found = false;
    for (size_t i = 0; i < n; i++)
        if (strcmp(text, words[i]) == 0) *out = (int)i, found = true;
    if (!found) {
        const char *near = duo_nearest(text, words, n);
        for (size_t i = 0; i < n; i++) snprintf(what + strlen(what), sizeof what - strlen(what), "%s%s", i ? ", " : "one of ", words[i]);
        snprintf(what + strlen(what), sizeof what - strlen(what), near ? " expected (did you mean %s?)" : " expected", near);
        bad(r, at, what);
    }
    free(text);
    return found;
}

static bool full(struct reader *r, int n, int most)
{
    char what[40];
    snprintf(what, sizeof what, "at most %d expected", most);
    return n < most ? false : (bad(r, r->at, what), true);
}

static bool read_spans(struct reader *r, struct duo_task *t)
{
    if (!take(r, '[')) return bad(r, r->at, "[[from, to], ...] expected");
    if (take(r, ']')) return true;
    do {
        if (full(r, t->n_sensitive, DUO_TASK_SPANS)) return false;
        struct duo_span *s = &t->sensitive[t->n_sensitive++];
        if (!take(r, '[')) return bad(r, r->at, "[from, to] expected");
        if (!read_whole(r, 0, 1 << 30, &s->from)) return false;
        if (!take(r, ',')) return bad(r, r->at, "',' expected");
        if (!read_whole(r, s->from, 1 << 30, &s->to)) return false;
        if (!take(r, ']')) return bad(r, r->at, "']' expected");
    } while (take(r, ','));
    return take(r, ']') || bad(r, r->at, "',' or ']' expected");
}

static bool read_facts(struct reader *r, struct duo_task *t)
{
    if (!take(r, '[')) return bad(r, r->at, "a list of texts expected");
    if (take(r, ']')) return true;
    do {
        if (full(r, t->n_facts, DUO_TASK_FACTS)) return false;
        char *text = read_text(r, "a text expected");
        if (!text) return false;
        t->facts[t->n_facts++] = text;
    } while (take(r, ','));
    return take(r, ']') || bad(r, r->at, "',' or ']' expected");
}

static bool read_slots(struct reader *r, struct duo_task *t)
{
    if (!take(r, '[')) return bad(r, r->at, "a list of whole numbers expected");
    if (take(r, ']')) return true;
    do {
        int x, least = t->n_slots ? t->slots[t->n_slots - 1] + 1 : 0;
        if (full(r, t->n_slots, DUO_TASK_SLOTS) || !read_whole(r, least, INT16_MAX, &x)) return false;
        t->slots[t->n_slots++] = (int16_t)x;
    } while (take(r, ','));
    return take(r, ']') || bad(r, r->at, "',' or ']' expected");
}

static bool read_own(struct reader *r, char **to)
{
    free(*to);
    return (*to = read_text(r, "a text expected")) != NULL;
}

/* The value of `key`.  *split_given: the line says which split. */
static bool read_field(struct reader *r, struct duo_task *t, const char *key, bool *split_given)
{
    static const char *const splits[] = { "train", "calibration", "test" }, *const gradings[] = { "exact", "parts", "slots", "contains" };
    int x = 0;
    blanks(r);
    if (strcmp(key, "prompt") == 0)     return read_own(r, &t->prompt);
    if (strcmp(key, "reference") == 0)  return read_own(r, &t->reference);
    if (strcmp(key, "id") == 0)         return read_own(r, &t->id);
    if (strcmp(key, "family") == 0)     return read_own(r, &t->family);
    if (strcmp(key, "difficulty") == 0) return read_whole(r, 0, 1000000, &t->difficulty);
    if (strcmp(key, "session") == 0)    return read_whole(r, -1, 1L << 30, &t->session);
    if (strcmp(key, "turn") == 0)       return read_whole(r, 0, 1L << 30, &t->turn);
    if (strcmp(key, "sensitive") == 0)  return t->n_sensitive = 0, read_spans(r, t);
    if (strcmp(key, "slots") == 0)      return t->n_slots = 0, read_slots(r, t);
    if (strcmp(key, "facts") == 0) {
        while (t->n_facts) free(t->facts[--t->n_facts]);
        return read_facts(r, t);
    }
    if (strcmp(key, "split") == 0) {
        if (!read_word(r, splits, 3, &x)) return false;
        return t->split = (enum duo_task_split)x, *split_given = true;
    }
    if (strcmp(key, "grading") == 0) {
        if (!read_word(r, gradings, 4, &x)) return false;
        return t->grading = (enum duo_task_grading)x, true;
    }
    return skip_value(r, 0);
}

static bool read_task(struct reader *r, struct duo_task *t)
{
    bool split_given = false;
    if (!take(r, '{')) return bad(r, r->at, "a JSON object expected: {\"prompt\": ..., \"reference\": ...}");
    if (!take(r, '}')) {
        do {
            char *key = read_text(r, "a key in quotes expected");
            bool good = key && (take(r, ':') || bad(r, r->at, "':' expected")) && read_field(r, t, key, &split_given);
            free(key);
            if (!good) return false;
        } while (take(r, ','));
        if (!take(r, '}')) return bad(r, r->at, "',' or '}' expected");
    }
    blanks(r);
    if (*r->at) return bad(r, r->at, "nothing expected behind the object");
    if (!t->prompt)    return bad(r, r->line, "prompt: missing");
    if (!t->reference) return bad(r, r->line, "reference: missing");
    if (t->grading == DUO_GRADE_SLOTS && t->n_slots == 0) return bad(r, r->line, "slots: missing; grading slots needs them");
    for (int i = 0; i < t->n_sensitive; i++)
        if ((size_t)t->sensitive[i].to > strlen(t->prompt)) return bad(r, r->line, "sensitive: a span ends behind the prompt");
    if (!t->family) t->family = duo_copy("");
    if (!split_given) t->split = DUO_TASK_NO_SPLIT;
    return true;
}

/* ---------------------------------------------------------------- the file */

static int by_id(const void *a, const void *b, void *tasks)
{
    const int x = *(const int *)a, y = *(const int *)b;
    const struct duo_task *at = tasks;
    int order = strcmp(at[x].id, at[y].id);
    return order ? order : x - y;
}

static enum duo_status unique(const struct duo_tasks *list, const int *lines, const char *path, struct duo_err *err)
{
    int *order = duo_new((size_t)list->n + 1, sizeof *order), twice = -1;
    for (int i = 0; i < list->n; i++) order[i] = i;
    qsort_r(order, (size_t)list->n, sizeof *order, by_id, list->at);
    for (int i = 1; i < list->n; i++)
        if (strcmp(list->at[order[i - 1]].id, list->at[order[i]].id) == 0 && (twice < 0 || order[i] < twice)) twice = order[i];
    free(order);
    if (twice < 0) return DUO_OK;
    return duo_fail_at(err, DUO_BAD_INPUT, path, lines[twice], 1, "id: %s stands on an earlier line, too", list->at[twice].id);
}

enum duo_status duo_tasks_read(struct duo_tasks *list, const char *path, struct duo_err *err)
{
    *list = (struct duo_tasks) { 0 };
    FILE *file = fopen(path, "r");
    if (!file) return duo_fail_at(err, DUO_BAD_INPUT, path, 0, 0, "%s", strerror(errno));
    struct reader r = { .path = path, .err = err };
    char *line = NULL;
    int *lines = NULL;
    size_t room = 0;
    for (ssize_t n; r.status == DUO_OK && (n = getline(&line, &room, file)) >= 0;) {
        r.number++;
        r.line = r.at = line;
        if (memchr(line, 0, (size_t)n)) { bad(&r, line + strlen(line), "a text file expected; here is a 0 byte"); break; }
        blanks(&r);
        if (!*r.at) continue;
        struct duo_task t = { .session = -1 };
        if (!read_task(&r, &t)) { duo_task_free(&t); break; }
        char name[24];
        snprintf(name, sizeof name, "%d", r.number);
        if (!t.id) t.id = duo_copy(name);
        list->at = duo_grow(list->at, (size_t)list->n + 1, sizeof *list->at);
        lines = duo_grow(lines, (size_t)list->n + 1, sizeof *lines);
        lines[list->n] = r.number;
        list->at[list->n++] = t;
    }
    if (r.status == DUO_OK && ferror(file)) r.status = duo_fail_at(err, DUO_BAD_INPUT, path, 0, 0, "can't be read: %s", strerror(errno));
    if (r.status == DUO_OK && list->n == 0) r.status = duo_fail_at(err, DUO_BAD_INPUT, path, 0, 0, "no task in it");
    if (r.status == DUO_OK) r.status = unique(list, lines, path, err);
    fclose(file);
    free(line);
    free(lines);
    if (r.status != DUO_OK) duo_tasks_free(list);
    return r.status;
}
