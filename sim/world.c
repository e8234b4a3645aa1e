/* world.c - a scenario becomes places, devices, links and answers; refused here is what cannot run.
 *
 * (1) Every name is resolved before the first event: models, hardware, roles, scores, the policy and its
 *     parameters, what it needs of the answers.
 * (2) Links are world_net.c's.
 * (3) Devices: class by share, then one of the class; the cell is the device's number modulo the cells.
 * (4) Queries: recorded ones of the test split, in order or shuffled, again from the start when they end;
 *     synthetic ones by index. */
#include "sim/world.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "models/answers/recording.h"
#include "sim/base/json.h"
#include "sim/device.h"
#include "sim/money.h"
#include "sim/pipe.h"
#include "sim/registry.h"
#include "sim/request.h"
#include "sim/scale.h"
#include "sim/server_api.h"

enum { BACKGROUND_CONTEXT = 512, SESSION_SLOTS = 4096, STALLED = 100000 };

void duo_world_keep(struct duo_world *w, void *block)
{
    if (w->n_kept == w->room_kept) {
        w->room_kept = w->room_kept ? 2 * w->room_kept : 64;
        w->kept = duo_grow(w->kept, (size_t)w->room_kept, sizeof *w->kept);
    }
    w->kept[w->n_kept++] = block;
}

void duo_world_fail(struct duo_world *w, const char *fmt, ...)
{
    char what[400];
    va_list args;

    va_start(args, fmt);
    vsnprintf(what, sizeof what, fmt, args);
    va_end(args);
    duo_fail(&w->failure, DUO_RUN_FAILED, "policy %s: %s", w->use->label, what);
    w->stop = true;
}

int duo_world_reason(struct duo_world *w, const char *text)
{
    for (int i = 0; i < w->n_reasons; i++)
        if (strncmp(w->reasons[i].text, text, sizeof w->reasons[i].text - 1) == 0) {
            w->reasons[i].requests++;
            return i;
        }
    if (w->n_reasons == w->room_reasons) {
        w->room_reasons = w->room_reasons ? 2 * w->room_reasons : 8;
        w->reasons = duo_grow(w->reasons, (size_t)w->room_reasons, sizeof *w->reasons);
    }
    w->reasons[w->n_reasons] = (struct duo_row_reason){ .id = w->n_reasons, .requests = 1 };
    snprintf(w->reasons[w->n_reasons].text, sizeof w->reasons[0].text, "%s", text);
    return w->n_reasons++;
}

/* ---- places and devices */

enum duo_site duo_node_site(const struct duo_world *w, int node) { return node == DUO_GATEWAY ? DUO_SITE_CLOUD : w->places[node].site; }

const struct duo_cost *duo_place_cost(const struct duo_world *w, const struct duo_request *r, int place)
{
    return place == DUO_DEVICE ? r->class->cost : w->places[place].cost;
}

int duo_place_voice(const struct duo_world *w, const struct duo_request *r, int place)
{
    return place == DUO_DEVICE ? r->class->voice : w->places[place].voice;
}

double duo_kv_capacity(const struct duo_facts *f, double given)
{
    double n = given > 0 ? given : f->kv_bytes > 0 ? floor(f->memory_bytes / f->kv_bytes) : INFINITY;

    return n;
}

static int voice_of(const struct duo_world *w, const char *place, const char *model)
{
    const struct duo_answers_spec *a = &w->scenario->answers;
    int voice;

    for (int i = 0; i < a->n_roles; i++)
        if (strcmp(a->roles[i].place, place) == 0) return duo_answers_voice(w->answers, a->roles[i].voice);
    voice = duo_answers_voice(w->answers, place);
    return voice >= 0 ? voice : duo_answers_voice(w->answers, model);
}

static enum duo_status check_roles(const struct duo_world *w, struct duo_err *err)
{
    const struct duo_scenario *s = w->scenario;

    for (int i = 0; i < s->answers.n_roles; i++) {
        const struct duo_role *r = &s->answers.roles[i];
        const char *names[DUO_MAX_PLACES * 2], *near;
        size_t n = 0;
        bool found = false;
        names[n++] = "device";
        for (int p = 0; p < s->n_places; p++) names[n++] = s->places[p].name;
        for (int d = 0; d < s->n_devices && n < DUO_MAX_PLACES * 2; d++) names[n++] = s->devices[d].name;
        for (size_t k = 0; k < n; k++) found |= strcmp(names[k], r->place) == 0;
        if (!found) {
            near = duo_nearest(r->place, names, n);
            return duo_fail_at(err, DUO_BAD_INPUT, s->file, r->at.line, r->at.column, "answers.roles: no place or device class is called \"%s\"%s%s%s",
                               r->place, near ? " (did you mean " : "", near ? near : "", near ? "?)" : "");
        }
        if (duo_answers_voice(w->answers, r->voice) < 0) {
            near = duo_nearest(r->voice, w->answers->voices, (size_t)w->answers->n_voices);
            return duo_fail_at(err, DUO_BAD_INPUT, s->file, r->at.line, r->at.column, "answers.roles: the answers have no column for \"%s\"%s%s%s",
                               r->voice, near ? " (did you mean " : "", near ? near : "", near ? "?)" : "");
        }
    }
    return DUO_OK;
}

/* What a device class asks for rests on numbers that must be known. */
static enum duo_status check_device(const struct duo_scenario *s, struct duo_device_class *c, struct duo_err *err)
{
    const struct duo_facts *f = &c->cost->facts;
    const struct duo_device_spec *d = c->spec;
    const char *for_what = isfinite(d->battery) ? "a battery needs it" : "a background needs it";
    bool watts = isfinite(d->battery) || d->background > 0;

    if (watts && (isnan(f->busy_watts) || isnan(f->idle_watts)))
        return duo_fail_at(err, DUO_BAD_INPUT, s->file, d->at.line, d->at.column, "devices.%s: the %s power of %s is not known, and %s; set it in cost: {%s_watts: ...}",
                           d->name, isnan(f->busy_watts) ? "busy" : "idle", d->hardware, for_what, isnan(f->busy_watts) ? "load" : "idle");
    if (!isnan(d->load_seconds)) c->cost->facts.load_seconds = d->load_seconds;
    if (d->cold && isnan(f->load_seconds))
        return duo_fail_at(err, DUO_BAD_INPUT, s->file, d->at.line, d->at.column, "devices.%s.load: how long %s takes to load on %s is not known; set load_time",
                           d->name, d->model, d->hardware);
    if (d->background > 0) c->cost = duo_cost_slowed(c->cost, d->background);
    return DUO_OK;
}

static int id_tokens_at(const struct duo_world *w, const struct duo_place_spec *p) { return p->no_prefix_cache ? 0 : w->id_tokens; }

/* A replica whose memory is too small for what it is to hold at once, or for the blocks that it is to share. */
static enum duo_status check_place(const struct duo_world *w, const struct duo_world_place *place, struct duo_err *err)
{
    const struct duo_place_spec *p = place->spec;
    const struct duo_facts *f = &place->cost->facts;
    double capacity = duo_kv_capacity(f, 0);

    if (place->site == DUO_SITE_API) return DUO_OK;
    if (id_tokens_at(w, p) % p->block)
        return duo_fail_at(err, DUO_BAD_INPUT, w->scenario->file, p->at.line, p->at.column,
                           "places.%s: block: the trace's blocks of %d tokens are not made of %d (prefix_cache: false does without)", p->name,
                           w->id_tokens, p->block);
    if (p->kv_tokens > 0 && p->kv_tokens < p->block)
        return duo_fail_at(err, DUO_BAD_INPUT, w->scenario->file, p->at.line, p->at.column, "places.%s: kv_tokens: %.0f is less than a block of %d",
                           p->name, p->kv_tokens, p->block);
    if (p->kv_tokens <= 0 && capacity < (double)p->slots * p->block)
        return duo_fail_at(err, DUO_BAD_INPUT, w->scenario->file, p->at.line, p->at.column,
                           "places.%s: batch: %d sequences need a block of %d tokens each, %.3g GB of KV at %.3g kB a token; %.3g GB are left beside %.3g GB of weights",
                           p->name, p->slots, p->block, (double)p->slots * p->block * f->kv_bytes / 1e9, f->kv_bytes / 1e3, f->memory_bytes / 1e9,
                           f->weight_bytes / 1e9);
    return DUO_OK;
}

static enum duo_status build_places(struct duo_world *w, struct duo_err *err)
{
    const struct duo_scenario *s = w->scenario;
    double edge = 0;
    int64_t first = 0;

    if (s->n_places + 1 > DUO_MAX_PLACES) return duo_fail_at(err, DUO_BAD_INPUT, s->file, 0, 0, "places: at most %d", DUO_MAX_PLACES - 1);
    w->n_places = s->n_places + 1;
    w->places = duo_new((size_t)w->n_places, sizeof *w->places);
    w->places[0] = (struct duo_world_place){ .name = "device", .site = DUO_SITE_DEVICE, .voice = -1 };
    for (int i = 0; i < s->n_places; i++) {
        const struct duo_place_spec *p = &s->places[i];
        w->places[i + 1] = (struct duo_world_place){ .name = p->name, .spec = p, .site = p->site, .delay = p->rtt / 2,
            .voice = voice_of(w, p->name, p->model), .n_replicas = p->site == DUO_SITE_API ? 0 : p->most_replicas };
        DUO_TRY(duo_cost_new(&w->places[i + 1].cost, w->spec->catalogue, &(struct duo_cost_spec){ .model = p->model, .hardware = p->hardware,
            .quant = p->quant, .runtime = p->runtime, .measured = p->measured, .tensor_parallel = p->tensor_parallel,
            .pipeline_parallel = p->pipeline_parallel, .sequences = p->slots, .budget = p->budget, .file = s->file, .line = p->at.line, .n_over = p->n_over, .over = p->over }, err));
        DUO_TRY(check_place(w, &w->places[i + 1], err));
    }
    w->n_classes = s->n_devices;
    w->classes = duo_new((size_t)w->n_classes, sizeof *w->classes);
    w->class_edge = duo_new((size_t)w->n_classes, sizeof *w->class_edge);
    for (int i = 0; i < s->n_devices; i++) {
        const struct duo_device_spec *d = &s->devices[i];
        w->classes[i] = (struct duo_device_class){ .spec = d, .first = first, .count = d->count };
        w->classes[i].voice = voice_of(w, d->name, d->model);
        if (w->classes[i].voice < 0) w->classes[i].voice = voice_of(w, "device", d->model);
        first += d->count;
        w->class_edge[i] = edge += d->share;
        DUO_TRY(duo_cost_new(&w->classes[i].cost, w->spec->catalogue, &(struct duo_cost_spec){ .model = d->model, .hardware = d->hardware,
            .quant = d->quant, .runtime = d->runtime, .measured = d->measured, .sequences = d->slots,
            .file = s->file, .line = d->at.line, .n_over = d->n_over, .over = d->over }, err));
        DUO_TRY(check_device(s, &w->classes[i], err));
    }
    for (int i = 0; i < w->n_classes; i++) w->class_edge[i] /= edge;
    w->n_devices = first;
    w->places[0].cost = NULL;
    DUO_TRY(duo_money_build(w, err));
    if (s->cells.radio) DUO_TRY(duo_radio_find(w->spec->catalogue, s->cells.radio, s->file, s->cells.at.line, &w->radio, err));
    else w->radio = (struct duo_radio){ .joules_byte_up = s->cells.joules_up, .joules_byte_down = s->cells.joules_down, .energy = DUO_ASSUMED };
    return DUO_OK;
}

/* ---- answers and the policy */

/* lengths: trace or FILE: query i has those of row i, and its prompt consists of the row's blocks, where it says so. */
static enum duo_status take_lengths(struct duo_world *w, struct duo_err *err)
{
    const struct duo_arrivals_spec *a = &w->scenario->arrivals;
    struct duo_trace_count count;
    const char *path = a->lengths ? a->lengths : a->trace;
    struct duo_arrival row;
    int32_t *prompts, *answers;
    int n = 0;

    if (w->scenario->answers.kind != DUO_ANSWERS_SYNTHETIC)
        return duo_fail_at(err, DUO_BAD_INPUT, w->scenario->file, a->at.line, a->at.column,
                           "arrivals.lengths: trace is for synthetic answers; recorded ones have lengths of their own (lengths: answers)");
    DUO_TRY(duo_arrivals_trace(&w->length_rows, path, a->lengths ? NULL : a->format, 1, a->lengths ? 0 : a->requests, &count, err));
    prompts = duo_new((size_t)count.emitted + 1, sizeof *prompts), answers = duo_new((size_t)count.emitted + 1, sizeof *answers);
    duo_world_keep(w, prompts), duo_world_keep(w, answers);
    w->id_tokens = duo_arrivals_id_tokens(w->length_rows);
    if (w->id_tokens) {
        w->prompt_ids = duo_new((size_t)count.emitted, sizeof *w->prompt_ids);
        duo_world_keep(w, w->prompt_ids);
    }
    while (duo_arrivals_next(w->length_rows, &row)) {
        prompts[n] = row.prompt_tokens, answers[n] = row.output_tokens;
        if (w->id_tokens) w->prompt_ids[n] = (struct duo_prompt_ids){ row.ids, row.n_ids };
        if (row.prompt_tokens < 1 || row.output_tokens < 1) break;
        n++;
    }
    w->n_prompt_ids = n;
    if (n < count.emitted || n == 0)
        return duo_fail_at(err, DUO_BAD_INPUT, path, 0, 0, "lengths: needs tokens of prompt and answer in every row; request %d has %d and %d",
                           n, prompts[n], answers[n]);
    w->answers->n_lengths = n, w->answers->prompt_lengths = prompts, w->answers->answer_lengths = answers;
    return DUO_OK;
}

/* A recording says itself what tables of outcomes are asked for. */
static enum duo_status open_recording(struct duo_world *w, struct duo_err *err)
{
    const struct duo_answers_spec *a = &w->scenario->answers;
    const struct duo_recorded_spec *r = &a->recorded;
    const char *odd = r->format ? "format" : r->n_files ? "recorded" : r->metric ? "metric" : r->n_columns ? "columns" : r->accepts ? "accepts" : r->chars_per_token > 0 ? "tokens" : r->default_tokens > 0 ? "default_tokens" : NULL;

    if (odd) return duo_fail_at(err, DUO_BAD_INPUT, w->scenario->file, a->at.line, a->at.column, "answers.%s: is for tables of outcomes; %s is a recording", odd, r->path);
    DUO_TRY(duo_answers_recording(&w->answers, r->path, r->train_share, err));
    if (w->answers->caps & DUO_CAP_LENGTH || a->fill & DUO_CAP_LENGTH) return DUO_OK;
    return duo_fail_at(err, DUO_BAD_INPUT, w->scenario->file, a->at.line, a->at.column,
                       "answers: the lengths of some answers were not recorded in %s: fill: { length: ... } makes them up, marked as assumed", r->path);
}

static enum duo_status build_answers(struct duo_world *w, struct duo_err *err)
{
    const struct duo_answers_spec *a = &w->scenario->answers;
    struct duo_recorded_spec recorded = a->recorded;
    int unmatched;

    if ((a->fill & DUO_CAP_LENGTH) && recorded.default_tokens == 0) recorded.default_tokens = -1;    /* left to the fill */
    if (a->kind == DUO_ANSWERS_SYNTHETIC) w->answers = duo_answers_synthetic(&a->synthetic);
    else if (a->kind == DUO_ANSWERS_EXECUTED) DUO_TRY(duo_answers_executed(&w->answers, &a->executed, err));
    else if (duo_recording_is(recorded.path)) DUO_TRY(open_recording(w, err));
    else if (duo_answers_recorded(&w->answers, &recorded, err) != DUO_OK) {
        if (err && !err->file[0]) snprintf(err->file, sizeof err->file, "%s", w->scenario->file), err->line = a->at.line, err->column = a->at.column;
        return DUO_BAD_INPUT;
    }
    if (a->fill) w->answers = duo_answers_fill(w->answers, a->fill, &a->fill_spec);
    for (int i = 0; i < a->n_scores; i++) {
        if (!a->scores[i].file) {                          /* a score that the answers have; only its seconds are given */
            if (duo_answers_score(w->answers, a->scores[i].name) >= 0) continue;
            return duo_fail_at(err, DUO_BAD_INPUT, w->scenario->file, a->scores[i].at.line, a->scores[i].at.column,
                               "answers.scorers: %s has no score called \"%s\": give its file", w->answers->label, a->scores[i].name);
        }
        DUO_TRY(duo_answers_join(&w->answers, a->scores[i].name, a->scores[i].file, a->scores[i].column, NULL, 0, &unmatched, err));
        w->unmatched = (w->unmatched < 0 ? 0 : w->unmatched) + unmatched;
    }
    if (w->scenario->arrivals.trace_lengths) DUO_TRY(take_lengths(w, err));
    if (w->scenario->arrivals.as_spoken && w->answers->n_features > 0)
        return duo_fail_at(err, DUO_BAD_INPUT, w->scenario->file, w->scenario->arrivals.at.line, w->scenario->arrivals.at.column,
                           "arrivals.prefill: as_spoken is for answers without features: %s has some, which nobody knows before the end of the speech", w->answers->label);
    w->answers->seed = w->spec->seed;
    return check_roles(w, err);
}

static const char *param_of(const struct duo_policy_spec *use, const char *key)
{
    for (int i = 0; i < use->n_params; i++)
        if (strcmp(use->params[i].key, key) == 0) return use->params[i].value;
    return NULL;
}

static enum duo_status join_files(struct duo_world *w, const char *const *names, struct duo_err *err)
{
    for (int i = 0; i < w->use->n_params; i++) {
        const struct duo_param *p = &w->use->params[i];
        bool decisions = strcmp(p->key, "file") == 0;
        enum duo_status bad;
        char *path, why[256];
        int unmatched;
        if (!decisions && strcmp(p->key, "scores") != 0) continue;
        if (duo_scenario_path(w->scenario->file, p->value, &path, why, sizeof why) != DUO_OK)
            return duo_fail_at(err, DUO_BAD_INPUT, w->scenario->file, p->at.line, p->at.column, "%s: %s", p->key, why);
        bad = duo_answers_join(&w->answers, p->value, path, param_of(w->use, "column"), decisions ? names : NULL, decisions ? w->n_places : 0, &unmatched, err);
        free(path);
        DUO_TRY(bad);
        w->unmatched = (w->unmatched < 0 ? 0 : w->unmatched) + unmatched;
    }
    w->answers->seed = w->spec->seed;
    return DUO_OK;
}

static enum duo_status check_needs(const struct duo_world *w, struct duo_err *err)
{
    static const struct { unsigned need, cap; const char *what, *fill; } table[] = {
        { DUO_CONFIDENCE, DUO_CAP_CONFIDENCE, "confidences", "confidence" },
        { DUO_AGREEMENT,  DUO_CAP_AGREEMENT,  "token-level agreement of a drafter with a verifier", "agreement" },
        { DUO_EXITS,      DUO_CAP_EXITS,      "confidences of exit heads", "exits" } };
    const struct duo_scenario *s = w->scenario;

    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (w->policy->needs & table[i].need && !(w->answers->caps & table[i].cap))
            return duo_fail_at(err, DUO_BAD_INPUT, s->file, w->use->at.line, w->use->at.column,
                               "policy %s needs %s, which %s does not have (answers: fill: { %s: ... } makes them up, marked as assumed)",
                               w->use->label, table[i].what, w->answers->label, table[i].fill);
    if (w->policy->needs & DUO_TRUTH && !(w->answers->caps & DUO_CAP_OUTCOME))
        return duo_fail_at(err, DUO_BAD_INPUT, s->file, w->use->at.line, w->use->at.column, "policy %s needs qualities, which %s does not have", w->use->label, w->answers->label);
    return DUO_OK;
}

/* Built in, a module, or another program, which declares itself in its init. */
static enum duo_status find_policy(struct duo_world *w, bool check, struct duo_err *err)
{
    const char *file = w->scenario->file, *slash = strrchr(file, '/');
    char dir[512];
    enum duo_status bad;

    if (w->use->n_command) {
        w->pipe = duo_pipe_new(w, check);
        w->policy = duo_pipe_policy(w->pipe);
        return DUO_OK;
    }
    snprintf(dir, sizeof dir, "%.*s", slash ? (int)(slash - file) : 1, slash ? file : ".");
    bad = duo_policy_find(w->use->use, dir, &w->policy, err);
    if (bad && err && !err->file[0]) snprintf(err->file, sizeof err->file, "%s", file), err->line = w->use->at.line, err->column = w->use->at.column;
    return bad;
}

static enum duo_status build_policy(struct duo_world *w, bool check, struct duo_err *err)
{
    const struct duo_scenario *s = w->scenario;
    const char *names[DUO_MAX_PLACES];
    char share[40];
    struct duo_policy_spec use = *w->use;
    struct duo_param mix = { .key = (char *)"share", .value = share };
    struct duo_params params;
    bool is_mix = strcmp(use.use, "mix") == 0;

    DUO_TRY(find_policy(w, check, err));
    for (int i = 0; i < w->n_places; i++) names[i] = w->places[i].name;
    DUO_TRY(join_files(w, names, err));
    if (!w->pipe) DUO_TRY(check_needs(w, err));
    if (is_mix) {
        duo_show_double(isnan(w->spec->mix_share) ? 0 : w->spec->mix_share, share);    /* not known yet: only checked */
        use.params = &mix, use.n_params = 1;
    }
    params = (struct duo_params){ .scenario = s, .spec = &use, .answers = w->answers, .places = names, .n_places = w->n_places, .err = err };
    w->config = duo_new(1, w->policy->config_size ? w->policy->config_size : 1);
    if (w->pipe) memcpy(w->config, &w->pipe, sizeof w->pipe);
    DUO_TRY(duo_policy_init(w->policy, w->config, &params));
    if (w->pipe) DUO_TRY(check_needs(w, err));                       /* declared just now */
    w->seat = use.seat >= 0 ? (enum duo_seat)use.seat : w->policy->seat;
    if (w->seat == DUO_SEAT_GATEWAY && w->policy->seat_size) w->gateway_seat = duo_new(1, w->policy->seat_size);
    return DUO_OK;
}

static enum duo_status build_queries(struct duo_world *w, struct duo_err *err)
{
    const struct duo_answers *a = w->answers;
    struct duo_query q;

    if (!a->n_queries) return DUO_OK;
    w->order = duo_new((size_t)a->n_queries, sizeof *w->order);
    for (int i = 0; i < a->n_queries; i++) {
        a->kind->query(a, i, &q);
        if (!q.train && q.turn == 0) w->order[w->n_order++] = i;
    }
    if (!w->n_order)
        return duo_fail_at(err, DUO_BAD_INPUT, w->scenario->file, w->scenario->answers.at.line, w->scenario->answers.at.column,
                           "answers: no query is left for the test split of %d", a->n_queries);
    if (w->scenario->arrivals.shuffle)
        for (int64_t i = w->n_order - 1; i > 0; i--) {     /* Fisher and Yates */
            int64_t k = (int64_t)(duo_draw(w->spec->seed, "shuffle", (uint64_t)i) * (double)(i + 1));
            int32_t t = w->order[i];
            w->order[i] = w->order[k], w->order[k] = t;
        }
    return DUO_OK;
}

/* ---- all of it */

static struct duo_api *build_api(const struct duo_world *w, const struct duo_world_place *p)
{
    const struct duo_place_spec *s = p->spec;
    struct duo_length_law ttft = s->ttft, rate = s->rate;
    struct duo_growth growth;
    struct duo_load one = p->cost->kind->item(p->cost, 1, 0, 0, p->cost->facts.layers, 1, &growth);

    if (!(ttft.a > 0)) ttft = (struct duo_length_law){ .kind = DUO_FIXED, .a = p->cost->facts.start_seconds };
    if (!(rate.a > 0)) rate = (struct duo_length_law){ .kind = DUO_FIXED, .a = 1 / p->cost->kind->price(p->cost, &one, 0, p->cost->facts.layers).seconds };
    return duo_api_new(&(struct duo_api_spec){ .clock = w->clock, .gaps = (struct duo_gaps *)(uintptr_t)&w->gaps,
        .seed = duo_hash(w->spec->seed, p->name, 0), .ttft = ttft, .rate = rate, .limit = s->limit, .burst = s->burst, .errors = s->errors,
        .backoff = s->backoff, .retries = s->retries });
}

static enum duo_status build_servers(struct duo_world *w, struct duo_err *err)
{
    for (int p = 1; p < w->n_places; p++) {
        struct duo_world_place *place = &w->places[p];
        if (place->site == DUO_SITE_API) { place->api = build_api(w, place); continue; }
        place->replicas = duo_new((size_t)place->n_replicas, sizeof *place->replicas);
        for (int i = 0; i < place->n_replicas; i++) {
            place->replicas[i].server = duo_server_new(&(struct duo_server_spec){ .cost = place->cost, .clock = w->clock,
                .slots = place->spec->slots, .budget = place->spec->budget, .kv_tokens = duo_kv_capacity(&place->cost->facts, place->spec->kv_tokens),
                .chunk = place->spec->chunk, .block = place->spec->block, .by_priority = place->spec->by_priority, .ahead = place->cost->facts.ahead, .id_tokens = id_tokens_at(w, place->spec),
                .background = place->spec->background, .background_context = BACKGROUND_CONTEXT, .gaps = &w->gaps });
            if (w->spec->step_singly) duo_server_step_singly(place->replicas[i].server, true);
        }
        DUO_TRY(duo_scale_build(w, p, err));
    }
    return DUO_OK;
}

/* What a trace's rows were left out for; those behind the number asked for are no news. */
static void note_dropped(struct duo_world *w, const struct duo_trace_count *count)
{
    const char *slash = strrchr(w->scenario->arrivals.trace, '/');
    size_t n = sizeof w->trace_note;

    for (int i = 0; i < count->n_dropped; i++) {
        if (strncmp(count->dropped[i].why, "after ", 6) == 0) continue;
        if (!*w->trace_note)
            snprintf(w->trace_note, n, "%.100s: of %lld rows are left out:", slash ? slash + 1 : w->scenario->arrivals.trace, (long long)count->read);
        else
            snprintf(w->trace_note + strlen(w->trace_note), n - strlen(w->trace_note), ",");
        snprintf(w->trace_note + strlen(w->trace_note), n - strlen(w->trace_note), " %lld %s", (long long)count->dropped[i].rows, count->dropped[i].why);
    }
}

static enum duo_status build_arrivals(struct duo_world *w, struct duo_err *err)
{
    const struct duo_arrivals_spec *a = &w->scenario->arrivals;
    struct duo_trace_count count;

    if (a->kind != DUO_ARRIVAL_TRACE) {
        w->arrivals = duo_arrivals_process(a->kind, a->rate, a->cv, a->requests, w->spec->seed);
        return DUO_OK;
    }
    DUO_TRY(duo_arrivals_trace(&w->arrivals, a->trace, a->format, a->rate_scale, a->requests, &count, err));
    note_dropped(w, &count);
    return DUO_OK;
}

/* What is not refused, but should be known: a line each. */
static void warn(const struct duo_world *w, char *warnings, size_t n)
{
    const char *note = w->answers->note, *label = w->answers->label;

    *warnings = 0;
    if (note) snprintf(warnings, n, "%s: %s\n", strncmp(label, "recorded ", 9) == 0 ? label + 9 : label, note);
    if (*w->trace_note) snprintf(warnings + strlen(warnings), n - strlen(warnings), "%s\n", w->trace_note);
    if (w->unmatched > 0)
        snprintf(warnings + strlen(warnings), n - strlen(warnings), "policy %s: %d of %d queries have no row in its file\n", w->use->label, w->unmatched, w->answers->n_queries);
}

enum duo_status duo_world_build(struct duo_world *w, const struct duo_run_spec *spec, bool check_only, char *warnings, size_t n, struct duo_err *err)
{
    *w = (struct duo_world){ .spec = spec, .scenario = spec->scenario, .use = &spec->scenario->policies[spec->policy], .unmatched = -1 };
    DUO_TRY(build_answers(w, err));
    DUO_TRY(build_places(w, err));
    DUO_TRY(build_policy(w, check_only, err));                                                     /* (1) */
    DUO_TRY(build_queries(w, err));
    DUO_TRY(build_arrivals(w, err));
    if (warnings && n) warn(w, warnings, n);
    DUO_TRY(duo_world_traces(w, err));
    if (check_only) return DUO_OK;
    DUO_TRY(duo_world_links(w, err));
    DUO_TRY(build_servers(w, err));
    duo_devices_build(w);
    if (w->scenario->transport.fifo) w->uplinks = duo_new((size_t)w->n_devices, sizeof *w->uplinks);
    w->n_session_slots = SESSION_SLOTS;
    w->sessions = duo_new(SESSION_SLOTS, sizeof *w->sessions);
    return DUO_OK;
}

static int next_query(struct duo_world *w)                                                  /* (4) */
{
    struct duo_query q;

    if (w->n_order) return w->order[w->cursor++ % w->n_order];
    do {
        w->answers->kind->query(w->answers, (int)(w->cursor % INT32_MAX), &q);
        w->cursor++;
    } while (q.train || q.turn > 0);
    return q.index;
}

static void arrive(void *arg)
{
    struct duo_world *w = arg;
    struct duo_arrival now = w->coming;

    if (duo_arrivals_next(w->arrivals, &w->coming)) duo_clock_set(w->clock, &w->arrival_alarm, w->coming.at, arrive, w);
    else w->all_arrived = true;
    duo_request_arrive(w, &now, next_query(w), NULL);
}

/* Reports go on for as long as anything happens.  A run in which nothing does for STALLED seconds (a link that stays at
 * zero, for ever) is over: what waits is pending. */
static void publish(void *arg)
{
    struct duo_world *w = arg;
    double now = duo_clock_now(w->clock);
    uint64_t others = duo_clock_events(w->clock) - ++w->periodic, flows = duo_net_stats(w->net).flows;

    if (others + flows != w->happened) w->happened = others + flows, w->happened_at = now;
    if (now - w->happened_at > STALLED) { w->stop = true; return; }
    duo_world_publish(w);
    duo_world_tick(w);
    duo_clock_set(w->clock, &w->report_alarm, now + w->scenario->status, publish, w);
}

void duo_world_start(struct duo_world *w)
{
    duo_world_links_start(w);
    duo_clock_set(w->clock, &w->report_alarm, 0, publish, w);
    if (duo_arrivals_next(w->arrivals, &w->coming)) duo_clock_set(w->clock, &w->arrival_alarm, w->coming.at, arrive, w);
    else w->all_arrived = w->stop = true;
}

void duo_world_free(struct duo_world *w)
{
    for (int p = 1; p < w->n_places && w->places; p++) {
        struct duo_world_place *place = &w->places[p];
        for (int i = 0; place->replicas && i < place->n_replicas; i++) duo_server_free(place->replicas[i].server);
        free(place->replicas);
        duo_api_free(place->api);
        if (place->cost) place->cost->kind->free(place->cost);
    }
    duo_pipe_free(w->pipe);
    duo_devices_free(w);
    for (int i = 0; i < w->n_classes && w->classes; i++)
        if (w->classes[i].cost) w->classes[i].cost->kind->free(w->classes[i].cost);
    for (struct duo_request *r = w->spare_requests; r; r = r->next) free(r->texts), free(r->inbox), free(r->block);
    for (int i = 0; i < w->n_kept; i++) free(w->kept[i]);
    free(w->kept), free(w->places), free(w->classes), free(w->class_edge), free(w->uplinks), free(w->gateway_seat), free(w->cells);
    free(w->tickers), free(w->outages), free(w->order), free(w->sessions), free(w->reasons), free(w->config);
    duo_capacity_free(&w->up_trace), duo_capacity_free(&w->down_trace), duo_capacity_free(&w->wan_up_trace), duo_capacity_free(&w->wan_down_trace);
    duo_rtt_free(&w->cells_pings), duo_rtt_free(&w->wan_pings);
    if (w->arrivals) duo_arrivals_free(w->arrivals);
    if (w->length_rows) duo_arrivals_free(w->length_rows);
    if (w->answers) duo_answers_free(w->answers);
    if (w->net) duo_net_free(w->net);
    if (w->clock) duo_clock_free(w->clock);
}
