/* server_kv.c - whose KV is in a server's memory (requirements (1), (7), (8) of server.h).
 *
 * s->used counts the blocks of every sequence here: a job in the batch holds those of its whole input, and of what it
 * has written as of the last settled iteration; blocks that several share count once.  s->idle counts those that nobody
 * in the batch uses: sequences in the list, least recently used at `oldest`, and shared blocks (server_prefix.c).  An
 * idle sequence doesn't keep its shared blocks: when one of them has gone, so has what follows.
 * A decoding job takes a block every s->block steps, so how many will have been taken after any number of steps follows
 * from how many jobs take one in each step modulo s->block. */
#include "sim/server_inside.h"

#include <assert.h>
#include <math.h>

static int pieces_of(const struct duo_server *s, int positions) { return positions > 0 ? (positions - 1) / s->is.id_tokens + 1 : 0; }
static double own_of(const struct duo_server *s, const struct duo_kv *k) { return blocks_of(s, k->tokens - k->shared); }

double duo_kv_own(const struct duo_server *s, const struct duo_job *j, int positions)
{
    return kv_of(j) ? blocks_of(s, positions - j->kv->shared) : 0;
}

/* ---- idle ones ---- */

static void list_kv(struct duo_server *s, struct duo_kv *k)
{
    k->stamp = ++s->stamp;
    k->newer = NULL, k->older = s->newest;
    *(s->newest ? &s->newest->newer : &s->oldest) = k;
    s->newest = k;
    s->idle += own_of(s, k);
}

static void unlist_kv(struct duo_server *s, struct duo_kv *k)
{
    *(k->newer ? &k->newer->older : &s->newest) = k->older;
    *(k->older ? &k->older->newer : &s->oldest) = k->newer;
    k->newer = k->older = NULL;
    s->idle -= own_of(s, k);
}

void duo_kv_shorten(struct duo_kv *k, int tokens)
{
    struct duo_server *s = k->home;

    if (!s || tokens >= k->tokens) return;
    assert((!k->job || (k->job->state & STATE) == QUEUED) && "the KV of a job in the batch");
    unlist_kv(s, k);
    s->used -= own_of(s, k);
    if (tokens < k->shared) k->shared = tokens -= tokens % s->is.id_tokens;        /* of a shared block, all or nothing */
    k->tokens = tokens;
    s->used += own_of(s, k);
    if (tokens > 0) list_kv(s, k);
    else k->home = NULL;
}

bool duo_kv_evict(struct duo_server *s, bool pinned_too)
{
    struct duo_kv *k = s->oldest;
    uint64_t shared = duo_prefix_oldest(s);

    while (k && k->pins) k = k->newer;
    if (k ? k->stamp > shared : shared < UINT64_MAX) {
        duo_prefix_evict(s);
        return true;
    }
    if (!k && pinned_too) k = s->oldest;
    if (!k) return false;
    s->totals.evicted++;
    duo_kv_shorten(k, 0);
    return true;
}

/* ---- a job enters ---- */

/* Where an input comes from: what is resident of its own, or blocks that are there for all, whichever is more. */
struct way {
    const uint32_t *ids;                      /* of the shared blocks */
    struct need shared;
    int    resident, tokens, there;           /* positions: of its own KV; in shared blocks; that aren't run */
    double own, kept;                         /* blocks beside the shared ones: further ones; idle ones that it goes on from */
};

static struct way way_of(const struct duo_server *s, const struct duo_job *j)
{
    const struct duo_kv *k = j->kv;
    int resident = k->home == s ? k->tokens < j->cached ? k->tokens : j->cached : 0, shared = k->shared < resident ? k->shared : resident;
    int rows = j->logits > 1 ? j->logits : 1;                     /* are run: the last one gives the next token */
    struct way w = { .ids = k->ids };

    if (shared) {
        w.shared = duo_prefix_look(s, k->ids, pieces_of(s, shared), shared);
        if (w.shared.there < shared) {                            /* one has gone, and what follows with it */
            resident = shared = w.shared.there;
            w.shared = duo_prefix_look(s, k->ids, pieces_of(s, shared), shared);
        }
    }
    w.resident = w.there = resident, w.tokens = shared;
    if (j->n_ids && s->is.id_tokens) {
        struct need all = duo_prefix_look(s, j->ids, j->n_ids, j->prompt);
        if (all.there > resident || !resident) {
            w = (struct way){ .ids = j->ids, .shared = all, .there = all.there, .tokens = all.n * s->is.id_tokens };
            if (w.tokens > j->prompt) w.tokens = j->prompt;
        }
    }
    w.kept = blocks_of(s, w.resident - w.tokens);
    w.own = blocks_of(s, input_of(j) - w.tokens) - w.kept;
    if (w.there > input_of(j) - rows) w.there = input_of(j) - rows;
    return w;
}

double duo_kv_lacking(const struct duo_server *s, const struct duo_job *j)
{
    struct way w = way_of(s, j);

    return s->used + w.own + w.shared.fresh - s->capacity - (s->idle - w.kept - w.shared.idle);
}

/* Can so many blocks be had by evicting others than its own? */
static bool can_evict(const struct duo_server *s, const struct way *w, const struct duo_kv *own, double over)
{
    bool pinned_too = s->running == 0;

    if (over <= 0) return true;
    if (s->idle - w->kept - w->shared.idle < over) return false;
    over -= s->idle_shared - w->shared.idle;
    for (const struct duo_kv *k = s->oldest; k && over > 0; k = k->newer)
        if (k != own && (!k->pins || pinned_too)) over -= own_of(s, k);
    return over <= 0;
}

bool duo_kv_enter(struct duo_server *s, struct duo_job *j)
{
    struct duo_kv *k = kv_of(j);
    double capacity = s->capacity - s->taking[s->steps % (uint64_t)s->block];      /* those who decode come first */
    struct way w;
    int run;

    if (!k) return true;
    if (k->home && k->home != s) duo_kv_shorten(k, 0);
    w = way_of(s, j);
    duo_kv_shorten(k, w.resident);
    if (!can_evict(s, &w, k, s->used + w.own + w.shared.fresh - capacity)) return false;
    if (k->home) unlist_kv(s, k);
    duo_prefix_hold(s, w.ids, w.shared.n, w.tokens);
    s->used += w.own;
    while (s->used > capacity && duo_kv_evict(s, s->running == 0)) continue;
    assert(s->used <= capacity);
    run = input_of(j) - w.there;
    if (isnan(j->started_at)) j->cached = w.there, j->fresh = run;
    else                      j->fresh += run;
    s->left_waiting += run - j->left, s->inputs_waiting += run - j->left;
    j->left = run;
    s->totals.cached += w.there;
    k->home = s, k->ids = w.ids, k->shared = w.tokens, k->tokens = w.there;
    j->ready = w.there - (w.tokens ? w.there % s->is.id_tokens : 0);
    return true;
}

void duo_kv_leave(struct duo_server *s, struct duo_job *j, double blocks, int positions)
{
    struct duo_kv *k = kv_of(j);
    int pieces;

    if (!k) return;
    pieces = k->shared ? pieces_of(s, k->shared) : 0;
    if (positions < k->shared) k->shared = positions -= positions % s->is.id_tokens;
    k->tokens = positions;
    k->job = NULL;
    s->used += own_of(s, k) - blocks;
    if (positions > 0) list_kv(s, k);                             /* before its shared blocks, without which it is of no use */
    else k->home = NULL;
    if (pieces) duo_prefix_release(s, k->ids, pieces);
}

/* ---- growth (7) ---- */

void duo_kv_take(struct duo_server *s, struct duo_job *j, int change)
{
    int block = s->block, full;

    if (!kv_of(j)) return;
    if (change > 0) {
        full = (j->prompt + j->written - 1 - j->kv->shared) % block;
        j->phase = (int)((s->steps + (uint64_t)(block - full)) % (uint64_t)block);
    }
    s->taking[j->phase] += change;
    s->takers += change;
}

double duo_kv_growth(const struct duo_server *s, uint64_t steps)
{
    uint64_t block = (uint64_t)s->block, at = s->steps % block;
    double sum = (double)(steps / block) * s->takers;

    for (uint64_t i = steps % block; i > 0; i--) {
        sum += s->taking[at];
        if (++at == block) at = 0;
    }
    return sum;
}

uint64_t duo_kv_steps(const struct duo_server *s, uint64_t most)
{
    uint64_t block = (uint64_t)s->block, at = s->steps % block, n;
    double left = s->capacity - s->used;

    if ((double)s->takers * (double)(most / block + 1) <= left) return most;
    n = (uint64_t)(left / s->takers);
    left -= (double)n * s->takers;
    for (n *= block; n < most && s->taking[at] <= left; n++) {
        left -= s->taking[at];
        if (++at == block) at = 0;
    }
    return n < most ? n : most;
}
