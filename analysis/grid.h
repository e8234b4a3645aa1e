/* grid.h - rows of text in the formats that people read.  For this room's own files. */
#ifndef DUO_ANALYSIS_GRID_H
#define DUO_ANALYSIS_GRID_H

#include "analysis/table.h"

/* In heads and notes "^a", a small letter behind a caret that ends a word, is a mark: raised where the format can. */
struct duo_grid {
    int    n_columns, n_rows;
    char **head;                                         /* n_columns */
    bool  *left;                                         /* aligned left */
    char **cells;                                        /* n_rows x n_columns */
    char **section;                                      /* n_rows: a line above this row, or NULL */
    char  *note;
};

void duo_grid_init(struct duo_grid *, int n_columns);
void duo_grid_head(struct duo_grid *, int column, const char *text, bool left);
void duo_grid_row(struct duo_grid *);                    /* one more, empty */
void duo_grid_set(struct duo_grid *, int column, const char *text);      /* in the last row */
void duo_grid_section(struct duo_grid *, const char *text);              /* above the last row */
void duo_grid_print(FILE *, const struct duo_grid *, enum duo_table_format);   /* not JSON */
void duo_grid_note(struct duo_grid *, const char *);     /* a line below it, but in text and csv; none for "" */
void duo_grid_free(struct duo_grid *);

#endif
