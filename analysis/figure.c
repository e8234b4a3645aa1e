/* figure.c - see figure.h. */
#include "analysis/figure.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/collect.h"

enum { PANEL, X_TITLE, Y_TITLE, VARIANT, LABEL, PART, X, N_NEEDED = 12 };

static int index_of(char ***list, int *n, const char *text)
{
    for (int i = 0; i < *n; i++)
        if (strcmp((*list)[i], text) == 0) return i;
    *list = duo_grow(*list, (size_t)*n + 1, sizeof **list);
    (*list)[*n] = duo_copy(text);
    return (*n)++;
}

static const char *text(sqlite3_stmt *s, int column)
{
    const unsigned char *t = sqlite3_column_text(s, column);
    return t ? (const char *)t : "";
}

static int panel_of(struct duo_figure *f, sqlite3_stmt *s)
{
    int number = sqlite3_column_int(s, PANEL);
    for (int i = 0; i < f->n_panels; i++)
        if (f->panel[i] == number) return i;
    size_t n = (size_t)f->n_panels + 1;
    f->panel    = duo_grow(f->panel, n, sizeof *f->panel);
    f->x_titles = duo_grow(f->x_titles, n, sizeof *f->x_titles);
    f->y_titles = duo_grow(f->y_titles, n, sizeof *f->y_titles);
    f->x        = duo_grow(f->x, n, sizeof *f->x);
    f->y        = duo_grow(f->y, n, sizeof *f->y);
    f->panel[n - 1] = number;
    f->x_titles[n - 1] = duo_copy(text(s, X_TITLE));
    f->y_titles[n - 1] = duo_copy(text(s, Y_TITLE));
    f->x[n - 1] = f->y[n - 1] = (struct duo_range){ INFINITY, -INFINITY };
    return f->n_panels++;
}

static void widen(struct duo_range *r, const double at[3])
{
    for (int i = 0; i < 3; i++) {
        if (at[i] < r->low)  r->low = at[i];
        if (at[i] > r->high) r->high = at[i];
    }
}

static void add_point(struct duo_figure *f, sqlite3_stmt *s)
{
    struct duo_point p = { .panel = panel_of(f, s) };
    p.variant = index_of(&f->variants, &f->n_variants, text(s, VARIANT));
    snprintf(p.part, sizeof p.part, "%.7s", text(s, PART));
    p.label = strcmp(p.part, "point") == 0 ? index_of(&f->labels, &f->n_labels, text(s, LABEL)) : -1;
    for (int i = 0; i < 6; i++) {
        bool known = sqlite3_column_type(s, X + i) != SQLITE_NULL;
        p.at[i] = known ? sqlite3_column_double(s, X + i) : i % 3 ? p.at[i - i % 3] : NAN;   /* no interval: of no length */
    }
    if (isnan(p.at[0]) || isnan(p.at[3])) return;
    widen(&f->x[p.panel], p.at);
    widen(&f->y[p.panel], p.at + 3);
    if ((f->n_points & (f->n_points - 1)) == 0)          /* powers of two */
        f->points = duo_grow(f->points, f->n_points ? 2 * (size_t)f->n_points : 1, sizeof *f->points);
    f->points[f->n_points++] = p;
}

/* Names first in the order of the scenario, so that colours do not depend on the figure. */
static enum duo_status names(struct duo_figure *f, sqlite3 *db, struct duo_err *err)
{
    sqlite3_stmt *s;
    DUO_TRY(duo_sql_prepare(&s, db, "SELECT variant, label || CASE cheats WHEN 0 THEN '' ELSE '*' END FROM label WHERE seeds > 0"
                                    " ORDER BY position", err));
    while (sqlite3_step(s) == SQLITE_ROW) {
        index_of(&f->variants, &f->n_variants, text(s, 0));
        index_of(&f->labels, &f->n_labels, text(s, 1));
    }
    sqlite3_finalize(s);
    return DUO_OK;
}

/* A figure that names its variants itself leaves out those of the scenario. */
static void drop_empty(struct duo_figure *f)
{
    int *to = duo_new((size_t)f->n_variants + 1, sizeof *to), n = 0;
    for (int i = 0; i < f->n_points; i++) to[f->points[i].variant] = 1;
    for (int v = 0; v < f->n_variants && f->n_points; v++) {
        if (!to[v]) { free(f->variants[v]); continue; }
        f->variants[n] = f->variants[v];
        to[v] = n++;
    }
    if (f->n_points) f->n_variants = n;
    for (int i = 0; i < f->n_points; i++) f->points[i].variant = to[f->points[i].variant];
    free(to);
}

enum duo_status duo_figure_read(struct duo_figure *f, sqlite3 *db, const char *sql, struct duo_err *err)
{
    sqlite3_stmt *s;
    int code = SQLITE_DONE;
    DUO_TRY(names(f, db, err));
    DUO_TRY(duo_sql_prepare(&s, db, sql, err));
    if (sqlite3_column_count(s) != N_NEEDED) {
        sqlite3_finalize(s);
        return duo_fail(err, DUO_BAD_INPUT, "a figure's SELECT has %d columns: panel, x_title, y_title, variant, label, part, x, low_x,"
                        " high_x, y, low_y, high_y", N_NEEDED);
    }
    while ((code = sqlite3_step(s)) == SQLITE_ROW) add_point(f, s);
    sqlite3_finalize(s);
    drop_empty(f);
    return code == SQLITE_DONE ? DUO_OK : duo_sql_failed(db, err);
}

/* ---- with letters */
enum { WIDTH = 64, HEIGHT = 16 };

static char letter(int label) { return (char)(label < 26 ? 'a' + label : label < 52 ? 'A' + label - 26 : '+'); }

static int place(struct duo_range r, double value, int cells)
{
    double share = r.high > r.low ? (value - r.low) / (r.high - r.low) : 0.5;
    int at = (int)(share * (cells - 1) + 0.5);
    return at < 0 ? 0 : at >= cells ? cells - 1 : at;
}

static void panel_text(FILE *out, const struct duo_figure *f, int panel, int variant)
{
    char grid[HEIGHT][WIDTH + 1];
    for (int y = 0; y < HEIGHT; y++) {
        memset(grid[y], ' ', WIDTH);
        grid[y][WIDTH] = 0;
    }
    for (int i = 0; i < f->n_points; i++) {
        const struct duo_point *p = &f->points[i];
        if (p->panel != panel || p->variant != variant || p->label < 0) continue;
        char *cell = &grid[HEIGHT - 1 - place(f->y[panel], p->at[3], HEIGHT)][place(f->x[panel], p->at[0], WIDTH)];
        *cell = *cell == ' ' || *cell == letter(p->label) ? letter(p->label) : '#';
    }
    fprintf(out, "%s%s%s\n", f->y_titles[panel], *f->variants[variant] ? ", " : "", f->variants[variant]);
    for (int y = 0; y < HEIGHT; y++) {
        if (y == 0)               fprintf(out, "%9.3g |", f->y[panel].high);
        else if (y == HEIGHT - 1) fprintf(out, "%9.3g |", f->y[panel].low);
        else                      fprintf(out, "%9s |", "");
        int end = WIDTH;
        while (end && grid[y][end - 1] == ' ') end--;
        fprintf(out, "%.*s\n", end, grid[y]);
    }
    fprintf(out, "%9s +", "");
    for (int x = 0; x < WIDTH; x++) putc('-', out);
    fprintf(out, "\n%10s %-8.3g%*.3g\n%10s %s\n\n", "", f->x[panel].low, WIDTH - 8, f->x[panel].high, "", f->x_titles[panel]);
}

void duo_figure_text(FILE *out, const struct duo_figure *f)
{
    for (int p = 0; p < f->n_panels; p++)
        for (int v = 0; v < f->n_variants; v++) panel_text(out, f, p, v);
    for (int l = 0; l < f->n_labels; l++) fprintf(out, "%c  %s\n", letter(l), f->labels[l]);
    fputs("#  several\n", out);
}

static void free_list(char **list, int n)
{
    for (int i = 0; i < n; i++) free(list[i]);
    free(list);
}

void duo_figure_free(struct duo_figure *f)
{
    free_list(f->x_titles, f->n_panels);
    free_list(f->y_titles, f->n_panels);
    free_list(f->variants, f->n_variants);
    free_list(f->labels, f->n_labels);
    free(f->points), free(f->x), free(f->y), free(f->panel);
}
