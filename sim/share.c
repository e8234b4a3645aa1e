/* share.c - see share.h. */
#include "sim/share.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct { const char *installed, *source; bool made; } kinds[DUO_SHARE_KINDS] = {    /* made: by the build, in its own tree */
    [DUO_SHARE_SCENARIOS] = { "scenarios", "scenarios", false },
    [DUO_SHARE_CATALOGUE] = { "catalogue", "models/catalogue", false },
    [DUO_SHARE_CALIBRATION] = { "calibration", "models/calibration", false },
    [DUO_SHARE_FIGURES]   = { "figures",   "analysis/figures", false },
    [DUO_SHARE_RECORDED]  = { "recorded",  "traces/recorded", false },
    [DUO_SHARE_PAIR]      = { "pair",      "models/pair", true },
    [DUO_SHARE_PYTHON]    = { "python",    "policies/python", false },
    [DUO_SHARE_POLICIES]  = { "policies",  "policies", false },
};

static bool folder(char *path, size_t n, const char *root, const char *name)
{
    struct stat s;
    int length = snprintf(path, n, "%s/%s", root, name);
    return length > 0 && (size_t)length < n && stat(path, &s) == 0 && S_ISDIR(s.st_mode);
}

/* The folder of this program, and whether it is the one that it was built in. */
static bool own_folder(char *path, size_t n, bool *built)
{
    ssize_t length = readlink("/proc/self/exe", path, n - 1);
    if (length <= 0) return false;
    path[length] = 0;
    char *slash = strrchr(path, '/');
    if (!slash) return false;
    *slash = 0;
    size_t build = strlen(DUO_BUILD_DIR);
    *built = strncmp(path, DUO_BUILD_DIR, build) == 0 && (path[build] == 0 || path[build] == '/');
    return true;
}

enum duo_status duo_share_dir(enum duo_share kind, char *path, size_t n, struct duo_err *err)
{
    const char *given = getenv("DUOSIM_SHARE"), *name = kinds[kind].installed;
    if (given && *given) {
        if (folder(path, n, given, name)) return DUO_OK;
        return duo_fail_at(err, DUO_BAD_INPUT, given, 0, 0, "DUOSIM_SHARE points here, but there is no folder %s", name);
    }
    char own[3072] = "", beside[3200];
    bool built = false;
    if (own_folder(own, sizeof own, &built)) {
        if (built && folder(path, n, kinds[kind].made ? DUO_BUILD_DIR : DUO_SOURCE_DIR, kinds[kind].source)) return DUO_OK;
        snprintf(beside, sizeof beside, "%s/../share/duosim", own);
        if (folder(path, n, beside, name)) return DUO_OK;
    }
    if (folder(path, n, DUO_DATADIR, name)) return DUO_OK;
    return duo_fail(err, DUO_BAD_INPUT, "the folder %s that ships with duosim is nowhere; set DUOSIM_SHARE to what holds it", name);
}

static int by_name(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

enum duo_status duo_share_names(enum duo_share kind, const char *suffix, char ***names, int *n, struct duo_err *err)
{
    char path[4096];
    *names = NULL;
    *n = 0;
    DUO_TRY(duo_share_dir(kind, path, sizeof path, err));
    DIR *dir = opendir(path);
    if (!dir) return duo_fail_at(err, DUO_BAD_INPUT, path, 0, 0, "can't be read");
    size_t end = strlen(suffix), count = 0;
    for (struct dirent *e; (e = readdir(dir));) {
        size_t length = strlen(e->d_name);
        if (length <= end || e->d_name[0] == '.' || strcmp(e->d_name + length - end, suffix) != 0) continue;
        *names = duo_grow(*names, count + 1, sizeof **names);
        (*names)[count] = duo_copy(e->d_name);
        (*names)[count++][length - end] = 0;
    }
    closedir(dir);
    if (count) qsort(*names, count, sizeof **names, by_name);
    *n = (int)count;
    return DUO_OK;
}

enum duo_status duo_share_file(enum duo_share kind, const char *name, char *path, size_t n, struct duo_err *err)
{
    char dir[4096], **names;
    int count;
    struct stat s;
    DUO_TRY(duo_share_dir(kind, dir, sizeof dir, err));
    int length = snprintf(path, n, "%s/%s", dir, name);
    if (length > 0 && (size_t)length < n && stat(path, &s) == 0 && S_ISREG(s.st_mode)) return DUO_OK;
    DUO_TRY(duo_share_names(kind, "", &names, &count, err));
    const char *near = duo_nearest(name, (const char *const *)names, (size_t)count);
    if (near) duo_fail_at(err, DUO_BAD_INPUT, dir, 0, 0, "there is no %s here (did you mean %s?)", name, near);
    else      duo_fail_at(err, DUO_BAD_INPUT, dir, 0, 0, "there is no %s here", name);
    for (int i = 0; i < count; i++) free(names[i]);
    free(names);
    return DUO_BAD_INPUT;
}
