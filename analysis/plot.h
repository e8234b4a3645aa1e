/* plot.h - figures from the database, drawn by gnuplot.
 *
 * (1) A figure NAME is two files of one folder: NAME.sql, one SELECT with the columns panel, variant, label, part,
 *     x, low_x, high_x, y, low_y, high_y (part: point, or line: a line through the rows in their order); and
 *     NAME.gp, which draws what plot.c hands it: see README.md.
 * (2) gnuplot is looked for when a figure is drawn.  Without it the same data appear as text on `out`, with a line
 *     that says so.
 * (3) Same database, same bytes; no temporary files; a figure that fails leaves no file. */
#ifndef DUO_ANALYSIS_PLOT_H
#define DUO_ANALYSIS_PLOT_H

#include <sqlite3.h>
#include <stdio.h>

#include "sim/base/err.h"

struct duo_plot_spec {
    const char *figure;                                  /* "tradeoff" */
    const char *folder;                                  /* where NAME.sql and NAME.gp are */
    const char *format;                                  /* "svg", "png" or "pdf"; NULL: svg */
    const char *out;                                     /* the file to write */
    bool        if_any;          /* nothing to draw is no error: *drawn stays false */
};

/* *drawn: the file is there; false: gnuplot is missing and a text plot went to `out`. */
enum duo_status duo_plot(sqlite3 *, const struct duo_plot_spec *, FILE *out, bool *drawn, struct duo_err *);

#endif
