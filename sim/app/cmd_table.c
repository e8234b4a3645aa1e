/* cmd_table.c - a database as a table, again: for reading, for papers, for programs. */
#include <sqlite3.h>
#include <string.h>

#include "analysis/perturb.h"
#include "analysis/table.h"
#include "sim/app/app.h"

enum { ID_VIEW = DUO_LONG_ONLY, ID_VARIANT, ID_BY_SEED, ID_INTERVALS, ID_LIST };

static const struct duo_option options[] = {
    { 'f',          "format",    "NAME", "text (default), markdown, csv, json, latex, html" },
    { 'c',          "columns",   "LIST", "columns by name, with commas between" },
    { ID_LIST,      "list",      NULL,   "every column there is, with what it means" },
    { ID_VIEW,      "view",      "NAME", "a view or table of the database as it is: v_pareto, server, ..." },
    { ID_VARIANT,   "variant",   "NAME", "that one alone" },
    { ID_BY_SEED,   "by-seed",   NULL,   "one row a seed, without intervals" },
    { ID_INTERVALS, "intervals", NULL,   "intervals of every column" },
    { 0 }
};

static void read_format(const struct duo_args *a, struct duo_table_spec *spec, const char *value)
{
#define X(name, word) #word,
    static const char *const names[] = { DUO_TABLE_FORMATS(X) };
#undef X
    spec->format = (enum duo_table_format)duo_choice(a, "--format", value, names, DUO_TABLE_FORMAT_END);
}

static enum duo_status print(const char *path, const char *view, struct duo_table_spec *spec, struct duo_err *err)
{
    struct sqlite3 *db;
    DUO_TRY(duo_app_open(&db, path, err));
    struct duo_summary summary = { 0 };
    enum duo_status status = view ? duo_table_view(stdout, db, view, spec->format, err) : duo_summary_read(&summary, db, err);
    if (!view && duo_perturb_there(db)) spec->rankings = db;
    if (!view && status == DUO_OK) status = duo_table_print(stdout, &summary, spec, err);
    if (spec->rankings && spec->format == DUO_TABLE_TEXT && status == DUO_OK) {
        putchar('\n');
        status = duo_perturb_print(stdout, db, spec->variant, err);
    }
    duo_summary_free(&summary);
    sqlite3_close(db);
    return status;
}

static int run(const struct duo_command *command, int argc, char **argv)
{
    struct duo_args a;
    struct duo_err err = { 0 };
    struct duo_table_spec spec = { .format = DUO_TABLE_TEXT };
    const char *value, *view = NULL;
    duo_args_init(&a, command, argc, argv);
    if (a.json) spec.format = DUO_TABLE_JSON;
    for (int id; (id = duo_args_next(&a, &value)) >= 0;) {
        switch (id) {
        case 'f':          read_format(&a, &spec, value); break;
        case 'c':          spec.columns = value; break;
        case ID_VIEW:      view = value; break;
        case ID_VARIANT:   spec.variant = value; break;
        case ID_BY_SEED:   spec.by_seed = true; break;
        case ID_INTERVALS: spec.intervals = true; break;
        case ID_LIST:      duo_table_columns(stdout); return DUO_OK;
        }
    }
    if (a.n_words != 1) duo_usage(&a, "table: one database, as duosim run leaves it");
    return duo_finish(&a, print(a.words[0], view, &spec, &err), &err);
}

const struct duo_command duo_cmd_table = {
    .name = "table", .words = "FILE.db", .about = "print a database as a table",
    .example = "  duosim table quickstart.db --format markdown --columns label,quality,e2e_p50\n", .options = options, .run = run,
};
