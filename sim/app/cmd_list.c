/* cmd_list.c - what there is: policies, scenarios, hardware, formats; and one of them in detail.  Models: cmd_models.c. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sim/app/app.h"
#include "sim/base/json.h"
#include "sim/base/units.h"
#include "sim/registry.h"
#include "sim/scenario.h"
#include "sim/share.h"
#include "traces/arrivals/arrivals.h"
#include "traces/network/capacity.h"
#include "traces/outcomes/outcomes.h"

static const struct duo_option no_options[] = { { 0 } };

/* At most one word and no option of its own. */
static const char *only_word(struct duo_args *a, const struct duo_command *command, int argc, char **argv)
{
    const char *value;
    duo_args_init(a, command, argc, argv);
    while (duo_args_next(a, &value) >= 0) continue;
    if (a->n_words > 1) duo_usage(a, "%s: one name at most; got %s, too", command->name, a->words[1]);
    return a->n_words ? a->words[0] : NULL;
}

static enum duo_status unknown(struct duo_err *err, const char *what, const char *name, const char *const *names, int n)
{
    const char *near = duo_nearest(name, names, (size_t)n);
    if (near) return duo_fail(err, DUO_BAD_INPUT, "%s: no such %s (did you mean %s?)", name, what, near);
    return duo_fail(err, DUO_BAD_INPUT, "%s: no such %s", name, what);
}

/* ---------------------------------------------------------------- policies */

static const struct { unsigned need; const char *text; } needs[] = {
    { DUO_CONFIDENCE, "confidence" }, { DUO_AGREEMENT, "agreement" }, { DUO_EXITS, "exits" },
    { DUO_TIME, "time" }, { DUO_TRUTH, "truth" },
};
enum { N_NEEDS = sizeof needs / sizeof needs[0] };

static const char *seat_text(const struct duo_policy *p) { return p->seat == DUO_SEAT_DEVICE ? "device" : "gateway"; }

static void needs_text(const struct duo_policy *p, char *out, size_t n)
{
    *out = 0;
    for (int i = 0; i < N_NEEDS; i++)
        if (p->needs & needs[i].need) snprintf(out + strlen(out), n - strlen(out), "%s%s", *out ? ", " : "", needs[i].text);
}

static bool has_default(const struct duo_parameter *p)
{
    return p->kind == DUO_PARAMETER_NUMBER ? p->number >= p->least && p->number <= p->most : p->text != NULL;
}

static void default_text(const struct duo_parameter *p, char *out, size_t n)
{
    char number[32];
    duo_show_double(p->number, number);
    snprintf(out, n, "%s", !has_default(p) ? "-" : p->kind == DUO_PARAMETER_NUMBER ? number : p->text);
}

static void range_text(const struct duo_parameter *p, char *out, size_t n)
{
    static const char *const kinds[] = { [DUO_PARAMETER_TEXT] = "a word", [DUO_PARAMETER_PLACE] = "a place", [DUO_PARAMETER_SCORE] = "a score or file", [DUO_PARAMETER_FILE] = "a file" };
    char least[32], most[32];
    duo_show_double(p->least, least);
    duo_show_double(p->most, most);
    if (p->kind == DUO_PARAMETER_NUMBER) snprintf(out, n, "%s to %s", least, most);
    else snprintf(out, n, "%s", kinds[p->kind]);
}

/* Where its source lies: "" of a module, whose author knows. */
static void file_text(const struct duo_policy *p, char *out, size_t n)
{
    const char *room = duo_policy_room(p->name);
    *out = 0;
    if (room && strcmp(room, "template") == 0) snprintf(out, n, "policies/%s.c", p->name);
    else if (room) snprintf(out, n, "policies/%s/%s.c", room, p->name);
}

/* What a scenario may say of it: its first parameter that must be given, else the first two that have a default. */
static void example_text(const struct duo_policy *p, const char *use, const struct duo_parameters *all, char *out, size_t n)
{
    int shown = 0;
    snprintf(out, n, "{ use: %s", use);
    for (int i = 0; i < all->n && shown < 2; i++) {
        char value[64];
        default_text(&all->at[i], value, sizeof value);
        if (*all->refused && !has_default(&all->at[i])) {
            snprintf(out + strlen(out), n - strlen(out), ", %s: ...", all->at[i].key);
            break;
        }
        if (!has_default(&all->at[i])) continue;
        snprintf(out + strlen(out), n - strlen(out), ", %s: %s", all->at[i].key, value);
        shown++;
    }
    snprintf(out + strlen(out), n - strlen(out), "%s }", p->seat == DUO_SEAT_DEVICE ? "" : ", seat: gateway");
}

static void parameters_json(struct duo_json *j, const struct duo_parameters *all)
{
    static const char *const kinds[] = { [DUO_PARAMETER_NUMBER] = "number", [DUO_PARAMETER_TEXT] = "word", [DUO_PARAMETER_PLACE] = "place",
                                         [DUO_PARAMETER_SCORE] = "score", [DUO_PARAMETER_FILE] = "file" };
    duo_json_key(j, "parameters");
    duo_json_open(j, '[');
    for (int i = 0; i < all->n; i++) {
        const struct duo_parameter *p = &all->at[i];
        bool number = p->kind == DUO_PARAMETER_NUMBER;
        duo_json_open(j, '{');
        duo_json_key(j, "key");  duo_json_text(j, p->key);
        duo_json_key(j, "kind"); duo_json_text(j, kinds[p->kind]);
        duo_json_key(j, "default");
        if (number && has_default(p)) duo_json_number(j, p->number);
        else duo_json_text(j, number ? NULL : p->text);
        if (number) {
            duo_json_key(j, "least"); duo_json_number(j, p->least);
            duo_json_key(j, "most");  duo_json_number(j, p->most);
        }
        duo_json_close(j);
    }
    duo_json_close(j);
}

static void policy_json(struct duo_json *j, const struct duo_policy *p, const char *use)
{
    struct duo_parameters all;
    char file[256], example[512];
    duo_policy_parameters(p, &all);
    file_text(p, file, sizeof file);
    example_text(p, use, &all, example, sizeof example);
    duo_json_open(j, '{');
    duo_json_key(j, "name");  duo_json_text(j, p->name);
    duo_json_key(j, "room");  duo_json_text(j, duo_policy_room(p->name));
    duo_json_key(j, "about"); duo_json_text(j, p->about);
    duo_json_key(j, "source"); duo_json_text(j, p->source);
    duo_json_key(j, "file");  duo_json_text(j, *file ? file : NULL);
    duo_json_key(j, "seat");  duo_json_text(j, seat_text(p));
    duo_json_key(j, "needs");
    duo_json_open(j, '[');
    for (int i = 0; i < N_NEEDS; i++)
        if (p->needs & needs[i].need) duo_json_text(j, needs[i].text);
    duo_json_close(j);
    duo_json_key(j, "think_s"); duo_json_number(j, p->think);
    parameters_json(j, &all);
    duo_json_key(j, "example"); duo_json_text(j, example);
    duo_json_close(j);
}

static enum duo_status list_policies(const struct duo_args *a, struct duo_err *err)
{
    const char *const *names;
    int n = duo_policy_names(&names);
    struct duo_json j;
    duo_json_init(&j, stdout);
    if (a->json) duo_json_open(&j, '[');
    for (int i = 0; i < n; i++) {
        const struct duo_policy *p;
        DUO_TRY(duo_policy_find(names[i], ".", &p, err));
        if (a->json) policy_json(&j, p, p->name);
        else printf("%-12s %-18s%s %s\n", duo_policy_room(names[i]), p->name, p->needs & DUO_TRUTH ? "*" : " ", p->about);
    }
    if (a->json) duo_json_close(&j), duo_json_end(&j);
    else printf("\n* knows the truth: what no deployed policy could.  A policy of your own: --policy ./mine.so\n");
    return DUO_OK;
}

static void print_policy(const struct duo_policy *p, const char *use)
{
    struct duo_parameters all;
    char needed[128], think[32], file[256], example[512], value[64], range[80];
    duo_policy_parameters(p, &all);
    needs_text(p, needed, sizeof needed);
    file_text(p, file, sizeof file);
    example_text(p, use, &all, example, sizeof example);
    duo_show_quantity(p->think, DUO_DIM_TIME, think, sizeof think);
    printf("%s: %s\nsource:  %s\nfile:    %s\nseat:    %s\nneeds:   %s\nthink:   %s a turn\n", p->name, p->about, p->source ? p->source : "-",
           *file ? file : use, seat_text(p), *needed ? needed : "nothing", think);
    printf("example: %s\n\n", example);
    if (all.n) printf("%-12s %-10s %s\n", "parameter", "default", "range");
    for (int i = 0; i < all.n; i++) {
        default_text(&all.at[i], value, sizeof value);
        range_text(&all.at[i], range, sizeof range);
        printf("%-12s %-10s %s\n", all.at[i].key, value, range);
    }
    if (!all.n) printf("No parameters.\n");
    if (*all.refused) printf("\nWithout any: %s\n", all.refused);
    if (p->needs & DUO_TRUTH) printf("\nKnows the truth: its rows are starred.\n");
}

static enum duo_status show_policy(const struct duo_args *a, const char *name, struct duo_err *err)
{
    const char *const *names;
    int n = duo_policy_names(&names);
    bool known = strchr(name, '/') != NULL;
    for (int i = 0; i < n; i++) known |= strcmp(names[i], name) == 0;
    if (!known) return unknown(err, "policy", name, names, n);
    const struct duo_policy *p;
    DUO_TRY(duo_policy_find(name, ".", &p, err));
    if (a->json) {
        struct duo_json j;
        duo_json_init(&j, stdout);
        policy_json(&j, p, name);
        duo_json_end(&j);
        return DUO_OK;
    }
    print_policy(p, name);
    return DUO_OK;
}

static int run_policies(const struct duo_command *command, int argc, char **argv)
{
    struct duo_args a;
    struct duo_err err = { 0 };
    const char *name = only_word(&a, command, argc, argv);
    return duo_finish(&a, name ? show_policy(&a, name, &err) : list_policies(&a, &err), &err);
}

const struct duo_command duo_cmd_policies = {
    .name = "policies", .words = "[NAME | FILE.so]", .about = "policies there are, or one in detail",
    .example = "  duosim policies cascade\n", .options = no_options, .run = run_policies,
};

/* ---------------------------------------------------------------- scenarios */

static enum duo_status copy_file(const char *path, struct duo_err *err)
{
    FILE *in = fopen(path, "r");
    if (!in) return duo_fail_at(err, DUO_BAD_INPUT, path, 0, 0, "%s", strerror(errno));
    char bytes[4096];
    for (size_t n; (n = fread(bytes, 1, sizeof bytes, in)) > 0;) fwrite(bytes, 1, n, stdout);
    bool bad = ferror(in) != 0;
    fclose(in);
    return bad ? duo_fail_at(err, DUO_BAD_INPUT, path, 0, 0, "can't be read") : DUO_OK;
}

/* What a scenario says of itself: the first sentence of its first line of comment, but not what `ninja bench` reads. */
static void title_of(const char *path, char *title, size_t n)
{
    char line[512] = "";
    FILE *in = fopen(path, "r");
    *title = 0;
    if (!in) return;
    while (fgets(line, sizeof line, in) && strncmp(line, "# bench:", 8) == 0) continue;
    fclose(in);
    if (line[0] != '#') return;
    char *text = line + 1 + strspn(line + 1, " "), *end = text;
    while (*end && *end != '\n' && !(strchr(".?!", *end) && strchr(" \n", end[1]))) end++;
    snprintf(title, n, "%.*s", (int)(end - text) + (*end == '?' || *end == '!'), text);
}

static enum duo_status list_scenarios(const struct duo_args *a, struct duo_err *err)
{
    char dir[4000], path[4400], title[512], **names;
    int n;
    DUO_TRY(duo_share_dir(DUO_SHARE_SCENARIOS, dir, sizeof dir, err));
    DUO_TRY(duo_share_names(DUO_SHARE_SCENARIOS, ".yaml", &names, &n, err));
    struct duo_json j;
    duo_json_init(&j, stdout);
    if (a->json) duo_json_open(&j, '[');
    for (int i = 0; i < n; i++) {
        snprintf(path, sizeof path, "%s/%s.yaml", dir, names[i]);
        title_of(path, title, sizeof title);
        if (a->json) {
            duo_json_open(&j, '{');
            duo_json_key(&j, "name");  duo_json_text(&j, names[i]);
            duo_json_key(&j, "title"); duo_json_text(&j, title);
            duo_json_key(&j, "file");  duo_json_text(&j, path);
            duo_json_close(&j);
        } else {
            printf("%-28s %s\n", names[i], title);
        }
        free(names[i]);
    }
    free(names);
    if (a->json) duo_json_close(&j), duo_json_end(&j);
    return DUO_OK;
}

static int run_scenarios(const struct duo_command *command, int argc, char **argv)
{
    struct duo_args a;
    struct duo_err err = { 0 };
    const char *value;
    bool keys = false;
    duo_args_init(&a, command, argc, argv);
    while (duo_args_next(&a, &value) >= 0) keys = true;
    if (a.n_words > 1) duo_usage(&a, "scenarios: one name at most; got %s, too", a.words[1]);
    if (keys) return duo_scenario_keys(stdout), DUO_OK;
    if (!a.n_words) return duo_finish(&a, list_scenarios(&a, &err), &err);
    char path[4400];
    enum duo_status status = duo_app_scenario(a.words[0], path, sizeof path, &err);
    if (status == DUO_OK) status = copy_file(path, &err);
    return duo_finish(&a, status, &err);
}

const struct duo_command duo_cmd_scenarios = {
    .name = "scenarios", .words = "[NAME]", .about = "scenarios that ship, or the file of one",
    .example = "  duosim scenarios quickstart > mine.yaml\n",
    .options = (const struct duo_option[]) { { 'k', "keys", NULL, "every key that a scenario may have, with its default" }, { 0 } },
    .run = run_scenarios,
};

/* ---------------------------------------------------------------- catalogue */

enum duo_status duo_app_list(const struct duo_args *a, const char *which, const char *name, const struct duo_layers *layers, struct duo_err *err)
{
    struct duo_catalogue *c;
    DUO_TRY(duo_app_catalogue(&c, layers, err));
    enum duo_status status = duo_catalogue_print(c, which, name, stdout, a->json, err);
    duo_catalogue_free(c);
    return status;
}

static int run_catalogue(const struct duo_command *command, int argc, char **argv)
{
    struct duo_args a;
    struct duo_err err = { 0 };
    struct duo_layers layers = { 0 };
    const char *value;
    duo_args_init(&a, command, argc, argv);
    while (duo_args_next(&a, &value) >= 0) duo_app_layer(&a, &layers, value);
    if (a.n_words > 1) duo_usage(&a, "%s: one name at most; got %s, too", command->name, a.words[1]);
    return duo_finish(&a, duo_app_list(&a, command->name, a.n_words ? a.words[0] : NULL, &layers, &err), &err);
}

static const struct duo_option layered[] = { DUO_CATALOGUE_OPTION('c'), { 0 } };

#define LISTS(X)                                                                                                                          \
    X(hardware, "devices and GPUs of the catalogue, or one with its numbers and sources", "  duosim hardware\n  duosim hardware h100-sxm\n") \
    X(quants,   "formats of weights, or one with its numbers and sources", "  duosim quants q4_k_m\n")                                        \
    X(radios,   "radios of devices, or one with its numbers and sources", "  duosim radios lte\n")                                            \
    X(prices,   "list prices of models behind an API, or one with its date and source", "  duosim prices gpt-4o-mini\n")                      \
    X(carbon,   "grams of CO2 a kWh by region, or one with its source", "  duosim carbon france\n")                                           \
    X(runtimes, "runtimes, or the constants of one on each device that it was fitted on", "  duosim runtimes vllm\n")
#define X(table, what, lines)                                                                                                             \
    const struct duo_command duo_cmd_##table = { .name = #table, .words = "[NAME]", .about = what, .example = lines, .options = layered, .run = run_catalogue };
LISTS(X)
#undef X

/* ---------------------------------------------------------------- formats */

static const struct { const char *kind; int (*list)(const char *const **names, const char *const **about); } formats[] = {
    { "arrivals", duo_arrival_formats }, { "network", duo_capacity_formats }, { "answers", duo_outcome_formats },
};
enum { N_KINDS = sizeof formats / sizeof formats[0], MAX_FORMATS = 64 };

static enum duo_status list_formats(const struct duo_args *a, const char *wanted, struct duo_err *err)
{
    const char *all[MAX_FORMATS];
    struct row { const char *kind, *name, *about; } rows[MAX_FORMATS];
    int n_all = 0, n_rows = 0;
    for (int k = 0; k < N_KINDS; k++) {
        const char *const *names, *const *about;
        int n = formats[k].list(&names, &about);
        for (int i = 0; i < n && n_all < MAX_FORMATS; i++) {
            all[n_all++] = names[i];
            if (!wanted || strcmp(wanted, names[i]) == 0) rows[n_rows++] = (struct row) { formats[k].kind, names[i], about[i] };
        }
    }
    if (!n_rows) return unknown(err, "format", wanted ? wanted : "", all, n_all);

    struct duo_json j;
    duo_json_init(&j, stdout);
    if (a->json) duo_json_open(&j, '[');
    for (int i = 0; i < n_rows; i++) {
        if (!a->json) { printf("%-10s %-12s %s\n", rows[i].kind, rows[i].name, rows[i].about); continue; }
        duo_json_open(&j, '{');
        duo_json_key(&j, "kind");  duo_json_text(&j, rows[i].kind);
        duo_json_key(&j, "name");  duo_json_text(&j, rows[i].name);
        duo_json_key(&j, "about"); duo_json_text(&j, rows[i].about);
        duo_json_close(&j);
    }
    if (a->json) duo_json_close(&j), duo_json_end(&j);
    return DUO_OK;
}

static int run_formats(const struct duo_command *command, int argc, char **argv)
{
    struct duo_args a;
    struct duo_err err = { 0 };
    const char *name = only_word(&a, command, argc, argv);
    return duo_finish(&a, list_formats(&a, name, &err), &err);
}

const struct duo_command duo_cmd_formats = {
    .name = "formats", .words = "[NAME]", .about = "file formats that are read: arrivals, links, answers",
    .example = "  duosim formats mahimahi\n", .options = no_options, .run = run_formats,
};
