/* cmd_new.c - a folder to start a policy of one's own in: source, scenario, test, what to do next.
 *
 * (1) The source is policies/TEMPLATE.c, or policies/python/TEMPLATE.py, under the new name.  Beside C lies policy.h, which is
 *     0BSD like it, so that the folder needs nothing but a compiler and this program; a policy in Python is given its
 *     module by the program that starts it.
 * (2) Nothing is overwritten: a name that is taken, here or among the built-in policies, is refused, and so is one that is
 *     no name in C.  What could not be written whole is taken away again. */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sim/app/app.h"
#include "sim/registry.h"
#include "sim/share.h"

static const char scenario_text[] =
    "# NAME beside the two ends of every curve: the device alone, the cloud alone.  `duosim scenarios --keys` has all keys.\n"
    "name: NAME\n"
    "seed: 1..2\n"
    "arrivals: { process: poisson, rate: 2/s, requests: 100 }\n"
    "devices:  { count: 20, hardware: snapdragon-8-gen-3, model: qwen2.5-0.5b, quant: q4_0 }\n"
    "cells:    { count: 2, up: 20 Mbit/s, down: 50 Mbit/s, rtt: 40 ms, radio: wifi }\n"
    "places:\n"
    "  - { name: cloud, model: llama-3.1-8b, quant: fp8, hardware: h100-sxm, replicas: 1, batch: 32 }\n"
    "answers:                                   # made up, and marked so; yours: recorded: FILE (traces/outcomes/README.md)\n"
    "  synthetic: { voices: { small: { ability: 0 }, large: { ability: 1.5 } } }\n"
    "  roles: { device: small, cloud: large }\n"
    "policies:\n"
    "  - edge_only\n"
    "  - cloud_only\n"
    "  - USE\n"
    "expect:                                    # what must be so: duosim run ends with 1 when it is not\n"
    "  NAME.failed: 0\n"
    "  NAME.quality: \">= edge_only.quality\"\n";

static const char test_text[] =
    "#!/bin/sh\n"
    "# test.sh - BUILDS; exit 0 when the expect: block of scenario.yaml holds.\n"
    "# DUOSIM: the program, where it is not on the PATH.  Options go to it: sh test.sh --seed 1..10\n"
    "set -eu\n"
    "cd \"$(dirname \"$0\")\"\n"
    "COMMAND"
    "\"${DUOSIM:-duosim}\" run scenario.yaml --out NAME.db \"$@\"\n";

static const char readme_text[] =
    "# NAME\n"
    "FILES\n"
    "- `scenario.yaml` runs it beside `edge_only` and `cloud_only`, and says under `expect:` what must be so.\n"
    "- `test.sh` does both: `sh test.sh`. Change the policy, then what you expect of it.\n"
    "\n"
    "In any scenario: `duosim run FILE --policy 'POLICY'`, parameters behind it: `'POLICYPARAMETERS'`.\n";

struct kind {
    const char *language, *source, *ending;
    enum duo_share share;                        /* where the source lies */
    const char *beside, *beside_as;              /* what the source needs, or NULL */
    const char *use, *policy, *builds, *command, *files;
};

static const struct kind kinds[] = {
    { "c", "TEMPLATE.c", ".c", DUO_SHARE_POLICIES, "policy.h", "policies/policy.h", "./NAME.so", "./NAME.so", "builds NAME.so, runs scenario.yaml",
      "\"${CC:-cc}\" -std=c17 -O2 -Wall -Wextra -shared -fPIC -I. NAME.c -o NAME.so -lm\n",
      "- `NAME.c` is the policy: one file, 0BSD, yours. `policies/policy.h` is all that it may know and do." },
    { "python", "TEMPLATE.py", ".py", DUO_SHARE_PYTHON, NULL, NULL, "{ pipe: [python3, NAME.py], as: NAME }", "pipe:python3 NAME.py", "runs scenario.yaml", "",
      "- `NAME.py` is the policy: one file, 0BSD, yours. duosim gives it its module, duosim_policy." },
};
enum { KINDS = sizeof kinds / sizeof *kinds };

/* ---- text ---- */

struct word { const char *from, *to; };

static void put(FILE *out, const char *text, const struct word *words)
{
    while (*text) {
        const struct word *w = words;
        while (w->from && strncmp(text, w->from, strlen(w->from)) != 0) w++;
        if (w->from) {
            put(out, w->to, w + 1);
            text += strlen(w->from);
        } else {
            putc(*text++, out);
        }
    }
}

/* The template without what says how to copy it: its head goes on with the first requirement. */
static void put_source(FILE *out, const char *text, const char *name, const char *ending)
{
    const char *head = strstr(text, "TEMPLATE."), *rest = strstr(text, "(1) ");

    if (head && rest && rest > head) {
        const char *mark = rest;
        while (mark > text && mark[-1] != '\n') mark--;
        fprintf(out, "%.*s", (int)(head - text), text);
        fprintf(out, "%s%s - look at the first tokens of the small model, then decide who answers: the template, to be changed.\n", name, ending);
        fprintf(out, "%.*s\n", rest - mark > 1 ? (int)(rest - mark) - 1 : 0, mark);      /* " *", as in the lines around it */
        text = mark;
    }
    put(out, text, (const struct word[]){ { "TEMPLATE", name }, { 0 } });
}

static enum duo_status read_whole(const char *path, char **out, struct duo_err *err)
{
    FILE *in = fopen(path, "rb");
    size_t n = 0, room = 0, got;

    *out = NULL;
    if (!in) return duo_fail_at(err, DUO_BAD_INPUT, path, 0, 0, "%s", strerror(errno));
    do {
        room += 16384;
        *out = duo_grow(*out, room + 1, 1);
        n += got = fread(*out + n, 1, room - n, in);
    } while (got > 0);
    (*out)[n] = 0;
    fclose(in);
    return DUO_OK;
}

/* ---- files ---- */

enum { FILES = 5 };
struct folder { const char *name; char made[FILES][PATH_MAX]; int n; };

static void take_away(const struct folder *f)    /* (2) */
{
    char path[PATH_MAX];

    for (int i = 0; i < f->n; i++) unlink(f->made[i]);
    snprintf(path, sizeof path, "%s/policies", f->name);
    rmdir(path);
    rmdir(f->name);
}

static FILE *open_new(struct folder *f, const char *name, struct duo_err *err)
{
    char *path = f->made[f->n];
    FILE *out;

    snprintf(path, PATH_MAX, "%s/%s", f->name, name);
    out = fopen(path, "wx");
    if (out) f->n++;
    else     duo_fail_at(err, DUO_NO_RESOURCES, path, 0, 0, "%s", strerror(errno));
    return out;
}

static enum duo_status close_new(const struct folder *f, FILE *out, struct duo_err *err)
{
    bool bad = ferror(out) != 0;

    return fclose(out) != 0 || bad ? duo_fail_at(err, DUO_NO_RESOURCES, f->made[f->n - 1], 0, 0, "could not be written whole; is the disk full?") : DUO_OK;
}

static enum duo_status write_text(struct folder *f, const char *name, const char *text, const struct word *words, struct duo_err *err)
{
    FILE *out = open_new(f, name, err);

    if (!out) return err->status;
    put(out, text, words);
    return close_new(f, out, err);
}

static enum duo_status write_source(struct folder *f, const struct kind *k, struct duo_err *err)
{
    char path[PATH_MAX], name[128], *text;
    FILE *out;

    DUO_TRY(duo_share_file(k->share, k->source, path, sizeof path, err));
    DUO_TRY(read_whole(path, &text, err));
    snprintf(name, sizeof name, "%s%s", f->name, k->ending);
    out = open_new(f, name, err);
    if (out) put_source(out, text, f->name, k->ending);
    free(text);
    return out ? close_new(f, out, err) : err->status;
}

static enum duo_status write_beside(struct folder *f, const struct kind *k, struct duo_err *err)
{
    char path[PATH_MAX], *text;
    enum duo_status status;

    if (!k->beside) return DUO_OK;
    DUO_TRY(duo_share_file(k->share, k->beside, path, sizeof path, err));
    DUO_TRY(read_whole(path, &text, err));
    snprintf(path, sizeof path, "%s/policies", f->name);
    if (mkdir(path, 0777) != 0) duo_fail_at(err, DUO_NO_RESOURCES, path, 0, 0, "%s", strerror(errno));
    status = write_text(f, k->beside_as, text, (const struct word[]){ { 0 } }, err);
    free(text);
    return status;
}

static enum duo_status write_all(struct folder *f, const struct kind *k, struct duo_err *err)
{
    const struct word words[] = { { "BUILDS", k->builds }, { "COMMAND", k->command }, { "FILES", k->files }, { "USE", k->use }, { "PARAMETERS", k->beside ? ":probe=16,as=long" : ",probe=16,as=long" },
                                  { "POLICY", k->policy },
                                  { "NAME", f->name }, { 0 } };

    if (mkdir(f->name, 0777) != 0)
        return errno == EEXIST ? duo_fail_at(err, DUO_BAD_INPUT, f->name, 0, 0, "is there already: nothing was written")
                               : duo_fail_at(err, DUO_NO_RESOURCES, f->name, 0, 0, "%s", strerror(errno));
    enum duo_status status = write_source(f, k, err);
    if (status == DUO_OK) status = write_beside(f, k, err);
    if (status == DUO_OK) status = write_text(f, "scenario.yaml", scenario_text, words, err);
    if (status == DUO_OK) status = write_text(f, "test.sh", test_text, words, err);
    if (status == DUO_OK) status = write_text(f, "README.md", readme_text, words, err);
    if (status != DUO_OK) take_away(f);
    return status;
}

/* ---- the command ---- */

static enum duo_status check_name(const char *name, struct duo_err *err)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789";

    if (!*name || strspn(name, letters) != strlen(name) || (*name >= '0' && *name <= '9') || strlen(name) > 40)
        return duo_fail(err, DUO_BAD_INPUT, "new: \"%.60s\" is no name for a policy: letters, digits and _, no digit first, at most 40", name);
    if (duo_policy_room(name)) return duo_fail(err, DUO_BAD_INPUT, "new: there is a policy \"%s\" already: duosim policies %s", name, name);
    return DUO_OK;
}

/* What to type to call this program. */
static void own_name(char *out, size_t n)
{
    ssize_t length = readlink("/proc/self/exe", out, n - 1);
    char *path = duo_copy(getenv("PATH")), *rest = path, file[PATH_MAX], real[PATH_MAX];
    bool found = false;

    out[length > 0 ? length : 0] = 0;
    for (char *dir; rest && !found && (dir = strsep(&rest, ":"));) {
        snprintf(file, sizeof file, "%s/duosim", dir);
        found = realpath(file, real) && strcmp(real, out) == 0;
    }
    free(path);
    if (found || !*out) snprintf(out, n, "duosim");
}

static int run_new(const struct duo_command *command, int argc, char **argv)
{
    struct duo_args a;
    struct duo_err err = { 0 };
    const char *value, *languages[KINDS];
    int kind = 0;

    for (int i = 0; i < KINDS; i++) languages[i] = kinds[i].language;
    duo_args_init(&a, command, argc, argv);
    while (duo_args_next(&a, &value) >= 0) kind = duo_choice(&a, "--language", value, languages, KINDS);
    if (a.n_words < 1 || strcmp(a.words[0], "policy") != 0) duo_usage(&a, "new: what?  duosim new policy NAME%s%s", a.n_words ? "; got " : "", a.n_words ? a.words[0] : "");
    if (a.n_words != 2) duo_usage(&a, a.n_words < 2 ? "new: the policy's name is missing: duosim new policy NAME" : "new: one name at most; got %s, too", a.words[a.n_words - 1]);
    struct folder folder = { .name = a.words[1] };
    enum duo_status status = check_name(folder.name, &err);
    if (status == DUO_OK) status = write_all(&folder, &kinds[kind], &err);
    if (status == DUO_OK) {
        char own[PATH_MAX];
        own_name(own, sizeof own);
        printf("%s/: ", folder.name);
        for (int i = 0; i < folder.n; i++) printf("%s%s", i ? ", " : "", folder.made[i] + strlen(folder.name) + 1);
        printf("\nNext:\n  %s%s%ssh %s/test.sh\n  change %s/%s%s and what %s/scenario.yaml expects of it\n", strcmp(own, "duosim") == 0 ? "" : "DUOSIM=",
               strcmp(own, "duosim") == 0 ? "" : own, strcmp(own, "duosim") == 0 ? "" : " ", folder.name, folder.name, folder.name, kinds[kind].ending, folder.name);
    }
    return duo_finish(&a, status, &err);
}

const struct duo_command duo_cmd_new = {
    .name = "new", .words = "policy NAME", .about = "a folder to start a policy of your own in: source, scenario, test",
    .example = "  duosim new policy mine && sh mine/test.sh\n  duosim new policy mine --language python\n",
    .options = (const struct duo_option[]) { { 'l', "language", "c|python", "what it is written in; default: c" }, { 0 } },
    .run = run_new,
};
