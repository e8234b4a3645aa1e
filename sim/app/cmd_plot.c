/* cmd_plot.c - figures of a database, by gnuplot; as text where there is none. */
#include <errno.h>
#include <limits.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "analysis/plot.h"
#include "sim/app/app.h"
#include "sim/share.h"

static const struct duo_option options[] = {
    { 'f', "format", "NAME", "svg, png or pdf; default: svg and png" },
    { 'o', "out",    "DIR",  "the folder for them; default: this one" },
    { 0 }
};

static const char *const formats[] = { "svg", "png", "pdf" };

struct wishes { const char *out; char **figures; int n_figures, first, last; };      /* formats [first, last] */

static enum duo_status draw(struct sqlite3 *db, const struct wishes *w, const char *folder, const char *figure, struct duo_err *err)
{
    bool drawn = true;
    for (int f = w->first; f <= w->last && drawn; f++) {
        char out[PATH_MAX];
        struct duo_plot_spec spec = { .figure = figure, .folder = folder, .format = formats[f], .out = out, .if_any = !w->n_figures };
        snprintf(out, sizeof out, "%s/%s.%s", w->out, figure, formats[f]);
        DUO_TRY(duo_plot(db, &spec, stdout, &drawn, err));
        if (drawn) printf("%s\n", out);
    }
    return DUO_OK;
}

/* Every figure that was asked for must be known. */
static enum duo_status choose(const struct wishes *w, char **names, int n, struct duo_err *err)
{
    for (int i = 0; i < w->n_figures; i++) {
        bool known = false;
        for (int k = 0; k < n; k++) known |= strcmp(names[k], w->figures[i]) == 0;
        if (known) continue;
        const char *near = duo_nearest(w->figures[i], (const char *const *)names, (size_t)n);
        return near ? duo_fail(err, DUO_BAD_INPUT, "%s: no such figure (did you mean %s?)", w->figures[i], near)
                    : duo_fail(err, DUO_BAD_INPUT, "%s: no such figure", w->figures[i]);
    }
    return DUO_OK;
}

static enum duo_status plot_all(struct sqlite3 *db, const struct wishes *w, struct duo_err *err)
{
    char folder[PATH_MAX], **names;
    int n;
    DUO_TRY(duo_share_dir(DUO_SHARE_FIGURES, folder, sizeof folder, err));
    DUO_TRY(duo_share_names(DUO_SHARE_FIGURES, ".sql", &names, &n, err));
    enum duo_status status = choose(w, names, n, err);
    if (status == DUO_OK && mkdir(w->out, 0777) != 0 && errno != EEXIST)
        status = duo_fail_at(err, DUO_BAD_INPUT, w->out, 0, 0, "%s", strerror(errno));
    char **figures = w->n_figures ? w->figures : names;
    for (int i = 0; status == DUO_OK && i < (w->n_figures ? w->n_figures : n); i++) status = draw(db, w, folder, figures[i], err);
    for (int i = 0; i < n; i++) free(names[i]);
    free(names);
    return status;
}

static int run(const struct duo_command *command, int argc, char **argv)
{
    struct duo_args a;
    struct duo_err err = { 0 };
    struct wishes w = { .out = ".", .first = 0, .last = 1 };
    const char *value;
    duo_args_init(&a, command, argc, argv);
    for (int id; (id = duo_args_next(&a, &value)) >= 0;) {
        if (id == 'o') w.out = value;
        if (id == 'f') w.first = w.last = duo_choice(&a, "--format", value, formats, 3);
    }
    if (a.n_words < 1) duo_usage(&a, "plot: which database?");
    w.figures = a.words + 1;
    w.n_figures = a.n_words - 1;
    struct sqlite3 *db;
    enum duo_status status = duo_app_open(&db, a.words[0], &err);
    if (status == DUO_OK) {
        status = plot_all(db, &w, &err);
        sqlite3_close(db);
    }
    return duo_finish(&a, status, &err);
}

const struct duo_command duo_cmd_plot = {
    .name = "plot", .words = "FILE.db [FIGURE]...", .about = "draw figures of a database: svg and png",
    .example = "  duosim plot quickstart.db --out figures\n", .options = options, .run = run,
};
