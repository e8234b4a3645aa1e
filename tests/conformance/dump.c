/* dump.c - every table of a result database but `host`, as sorted lines of cells apart by '|' (in a text it is a '/'):
 * two databases are the same if these are.
 * dump --columns FILE.db TABLE prints the table's columns; dump --value FILE.db SQL the first value of a query. */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int compare(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

static void text(FILE *f, const unsigned char *at)
{
    fputc('|', f);
    for (; *at; at++) fputc(*at == '|' ? '/' : *at, f);
}

static void table(sqlite3 *db, const char *name)
{
    char sql[256], **lines = NULL;
    size_t n = 0, room = 0;
    sqlite3_stmt *s;

    snprintf(sql, sizeof sql, "SELECT * FROM \"%s\"", name);
    if (sqlite3_prepare_v2(db, sql, -1, &s, NULL) != SQLITE_OK) { fprintf(stderr, "%s\n", sqlite3_errmsg(db)); exit(2); }
    while (sqlite3_step(s) == SQLITE_ROW) {
        size_t size;
        char *line;
        FILE *f = open_memstream(&line, &size);
        for (int i = 0; i < sqlite3_column_count(s); i++) {
            if (sqlite3_column_type(s, i) == SQLITE_FLOAT) fprintf(f, "|%a", sqlite3_column_double(s, i));
            else if (sqlite3_column_type(s, i) == SQLITE_NULL) fprintf(f, "|NULL");
            else text(f, sqlite3_column_text(s, i));
        }
        fclose(f);
        if (n == room) lines = realloc(lines, (room = room ? 2 * room : 1024) * sizeof *lines);
        lines[n++] = line;
    }
    sqlite3_finalize(s);
    if (n) qsort(lines, n, sizeof *lines, compare);
    for (size_t i = 0; i < n; i++) printf("%s%s\n", name, lines[i]), free(lines[i]);
    free(lines);
}

int main(int argc, char **argv)
{
    sqlite3 *db;
    sqlite3_stmt *s;

    if (argc == 4 && strcmp(argv[1], "--value") == 0 && sqlite3_open_v2(argv[2], &db, SQLITE_OPEN_READONLY, NULL) == SQLITE_OK) {
        const unsigned char *value = NULL;
        if (sqlite3_prepare_v2(db, argv[3], -1, &s, NULL) == SQLITE_OK && sqlite3_step(s) == SQLITE_ROW) value = sqlite3_column_text(s, 0);
        printf("%s\n", value ? (const char *)value : sqlite3_errmsg(db));
        sqlite3_finalize(s);
        return sqlite3_close(db);
    }
    if (argc == 4 && strcmp(argv[1], "--columns") == 0 && sqlite3_open_v2(argv[2], &db, SQLITE_OPEN_READONLY, NULL) == SQLITE_OK) {
        char sql[256];
        snprintf(sql, sizeof sql, "SELECT name FROM pragma_table_info('%s')", argv[3]);
        sqlite3_prepare_v2(db, sql, -1, &s, NULL);
        while (sqlite3_step(s) == SQLITE_ROW) printf("%s ", (const char *)sqlite3_column_text(s, 0));
        printf("\n");
        sqlite3_finalize(s);
        return sqlite3_close(db);
    }
    if (argc != 2 || sqlite3_open_v2(argv[1], &db, SQLITE_OPEN_READONLY, NULL) != SQLITE_OK) { fprintf(stderr, "usage: dump FILE.db\n"); return 2; }
    sqlite3_prepare_v2(db, "SELECT name FROM sqlite_master WHERE type = 'table' AND name != 'host' ORDER BY name", -1, &s, NULL);
    while (sqlite3_step(s) == SQLITE_ROW) table(db, (const char *)sqlite3_column_text(s, 0));
    sqlite3_finalize(s);
    sqlite3_close(db);
    return 0;
}
