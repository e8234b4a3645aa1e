/* pipe.c - see pipe.h; the numbers in the text are its requirements.  Here: the beginning and the end. */
#include "sim/pipe_inside.h"

#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/json.h"
#include "sim/registry.h"
#include "sim/share.h"

#ifndef DUO_VERSION
#define DUO_VERSION "unknown"
#endif

enum { START_SECONDS = 120, ANSWER_SECONDS = 30, LONGEST = 3600 };

/* ---- the first line ---- */

static void put_facts(struct duo_json *j, const struct duo_facts *f)
{
    duo_json_key(j, "model");   duo_json_text(j, f->model);
    duo_json_key(j, "layers");  duo_json_number(j, f->layers);
    duo_json_key(j, "context"); duo_json_number(j, f->context);
    duo_json_key(j, "price");   duo_json_number(j, f->dollars_out);
}

static void put_names(struct duo_json *j, const char *key, const char *const *names, int n)
{
    duo_json_key(j, key);
    duo_json_open(j, '[');
    for (int i = 0; i < n; i++) duo_json_text(j, names[i]);
    duo_json_close(j);
}

static void put_hello(struct duo_json *j, const struct duo_params *params, const struct duo_world *w)
{
    char key[24];

    duo_json_open(j, '{');
    duo_json_key(j, "duosim_pipe"); duo_json_number(j, DUO_PIPE_VERSION);
    duo_json_key(j, "duosim");      duo_json_text(j, DUO_VERSION);
    duo_json_key(j, "label");       duo_json_text(j, params->spec->label);
    duo_json_key(j, "seed");        duo_json_number(j, (double)w->spec->seed);
    duo_json_key(j, "parameters");
    duo_json_open(j, '{');
    for (int i = 0; i < params->spec->n_params; i++) {
        duo_json_key(j, params->spec->params[i].key);
        duo_json_text(j, params->spec->params[i].value);
    }
    duo_json_close(j);
    duo_json_key(j, "places");
    duo_json_open(j, '[');
    for (int i = 0; i < w->n_places; i++) {
        duo_json_open(j, '{');
        duo_json_key(j, "name"); duo_json_text(j, w->places[i].name);
        if (i > 0) put_facts(j, &w->places[i].cost->facts);
        duo_json_close(j);
    }
    duo_json_close(j);
    duo_json_key(j, "devices");
    duo_json_open(j, '[');
    for (int i = 0; i < w->n_classes; i++) {
        duo_json_open(j, '{');
        put_facts(j, &w->classes[i].cost->facts);
        duo_json_close(j);
    }
    duo_json_close(j);
    put_names(j, "features", w->answers->features, w->answers->n_features);
    put_names(j, "scorers", w->answers->scores, w->answers->n_scores);
    snprintf(key, sizeof key, "%" PRIu64, duo_hash_bytes(w->spec->seed, "chance", strlen("chance")));
    duo_json_key(j, "chance");      duo_json_text(j, key);
    duo_json_close(j);
}

static void write_hello(struct duo_pipe *p, const struct duo_params *params)
{
    struct duo_json j;
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    if (!out) { duo_pipe_wrong(p, "no memory for its first line"); return; }
    duo_json_init(&j, out);
    j.flat = true;
    put_hello(&j, params, p->world);
    fclose(out);
    p->n = 0;
    duo_pipe_text(p, text);
    free(text);
}

/* ---- what it asks before it declares itself ---- */

/* The registry keeps the pointer of each key that was asked for. */
static const char *kept_key(struct duo_pipe *p, const char *key)
{
    for (int i = 0; i < p->n_keys; i++)
        if (strcmp(p->keys[i], key) == 0) return p->keys[i];
    p->keys = duo_grow(p->keys, (size_t)p->n_keys + 1, sizeof *p->keys);
    return p->keys[p->n_keys++] = duo_copy(key);
}

static void reply_number(struct duo_pipe *p, double x)
{
    duo_pipe_number(p, "{\"value\":", x);
    duo_pipe_text(p, "}");
}

/* null: the scenario says nothing. */
static void reply_text(struct duo_pipe *p, const char *text)
{
    char *all = NULL;
    json_t *o = json_pack("{s:s?}", "value", text);

    if (o) all = json_dumps(o, JSON_COMPACT);
    json_decref(o);
    duo_pipe_text(p, all ? all : "{\"value\":null}");
    free(all);
}

static const char *value_of(const struct duo_params *params, const char *key)
{
    const char *text = NULL;
    return duo_text_of(params, key, &text) == 0 ? text : NULL;
}

static int reply_file(struct duo_pipe *p, const struct duo_params *params, const char *key)
{
    const char *text = value_of(params, key);
    char *path, why[300];

    if (!text) { reply_text(p, NULL); return 0; }
    if (duo_scenario_path(p->world->scenario->file, text, &path, why, sizeof why) != DUO_OK) return duo_refuse(params, key, why);
    reply_text(p, path);
    free(path);
    return 0;
}

static int reply_quantile(struct duo_pipe *p, const struct duo_params *params, const json_t *o)
{
    const char *signal = duo_pipe_word(p, o, "quantile", "signal", "");
    double q = duo_pipe_real(p, o, "quantile", "q", 0.5), value = NAN;
    int bad = 0;

    if (!(q >= 0 && q <= 1)) duo_pipe_wrong(p, "quantile: q: expected 0..1");
    if (!*p->wrong) bad = duo_quantile_of(params, signal, q, &value);
    reply_number(p, value);
    return bad;
}

/* A status of the parameter's own, which has its place in the scenario; 0: fine, or see `wrong`. */
static int reply(struct duo_pipe *p, const struct duo_params *params, const json_t *o, const char *ask)
{
    static const char *const keys[] = { "ask", "key", "min", "max", "signal", "q" };
    bool about_key = strcmp(ask, "quantile") != 0;
    const char *key = about_key ? duo_pipe_word(p, o, ask, "key", "") : "";
    double number = NAN;
    int index = -1, bad;

    duo_pipe_only(p, o, "question", keys, sizeof keys / sizeof *keys);
    if (about_key && !*key) duo_pipe_wrong(p, "%.40s: key is missing", ask);
    if (*p->wrong) return 0;
    if (!about_key) return reply_quantile(p, params, o);
    key = kept_key(p, key);
    if (strcmp(ask, "number") == 0) {
        bad = duo_number_of(params, key, duo_pipe_real(p, o, ask, "min", -INFINITY), duo_pipe_real(p, o, ask, "max", INFINITY), &number);
        reply_number(p, number);
        return bad;
    }
    if (strcmp(ask, "text") == 0) { reply_text(p, value_of(params, key)); return 0; }
    if (strcmp(ask, "file") == 0) return reply_file(p, params, key);
    if (strcmp(ask, "place") == 0)       bad = duo_place_of(params, key, &index);
    else if (strcmp(ask, "scorer") == 0) bad = duo_scorer_of(params, key, &index);
    else { duo_pipe_wrong(p, "unknown question \"%.60s\": expected number, text, place, scorer, file or quantile", ask); return 0; }
    reply_number(p, index < 0 ? (double)NAN : index);
    return bad;
}

/* ---- what it declares ---- */

static unsigned need_of(struct duo_pipe *p, const char *name)
{
    static const struct { const char *name; unsigned need; } needs[] = { { "confidence", DUO_CONFIDENCE }, { "agreement", DUO_AGREEMENT },
        { "exits", DUO_EXITS }, { "time", DUO_TIME }, { "truth", DUO_TRUTH } };
    for (size_t i = 0; name && i < sizeof needs / sizeof *needs; i++)
        if (strcmp(name, needs[i].name) == 0) return needs[i].need;
    duo_pipe_wrong(p, "policy: needs: expected confidence, agreement, exits, time or truth; got %.60s", name ? name : "no text");
    return 0;
}

/* The texts of a list. */
static const char *item(struct duo_pipe *p, const json_t *o, const char *key, size_t i)
{
    const json_t *list = json_object_get(o, key);

    if (json_is_null(list)) return NULL;
    if (list && !json_is_array(list)) duo_pipe_wrong(p, "policy: %s: expected a list", key);
    if (i >= json_array_size(list)) return NULL;
    if (!json_is_string(json_array_get(list, i))) duo_pipe_wrong(p, "policy: %s: expected a list of texts", key);
    return json_string_value(json_array_get(list, i));
}

static void read_calls(struct duo_pipe *p, const json_t *o)
{
    const char *text;

    for (size_t i = 0; (text = item(p, o, "calls", i)); i++) {
        if (strcmp(text, "feedback") == 0)  p->policy.feedback = duo_pipe_feedback;
        else if (strcmp(text, "tick") == 0) p->policy.tick = duo_pipe_tick;
        else if (strcmp(text, "next") != 0) duo_pipe_wrong(p, "policy: calls: expected feedback or tick; got %.60s", text);
    }
}

static void declare(struct duo_pipe *p, const struct duo_params *params, const json_t *o)
{
    static const char *const keys[] = { "name", "about", "seat", "needs", "think", "patience", "calls", "parameters" };
    const char *seat = duo_pipe_word(p, o, "policy", "seat", "device"), *text, *unused;
    double think = duo_pipe_real(p, o, "policy", "think", 0);

    duo_pipe_only(p, o, "policy", keys, sizeof keys / sizeof *keys);
    snprintf(p->name, sizeof p->name, "%s", duo_pipe_word(p, o, "policy", "name", "pipe"));
    snprintf(p->about, sizeof p->about, "%s", duo_pipe_word(p, o, "policy", "about", ""));
    p->patience = duo_pipe_real(p, o, "policy", "patience", ANSWER_SECONDS);
    if (strcmp(seat, "device") != 0 && strcmp(seat, "gateway") != 0) duo_pipe_wrong(p, "policy: seat: expected device or gateway");
    if (!(think >= 0)) duo_pipe_wrong(p, "policy: think: expected seconds from 0 on");
    if (!(p->patience > 0 && p->patience <= LONGEST)) duo_pipe_wrong(p, "policy: patience: expected more than 0 and at most %d s", LONGEST);
    p->policy.seat  = strcmp(seat, "gateway") == 0 ? DUO_SEAT_GATEWAY : DUO_SEAT_DEVICE;
    p->policy.think = think;
    for (size_t i = 0; (text = item(p, o, "needs", i)); i++) p->policy.needs |= need_of(p, text);
    read_calls(p, o);
    for (size_t i = 0; (text = item(p, o, "parameters", i)); i++) duo_text_of(params, kept_key(p, text), &unused);      /* it knows them */
}

/* ---- init (1) ---- */

static int refused(struct duo_pipe *p, const struct duo_params *params, const json_t *o)
{
    const char *key = duo_pipe_word(p, o, "line", "key", NULL), *why = duo_pipe_word(p, o, "line", "refuse", "");

    if (*p->wrong) return 0;
    return duo_refuse(params, key && *key ? kept_key(p, key) : NULL, *why ? why : "refused the scenario without a word");
}

/* One line of it.  *done: there was its declaration. */
static int hear(struct duo_pipe *p, const struct duo_params *params, const json_t *o, bool *done)
{
    static const char *const declaration[] = { "policy" }, *const refusal[] = { "refuse", "key" };
    const json_t *policy = json_object_get(o, "policy");
    const char *ask = duo_pipe_word(p, o, "line", "ask", NULL);

    if (json_object_get(o, "refuse")) { duo_pipe_only(p, o, "line", refusal, 2); return refused(p, params, o); }
    if (ask) return reply(p, params, o, ask);
    *done = true;
    if (!json_is_object(policy)) { duo_pipe_wrong(p, "expected {\"policy\":{...}}, or a question"); return 0; }
    duo_pipe_only(p, o, "line", declaration, 1);
    declare(p, params, policy);
    return 0;
}

static int init(void *config, const struct duo_params *params)
{
    struct duo_pipe *p = *(struct duo_pipe **)config;
    const struct duo_policy_spec *use = params->spec;
    const char *file = p->world->scenario->file, *slash = strrchr(file, '/');
    char folder[PATH_MAX], python[PATH_MAX], quote[300], why[500];
    struct duo_err err = { 0 };
    bool done = false;
    int bad = 0;

    snprintf(folder, sizeof folder, "%.*s", slash ? (int)(slash - file) + 1 : 0, file);
    struct duo_talk_spec spec = { .command = use->command, .folder = use->here || !*folder ? NULL : folder, .prefix = p->check ? NULL : "",
                                  .python = duo_share_dir(DUO_SHARE_PYTHON, python, sizeof python, NULL) == DUO_OK ? python : NULL };
    if (duo_talk_start(&p->talk, &spec, &err) != DUO_OK) {
        if (err.status == DUO_NO_RESOURCES) { *params->err = err; return (int)err.status; }
        return duo_refuse(params, NULL, err.text);
    }
    write_hello(p, params);
    for (int n = 0; !done && !bad && !*p->wrong; n++) {
        json_t *o = duo_pipe_exchange(p);
        if (o && n > DUO_PIPE_ASKS) duo_pipe_wrong(p, "more than %d questions", DUO_PIPE_ASKS);
        if (o && !*p->wrong) bad = hear(p, params, o, &done);
        json_decref(o);
    }
    if (bad || !*p->wrong) return bad;
    duo_pipe_quote(p, quote, sizeof quote);
    snprintf(why, sizeof why, "%.190s%s", p->wrong, quote);
    return duo_refuse(params, NULL, why);
}

/* ---- its life ---- */

/* Classes whose model is the same look the same. */
static void number_devices(struct duo_pipe *p, const struct duo_world *w)
{
    p->device = duo_new((size_t)w->n_classes + 1, sizeof *p->device);
    for (int i = 0; i < w->n_classes; i++) {
        const struct duo_facts *a = &w->classes[i].cost->facts;
        for (int k = 0; k <= i; k++) {
            const struct duo_facts *b = &w->classes[k].cost->facts;
            bool same = strcmp(a->model, b->model) == 0 && a->layers == b->layers && a->context == b->context &&
                        (a->dollars_out == b->dollars_out || (isnan(a->dollars_out) && isnan(b->dollars_out)));
            if (same) { p->device[i] = k; break; }
        }
    }
}

struct duo_pipe *duo_pipe_new(struct duo_world *w, bool check)
{
    struct duo_pipe *p = duo_new(1, sizeof *p);

    p->world = w, p->check = check, p->patience = START_SECONDS;
    p->policy = (struct duo_policy){ .abi = DUO_POLICY_ABI, .size = sizeof p->policy, .name = p->name, .about = p->about,
                                     .config_size = sizeof p, .init = init, .next = duo_pipe_next };
    number_devices(p, w);
    return p;
}

const struct duo_policy *duo_pipe_policy(const struct duo_pipe *p) { return &p->policy; }

void duo_pipe_end(struct duo_pipe *p)
{
    struct duo_err err = { 0 };

    if (!p || !p->talk || p->world->failure.status) return;
    if (duo_talk_end(p->talk, &err) != DUO_OK) duo_world_fail(p->world, "%s", err.text);      /* (4) */
}

void duo_pipe_free(struct duo_pipe *p)
{
    if (!p) return;
    duo_talk_free(p->talk);
    for (int i = 0; i < p->n_keys; i++) free(p->keys[i]);
    free(p->keys), free(p->device), free(p->requests.id), free(p->sessions.id), free(p->out);
    free(p);
}

static void add(struct duo_ids *ids, int64_t id)
{
    if (ids->n == ids->room) {
        ids->room = 2 * ids->room + 16;
        ids->id = duo_grow(ids->id, (size_t)ids->room, sizeof *ids->id);
    }
    ids->id[ids->n++] = id;
}

void duo_pipe_request_over(struct duo_pipe *p, int64_t request) { if (p) add(&p->requests, request); }
void duo_pipe_session_over(struct duo_pipe *p, int64_t session) { if (p) add(&p->sessions, session); }
