/* pipe_turn.c - the calls of a pipe policy: an event and a view out, steps back in (pipe.h; policies/PIPE.md). */
#include "sim/pipe_inside.h"

#include <math.h>
#include <string.h>

#include "policies/truth.h"
#include "sim/request.h"

static struct duo_pipe *pipe_of(const struct duo_turn *t) { return *(struct duo_pipe *const *)t->config; }
static const struct duo_request *request_of(const struct duo_turn *t) { return (const struct duo_request *)(const void *)t->engine; }

/* ---- out (3) ---- */

static const char *const kinds[] = {
    [DUO_ARRIVED] = "arrived", [DUO_WRITTEN] = "written", [DUO_VERIFIED] = "verified", [DUO_SCORED] = "scored", [DUO_SENT] = "sent",
    [DUO_RANG] = "rang", [DUO_FAILED] = "failed", [DUO_FOUND] = "found", [DUO_KEPT] = "kept" };

static void put_confidence(struct duo_pipe *p, const struct duo_confidence *c)
{
    if (isnan(c->mean) && isnan(c->min) && isnan(c->last) && isnan(c->margin) && isnan(c->entropy)) return;
    duo_pipe_number(p, ",\"confidence\":{\"mean\":", c->mean);
    duo_pipe_number(p, ",\"min\":", c->min);
    duo_pipe_number(p, ",\"last\":", c->last);
    duo_pipe_number(p, ",\"margin\":", c->margin);
    duo_pipe_number(p, ",\"entropy\":", c->entropy);
    duo_pipe_text(p, "}");
}

/* What is absent is 0, false, or not known. */
static void put_event(struct duo_pipe *p, const struct duo_event *e)
{
    bool writes = e->kind == DUO_WRITTEN || e->kind == DUO_VERIFIED;

    duo_pipe_text(p, ",\"event\":{\"kind\":\"");
    duo_pipe_text(p, kinds[e->kind]);
    duo_pipe_text(p, "\"");
    if (e->step) duo_pipe_whole(p, ",\"step\":", e->step), duo_pipe_whole(p, ",\"at\":", e->at);
    if (e->text) duo_pipe_whole(p, ",\"text\":", e->text);
    if (writes)  duo_pipe_whole(p, ",\"tokens\":", e->tokens), duo_pipe_text(p, e->ended ? ",\"ended\":true" : ",\"ended\":false");
    if (e->kind == DUO_WRITTEN) put_confidence(p, &e->confidence);
    if (!isnan(e->score) && (e->kind == DUO_SCORED || e->kind == DUO_WRITTEN)) duo_pipe_number(p, ",\"score\":", e->score);
    if (e->why) {
        duo_pipe_text(p, ",\"why\":\"");
        duo_pipe_text(p, duo_why(e->why));
        duo_pipe_text(p, "\"");
    }
    duo_pipe_text(p, "}");
}

static void put_places(struct duo_pipe *p, const struct duo_view *v)
{
    duo_pipe_text(p, ",\"places\":[");
    for (int i = 0; i < v->n_places; i++) {
        const struct duo_place_view *at = &v->places[i];
        duo_pipe_whole (p, i ? ",{\"cached\":" : "{\"cached\":", at->cached);
        duo_pipe_number(p, ",\"decode_rate\":", at->decode_rate);
        duo_pipe_number(p, ",\"wait\":", at->wait);
        duo_pipe_number(p, ",\"age\":", at->age);
        duo_pipe_text(p, "}");
    }
    duo_pipe_text(p, "]");
}

/* Last in its line: who finds it there may leave it unread until it is asked for. */
static void put_view(struct duo_pipe *p, const struct duo_turn *t, bool features)
{
    const struct duo_view *v = t->view;

    duo_pipe_number(p, ",\"view\":{\"now\":", v->now);
    duo_pipe_whole (p, ",\"prompt_tokens\":", v->prompt_tokens);
    duo_pipe_whole (p, ",\"max_tokens\":", v->max_tokens);
    duo_pipe_whole (p, ",\"session\":", v->session);
    duo_pipe_whole (p, ",\"turn\":", v->turn);
    duo_pipe_number(p, ",\"deadline\":", v->deadline);
    duo_pipe_number(p, ",\"battery\":", v->battery);
    duo_pipe_text  (p, v->link_up ? ",\"link_up\":true" : ",\"link_up\":false");
    duo_pipe_number(p, ",\"uplink\":", v->uplink);
    duo_pipe_number(p, ",\"downlink\":", v->downlink);
    duo_pipe_number(p, ",\"rtt\":", v->rtt);
    duo_pipe_number(p, ",\"link_age\":", v->link_age);
    duo_pipe_whole (p, ",\"device\":", p->device[request_of(t)->class - p->world->classes]);
    put_places(p, v);
    for (int i = 0; features && v->features && i < v->n_features; i++) duo_pipe_number(p, i ? "," : ",\"features\":[", v->features[i]);
    duo_pipe_text(p, features && v->features && v->n_features ? "]}" : "}");
}

static void put_over(struct duo_pipe *p, const char *key, struct duo_ids *over)                   /* (5) */
{
    for (int i = 0; i < over->n; i++) {
        if (i == 0) duo_pipe_text(p, key);
        duo_pipe_whole(p, i ? "," : "[", over->id[i]);
    }
    if (over->n) duo_pipe_text(p, "]");
    over->n = 0;
}

static void put_call(struct duo_pipe *p, const struct duo_turn *t, const char *call, bool request)
{
    const struct duo_request *r = request_of(t);

    duo_pipe_text(p, "{\"call\":\"");
    duo_pipe_text(p, call);
    duo_pipe_text(p, "\"");
    if (request) duo_pipe_whole(p, ",\"request\":", r->row.id);
    duo_pipe_whole(p, ",\"seat\":", p->world->seat == DUO_SEAT_GATEWAY ? 0 : r->row.device);
}

/* ---- in (2) ---- */

static json_t *given(const json_t *o, const char *key)
{
    json_t *x = json_object_get(o, key);
    return json_is_null(x) ? NULL : x;
}

static struct duo_work read_work(struct duo_pipe *p, const json_t *o)
{
    static const char *const keys[] = { "at", "from", "tokens", "show", "patience", "stop_below", "temperature", "samples", "parts" };
    static const char *const part_keys[] = { "at", "to_layer", "exit_above" };
    const json_t *parts = given(o, "parts");
    struct duo_work w = { .at = duo_pipe_int(p, o, "write", "at", !parts), .from = duo_pipe_int(p, o, "write", "from", true),
        .tokens = duo_pipe_int(p, o, "write", "tokens", false), .show = duo_pipe_flag(p, o, "write", "show"),
        .patience = duo_pipe_real(p, o, "write", "patience", 0), .stop_below = duo_pipe_real(p, o, "write", "stop_below", 0),
        .temperature = duo_pipe_real(p, o, "write", "temperature", 0), .samples = duo_pipe_int(p, o, "write", "samples", false) };

    duo_pipe_only(p, o, "write", keys, sizeof keys / sizeof *keys);
    if (!parts) return w;
    if (!json_is_array(parts) || json_array_size(parts) < 1 || json_array_size(parts) > DUO_MAX_PARTS) {
        duo_pipe_wrong(p, "write: parts: expected a list of 1 to %d", DUO_MAX_PARTS);
        return w;
    }
    for (; w.n_parts < (int)json_array_size(parts); w.n_parts++) {
        const json_t *part = json_array_get(parts, (size_t)w.n_parts);
        if (!json_is_object(part)) duo_pipe_wrong(p, "write: parts: expected objects");
        w.parts[w.n_parts] = (struct duo_part){ duo_pipe_int(p, part, "parts", "at", true), duo_pipe_int(p, part, "parts", "to_layer", false),
            duo_pipe_real(p, part, "parts", "exit_above", 0) };
        duo_pipe_only(p, part, "parts", part_keys, sizeof part_keys / sizeof *part_keys);
    }
    return w;
}

static void write_step(struct duo_pipe *p, struct duo_turn *t, const json_t *o)
{
    struct duo_work work = read_work(p, o);
    if (!*p->wrong) duo_write(t, work);
}

static void verify_step(struct duo_pipe *p, struct duo_turn *t, const json_t *o)
{
    static const char *const keys[] = { "at", "base", "draft" };
    int at = duo_pipe_int(p, o, "verify", "at", true), base = duo_pipe_int(p, o, "verify", "base", true), draft = duo_pipe_int(p, o, "verify", "draft", true);
    duo_pipe_only(p, o, "verify", keys, 3);
    if (!*p->wrong) duo_verify(t, at, base, draft);
}

static void score_step(struct duo_pipe *p, struct duo_turn *t, const json_t *o)
{
    static const char *const keys[] = { "at", "scorer", "text" };
    int at = duo_pipe_int(p, o, "score", "at", true), scorer = duo_pipe_int(p, o, "score", "scorer", true), text = duo_pipe_int(p, o, "score", "text", true);
    duo_pipe_only(p, o, "score", keys, 3);
    if (!*p->wrong) duo_score(t, at, scorer, text);
}

static void send_step(struct duo_pipe *p, struct duo_turn *t, const json_t *o)
{
    static const char *const keys[] = { "at", "text" };
    int at = duo_pipe_int(p, o, "send", "at", true), text = duo_pipe_int(p, o, "send", "text", true);
    duo_pipe_only(p, o, "send", keys, 2);
    if (!*p->wrong) duo_send(t, at, text);
}

static void wait_step(struct duo_pipe *p, struct duo_turn *t, const json_t *o)
{
    static const char *const keys[] = { "seconds" };
    double seconds = duo_pipe_real(p, o, "wait", "seconds", NAN);
    duo_pipe_only(p, o, "wait", keys, 1);
    if (isnan(seconds)) duo_pipe_wrong(p, "wait: seconds is missing");
    if (!*p->wrong) duo_wait(t, seconds);
}

static void show_step(struct duo_pipe *p, struct duo_turn *t, const json_t *o)
{
    static const char *const keys[] = { "text" };
    int text = duo_pipe_int(p, o, "show", "text", true);
    duo_pipe_only(p, o, "show", keys, 1);
    if (!*p->wrong) duo_show(t, text);
}

static void cancel_step(struct duo_pipe *p, struct duo_turn *t, const json_t *o)
{
    static const char *const keys[] = { "step" };
    int step = duo_pipe_int(p, o, "cancel", "step", true);
    duo_pipe_only(p, o, "cancel", keys, 1);
    if (!*p->wrong) duo_cancel(t, step);
}

static const struct { const char *name; void (*carry_out)(struct duo_pipe *, struct duo_turn *, const json_t *); } steps[] = {
    { "write", write_step }, { "verify", verify_step }, { "score", score_step }, { "send", send_step },
    { "wait", wait_step }, { "show", show_step }, { "cancel", cancel_step } };

/* { "write": {...} } */
static void carry_out(struct duo_pipe *p, struct duo_turn *t, json_t *step)
{
    enum { N = sizeof steps / sizeof *steps };
    void *only = json_is_object(step) && json_object_size(step) == 1 ? json_object_iter(step) : NULL;
    const char *names[N], *near;

    if (!only) { duo_pipe_wrong(p, "steps: expected objects of one key, like {\"show\":{\"text\":2}}"); return; }
    for (int i = 0; i < N; i++) {
        names[i] = steps[i].name;
        if (strcmp(names[i], json_object_iter_key(only)) != 0) continue;
        if (!json_is_object(json_object_iter_value(only))) duo_pipe_wrong(p, "%s: expected an object", names[i]);
        else steps[i].carry_out(p, t, json_object_iter_value(only));
        return;
    }
    near = strlen(json_object_iter_key(only)) < 60 ? duo_nearest(json_object_iter_key(only), names, N) : NULL;
    duo_pipe_wrong(p, "unknown step \"%.60s\"%s%s%s", json_object_iter_key(only), near ? " (did you mean " : "", near ? near : "", near ? "?)" : "");
}

/* What can't be known before the call: false, and `wrong`, when it is no question. */
static bool reply(struct duo_pipe *p, const struct duo_turn *t, const json_t *o, const char *ask)
{
    if (strcmp(ask, "begins") == 0) {
        int whole = duo_pipe_int(p, o, ask, "whole", true), beginning = duo_pipe_int(p, o, ask, "beginning", true);
        duo_pipe_text(p, !*p->wrong && duo_begins(t, whole, beginning) ? "{\"value\":true}" : "{\"value\":false}");
    } else if (strcmp(ask, "fits") == 0) {
        int text = duo_pipe_int(p, o, ask, "text", true);
        duo_pipe_text(p, !*p->wrong && duo_fits(t, text) ? "{\"value\":true}" : "{\"value\":false}");
    } else if (strcmp(ask, "truth_quality") == 0) {
        duo_pipe_number(p, "{\"value\":", duo_truth_quality(t, duo_pipe_int(p, o, ask, "at", true)));
        duo_pipe_text(p, "}");
    } else if (strcmp(ask, "truth_length") == 0) {
        duo_pipe_whole(p, "{\"value\":", duo_truth_length(t, duo_pipe_int(p, o, ask, "at", true)));
        duo_pipe_text(p, "}");
    } else {
        duo_pipe_wrong(p, "unknown question \"%.60s\": expected begins, fits, truth_quality or truth_length", ask);
    }
    return !*p->wrong;
}

/* One line of the policy.  True: it asks something, and the reply is ready to be sent. */
static bool obey(struct duo_pipe *p, struct duo_turn *t, json_t *o)
{
    static const char *const keys[] = { "steps", "answer", "give_up", "ask", "whole", "beginning", "text", "at" };
    json_t *list = given(o, "steps"), *answer = given(o, "answer"), *give_up = given(o, "give_up");
    const char *ask = duo_pipe_word(p, o, "line", "ask", NULL);

    duo_pipe_only(p, o, "line", keys, ask ? 8 : 3);
    if (list && !json_is_array(list)) duo_pipe_wrong(p, "steps: expected a list");
    if ((answer != NULL) + (give_up != NULL) + (ask != NULL) > 1) duo_pipe_wrong(p, "expected one of answer, give_up and ask");
    for (size_t i = 0; i < json_array_size(list) && !*p->wrong && !p->world->failure.status; i++) carry_out(p, t, json_array_get(list, i));
    if (*p->wrong || p->world->failure.status) return false;
    if (ask) return reply(p, t, o, ask) && !p->world->failure.status;
    if (answer) {
        int text = duo_pipe_int(p, o, "line", "answer", true);
        if (!*p->wrong) duo_answer(t, text);
    } else if (give_up) {
        const char *why = duo_pipe_word(p, o, "line", "give_up", "");
        if (!*p->wrong) duo_give_up(t, why);
    }
    return false;
}

/* The line that is ready goes out; what comes back is done. */
static void converse(struct duo_pipe *p, struct duo_turn *t)
{
    struct duo_err *failure = &p->world->failure;
    char line[300];
    bool asks = true;

    for (int n = 0; asks; n++) {
        json_t *o = duo_pipe_exchange(p);
        if (o && n > DUO_PIPE_ASKS) duo_pipe_wrong(p, "more than %d questions in one call", DUO_PIPE_ASKS);
        asks = o && !*p->wrong && obey(p, t, o);
        json_decref(o);
    }
    if (*p->wrong) {                                                          /* (4) */
        duo_pipe_quote(p, line, sizeof line);
        duo_world_fail(p->world, "%.200s%s", p->wrong, line);
    } else if (failure->status && p->line) {                                   /* what a step's own check has said */
        size_t used = strlen(failure->text);
        duo_pipe_quote(p, line, sizeof line);
        snprintf(failure->text + used, sizeof failure->text - used, "%s", line);
    }
    p->line = NULL;
}

/* ---- the three calls ---- */

void duo_pipe_next(struct duo_turn *t)
{
    struct duo_pipe *p = pipe_of(t);

    put_call(p, t, "next", true);
    put_event(p, &t->event);
    put_over(p, ",\"requests_over\":", &p->requests);
    put_over(p, ",\"sessions_over\":", &p->sessions);
    put_view(p, t, t->event.kind == DUO_ARRIVED);
    duo_pipe_text(p, "}");
    converse(p, t);
}

void duo_pipe_feedback(struct duo_turn *t, double score)
{
    struct duo_pipe *p = pipe_of(t);

    put_call(p, t, "feedback", true);
    duo_pipe_number(p, ",\"score\":", score);
    put_over(p, ",\"requests_over\":", &p->requests);
    put_over(p, ",\"sessions_over\":", &p->sessions);
    put_view(p, t, true);
    duo_pipe_text(p, "}");
    duo_pipe_request_over(p, request_of(t)->row.id);
    converse(p, t);
}

void duo_pipe_tick(struct duo_turn *t)
{
    struct duo_pipe *p = pipe_of(t);

    put_call(p, t, "tick", false);
    put_over(p, ",\"requests_over\":", &p->requests);
    put_over(p, ",\"sessions_over\":", &p->sessions);
    put_view(p, t, false);
    duo_pipe_text(p, "}");
    converse(p, t);
}
