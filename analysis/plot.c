/* plot.c - see plot.h. */
#include "analysis/plot.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "analysis/collect.h"
#include "analysis/figure.h"

extern char **environ;

/* ---- files of a figure */
static char *read_all(const char *path)
{
    FILE *in = fopen(path, "rb");
    if (!in) return NULL;
    size_t n = 0, room = 4096, got;
    char *text = duo_new(room + 1, 1);
    while ((got = fread(text + n, 1, room - n, in)) > 0)
        if ((n += got) == room) text = duo_grow(text, (room *= 2) + 1, 1);
    fclose(in);
    text[n] = 0;
    return text;
}

static enum duo_status read_part(char **text, const struct duo_plot_spec *spec, const char *suffix, struct duo_err *err)
{
    char path[4096];
    if (strchr(spec->figure, '/')) return duo_fail(err, DUO_BAD_INPUT, "no figure %s", spec->figure);
    snprintf(path, sizeof path, "%s/%s%s", spec->folder, spec->figure, suffix);
    *text = read_all(path);
    return *text ? DUO_OK : duo_fail(err, DUO_BAD_INPUT, "no figure %s (%s is not there)", spec->figure, path);
}

/* ---- what is drawn, for gnuplot */
static void quoted(FILE *out, const char *text)
{
    putc('\'', out);
    for (; *text; text++) {
        if (*text == '\'') putc('\'', out);
        putc(*text == '\n' ? ' ' : *text, out);
    }
    putc('\'', out);
}

static void number(FILE *out, double value)
{
    if (isnan(value)) fputs("NaN ", out);
    else              fprintf(out, "%.9g ", value);
}

static void texts(FILE *out, const char *name, char *const *list, int n)
{
    fprintf(out, "array %s[%d] = [", name, n ? n : 1);
    for (int i = 0; i < n; i++) {
        if (i) putc(',', out);
        quoted(out, list[i]);
    }
    fputs(n ? "]\n" : "'']\n", out);
}

/* A block a (panel, variant) and, with `labels`, label; an empty one holds a point that isn't there. */
static void block(FILE *out, const struct duo_figure *f, const char *part, bool labels)
{
    fprintf(out, "$%s << END_OF_DATA\n", part);
    for (int p = 0; p < f->n_panels; p++)
        for (int v = 0; v < f->n_variants; v++)
            for (int l = 0; l < (labels ? f->n_labels : 1); l++) {
                bool any = false;
                for (int i = 0; i < f->n_points; i++) {
                    const struct duo_point *q = &f->points[i];
                    if (q->panel != p || q->variant != v || strcmp(q->part, part) != 0 || (labels && q->label != l)) continue;
                    for (int k = 0; k < 6; k++) number(out, q->at[k]);
                    putc('\n', out);
                    any = true;
                }
                if (!any) fputs("NaN NaN NaN NaN NaN NaN\n", out);
                fputs("\n\n", out);
            }
    fputs("END_OF_DATA\n", out);
}

static void ranges(FILE *out, const struct duo_figure *f)
{
    static const char *const names[] = { "x_low", "x_high", "y_low", "y_high", "x_least", "x_most" };
    for (int k = 0; k < 6; k++) fprintf(out, "array %s[%d]\n", names[k], f->n_panels ? f->n_panels : 1);
    for (int p = 0; p < f->n_panels; p++)
        for (int k = 0; k < 6; k++) {
            struct duo_range x = f->x[p], y = f->y[p];
            double pad_x = 0.06 * (x.high - x.low), pad_y = 0.06 * (y.high - y.low);
            if (!(pad_x > 0)) pad_x = x.high != 0 ? 0.1 * fabs(x.high) : 1;
            if (!(pad_y > 0)) pad_y = y.high != 0 ? 0.1 * fabs(y.high) : 1;
            double value[] = { x.low - pad_x, x.high + pad_x, y.low - pad_y, y.high + pad_y, x.low, x.high };
            fprintf(out, "%s[%d] = %.9g\n", names[k], p + 1, value[k]);
        }
}

static void styles(FILE *out, int n)
{
    /* Okabe and Ito's colours, which the colour-blind can tell apart, without their yellow. */
    static const char *const colours[] = { "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000" };
    static const int symbols[] = { 7, 5, 9, 11, 13, 15, 6, 4, 8, 10, 12 };
    fprintf(out, "array colour[%d]\narray symbol[%d]\narray dash[%d]\n", n ? n : 1, n ? n : 1, n ? n : 1);
    for (int i = 0; i < n; i++)
        fprintf(out, "colour[%d] = '%s'\nsymbol[%d] = %d\ndash[%d] = %d\n", i + 1, colours[i % 7], i + 1, symbols[i % 11], i + 1, 1 + i % 4);
}

/* Margins in pixels, so that nothing overlaps whatever the number of panels and the length of the labels. */
static void layout(FILE *out, const struct duo_figure *f, int *width, int *height)
{
    enum { LEFT = 86, RIGHT = 22, TOP = 34, BOTTOM = 56, PLOT_W = 340, PLOT_H = 240 };
    size_t longest = 4;
    for (int l = 0; l < f->n_labels; l++)
        if (strlen(f->labels[l]) > longest) longest = strlen(f->labels[l]);
    int key = 60 + 8 * (int)longest;
    *width  = f->n_variants * (LEFT + PLOT_W + RIGHT) + key;
    *height = f->n_panels * (TOP + PLOT_H + BOTTOM);
    if (20 * (f->n_labels + 2) > *height) *height = 20 * (f->n_labels + 2);
    fprintf(out, "left(v) = (%d.0 * (v - 1) + %d) / %d\nright(v) = (%d.0 * v - %d) / %d\n", LEFT + PLOT_W + RIGHT, LEFT, *width,
            LEFT + PLOT_W + RIGHT, RIGHT, *width);
    fprintf(out, "top(p) = 1 - (%d.0 * (p - 1) + %d) / %d\nbottom(p) = 1 - (%d.0 * p - %d) / %d\n", TOP + PLOT_H + BOTTOM, TOP, *height,
            TOP + PLOT_H + BOTTOM, BOTTOM, *height);
    fputs("PLACE = \"set lmargin at screen left(v); set rmargin at screen right(v); set tmargin at screen top(p); set bmargin at screen bottom(p)\"\n", out);
    fprintf(out, "key_x = %d.0 / %d\nkey_y = 1 - %d.0 / %d\n", *width - key + 4, *width, TOP, *height);
    fputs("KEY = \"if (p == 1 && v == variants) { set key at screen key_x, key_y left top Left reverse vertical samplen 2 spacing 1.25 width 0 } else { set key off }\"\n", out);
}

static void write_script(FILE *out, const struct duo_figure *f, const struct duo_plot_spec *spec, const char *gp)
{
    int width, height;
    const char *format = spec->format ? spec->format : "svg";
    fputs("set encoding utf8\nset datafile missing 'NaN'\n", out);
    layout(out, f, &width, &height);
    if (strcmp(format, "png") == 0)
        fprintf(out, "set terminal pngcairo noenhanced size %d,%d font 'DejaVu Sans,11' background '#ffffff'\n", width, height);
    else if (strcmp(format, "pdf") == 0)
        fprintf(out, "set terminal pdfcairo noenhanced size %.3f,%.3f font 'DejaVu Sans,10'\n", width / 100.0, height / 100.0);
    else
        fprintf(out, "set terminal svg noenhanced size %d,%d font 'DejaVu Sans,Arial,sans-serif,13' background '#ffffff'\n", width, height);
    fputs("set output ", out);
    quoted(out, spec->out);
    fprintf(out, "\npanels = %d\nvariants = %d\nlabels = %d\n", f->n_panels, f->n_variants, f->n_labels);
    texts(out, "variant", f->variants, f->n_variants);
    texts(out, "label", f->labels, f->n_labels);
    texts(out, "x_title", f->x_titles, f->n_panels);
    texts(out, "y_title", f->y_titles, f->n_panels);
    ranges(out, f);
    styles(out, f->n_labels);
    block(out, f, "point", true);
    block(out, f, "line", false);
    block(out, f, "steps", false);
    fputs("set multiplot\n", out);
    fputs(gp, out);
    fputs("\nunset multiplot\nunset output\nexit\n", out);
}

/* ---- gnuplot */
/* 0: drawn; 127: there is no gnuplot; else it failed. Its words go to `words`. */
static int run_gnuplot(const char *script, size_t length, char *words, size_t n)
{
    int in[2], said[2], code = -1;
    pid_t pid;
    words[0] = 0;
    if (pipe2(in, O_CLOEXEC) != 0) return -1;
    if (pipe2(said, O_CLOEXEC) != 0) { close(in[0]), close(in[1]); return -1; }
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, in[0], 0);
    posix_spawn_file_actions_adddup2(&actions, said[1], 1);
    posix_spawn_file_actions_adddup2(&actions, said[1], 2);
    char *const argv[] = { "gnuplot", "-d", NULL };      /* -d: nobody's own settings */
    int spawned = posix_spawnp(&pid, "gnuplot", &actions, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    close(in[0]), close(said[1]);
    if (spawned != 0) {
        close(in[1]), close(said[0]);
        return spawned == ENOENT || spawned == EACCES ? 127 : -1;     /* EACCES: a folder of PATH that is shut */
    }
    struct sigaction ignore = { .sa_handler = SIG_IGN }, before;
    sigaction(SIGPIPE, &ignore, &before);
    for (size_t at = 0; at < length;) {
        ssize_t wrote = write(in[1], script + at, length - at);
        if (wrote < 0 && errno != EINTR) break;
        if (wrote > 0) at += (size_t)wrote;
    }
    sigaction(SIGPIPE, &before, NULL);
    close(in[1]);
    size_t used = 0;
    char   buffer[512];
    for (ssize_t got; (got = read(said[0], buffer, sizeof buffer)) > 0 || (got < 0 && errno == EINTR);)
        for (ssize_t i = 0; i < got; i++)
            if (used + 1 < n) words[used++] = buffer[i];
    words[used] = 0;
    close(said[0]);
    while (waitpid(pid, &code, 0) < 0 && errno == EINTR) { }
    return WIFEXITED(code) ? WEXITSTATUS(code) : -1;
}

static enum duo_status draw(const struct duo_figure *f, const struct duo_plot_spec *spec, const char *gp, FILE *out, bool *drawn,
                            struct duo_err *err)
{
    char  *script = NULL, words[400];
    size_t length = 0;
    FILE  *memory = open_memstream(&script, &length);
    if (!memory) return duo_fail(err, DUO_NO_RESOURCES, "no memory for the figure");
    write_script(memory, f, spec, gp);
    fclose(memory);
    int code = run_gnuplot(script, length, words, sizeof words);
    free(script);
    if (code == 127) {
        fprintf(out, "gnuplot is not installed: %s as text\n\n", spec->figure);
        duo_figure_text(out, f);
        return DUO_OK;
    }
    *drawn = code == 0 && access(spec->out, F_OK) == 0;
    if (*drawn) return DUO_OK;
    unlink(spec->out);
    return duo_fail_at(err, DUO_BAD_INPUT, spec->out, 0, 0, "gnuplot could not draw %s: %s", spec->figure, words);
}

enum duo_status duo_plot(sqlite3 *db, const struct duo_plot_spec *spec, FILE *out, bool *drawn, struct duo_err *err)
{
    char *sql = NULL, *gp = NULL;
    struct duo_figure f = { 0 };
    static const char *const formats[] = { "svg", "png", "pdf" };
    bool known = !spec->format;
    *drawn = false;
    for (int i = 0; i < 3 && !known; i++) known = strcmp(formats[i], spec->format) == 0;
    if (!known) return duo_fail(err, DUO_BAD_INPUT, "no figure format %s: svg, png, pdf", spec->format);
    enum duo_status status = read_part(&sql, spec, ".sql", err);
    if (status == DUO_OK) status = read_part(&gp, spec, ".gp", err);
    if (status == DUO_OK) status = duo_figure_read(&f, db, sql, err);
    bool empty = status == DUO_OK && f.n_points == 0;
    if (empty && !spec->if_any)
        status = duo_fail(err, DUO_BAD_INPUT, "there is nothing to draw in %s: no row has both values", spec->figure);
    if (status == DUO_OK && !empty) status = draw(&f, spec, gp, out, drawn, err);
    duo_figure_free(&f);
    free(sql);
    free(gp);
    return status;
}
