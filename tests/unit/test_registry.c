/* test_registry.c - policies by name and from modules, parameters with their positions (registry.c, by requirement). */
#include <stdlib.h>
#include <unistd.h>

#include "sim/registry.h"
#include "tests/check.h"

/* module.c's configuration. */
struct config { double level, all; duo_place at; duo_scorer scorer; const char *word; const void *blob; size_t bytes; };

static struct duo_err err;
static const struct duo_policy *found;

static enum duo_status find(const char *name, const char *dir)
{
    err = (struct duo_err){ 0 };
    return duo_policy_find(name, dir, &found, &err);
}

static void not_found(const char *name, const char *dir, const char *part)
{
    CHECK_INT(find(name, dir), DUO_BAD_INPUT);
    CHECK(found == NULL);
    CHECK_HAS(err.text, part);
    CHECK(strchr(err.text, '\n') == NULL);
}

static void names(void)                                                       /* (1) */
{
    const char *const *list;
    int n = duo_policy_names(&list);

    CHECK(n >= 18);
    for (int i = 0; i < n; i++) {
        CHECK_INT(find(list[i], "."), DUO_OK);
        CHECK_TEXT(found->name, list[i]);
        CHECK(duo_policy_room(list[i]) != NULL);
        for (int k = 0; k < i; k++) CHECK(strcmp(list[i], list[k]) != 0);
    }
    CHECK_TEXT(list[0], "edge_only");
    CHECK_TEXT(duo_policy_room("cascade"), "router");
    CHECK_TEXT(duo_policy_room("worst"), "oracle");
    CHECK_TEXT(duo_policy_room("TEMPLATE"), "template");
    CHECK_TEXT(duo_policy_room("./x.so"), "module");
    CHECK(duo_policy_room("nobody") == NULL);
    CHECK_INT(find("mix", "."), DUO_OK);
    CHECK_TEXT(found->name, "random");
    CHECK_TEXT(duo_policy_room("mix"), "baseline");
    not_found("cascad", ".", "did you mean cascade?");
    not_found("nothing_like_it", ".", "duosim policies");
    not_found("good.so", ".", "./good.so");
    not_found("", ".", "unknown policy");
}

static void modules(void)                                                     /* (2) */
{
    char path[600];

    CHECK_INT(find("./good.so", MODULES), DUO_OK);
    CHECK_TEXT(found->name, "good");
    snprintf(path, sizeof path, "%s/good.so", MODULES);
    CHECK_INT(find(path, "/elsewhere"), DUO_OK);
    CHECK_TEXT(found->about, "a policy from outside");
    not_found("./missing.so", MODULES, "missing.so: no such module");
    not_found("./other_abi.so", MODULES, "built for policy ABI");
    not_found("./other_size.so", MODULES, "its struct duo_policy has 8 bytes");
    not_found("./unnamed.so", MODULES, "has no duo_policy_unnamed");
    not_found("./idle.so", MODULES, "no next function");
    not_found("./module.c", SOURCES, "is source");
    not_found("./test_registry.c", SOURCES, "cc -shared");
    not_found("./meson.build", SOURCES, "not a module");
    not_found("./", MODULES, "named after its policy");
}

/* ---- parameters ---- */

static struct duo_scenario scenario;
static struct duo_policy_spec spec;
static struct duo_param params[6];
static struct config config;
static struct duo_answers *answers;

static enum duo_status init(const char *key, const char *value)
{
    static const char *const places[] = { "device", "cloud", "small" };
    struct duo_params p = { .scenario = &scenario, .spec = &spec, .answers = answers, .places = places, .n_places = 3, .err = &err };

    params[0] = (struct duo_param){ .key = (char *)"word", .value = (char *)"hello", .at = { 7, 11 } };
    params[1] = (struct duo_param){ .key = (char *)key, .value = (char *)value, .at = { 8, 13 } };
    spec = (struct duo_policy_spec){ .use = (char *)"./good.so", .label = (char *)"mine", .params = params, .n_params = key ? 2 : 1, .at = { 6, 5 } };
    CHECK_INT(find("./good.so", MODULES), DUO_OK);
    memset(&config, 0, sizeof config);
    return duo_policy_init(found, &config, &p);
}

static void wrong(const char *key, const char *value, int line, int column, const char *part)
{
    CHECK_INT(init(key, value), DUO_BAD_INPUT);
    CHECK_TEXT(err.file, "dir/test.yaml");
    CHECK_INT(err.line, line);
    CHECK_INT(err.column, column);
    CHECK_HAS(err.text, "mine: ");
    CHECK_HAS(err.text, part);
}

static void level(const char *value, double want)
{
    CHECK_INT(init("level", value), DUO_OK);
    CHECK_NEAR(config.level, want, 1e-15);
}

static void parameters(void)                                                  /* (3) (4) */
{
    CHECK_INT(init(NULL, NULL), DUO_OK);
    CHECK_NEAR(config.level, 0.5, 0);
    CHECK_INT(config.at, DUO_NOWHERE);
    CHECK_TEXT(config.word, "hello");
    level("0.25", 0.25);
    level("30 %", 0.3);
    level("40 ms", 0.04);
    level("9", 9);
}

static void errors(void)
{
    wrong("level", "10.5", 8, 13, "level: expected a value from 0 to 10; got 10.5");
    wrong("level", "-1", 8, 13, "from 0 to 10");
    wrong("level", "nan", 8, 13, "level: expected a number");
    wrong("level", "3 Mbit/s", 8, 13, "got \"3 Mbit/s\"");
    wrong("level", "", 8, 13, "expected a number");
    wrong("level", "9.5", 8, 13, "level: too much");
    wrong("levle", "1", 8, 13, "levle: unknown parameter (did you mean level?)");
    wrong("zzzzzz", "1", 8, 13, "zzzzzz: unknown parameter");
    wrong("at", "clod", 8, 13, "at: there is no place \"clod\" (did you mean cloud?)");
    wrong("at", "zzzzzzz", 8, 13, "there are: device, cloud, small");
    wrong("score", "ruoter", 8, 13, "there is no score \"ruoter\" (did you mean router?)");
    wrong("weights", "/nowhere/at/all.bin", 8, 13, "weights: cannot read /nowhere/at/all.bin");
    wrong("signal", "nothing", 6, 5, "nothing");
}

static void values(void)
{
    char name[64];
    const void *first;
    FILE *f;

    CHECK_INT(init("at", "small"), DUO_OK);
    CHECK_INT(config.at, 2);
    CHECK_INT(init("score", "router"), DUO_OK);
    CHECK_INT(config.scorer, duo_answers_score(answers, "router"));
    CHECK(config.scorer >= 0);
    CHECK_INT(init("signal", "prompt_tokens"), DUO_OK);
    CHECK_NEAR(config.all, 50, 0);
    snprintf(name, sizeof name, "/tmp/duosim-registry-%ld", (long)getpid());
    if (!(f = fopen(name, "wb"))) abort();
    fwrite("\0weights", 1, 8, f);
    fclose(f);
    CHECK_INT(init("weights", name), DUO_OK);
    CHECK_INT(config.bytes, 8);
    CHECK(memcmp(config.blob, "\0weights", 8) == 0);
    first = config.blob;
    CHECK_INT(init("weights", name), DUO_OK);
    CHECK(config.blob == first);                    /* read once */
    unlink(name);
    wrong("weights", "weights.bin", 8, 13, "cannot read dir/weights.bin");
}

static void built_ins(void)
{
    struct duo_params p = { .scenario = &scenario, .spec = &spec, .err = &err };

    CHECK_INT(find("edge_only", "."), DUO_OK);
    params[0] = (struct duo_param){ .key = (char *)"floor", .value = (char *)"1", .at = { 3, 4 } };
    spec = (struct duo_policy_spec){ .use = (char *)"edge_only", .params = params, .n_params = 1, .at = { 3, 1 } };
    CHECK_INT(duo_policy_init(found, NULL, &p), DUO_BAD_INPUT);
    CHECK_HAS(err.text, "edge_only: floor: unknown parameter: this policy takes none");
    CHECK_INT(err.line, 3);
    CHECK_INT(err.column, 4);
}

static const struct duo_parameter *asked_for(const struct duo_parameters *all, const char *key)
{
    for (int i = 0; i < all->n; i++)
        if (strcmp(all->at[i].key, key) == 0) return &all->at[i];
    return NULL;
}

static void asked(void)                                                       /* (5) */
{
    const char *const *list;
    int n = duo_policy_names(&list);
    struct duo_parameters all;
    const struct duo_parameter *p;

    for (int i = 0; i < n; i++) {
        CHECK_INT(find(list[i], "."), DUO_OK);
        duo_policy_parameters(found, &all);
        CHECK(all.n > 0 || strcmp(list[i], "edge_only") == 0);
        CHECK((*all.refused != 0) == (strcmp(list[i], "decisions") == 0));    /* the only one that can't do without its file */
        for (int k = 0; k < all.n; k++) {
            p = &all.at[k];
            CHECK(p->key && (p->kind != DUO_PARAMETER_NUMBER || p->least < p->most));
            CHECK(asked_for(&all, p->key) == p);                              /* once, however often init asks */
        }
    }
    CHECK_INT(find("cascade", "."), DUO_OK);
    duo_policy_parameters(found, &all);
    CHECK_INT(all.n, 7);
    p = asked_for(&all, "floor");
    CHECK(p && p->kind == DUO_PARAMETER_NUMBER);
    if (p) { CHECK_NEAR(p->number, 0.8, 0); CHECK_NEAR(p->least, 0, 0); CHECK_NEAR(p->most, 1, 0); }
    p = asked_for(&all, "strong");
    CHECK_TEXT(p ? p->text : NULL, "cloud");
    p = asked_for(&all, "signal");
    CHECK_TEXT(p ? p->text : NULL, "mean");
    p = asked_for(&all, "via");
    CHECK(p && p->kind == DUO_PARAMETER_PLACE && !p->text);
    CHECK_INT(find("prompt_length", "."), DUO_OK);
    duo_policy_parameters(found, &all);
    p = asked_for(&all, "share");
    CHECK_NEAR(p ? p->number : NAN, 0.5, 0);
    CHECK_INT(find("./good.so", MODULES), DUO_OK);                            /* a module's, too; a file has no default */
    duo_policy_parameters(found, &all);
    p = asked_for(&all, "weights");
    CHECK(p && p->kind == DUO_PARAMETER_FILE && !p->text);
    p = asked_for(&all, "level");
    CHECK_NEAR(p ? p->most : NAN, 10, 0);
}

int main(void)
{
    static const struct duo_synthetic_voice voices[] = {
        { .name = "weak", .ability = 0, .auc = 0.7, .length = { DUO_FIXED, 10, 0 } },
        { .name = "strong", .ability = 1, .auc = 0.7, .length = { DUO_FIXED, 10, 0 } } };
    const struct duo_synthetic_spec synthetic = { .n_voices = 2, .voices = voices, .slope = 1, .prompt_tokens = { DUO_FIXED, 50, 0 },
        .bytes_per_token = 4, .train_share = 0.5, .router_auc = 0.8 };

    scenario.file = (char *)"dir/test.yaml";
    names();
    modules();
    answers = duo_answers_synthetic(&synthetic);
    parameters();
    errors();
    values();
    built_ins();
    asked();
    duo_answers_free(answers);
    return check_done();
}
