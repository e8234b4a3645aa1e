/* pipe_line.c - the lines of a pipe policy: JSON, one object each. */
#include "sim/pipe_inside.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/number.h"
#include "sim/base/rng.h"

enum { QUOTED = 160 };

/* ---- what we write ---- */

static void put(struct duo_pipe *p, const char *text, size_t n)
{
    if (p->n + n > p->room) {
        p->room = 2 * (p->n + n) + 1000;
        p->out = duo_grow(p->out, p->room, 1);
    }
    memcpy(p->out + p->n, text, n);
    p->n += n;
}

void duo_pipe_text(struct duo_pipe *p, const char *text) { put(p, text, strlen(text)); }

void duo_pipe_whole(struct duo_pipe *p, const char *before, int64_t x)
{
    char digits[24], *d = digits + sizeof digits;
    uint64_t rest = x < 0 ? 0 - (uint64_t)x : (uint64_t)x;

    duo_pipe_text(p, before);
    do *--d = (char)('0' + rest % 10); while (rest /= 10);
    if (x < 0) *--d = '-';
    put(p, d, (size_t)(digits + sizeof digits - d));
}

/* 15 digits where they read back as the same double, else 17, which always do: the shortest form takes five times as long. */
static void show(double x, char out[32])
{
    double back;

    duo_write_number(out, 32, 15, 'g', x);
    if (!duo_read_number(out, &back) || back != x) duo_write_number(out, 32, 17, 'g', x);
}

void duo_pipe_number(struct duo_pipe *p, const char *before, double x)
{
    uint64_t bits;

    if (fabs(x) < 1e15 && x == (double)(int64_t)x && !(x == 0 && signbit(x))) { duo_pipe_whole(p, before, (int64_t)x); return; }
    duo_pipe_text(p, before);
    if (isnan(x)) { duo_pipe_text(p, "null"); return; }
    if (isinf(x)) { duo_pipe_text(p, x > 0 ? "\"inf\"" : "\"-inf\""); return; }
    memcpy(&bits, &x, sizeof bits);
    bits = duo_mix(bits) % DUO_PIPE_SHOWN;
    if (p->shown[bits].x != x) {                               /* a view's figures rarely change between two calls */
        p->shown[bits].x = x;
        show(x, p->shown[bits].text);
    }
    duo_pipe_text(p, p->shown[bits].text);
}

/* ---- what we read ---- */

void duo_pipe_wrong(struct duo_pipe *p, const char *fmt, ...)
{
    va_list args;

    if (*p->wrong) return;
    va_start(args, fmt);
    vsnprintf(p->wrong, sizeof p->wrong, fmt, args);
    va_end(args);
}

void duo_pipe_quote(const struct duo_pipe *p, char *out, size_t n)
{
    if (p->line) snprintf(out, n, "; its line %ld: %.*s%s", p->lines, QUOTED, p->line, strlen(p->line) > QUOTED ? "..." : "");
    else         *out = '\0';
    for (; *out; out++)
        if ((unsigned char)*out < ' ' || *out == 127) *out = '?';
}

json_t *duo_pipe_exchange(struct duo_pipe *p)
{
    struct duo_err err = { 0 };
    json_error_t what;
    size_t length;
    json_t *o;
    char *line;

    put(p, "\n", 1);
    p->line = NULL;
    *p->wrong = '\0';
    if (duo_talk_line(p->talk, p->out, p->n, p->patience, &line, &length, &err) != DUO_OK) {
        duo_pipe_wrong(p, "%s", err.text);
        return NULL;
    }
    p->n = 0;
    p->lines++;
    p->line = line;
    o = json_loadb(line, length, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &what);
    if (!o) duo_pipe_wrong(p, "not a line of JSON: %.100s", what.text);
    else if (!json_is_object(o)) {
        duo_pipe_wrong(p, "expected a JSON object");
        json_decref(o);
        o = NULL;
    }
    return o;
}

void duo_pipe_only(struct duo_pipe *p, const json_t *o, const char *what, const char *const *keys, int n)
{
    for (void *i = json_object_iter((json_t *)(uintptr_t)o); i; i = json_object_iter_next((json_t *)(uintptr_t)o, i)) {
        const char *key = json_object_iter_key(i), *near;
        bool known = false;
        for (int k = 0; k < n && !known; k++) known = strcmp(keys[k], key) == 0;
        if (known) continue;
        near = strlen(key) < 60 ? duo_nearest(key, keys, (size_t)n) : NULL;
        duo_pipe_wrong(p, "%s: unknown key \"%.60s\"%s%s%s", what, key, near ? " (did you mean " : "", near ? near : "", near ? "?)" : "");
        return;
    }
}

static const json_t *member(struct duo_pipe *p, const json_t *o, const char *what, const char *key, bool needed)
{
    const json_t *x = *p->wrong ? NULL : json_object_get(o, key);

    if (json_is_null(x)) x = NULL;
    if (!x && needed) duo_pipe_wrong(p, "%s: %s is missing", what, key);
    return x;
}

int duo_pipe_int(struct duo_pipe *p, const json_t *o, const char *what, const char *key, bool needed)
{
    const json_t *x = member(p, o, what, key, needed);
    json_int_t value = x ? json_integer_value(x) : 0;

    if (!x) return 0;
    if (json_is_integer(x) && value >= INT_MIN && value <= INT_MAX) return (int)value;
    duo_pipe_wrong(p, "%s: %s: expected a whole number", what, key);
    return 0;
}

double duo_pipe_real(struct duo_pipe *p, const json_t *o, const char *what, const char *key, double otherwise)
{
    const json_t *x = member(p, o, what, key, false);

    if (!x) return otherwise;
    if (json_is_number(x)) return json_number_value(x);
    duo_pipe_wrong(p, "%s: %s: expected a number", what, key);
    return otherwise;
}

bool duo_pipe_flag(struct duo_pipe *p, const json_t *o, const char *what, const char *key)
{
    const json_t *x = member(p, o, what, key, false);

    if (x && !json_is_boolean(x)) duo_pipe_wrong(p, "%s: %s: expected true or false", what, key);
    return json_is_true(x);
}

const char *duo_pipe_word(struct duo_pipe *p, const json_t *o, const char *what, const char *key, const char *otherwise)
{
    const json_t *x = member(p, o, what, key, false);

    if (!x) return otherwise;
    if (json_is_string(x) && strlen(json_string_value(x)) < 1000) return json_string_value(x);
    duo_pipe_wrong(p, "%s: %s: expected a short text", what, key);
    return otherwise;
}
