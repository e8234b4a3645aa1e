/* registry.c - policies by name, their parameters, and modules from outside.
 *
 * (1) A built-in is found by its name; an unknown one is an error that names the nearest.
 * (2) A module is found by a path with a '/'; its file name gives the symbol; another ABI, another size, a missing
 *     symbol, a file that is no module: an error of one line each.  Modules stay loaded.
 * (3) A parameter is a scalar as written, read when init asks for it: absent, it leaves the default; wrong, it is an
 *     error with file, line, column, policy and key.
 * (4) After init, a key that nobody asked for is an error that names the nearest one that was asked for.
 * (5) What init asked for, with range and default, is what `duosim policies NAME` shows: there is no second list. */
#include "sim/registry.h"

#include <assert.h>
#include <dlfcn.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "policies/policies.def"
#include "sim/base/units.h"

#define X(id, room) extern const struct duo_policy duo_policy_##id;
DUO_POLICIES(X)
#undef X

static const struct { const struct duo_policy *policy; const char *name, *room; } built_in[] = {
#define X(id, room) { &duo_policy_##id, #id, room },
    DUO_POLICIES(X)
#undef X
};

enum { BUILT_IN = sizeof built_in / sizeof *built_in, MAX_KEYS = 64 };

struct duo_asked { const char *keys[MAX_KEYS]; struct duo_parameter what[MAX_KEYS]; int n; };

/* ---- names ---- */

int duo_policy_names(const char *const **names)
{
    static const char *list[BUILT_IN];

    for (int i = 0; i < BUILT_IN; i++) list[i] = built_in[i].name;
    *names = list;
    return BUILT_IN;
}

static int index_of(const char *name)
{
    if (strcmp(name, "mix") == 0) name = "random";
    for (int i = 0; i < BUILT_IN; i++)
        if (strcmp(name, built_in[i].name) == 0) return i;
    return -1;
}

const char *duo_policy_room(const char *name)
{
    int i = index_of(name);

    return i < 0 ? strchr(name, '/') ? "module" : NULL : built_in[i].room;
}

static bool ends_with(const char *text, const char *end)
{
    size_t n = strlen(text), m = strlen(end);

    return n >= m && strcmp(text + n - m, end) == 0;
}

static enum duo_status unknown(const char *name, struct duo_err *err)
{
    const char *const *names;
    int n = duo_policy_names(&names);
    const char *near = duo_nearest(name, names, (size_t)n);

    if (ends_with(name, ".so") || ends_with(name, ".c"))
        return duo_fail(err, DUO_BAD_INPUT, "unknown policy \"%s\": a module is given by a path, as in ./%s", name, name);
    if (near)
        return duo_fail(err, DUO_BAD_INPUT, "unknown policy \"%s\" (did you mean %s?)", name, near);
    return duo_fail(err, DUO_BAD_INPUT, "unknown policy \"%s\": `duosim policies` lists those there are", name);
}

/* ---- modules ---- */

/* "a/b/mine.so" -> "duo_policy_mine". */
static enum duo_status symbol_of(const char *path, char *symbol, size_t n, struct duo_err *err)
{
    const char *base = strrchr(path, '/') + 1;
    size_t length = strcspn(base, ".");

    if (length == 0 || length + sizeof "duo_policy_" > n)
        return duo_fail(err, DUO_BAD_INPUT, "%s: a module's file is named after its policy, as in ./mine.so", path);
    snprintf(symbol, n, "duo_policy_%.*s", (int)length, base);
    return DUO_OK;
}

static enum duo_status check_policy(const struct duo_policy *policy, const char *path, struct duo_err *err)
{
    if (policy->abi != DUO_POLICY_ABI)
        return duo_fail(err, DUO_BAD_INPUT, "%s: built for policy ABI %d, this program has %d: build it again with this policy.h",
                        path, policy->abi, DUO_POLICY_ABI);
    if (policy->size != sizeof *policy)
        return duo_fail(err, DUO_BAD_INPUT, "%s: its struct duo_policy has %zu bytes, this program's %zu: build it again with this policy.h",
                        path, policy->size, sizeof *policy);
    if (!policy->name || !policy->next)
        return duo_fail(err, DUO_BAD_INPUT, "%s: the policy has no %s", path, policy->name ? "next function" : "name");
    return DUO_OK;
}

static enum duo_status load(const char *name, const char *dir, const struct duo_policy **out, struct duo_err *err)
{
    char path[PATH_MAX], symbol[256];
    void *module;

    if (name[0] != '/' && dir && *dir) snprintf(path, sizeof path, "%s/%s", dir, name);
    else                               snprintf(path, sizeof path, "%s", name);
    if (access(path, R_OK) != 0) return duo_fail(err, DUO_BAD_INPUT, "%s: no such module", path);
    if (ends_with(path, ".c"))
        return duo_fail(err, DUO_BAD_INPUT, "%s is source: build it with cc -shared -fPIC -I INCLUDE-DIR -o %.*s.so %s, and name that",
                        path, (int)strlen(path) - 2, path, path);
    DUO_TRY(symbol_of(path, symbol, sizeof symbol, err));
    dlerror();
    if (!(module = dlopen(path, RTLD_NOW | RTLD_LOCAL)))
        return duo_fail(err, DUO_BAD_INPUT, "not a module that can be loaded: %s", dlerror());
    if (!(*out = dlsym(module, symbol))) {
        dlclose(module);
        return duo_fail(err, DUO_BAD_INPUT, "%s has no %s: its DUO_POLICY(...) must be named as the file is", path, symbol);
    }
    return check_policy(*out, path, err);
}

enum duo_status duo_policy_find(const char *name, const char *dir, const struct duo_policy **out, struct duo_err *err)
{
    int i;

    *out = NULL;
    if (strchr(name, '/')) {                                                  /* (2) */
        enum duo_status status = load(name, dir, out, err);
        if (status != DUO_OK) *out = NULL;
        return status;
    }
    if ((i = index_of(name)) < 0) return unknown(name, err);                  /* (1) */
    *out = built_in[i].policy;
    assert(strcmp((*out)->name, built_in[i].name) == 0);
    return DUO_OK;
}

/* ---- parameters ---- */

static const char *name_at(const char *const *names, int n, int i) { return i >= 0 && i < n ? names[i] : NULL; }

/* Notes that it was asked for (4) (5); its value, or NULL. */
static const struct duo_param *find(const struct duo_params *p, struct duo_parameter what)
{
    struct duo_asked *asked = p->asked;
    const char *key = what.key;
    bool known = false;

    for (int i = 0; asked && i < asked->n; i++) known |= strcmp(asked->keys[i], key) == 0;
    if (asked && !known && asked->n < MAX_KEYS) asked->what[asked->n] = what, asked->keys[asked->n++] = key;
    for (int i = 0; i < p->spec->n_params; i++)
        if (strcmp(p->spec->params[i].key, key) == 0) return &p->spec->params[i];
    return NULL;
}

static const char *file_of(const struct duo_params *p)
{
    return p->scenario && p->scenario->file ? p->scenario->file : "";
}

/* An error at the key, or, where it was not written, at the policy. */
static int complain(const struct duo_params *p, const char *key, const char *why)
{
    const struct duo_param *q = NULL;
    const char *label = p->spec->label ? p->spec->label : p->spec->use;

    for (int i = 0; key && i < p->spec->n_params; i++)
        if (strcmp(p->spec->params[i].key, key) == 0) q = &p->spec->params[i];
    return (int)duo_fail_at(p->err, DUO_BAD_INPUT, file_of(p), q ? q->at.line : p->spec->at.line, q ? q->at.column : p->spec->at.column,
                            "%s: %s%s%s", label, key ? key : "", key ? ": " : "", why);
}

int duo_refuse(const struct duo_params *p, const char *key, const char *why)
{
    return complain(p, key, why);
}

/* A number as people write it: plain, a share in %, or a time. */
static int number(const char *text, double *out, char *why, size_t n)
{
    char scrap[128];

    if (duo_quantity(text, DUO_DIM_NUMBER, out, scrap, sizeof scrap) == 0) return 0;
    if (duo_quantity(text, DUO_DIM_SHARE, out, scrap, sizeof scrap) == 0) return 0;
    if (duo_quantity(text, DUO_DIM_TIME, out, scrap, sizeof scrap) == 0) return 0;
    snprintf(why, n, "expected a number, a share in %% or a time, like 0.3, 30 %% or 40 ms; got \"%s\"", text);
    return -1;
}

int duo_number_of(const struct duo_params *p, const char *key, double min, double max, double *out)
{
    const struct duo_param *q = find(p, (struct duo_parameter){ key, DUO_PARAMETER_NUMBER, min, max, *out, NULL });
    char why[256];
    double value;

    if (!q) return 0;
    if (number(q->value, &value, why, sizeof why) != 0) return complain(p, key, why);
    if (!(value >= min && value <= max)) {
        snprintf(why, sizeof why, "expected a value from %g to %g; got %s", min, max, q->value);
        return complain(p, key, why);
    }
    *out = value;
    return 0;
}

int duo_text_of(const struct duo_params *p, const char *key, const char **out)
{
    const struct duo_param *q = find(p, (struct duo_parameter){ key, DUO_PARAMETER_TEXT, 0, 0, 0, *out });

    if (q) *out = q->value;
    return 0;
}

static int no_such(const struct duo_params *p, const char *key, const char *what, const char *name, const char *const *names, int n)
{
    const char *near = n > 0 ? duo_nearest(name, names, (size_t)n) : NULL;
    char why[384];
    size_t used;

    used = (size_t)snprintf(why, sizeof why, "there is no %s \"%s\"", what, name);
    if (near) {
        snprintf(why + used, sizeof why - used, " (did you mean %s?)", near);
    } else {
        for (int i = 0; i < n && used < sizeof why - 1; i++)
            used += (size_t)snprintf(why + used, sizeof why - used, "%s%s", i ? ", " : "; there are: ", names[i]);
        if (n == 0) snprintf(why + used, sizeof why - used, "; there are none");
    }
    return complain(p, key, why);
}

duo_place duo_place_named(const struct duo_params *p, const char *name)
{
    for (int i = 0; i < p->n_places; i++)
        if (strcmp(p->places[i], name) == 0) return i;
    return DUO_NOWHERE;
}

int duo_place_of(const struct duo_params *p, const char *key, duo_place *out)
{
    const struct duo_param *q = find(p, (struct duo_parameter){ key, DUO_PARAMETER_PLACE, 0, 0, 0, name_at(p->places, p->n_places, *out) });
    duo_place at;

    if (!q) return 0;
    if ((at = duo_place_named(p, q->value)) == DUO_NOWHERE)
        return no_such(p, key, "place", q->value, p->places, p->n_places);
    *out = at;
    return 0;
}

duo_scorer duo_scorer_named(const struct duo_params *p, const char *name)
{
    return p->answers ? duo_answers_score(p->answers, name) : -1;
}

int duo_scorer_of(const struct duo_params *p, const char *key, duo_scorer *out)
{
    const struct duo_answers *a = p->answers;
    const struct duo_param *q = find(p, (struct duo_parameter){ key, DUO_PARAMETER_SCORE, 0, 0, 0, a ? name_at(a->scores, a->n_scores, *out) : NULL });
    duo_scorer scorer;

    if (!q) return 0;
    if ((scorer = duo_scorer_named(p, q->value)) < 0)
        return no_such(p, key, "score", q->value, p->answers ? p->answers->scores : NULL, p->answers ? p->answers->n_scores : 0);
    *out = scorer;
    return 0;
}

int duo_quantile_of(const struct duo_params *p, const char *signal, double q, double *out)
{
    struct duo_err err = { 0 };

    if (!p->answers) return complain(p, NULL, "there are no answers to fit a threshold on");
    if (duo_answers_quantile(p->answers, signal, q, out, &err) == DUO_OK) return 0;
    return complain(p, NULL, err.text);
}

/* ---- files of weights ---- */

/* Read whole and kept until the program ends: configurations point into them. */
static struct blob { struct blob *next; char path[PATH_MAX]; size_t bytes; max_align_t data[]; } *blobs;

static struct blob *read_blob(const char *path)
{
    FILE *f = fopen(path, "rb");
    struct blob *b = NULL;
    long end;

    if (!f) return NULL;
    if (fseek(f, 0, SEEK_END) == 0 && (end = ftell(f)) >= 0 && fseek(f, 0, SEEK_SET) == 0) {
        b = duo_new(1, sizeof *b + (size_t)end);
        b->bytes = (size_t)end;
        snprintf(b->path, sizeof b->path, "%s", path);
        if (fread(b->data, 1, b->bytes, f) != b->bytes) { free(b); b = NULL; }
    }
    fclose(f);
    return b;
}

int duo_blob_of(const struct duo_params *p, const char *key, const void **out, size_t *bytes)
{
    const struct duo_param *q = find(p, (struct duo_parameter){ .key = key, .kind = DUO_PARAMETER_FILE });
    char *path, why[400];
    struct blob *b;

    if (!q) return 0;
    if (duo_scenario_path(file_of(p), q->value, &path, why, sizeof why) != DUO_OK) return complain(p, key, why);
    for (b = blobs; b && strcmp(b->path, path) != 0; ) b = b->next;
    if (!b && (b = read_blob(path))) {
        b->next = blobs;
        blobs = b;
    }
    if (!b) snprintf(why, sizeof why, "cannot read %.300s", path);
    free(path);
    if (!b) return complain(p, key, why);
    *out = b->data;
    *bytes = b->bytes;
    return 0;
}

/* ---- init ---- */

static enum duo_status refuse_unasked(const struct duo_params *p)
{
    const struct duo_asked *asked = p->asked;

    for (int i = 0; i < p->spec->n_params; i++) {
        const char *key = p->spec->params[i].key, *near;
        bool known = false;
        char why[128];

        for (int k = 0; k < asked->n; k++) known |= strcmp(asked->keys[k], key) == 0;
        if (known) continue;
        near = duo_nearest(key, asked->keys, (size_t)asked->n);
        if (near)              snprintf(why, sizeof why, "unknown parameter (did you mean %s?)", near);
        else if (asked->n > 0) snprintf(why, sizeof why, "unknown parameter");
        else                   snprintf(why, sizeof why, "unknown parameter: this policy takes none");
        return (enum duo_status)complain(p, key, why);                        /* (4) */
    }
    return DUO_OK;
}

static enum duo_status run_init(const struct duo_policy *policy, void *config, struct duo_params *p, struct duo_asked *asked)
{
    struct duo_err none = { 0 };
    enum duo_status status = DUO_OK;
    int bad;

    if (!p->err) p->err = &none;
    p->asked = asked;
    bad = policy->init ? policy->init(config, p) : 0;
    if (p->err->status != DUO_OK) status = p->err->status;
    else if (bad)                 status = (enum duo_status)complain(p, NULL, "refused the scenario without a word");
    else                          status = refuse_unasked(p);
    p->asked = NULL;
    if (p->err == &none) p->err = NULL;
    return status;
}

enum duo_status duo_policy_init(const struct duo_policy *policy, void *config, struct duo_params *p)
{
    struct duo_asked asked = { .n = 0 };

    return run_init(policy, config, p, &asked);
}

void duo_policy_parameters(const struct duo_policy *policy, struct duo_parameters *out)            /* (5) */
{
    static const char *const places[] = { "device", "cloud", "small" };
    static const struct duo_synthetic_voice voices[] = { { .name = "weak", .auc = 0.7, .length = { DUO_FIXED, 10, 0 } },
                                                         { .name = "strong", .auc = 0.7, .length = { DUO_FIXED, 10, 0 } } };
    const struct duo_synthetic_spec synthetic = { .n_voices = 2, .voices = voices, .slope = 1, .prompt_tokens = { DUO_FIXED, 50, 0 },
                                                  .bytes_per_token = 4, .train_share = 0.5, .router_auc = 0.7 };
    struct duo_policy_spec spec = { .use = (char *)(uintptr_t)policy->name, .seat = -1 };
    struct duo_answers *answers = duo_answers_synthetic(&synthetic);
    struct duo_asked asked = { .n = 0 };
    struct duo_err err = { 0 };
    void *config = duo_new(1, policy->config_size ? policy->config_size : 1);

    *out = (struct duo_parameters){ .n = 0 };
    if (run_init(policy, config, &(struct duo_params){ .spec = &spec, .answers = answers, .places = places, .n_places = 3, .err = &err }, &asked) != DUO_OK)
        snprintf(out->refused, sizeof out->refused, "%.255s", err.text);
    out->n = asked.n;
    memcpy(out->at, asked.what, (size_t)asked.n * sizeof *out->at);
    free(config);
    duo_answers_free(answers);
}
