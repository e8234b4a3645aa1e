/* csv.h - read a table row by row: columns by name, every row accounted for.
 *
 * (1) LF or CRLF, optional UTF-8 BOM, optional last newline; RFC 4180 quotes.
 * (2) A row with another number of cells than the header is an error with file:line.
 * (3) Numbers are read independently of the locale; what is not one is an error with
 *     file:line:column and the column's name. */
#ifndef DUO_BASE_CSV_H
#define DUO_BASE_CSV_H

#include "sim/base/err.h"

struct duo_csv;

/* `separator`: ',' or '\t' or ';'. Header row is read here. */
enum duo_status duo_csv_open(struct duo_csv **out, const char *path, char separator, struct duo_err *);
void            duo_csv_close(struct duo_csv *);

/* 1: a row is there; 0: the end; -1: *err is filled. Blank lines are skipped and counted. */
int             duo_csv_next(struct duo_csv *, struct duo_err *);

int             duo_csv_columns(const struct duo_csv *);
const char     *duo_csv_name(const struct duo_csv *, int column);
int             duo_csv_find(const struct duo_csv *, const char *name);             /* -1: none */
enum duo_status duo_csv_need(const struct duo_csv *, const char *name, int *column, struct duo_err *);  /* names the nearest */
const char     *duo_csv_cell(const struct duo_csv *, int column);                   /* borrowed until the next row */
enum duo_status duo_csv_number(const struct duo_csv *, int column, double *out, struct duo_err *);
int             duo_csv_line(const struct duo_csv *);                               /* of the row, 1-based */
enum duo_status duo_csv_bad(const struct duo_csv *, int column, struct duo_err *, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));                                          /* an error at this cell */

#endif
