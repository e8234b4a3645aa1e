/* turn.c - the functions that a policy calls in its turn (policies/policy.h, truth.h).
 *
 * What a policy asks for is checked here: a number that isn't one, a text or place that doesn't exist, parts that
 * don't fit together, more steps than any sane policy needs, a step after the end fail the run by name. */
#include "policies/policy.h"
#include "policies/truth.h"
#include "sim/request.h"

#include <math.h>
#include <string.h>

static struct duo_request *request_of(const struct duo_turn *t) { return (struct duo_request *)t->engine; }

/* May the policy ask for a step now?  `what` for the message. */
static bool may_ask(struct duo_request *r, const char *what)
{
    struct duo_world *w = r->world;

    if (w->stop) return false;
    if (r->settled || r->over) {
        if (r->answer || !w->devices[r->row.device].dead) duo_world_fail(w, "calls %s after the end of its request (request %lld)", what, (long long)r->row.id);
        return false;
    }
    if (r->last_id >= DUO_MAX_STEPS) {
        duo_world_fail(w, "asked for more than %d steps (request %lld)", DUO_MAX_STEPS, (long long)r->row.id);
        return false;
    }
    return true;
}

static bool good_place(struct duo_request *r, const char *what, duo_place place, bool writes)
{
    struct duo_world *w = r->world;

    if (place < 0 || place >= w->n_places) {
        duo_world_fail(w, "%s at place %d, which does not exist", what, place);
        return false;
    }
    if (writes && duo_place_voice(w, r, place) < 0) {
        duo_world_fail(w, "%s at \"%s\", which has no role in the answers", what, w->places[place].name);
        return false;
    }
    if (place != DUO_DEVICE) r->row.cloud = 1;
    return true;
}

static bool good_text(struct duo_request *r, const char *what, duo_text text)
{
    if (duo_text_known(r, text)) return true;
    duo_world_fail(r->world, "%s of text %d, which does not exist", what, text);
    return false;
}

static bool good_parts(struct duo_request *r, struct duo_work *work)
{
    struct duo_world *w = r->world;
    const struct duo_facts *first = NULL;
    int before = 0;

    for (int i = 0; i < work->n_parts; i++) {
        struct duo_part *p = &work->parts[i];
        const struct duo_facts *f;
        if (!good_place(r, "duo_write", p->at, true)) return false;
        f = &duo_place_cost(w, r, p->at)->facts;
        if (!first) first = f;
        if (strcmp(f->model, first->model) != 0) {
            duo_world_fail(w, "duo_write with parts of different models, %s at \"%s\" and %s at \"%s\"", first->model,
                           w->places[work->parts[0].at].name, f->model, w->places[p->at].name);
            return false;
        }
        if (p->to_layer == 0) p->to_layer = f->layers;
        if (p->to_layer <= before || p->to_layer > f->layers || !(p->exit_above >= 0)) {
            duo_world_fail(w, "duo_write with a part that ends at layer %d, after %d and with %d in all", p->to_layer, before, f->layers);
            return false;
        }
        before = p->to_layer;
        if (before == f->layers && i < work->n_parts - 1) work->n_parts = i + 1;      /* nothing is left for the rest */
    }
    if (before != first->layers) {
        duo_world_fail(w, "duo_write with parts that end at layer %d of %d", before, first->layers);
        return false;
    }
    if (work->n_parts == 1) work->at = work->parts[0].at, work->n_parts = 0;
    return true;
}

duo_step duo_write(struct duo_turn *t, struct duo_work work)
{
    struct duo_request *r = request_of(t);
    struct duo_world *w = r->world;
    struct duo_step_record *s;
    int limit;
    duo_step id;

    if (!may_ask(r, "duo_write") || !good_text(r, "duo_write", work.from)) return 0;
    if (work.tokens < 0 || work.samples < 0 || !(work.patience >= 0) || !(work.stop_below >= 0) || !(work.temperature >= 0) ||
        isinf(work.temperature) || work.n_parts < 0 || work.n_parts > DUO_MAX_PARTS) {
        duo_world_fail(w, "duo_write with a number out of range (tokens %d, samples %d, patience %g, stop_below %g, temperature %g, parts %d)",
                       work.tokens, work.samples, work.patience, work.stop_below, work.temperature, work.n_parts);
        return 0;
    }
    if (work.n_parts > 0) { if (!good_parts(r, &work)) return 0; }
    else if (!good_place(r, "duo_write", work.at, true)) return 0;
    if (work.show && r->shown && !duo_text_begins(r, work.from, r->shown) && !duo_text_begins(r, r->shown, work.from)) {
        duo_world_fail(w, "shows a text that does not begin with what was shown (request %lld)", (long long)r->row.id);
        return 0;
    }
    if (work.samples < 1) work.samples = 1;
    limit = w->scenario->max_tokens ? w->scenario->max_tokens - duo_text_tokens(r, work.from) : 0;
    if (w->scenario->max_tokens && (work.tokens == 0 || work.tokens > limit)) work.tokens = limit;
    s = duo_step_new(r, DUO_STEP_WRITE, work.n_parts ? work.parts[0].at : work.at);
    s->from = work.from, s->show = work.show;
    s->work = (struct duo_order){ work.tokens, work.samples, work.patience, work.stop_below, work.temperature };
    if (work.n_parts) {
        s->parts = duo_new(1, sizeof *s->parts);
        *s->parts = work;
    }
    id = s->id;
    if (w->scenario->max_tokens && limit <= 0) duo_step_fail(s, DUO_REFUSED);
    else                                       duo_step_start(s);
    return id;
}

duo_step duo_verify(struct duo_turn *t, duo_place at, duo_text base, duo_text draft)
{
    struct duo_request *r = request_of(t);
    struct duo_step_record *s;
    duo_step id;

    if (!may_ask(r, "duo_verify") || !good_place(r, "duo_verify", at, true) || !good_text(r, "duo_verify", base) || !good_text(r, "duo_verify", draft)) return 0;
    if (!duo_text_begins(r, draft, base)) {
        duo_world_fail(r->world, "duo_verify with a draft that does not continue its base (request %lld)", (long long)r->row.id);
        return 0;
    }
    s = duo_step_new(r, DUO_STEP_VERIFY, at);
    s->from = base, s->draft = draft, id = s->id;
    duo_step_start(s);
    return id;
}

duo_step duo_score(struct duo_turn *t, duo_place at, duo_scorer scorer, duo_text text)
{
    struct duo_request *r = request_of(t);
    const struct duo_answers_spec *a = &r->world->scenario->answers;
    struct duo_step_record *s;
    duo_step id;

    if (!may_ask(r, "duo_score") || !good_place(r, "duo_score", at, false) || !good_text(r, "duo_score", text)) return 0;
    if (scorer < 0 || scorer >= r->world->answers->n_scores) {
        duo_world_fail(r->world, "duo_score with scorer %d, which does not exist", scorer);
        return 0;
    }
    s = duo_step_new(r, DUO_STEP_SCORE, at);
    s->from = text, s->scorer = scorer, id = s->id;
    for (int i = 0; i < a->n_scores; i++)
        if (strcmp(a->scores[i].name, r->world->answers->scores[scorer]) == 0) s->job.before = a->scores[i].seconds;
    duo_step_start(s);
    return id;
}

duo_step duo_send(struct duo_turn *t, duo_place to, duo_text text)
{
    struct duo_request *r = request_of(t);
    struct duo_step_record *s;
    duo_step id;

    if (!may_ask(r, "duo_send") || to < 0 || to >= r->world->n_places || !good_text(r, "duo_send", text)) {
        if (!r->world->stop && !r->over) duo_world_fail(r->world, "duo_send to place %d, which does not exist", to);
        return 0;
    }
    s = duo_step_new(r, DUO_STEP_SEND, to);
    s->from = text, id = s->id;
    duo_step_start(s);
    return id;
}

static void rang(void *arg)
{
    struct duo_step_record *s = arg;
    struct duo_request *r = s->request;

    s->holds++;
    s->event = (struct duo_event){ .kind = DUO_RANG, .score = NAN };
    duo_step_finish(s, duo_seat_node(r->world));
    duo_step_release(s);
}

duo_step duo_wait(struct duo_turn *t, double seconds)
{
    struct duo_request *r = request_of(t);
    struct duo_step_record *s;

    if (!may_ask(r, "duo_wait")) return 0;
    if (!(seconds >= 0) || isinf(seconds)) {
        duo_world_fail(r->world, "duo_wait of %g s", seconds);
        return 0;
    }
    s = duo_step_new(r, DUO_STEP_WAIT, DUO_DEVICE);
    duo_clock_set(r->world->clock, &s->alarm, duo_clock_now(r->world->clock) + seconds, rang, s);
    return s->id;
}

void duo_show(struct duo_turn *t, duo_text text)
{
    struct duo_request *r = request_of(t);
    struct duo_step_record *s;

    if (!may_ask(r, "duo_show") || !good_text(r, "duo_show", text)) return;
    duo_request_promise(r, text);
    if (r->world->stop) return;
    s = duo_step_new(r, DUO_STEP_SHOW, DUO_DEVICE);
    s->from = text;
    duo_step_start(s);
}

void duo_cancel(struct duo_turn *t, duo_step step)
{
    struct duo_request *r = request_of(t);

    if (r->world->stop || step <= 0) return;
    if (step > r->last_id) {
        duo_world_fail(r->world, "duo_cancel of step %d, which was never asked for", step);
        return;
    }
    for (struct duo_step_record *s = r->steps; s; s = s->next)
        if (s->id == step) { duo_step_cancel(s, false); break; }       /* one that has ended: nothing to do */
    for (int i = 0; i < r->n_inbox; i++)                               /* its event won't come */
        if (r->inbox[i].step == step) {
            memmove(&r->inbox[i], &r->inbox[i + 1], (size_t)(--r->n_inbox - i) * sizeof *r->inbox);
            break;
        }
}

static bool at_seat(const struct duo_request *r, duo_text t)
{
    return r->texts[t].sites & 1u << duo_node_site(r->world, duo_seat_node(r->world));
}

bool duo_begins(const struct duo_turn *t, duo_text whole, duo_text beginning)
{
    struct duo_request *r = request_of(t);

    if (!good_text(r, "duo_begins", whole) || !good_text(r, "duo_begins", beginning)) return false;
    return at_seat(r, whole) && at_seat(r, beginning) && duo_text_begins(r, whole, beginning);
}

bool duo_fits(const struct duo_turn *t, duo_text text)
{
    struct duo_request *r = request_of(t);

    if (!good_text(r, "duo_fits", text)) return false;
    return !r->shown || duo_text_begins(r, text, r->shown);
}

double duo_chance(const struct duo_turn *t, int index)
{
    struct duo_request *r = request_of(t);

    return duo_draw(r->world->spec->seed, "chance", ((uint64_t)r->row.id << 8) + (uint64_t)(index & 255));
}

void duo_answer(struct duo_turn *t, duo_text text)
{
    struct duo_request *r = request_of(t);

    if (!may_ask(r, "duo_answer") || !good_text(r, "duo_answer", text)) return;
    if (r->shown && !duo_text_begins(r, text, r->shown)) {
        duo_world_fail(r->world, "answers with a text that does not begin with what it has shown (request %lld)", (long long)r->row.id);
        return;
    }
    r->answer = text;
    r->over = true;
}

void duo_give_up(struct duo_turn *t, const char *why)
{
    struct duo_request *r = request_of(t);

    if (!may_ask(r, "duo_give_up")) return;
    duo_request_end(r, 1, why && *why ? why : "gave up");
}

/* ---- truth.h */

static bool may_know(const struct duo_turn *t)
{
    struct duo_request *r = request_of(t);

    if (r->world->policy->needs & DUO_TRUTH) return true;
    duo_world_fail(r->world, "asks for the truth without declaring it (needs DUO_TRUTH)");
    return false;
}

double duo_truth_quality(const struct duo_turn *t, duo_place place)
{
    struct duo_request *r = request_of(t);

    if (!may_know(t) || place < 0 || place >= r->world->n_places) return NAN;
    return duo_request_alone(r, place);
}

int duo_truth_length(const struct duo_turn *t, duo_place place)
{
    struct duo_request *r = request_of(t);
    int voice;

    if (!may_know(t) || place < 0 || place >= r->world->n_places) return 0;
    voice = duo_place_voice(r->world, r, place);
    return voice < 0 ? 0 : duo_ask_length(r, voice);
}
