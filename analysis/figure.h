/* figure.h - the data of a figure, from its SQL; and drawn with letters.  For this room's own files. */
#ifndef DUO_ANALYSIS_FIGURE_H
#define DUO_ANALYSIS_FIGURE_H

#include <sqlite3.h>
#include <stdio.h>

#include "sim/base/err.h"

struct duo_point { int panel, variant, label; char part[8]; double at[6]; };   /* x low high, y low high */
struct duo_range { double low, high; };

struct duo_figure {
    int n_points;   struct duo_point *points;
    int n_panels;   char **x_titles, **y_titles; struct duo_range *x, *y; int *panel;
    int n_variants; char **variants;                     /* in the order of the scenario */
    int n_labels;   char **labels;                       /* with stars */
};

enum duo_status duo_figure_read(struct duo_figure *, sqlite3 *, const char *sql, struct duo_err *);
void            duo_figure_text(FILE *, const struct duo_figure *);
void            duo_figure_free(struct duo_figure *);

#endif
