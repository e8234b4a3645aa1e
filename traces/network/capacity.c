/* capacity.c - the table of formats of capacity traces, and what they have in common.
 *
 * (1) The format is given, or found from the first line: one number is Mahimahi, two are Pensieve.
 * (2) LF or CRLF, an optional last newline; an empty file is refused. */
#include "traces/network/capacity.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "traces/network/importer.h"

static const struct {
    const char *name, *about;
    int words;                        /* of a line */
    duo_capacity_importer *read;
} formats[] = {
    { "mahimahi", "Mahimahi packet-delivery traces: one millisecond a line, 1500 bytes each", 1, duo_capacity_mahimahi },
    { "pensieve", "Pensieve throughput logs: seconds and Mbit/s a line", 2, duo_capacity_pensieve },
};

enum { FORMATS = sizeof formats / sizeof *formats };

int duo_capacity_formats(const char *const **names, const char *const **about)
{
    static const char *name[FORMATS], *line[FORMATS];

    for (int i = 0; i < FORMATS; i++) name[i] = formats[i].name, line[i] = formats[i].about;
    if (names) *names = name;
    if (about) *about = line;
    return FORMATS;
}

int duo_lines_next(struct duo_lines *in, struct duo_err *err)
{
    ssize_t n = getline(&in->text, &in->room, in->in);

    if (n < 0) {
        if (!ferror(in->in)) return 0;
        duo_fail_at(err, DUO_BAD_INPUT, in->path, in->line, 0, "cannot read on: %s", strerror(errno));
        return -1;
    }
    in->line++;
    if (memchr(in->text, '\0', (size_t)n)) {
        duo_fail_at(err, DUO_BAD_INPUT, in->path, in->line, (int)strlen(in->text) + 1, "a zero byte: not a text file");
        return -1;
    }
    if (n > 0 && in->text[n - 1] == '\n') in->text[--n] = '\0';
    if (n > 0 && in->text[n - 1] == '\r') in->text[--n] = '\0';               /* (2) */
    return 1;
}

void duo_capacity_add(struct duo_capacity *c, double at, double rate)
{
    if (c->n > 0 && c->rate[c->n - 1] <= rate && c->rate[c->n - 1] >= rate) return;
    if (c->n == 0 || (c->n >= 64 && (c->n & (c->n - 1)) == 0)) {              /* room doubles from 64 */
        size_t room = c->n == 0 ? 64 : (size_t)c->n * 2;
        c->at = duo_grow(c->at, room, sizeof *c->at);
        c->rate = duo_grow(c->rate, room, sizeof *c->rate);
    }
    c->at[c->n] = at;
    c->rate[c->n++] = rate;
}

static int words(const char *s)
{
    int n = 0;

    for (s += strspn(s, " \t"); *s; s += strspn(s, " \t")) s += strcspn(s, " \t"), n++;
    return n;
}

static enum duo_status find_format(struct duo_lines *in, const char *format, int *out, struct duo_err *err)    /* (1) */
{
    const char *const *names, *near;
    int n = duo_capacity_formats(&names, NULL), more = duo_lines_next(in, err);

    if (more < 0) return DUO_BAD_INPUT;
    if (more == 0) return duo_fail_at(err, DUO_BAD_INPUT, in->path, 1, 1, "an empty file: expected a capacity trace");    /* (2) */
    for (*out = 0; *out < n; ++*out)
        if (format ? strcmp(format, formats[*out].name) == 0 : words(in->text) == formats[*out].words) break;
    if (*out < n) {
        rewind(in->in);
        in->line = 0;
        return DUO_OK;
    }
    if (!format)
        return duo_fail_at(err, DUO_BAD_INPUT, in->path, 1, 1, "no known capacity trace: expected one number (mahimahi) or two (pensieve) a line");
    near = duo_nearest(format, names, (size_t)n);
    return duo_fail(err, DUO_BAD_INPUT, "unknown format of a capacity trace \"%s\" (%s%s)", format,
                    near ? "did you mean " : "there are: mahimahi, pensieve", near ? near : "");
}

enum duo_status duo_capacity_read(struct duo_capacity *out, const char *path, const char *format, double bin, struct duo_err *err)
{
    struct duo_lines in = { .path = path };
    enum duo_status status;
    int which = 0;

    memset(out, 0, sizeof *out);
    if (!(in.in = fopen(path, "r"))) return duo_fail_at(err, DUO_BAD_INPUT, path, 0, 0, "cannot open: %s", strerror(errno));
    status = find_format(&in, format, &which, err);
    if (status == DUO_OK) status = formats[which].read(&in, bin, out, err);
    free(in.text);
    fclose(in.in);
    if (status != DUO_OK) duo_capacity_free(out);
    assert(status != DUO_OK || (out->n > 0 && out->at[0] <= 0 && out->period > 0));
    return status;
}

void duo_capacity_free(struct duo_capacity *c)
{
    free(c->at);
    free(c->rate);
    memset(c, 0, sizeof *c);
}
