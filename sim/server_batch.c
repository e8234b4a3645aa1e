/* server_batch.c - who waits, who is in the batch, and who has to leave it (requirements (1), (6), (7) of server.h). */
#include "sim/server_inside.h"

#include <assert.h>
#include <math.h>

/* ---- order ---- */

static bool before(const struct duo_server *s, const struct duo_job *x, const struct duo_job *y)
{
    if (s->is.by_priority && x->priority != y->priority) return x->priority < y->priority;
    return x->number < y->number;
}

void duo_batch_queue(struct duo_server *s, struct duo_job *j)
{
    struct duo_job *p = s->queue.last;

    j->state = QUEUED;
    if (s->queue.first && before(s, j, s->queue.first)) p = NULL; /* one that was preempted, most often */
    while (p && before(s, j, p)) p = p->previous;
    j->previous = p, j->next = p ? p->next : s->queue.first;
    *(p ? &p->next : &s->queue.first) = j;
    *(j->next ? &j->next->previous : &s->queue.last) = j;
    s->waiting++;
    s->left_waiting += tokens_left(j), s->inputs_waiting += in_model(j) ? j->left : 0;
}

void duo_batch_unqueue(struct duo_server *s, struct duo_job *j)
{
    unlink_job(&s->queue, j);
    s->waiting--;
    s->left_waiting -= tokens_left(j), s->inputs_waiting -= in_model(j) ? j->left : 0;
}

static void rank(struct duo_server *s, struct duo_job *j)
{
    struct duo_job *p = s->ranking.last;

    while (p && before(s, j, p)) p = p->above;
    j->above = p, j->below = p ? p->below : s->ranking.first;
    *(p ? &p->below : &s->ranking.first) = j;
    *(j->below ? &j->below->above : &s->ranking.last) = j;
}

static void unrank(struct duo_server *s, struct duo_job *j)
{
    *(j->above ? &j->above->below : &s->ranking.first) = j->below;
    *(j->below ? &j->below->above : &s->ranking.last) = j->above;
    j->above = j->below = NULL;
}

/* ---- in ---- */

void duo_batch_prompt(struct duo_server *s, struct duo_job *j)
{
    j->state = PROMPT;
    rank(s, j);
    append(&s->prompts, j);
}

static void enter(struct duo_server *s, struct duo_job *j)
{
    double now = now_of(s), wait = j->preempted ? 0 : j->before + (in_model(j) ? s->is.cost->facts.start_seconds : 0);

    duo_batch_unqueue(s, j);
    s->left_running += tokens_left(j);
    if (++s->running > s->totals.peak_running) s->totals.peak_running = s->running;
    if (isnan(j->started_at)) j->started_at = now, j->decided_at = s->is.ahead ? s->began : now;
    j->slot = 0;
    if (wait > 0 || !in_model(j)) {                               /* (6): sorted by the end, from behind */
        struct duo_job *p = s->before.last;
        j->state = BEFORE;
        j->seconds_mark = now + wait;
        while (p && p->seconds_mark > j->seconds_mark) p = p->previous;
        j->previous = p, j->next = p ? p->next : s->before.first;
        *(p ? &p->next : &s->before.first) = j;
        *(j->next ? &j->next->previous : &s->before.last) = j;
    } else {
        duo_batch_prompt(s, j);
    }
}

bool duo_batch_enter(struct duo_server *s)
{
    struct duo_job *j = s->queue.first;

    if (!j || s->running + s->left >= s->slots || !duo_kv_enter(s, j)) return false;
    enter(s, j);
    return true;
}

/* ---- decoding ---- */

/* The load of its next token when it has written so many; *growth as in cost.h. */
static struct duo_load step_load(const struct duo_server *s, const struct duo_job *j, int written, struct duo_growth *growth)
{
    return s->is.cost->kind->item(s->is.cost, 1, (double)j->prompt + written - 1, j->from_layer, j->to_layer, 1, growth);
}

static bool is_whole(const struct duo_server *s, const struct duo_job *j)
{
    return j->from_layer == 0 && j->to_layer == s->is.cost->facts.layers;
}

static void push(struct duo_server *s, struct duo_job *j, uint64_t order, double tokens)
{
    uint64_t left = (uint64_t)(j->output - written_at(j, s->steps));

    if (tokens < (double)left) left = (uint64_t)tokens;
    if (!j->seen && (uint64_t)(j->hidden + 1 - written_at(j, s->steps)) < left) left = (uint64_t)(j->hidden + 1 - written_at(j, s->steps));
    duo_heap_push(s, (struct entry){ s->steps + left, order, j });
}

void duo_batch_decode(struct duo_server *s, struct duo_job *j)
{
    struct duo_growth growth;

    j->state = DECODE | (j->state & FIRST_DUE);
    j->steps_mark = s->steps + 1 - (uint64_t)j->written, j->seconds_mark = s->seconds, j->joules_mark = s->joules;
    add_load(&s->load, step_load(s, j, j->written, &growth), 1);
    j->growth = growth.per_token, s->growth += j->growth;
    if (is_whole(s, j)) s->whole++;
    if (j->streams && j->seen) s->streaming++;
    duo_kv_take(s, j, 1);
    push(s, j, s->order++, growth.tokens);
    if (j->state & FIRST_DUE) append(&s->told, j);
}

void duo_batch_stop(struct duo_server *s, struct duo_job *j, uint64_t step)
{
    struct duo_growth growth;

    duo_heap_remove(s, j->slot);
    add_load(&s->load, step_load(s, j, written_at(j, step), &growth), -1);
    s->growth -= j->growth;
    if (is_whole(s, j)) s->whole--;
    if (j->streams && j->seen) s->streaming--;
    duo_kv_take(s, j, -1);
}

/* The first token that is seen was written. */
void duo_batch_seen(struct duo_server *s, struct duo_job *j)
{
    j->seen = true;
    j->first_at = now_of(s);
    if (j->streams) s->streaming++;
    if (!j->first) return;
    j->state |= FIRST_DUE;
    if (written_at(j, s->steps) < j->output) append(&s->told, j);     /* else duo_batch_end does */
}

void duo_batch_grow(struct duo_server *s, struct duo_job *j)
{
    struct duo_growth growth;

    step_load(s, j, written_at(j, s->steps), &growth);
    s->growth += growth.per_token - j->growth, j->growth = growth.per_token;
    push(s, j, duo_heap_remove(s, j->slot), growth.tokens);
}

void duo_batch_share(const struct duo_server *s, struct duo_job *j, uint64_t k)
{
    j->seconds += s->seconds - j->seconds_mark;
    j->joules  += s->joules - j->joules_mark;
    if (!k) return;
    j->seconds += sum_of(s->a, s->b, k) / s->members;
    j->joules  += sum_of(s->joules_a, s->joules_b, k) / s->members;
}

/* ---- out ---- */

void duo_batch_leave(struct duo_server *s, struct duo_job *j, double blocks, int positions)
{
    s->running--;
    if ((j->state & STATE) == PROMPT || (j->state & STATE) == DECODE) unrank(s, j);
    duo_kv_leave(s, j, blocks, positions);
}

void duo_batch_end(struct duo_server *s, struct duo_job *j, double blocks, int positions)
{
    duo_batch_leave(s, j, blocks, positions);
    s->left += s->is.ahead && in_model(j);
    j->last_at = now_of(s);
    j->state = OVER | DONE_DUE | (j->state & FIRST_DUE);
    append(&s->told, j);
}

static void preempt(struct duo_server *s, struct duo_job *j)
{
    struct duo_kv *k = kv_of(j);
    double blocks;

    assert(!s->told.first);
    s->left_running -= tokens_left(j);
    if (j->state == DECODE) {
        int written = written_at(j, s->steps);
        s->left_running += written - j->written;                  /* settled */
        blocks = duo_kv_own(s, j, j->prompt + written - 1);
        duo_batch_share(s, j, 0);
        duo_batch_stop(s, j, s->steps);
        j->written = written, j->last_at = now_of(s);
    } else {
        blocks = duo_kv_own(s, j, input_of(j));
        unlink_job(&s->prompts, j);
    }
    duo_batch_leave(s, j, blocks, 0);
    if (k) k->job = j;
    j->left = input_of(j);
    j->preempted++, s->totals.preempted++;
    duo_batch_queue(s, j);
}

bool duo_batch_room(struct duo_server *s)
{
    uint64_t before = s->totals.preempted;

    while (s->taking[s->steps % (uint64_t)s->block] > s->capacity - s->used) {
        if (duo_kv_evict(s, false) || (s->running == 1 && duo_kv_evict(s, true))) continue;
        preempt(s, s->ranking.last);
    }
    return s->totals.preempted > before;
}
