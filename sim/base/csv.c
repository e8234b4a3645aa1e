/* csv.c - read a table row by row.  One row is held at a time. */
#include "sim/base/csv.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/number.h"

struct cell { size_t at; int line, column; };    /* `at`: into `text`, which may move while a row is read */

struct duo_csv {
    FILE        *file;
    char        *path, separator;
    char       **names;
    int          columns;
    int          line, column;       /* of the next byte */
    int          row_line;
    char        *text;
    size_t       used, room;
    struct cell *cells;
    int          n, cells_room;
};

static int next_byte(struct duo_csv *c)
{
    int b = getc_unlocked(c->file);
    if (b == '\n') c->line++, c->column = 1;
    else           c->column++;
    return b;
}

static int peek(struct duo_csv *c)
{
    int b = getc_unlocked(c->file);
    if (b != EOF) ungetc(b, c->file);
    return b;
}

static void add_byte(struct duo_csv *c, int b)
{
    if (c->used == c->room) {
        c->room = c->room ? 2 * c->room : 256;
        c->text = duo_grow(c->text, c->room, 1);
    }
    c->text[c->used++] = (char)b;
}

static void open_cell(struct duo_csv *c)
{
    if (c->n == c->cells_room) {
        c->cells_room = c->cells_room ? 2 * c->cells_room : 16;
        c->cells      = duo_grow(c->cells, (size_t)c->cells_room, sizeof *c->cells);
    }
    c->cells[c->n++] = (struct cell){ c->used, c->line, c->column };
}

/* The rest of a quoted cell; returns the byte behind its last quote (a CR before LF is taken), or -2: *err is filled. */
static int read_quoted(struct duo_csv *c, struct duo_err *err)
{
    struct cell start = c->cells[c->n - 1];
    for (;;) {
        int b = next_byte(c);
        if (b == EOF) {
            duo_fail_at(err, DUO_BAD_INPUT, c->path, start.line, start.column, "a quote that is never closed");
            return -2;
        }
        if (b == '"') {
            b = next_byte(c);
            if (b == '\r' && (peek(c) == '\n' || peek(c) == EOF)) b = next_byte(c);
            if (b == c->separator || b == '\n' || b == EOF) return b;
            if (b != '"') {
                duo_fail_at(err, DUO_BAD_INPUT, c->path, c->line, c->column - 1, "text after a closing quote");
                return -2;
            }
        }
        if (b == '\0') {
            duo_fail_at(err, DUO_BAD_INPUT, c->path, c->line, c->column - 1, "a zero byte: this is no text");
            return -2;
        }
        add_byte(c, b);
    }
}

/* 1: cells[] holds a row; 0: the end; -1: *err. */
static int read_row(struct duo_csv *c, struct duo_err *err)
{
    int b;
    do {    /* blank lines */
        c->row_line = c->line;
        c->n = 0, c->used = 0;
        open_cell(c);
        b = next_byte(c);
        if (b == '\r' && (peek(c) == '\n' || peek(c) == EOF)) b = next_byte(c);
    } while (b == '\n');
    if (b == EOF) return ferror(c->file) ? (duo_fail_at(err, DUO_BAD_INPUT, c->path, 0, 0, "%s", strerror(errno)), -1) : 0;

    for (bool fresh = true;; b = next_byte(c)) {
        if (fresh && b == '"') {
            b = read_quoted(c, err);
            if (b == -2) return -1;
        }
        fresh = false;
        if (b == '\r' && (peek(c) == '\n' || peek(c) == EOF)) b = next_byte(c);
        if (b == '\0') {
            duo_fail_at(err, DUO_BAD_INPUT, c->path, c->line, c->column - 1, "a zero byte: this is no text");
            return -1;
        }
        if (b != c->separator && b != '\n' && b != EOF) {
            add_byte(c, b);
            continue;
        }
        add_byte(c, '\0');
        if (b != c->separator) return 1;
        open_cell(c);
        fresh = true;
    }
}

enum duo_status duo_csv_open(struct duo_csv **out, const char *path, char separator, struct duo_err *err)
{
    *out = NULL;
    FILE *file = fopen(path, "rb");
    if (!file) return duo_fail_at(err, DUO_BAD_INPUT, path, 0, 0, "%s", strerror(errno));
    struct duo_csv *c = duo_new(1, sizeof *c);
    c->file = file;
    c->path = duo_copy(path);
    c->separator = separator;
    c->line = c->column = 1;
    for (const char *bom = "\xEF\xBB\xBF"; *bom && peek(c) == (unsigned char)*bom; bom++) getc_unlocked(file);
    int got = read_row(c, err);
    if (got == 0) duo_fail_at(err, DUO_BAD_INPUT, path, 1, 0, "no header: the file is empty");
    if (got != 1) {
        duo_csv_close(c);
        return DUO_BAD_INPUT;
    }
    c->columns = c->n;
    c->names   = duo_new((size_t)c->n, sizeof *c->names);
    for (int i = 0; i < c->n; i++) c->names[i] = duo_copy(c->text + c->cells[i].at);
    *out = c;
    return DUO_OK;
}

void duo_csv_close(struct duo_csv *c)
{
    if (!c) return;
    fclose(c->file);
    for (int i = 0; i < c->columns; i++) free(c->names[i]);
    free(c->names);
    free(c->cells);
    free(c->text);
    free(c->path);
    free(c);
}

/* Requirement (2). */
int duo_csv_next(struct duo_csv *c, struct duo_err *err)
{
    int got = read_row(c, err);
    if (got == 1 && c->n != c->columns) {
        duo_fail_at(err, DUO_BAD_INPUT, c->path, c->row_line, 0, "%d cell%s where the header has %d",
                    c->n, c->n == 1 ? "" : "s", c->columns);
        return -1;
    }
    return got;
}

int         duo_csv_columns(const struct duo_csv *c) { return c->columns; }
const char *duo_csv_name(const struct duo_csv *c, int column) { return c->names[column]; }
const char *duo_csv_cell(const struct duo_csv *c, int column) { return c->text + c->cells[column].at; }
int         duo_csv_line(const struct duo_csv *c) { return c->row_line; }

int duo_csv_find(const struct duo_csv *c, const char *name)
{
    for (int i = 0; i < c->columns; i++)
        if (strcmp(c->names[i], name) == 0) return i;
    return -1;
}

enum duo_status duo_csv_need(const struct duo_csv *c, const char *name, int *column, struct duo_err *err)
{
    *column = duo_csv_find(c, name);
    if (*column >= 0) return DUO_OK;
    const char *near = duo_nearest(name, (const char *const *)c->names, (size_t)c->columns);
    return duo_fail_at(err, DUO_BAD_INPUT, c->path, 1, 0, near ? "no column \"%s\" (did you mean \"%s\"?)" : "no column \"%s\"",
                       name, near);
}

/* Requirement (3). */
enum duo_status duo_csv_number(const struct duo_csv *c, int column, double *out, struct duo_err *err)
{
    const char *text = duo_csv_cell(c, column);
    while (*text == ' ') text++;
    const char *end = duo_read_number(text, out);
    while (end && *end == ' ') end++;
    if (end && !*end) return DUO_OK;
    return duo_csv_bad(c, column, err, "a number was expected, got \"%s\"", duo_csv_cell(c, column));
}

enum duo_status duo_csv_bad(const struct duo_csv *c, int column, struct duo_err *err, const char *fmt, ...)
{
    char    what[400];
    va_list args;
    va_start(args, fmt);
    vsnprintf(what, sizeof what, fmt, args);
    va_end(args);
    return duo_fail_at(err, DUO_BAD_INPUT, c->path, c->cells[column].line, c->cells[column].column, "column \"%s\": %s",
                       c->names[column], what);
}
