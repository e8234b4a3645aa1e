/* err.c - how anything in this project says that it failed. */
#include "sim/base/err.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/json.h"

static void fill(struct duo_err *err, enum duo_status status, const char *fmt, va_list args)
{
    err->status = status;
    vsnprintf(err->text, sizeof err->text, fmt, args);
}

enum duo_status duo_fail(struct duo_err *err, enum duo_status status, const char *fmt, ...)
{
    if (!err || err->status != DUO_OK) return status;
    va_list args;
    va_start(args, fmt);
    fill(err, status, fmt, args);
    va_end(args);
    err->file[0] = '\0';
    err->line = err->column = 0;
    return status;
}

enum duo_status duo_fail_at(struct duo_err *err, enum duo_status status, const char *file, int line, int column,
                            const char *fmt, ...)
{
    if (!err || err->status != DUO_OK) return status;
    va_list args;
    va_start(args, fmt);
    fill(err, status, fmt, args);
    va_end(args);
    size_t n = file ? strlen(file) : 0, most = sizeof err->file - 1;
    snprintf(err->file, sizeof err->file, "%s", file ? file + (n > most ? n - most : 0) : "");
    err->line   = line;
    err->column = column;
    return status;
}

void duo_err_print(FILE *out, const struct duo_err *err, bool json)
{
    if (!json) {
        if (err->file[0])    fprintf(out, "%s:", err->file);
        if (err->line > 0)   fprintf(out, "%d:", err->line);
        if (err->column > 0) fprintf(out, "%d:", err->column);
        fprintf(out, "%s%s\n", err->file[0] || err->line > 0 ? " " : "", err->text);
        return;
    }
    struct duo_json j;
    duo_json_init(&j, out);
    duo_json_open(&j, '{');
    duo_json_key(&j, "error");
    duo_json_open(&j, '{');
    duo_json_key(&j, "file");
    duo_json_text(&j, err->file[0] ? err->file : NULL);
    duo_json_key(&j, "line");
    if (err->line > 0) duo_json_number(&j, err->line);
    else               duo_json_null(&j);
    duo_json_key(&j, "column");
    if (err->column > 0) duo_json_number(&j, err->column);
    else                 duo_json_null(&j);
    duo_json_key(&j, "message");
    duo_json_text(&j, err->text);
    duo_json_close(&j);
    duo_json_close(&j);
    duo_json_end(&j);
}

/* Edit distance with swaps of neighbours (optimal string alignment): three rows of the usual table. */
static size_t distance(const char *a, const char *b)
{
    size_t n = strlen(a), m = strlen(b);
    size_t *rows = duo_new(3 * (m + 1), sizeof *rows), *before = rows, *last = rows + m + 1, *row = last + m + 1;
    for (size_t j = 0; j <= m; j++) last[j] = j;
    for (size_t i = 1; i <= n; i++) {
        row[0] = i;
        for (size_t j = 1; j <= m; j++) {
            size_t d = last[j - 1] + (a[i - 1] != b[j - 1]);
            if (last[j] + 1 < d)    d = last[j] + 1;
            if (row[j - 1] + 1 < d) d = row[j - 1] + 1;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] && before[j - 2] + 1 < d)
                d = before[j - 2] + 1;
            row[j] = d;
        }
        size_t *spare = before;
        before = last, last = row, row = spare;
    }
    size_t d = last[m];
    free(rows);
    return d;
}

const char *duo_nearest(const char *word, const char *const *words, size_t n)
{
    size_t length = strlen(word), limit = length / 3 > 2 ? length / 3 : 2;
    if (limit + 1 > length) limit = length ? length - 1 : 0;    /* nothing of the word left is no likeness */
    const char *nearest = NULL;
    size_t least = limit + 1;
    for (size_t i = 0; i < n; i++) {
        size_t d = distance(word, words[i]);
        if (d < least) least = d, nearest = words[i];
    }
    return nearest;
}

static void *checked(void *p)
{
    if (p) return p;
    fputs("out of memory\n", stderr);
    exit(DUO_NO_RESOURCES);
}

void *duo_new(size_t n, size_t size) { return checked(calloc(n ? n : 1, size ? size : 1)); }

void *duo_grow(void *old, size_t n, size_t size)
{
    if (size && n > SIZE_MAX / size) return checked(NULL);
    return checked(realloc(old, n && size ? n * size : 1));
}

char *duo_copy(const char *text) { return text ? checked(strdup(text)) : NULL; }
