/* test_schema.c - analysis/SCHEMA.md and the table `description` against a database as the ledger makes it: each
 * table and view has its section, with the same columns of the same types in the same order, and there are no others. */
#include <sqlite3.h>
#include <stdlib.h>
#include <unistd.h>

#include "analysis/perturb.h"
#include "analysis/summary.h"
#include "sim/ledger.h"
#include "tests/check.h"

enum { MAX = 512 };

static struct line { char table[64], column[64], type[16]; bool views, in_file; } lines[MAX];
static int n_lines;

/* "### `table`", then rows "| `column` | TYPE | meaning |".  Behind "## Views" a view's column may leave out the type. */
static void read_page(const char *path)
{
    FILE *page = fopen(path, "r");
    CHECK(page != NULL);
    char text[4096], table[64] = "";
    bool views = false;
    while (page && fgets(text, sizeof text, page)) {
        struct line line = { 0 };
        if (strncmp(text, "## ", 3) == 0) views = strncmp(text, "## Views", 8) == 0 || strncmp(text, "## Under", 8) == 0;
        if (sscanf(text, "### `%63[^`]`", table) == 1) continue;
        if (sscanf(text, "| `%63[^`]` | %15[A-Z]", line.column, line.type) < 1 || !*table) continue;
        strcpy(line.table, table);
        line.views = views;
        CHECK(n_lines < MAX);
        if (n_lines < MAX) lines[n_lines++] = line;
    }
    if (page) fclose(page);
}

static struct line *find(const char *table, const char *column)
{
    for (int i = 0; i < n_lines; i++)
        if (strcmp(lines[i].table, table) == 0 && strcmp(lines[i].column, column) == 0) return &lines[i];
    return NULL;
}

static bool described(sqlite3 *db, const char *table, const char *column)
{
    sqlite3_stmt *s;
    bool there = false;
    if (sqlite3_prepare_v2(db, "SELECT length(meaning) > 3 FROM description WHERE table_name = ? AND column_name = ?", -1, &s, NULL) == SQLITE_OK) {
        sqlite3_bind_text(s, 1, table, -1, SQLITE_STATIC);
        sqlite3_bind_text(s, 2, column, -1, SQLITE_STATIC);
        there = sqlite3_step(s) == SQLITE_ROW && sqlite3_column_int(s, 0);
    }
    sqlite3_finalize(s);
    return there;
}

/* One table or view of the database: all its columns are on the page, in the page's order. */
static void check_table(sqlite3 *db, const char *table, bool view, bool in_description)
{
    sqlite3_stmt *s;
    struct line *before = NULL;
    if (sqlite3_prepare_v2(db, "SELECT name, type FROM pragma_table_info(?)", -1, &s, NULL) != SQLITE_OK) { CHECK(0); return; }
    sqlite3_bind_text(s, 1, table, -1, SQLITE_STATIC);
    while (sqlite3_step(s) == SQLITE_ROW) {
        const char *column = (const char *)sqlite3_column_text(s, 0);
        struct line *line = find(table, column);
        if (!line) {
            printf("%s.%s is not on the page\n", table, column);
            CHECK(line != NULL);
            continue;
        }
        line->in_file = true;
        if (!view) CHECK_TEXT(line->type, (const char *)sqlite3_column_text(s, 1));
        if (before) CHECK_INT(line - before, 1);
        before = line;
        if (in_description && !described(db, table, column)) {
            printf("%s.%s is not in the table description\n", table, column);
            CHECK(0);
        }
    }
    CHECK(before != NULL);
    sqlite3_finalize(s);
}

/* Every table, or view, but those named so far. */
static int check_all(sqlite3 *db, const char *except, bool in_description)
{
    int n = 0;
    char sql[512];
    sqlite3_stmt *s;
    snprintf(sql, sizeof sql, "SELECT name, type = 'view' FROM sqlite_master WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite_%%'"
             " AND name NOT IN (%s) ORDER BY name", except);
    if (sqlite3_prepare_v2(db, sql, -1, &s, NULL) != SQLITE_OK) CHECK(0);
    for (; sqlite3_step(s) == SQLITE_ROW; n++) check_table(db, (const char *)sqlite3_column_text(s, 0), sqlite3_column_int(s, 1), in_description);
    sqlite3_finalize(s);
    return n;
}

static void check_nothing_else(bool views)
{
    for (int i = 0; i < n_lines; i++)
        if (lines[i].views == views && !lines[i].in_file) {
            printf("%s.%s is on the page and in no database\n", lines[i].table, lines[i].column);
            CHECK(0);
        }
}

int main(void)
{
    const char *source = getenv("DUOSIM_SOURCE");
    char path[1024], target[64];
    snprintf(path, sizeof path, "%s/analysis/SCHEMA.md", source ? source : ".");
    snprintf(target, sizeof target, "/tmp/schema.%ld.db", (long)getpid());
    read_page(path);

    struct duo_err err = { 0 };
    struct duo_ledger *ledger;
    if (duo_ledger_open(&ledger, target, &err) != DUO_OK) return duo_err_print(stdout, &err, false), 1;
    CHECK_INT(check_all(duo_ledger_handle(ledger), "''", true), DUO_TABLE_END + 3);
    check_nothing_else(false);

    CHECK_INT(duo_summary_write(duo_ledger_handle(ledger), NULL, 0, &err), DUO_OK);
    CHECK_INT(duo_perturb_open(duo_ledger_handle(ledger), &err), DUO_OK);
    bool views = false;
    for (int i = 0; i < n_lines; i++) views |= lines[i].views;
    if (views) {
        char except[256] = "'scenario', 'host', 'description'";
        for (int i = 0; i < DUO_TABLE_END; i++)
            snprintf(except + strlen(except), sizeof except - strlen(except), ", '%s'", duo_tables[i].name);
        CHECK(check_all(duo_ledger_handle(ledger), except, false) >= 5);
        check_nothing_else(true);
    } else {
        CHECK_SKIP("the page describes no views");
    }
    duo_ledger_drop(ledger);
    CHECK(access(target, F_OK) != 0);
    return check_done();
}
