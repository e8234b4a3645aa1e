/* common.c - what subcommands share: a database, the catalogue, a scenario by file or by name. */
#include <errno.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "sim/app/app.h"
#include "sim/share.h"

enum duo_status duo_app_open(struct sqlite3 **db, const char *path, struct duo_err *err)
{
    struct stat s;
    *db = NULL;
    if (stat(path, &s) != 0) return duo_fail_at(err, DUO_BAD_INPUT, path, 0, 0, "%s", strerror(errno));
    if (S_ISDIR(s.st_mode))  return duo_fail_at(err, DUO_BAD_INPUT, path, 0, 0, "is a folder, not a database");
    int bad = sqlite3_open_v2(path, db, SQLITE_OPEN_READONLY, NULL);
    if (bad == SQLITE_OK) bad = sqlite3_exec(*db, "SELECT label, state, reason FROM run LIMIT 1", NULL, NULL, NULL);
    if (bad == SQLITE_OK) return DUO_OK;
    const char *why = bad == SQLITE_ERROR ? "a database, but not one of duosim" : sqlite3_errmsg(*db);
    duo_fail_at(err, DUO_BAD_INPUT, path, 0, 0, "%s", why);
    sqlite3_close(*db);
    *db = NULL;
    return DUO_BAD_INPUT;
}

void duo_app_layer(const struct duo_args *a, struct duo_layers *layers, const char *dir)
{
    if (layers->n == sizeof layers->dir / sizeof layers->dir[0]) duo_usage(a, "%s: more than %d of --catalogue", a->command->name, layers->n);
    layers->dir[layers->n++] = dir;
}

enum duo_status duo_app_catalogue(struct duo_catalogue **out, const struct duo_layers *layers, struct duo_err *err)
{
    char dir[4096];
    DUO_TRY(duo_share_dir(DUO_SHARE_CATALOGUE, dir, sizeof dir, err));
    DUO_TRY(duo_catalogue_open(out, dir, err));
    enum duo_status status = DUO_OK;
    for (int i = 0; i < layers->n && status == DUO_OK; i++) status = duo_catalogue_layer(*out, layers->dir[i], err);
    if (status == DUO_OK) return DUO_OK;
    duo_catalogue_free(*out);
    *out = NULL;
    return status;
}

enum duo_status duo_app_scenario(const char *text, char *path, size_t n, struct duo_err *err)
{
    struct stat s;
    snprintf(path, n, "%s", text);
    bool there = stat(text, &s) == 0;
    if (there && !S_ISDIR(s.st_mode)) return DUO_OK;
    size_t length = strlen(text);
    bool file = strchr(text, '/') || (length > 5 && strcmp(text + length - 5, ".yaml") == 0);
    if (file && there) return duo_fail_at(err, DUO_BAD_INPUT, text, 0, 0, "is a folder, not a scenario");
    if (file) return duo_fail_at(err, DUO_BAD_INPUT, text, 0, 0, "no such file");

    char **names, dir[4000];
    int count;
    DUO_TRY(duo_share_dir(DUO_SHARE_SCENARIOS, dir, sizeof dir, err));
    DUO_TRY(duo_share_names(DUO_SHARE_SCENARIOS, ".yaml", &names, &count, err));
    bool found = false;
    for (int i = 0; i < count; i++) found |= strcmp(names[i], text) == 0;
    const char *near = found ? NULL : duo_nearest(text, (const char *const *)names, (size_t)count);
    enum duo_status status = DUO_OK;
    if (found) snprintf(path, n, "%s/%s.yaml", dir, text);
    else if (near) status = duo_fail(err, DUO_BAD_INPUT, "%s: neither a file nor a scenario that ships (did you mean %s?)", text, near);
    else status = duo_fail(err, DUO_BAD_INPUT, "%s: neither a file nor a scenario that ships; duosim scenarios lists them", text);
    for (int i = 0; i < count; i++) free(names[i]);
    free(names);
    return status;
}
