/* server_kv.c - whose KV is in a server's memory: reserved by the batch, or idle and evictable.
 *
 * s->used counts the tokens of every sequence here and what the batch has reserved to add; s->idle the tokens of
 * those that no job in the batch writes to, which are in the list, least recently used at `oldest`. */
#include "sim/server_inside.h"

#include <assert.h>

static void list_kv(struct duo_server *s, struct duo_kv *k)
{
    k->newer = NULL, k->older = s->newest;
    *(s->newest ? &s->newest->newer : &s->oldest) = k;
    s->newest = k;
    s->idle += k->tokens;
}

static void unlist_kv(struct duo_server *s, struct duo_kv *k)
{
    *(k->newer ? &k->newer->older : &s->newest) = k->older;
    *(k->older ? &k->older->newer : &s->oldest) = k->newer;
    k->newer = k->older = NULL;
    s->idle -= k->tokens;
}

void duo_kv_shorten(struct duo_kv *k, int tokens)
{
    struct duo_server *s = k->home;

    if (!s || tokens >= k->tokens) return;
    assert(!k->running && "the KV of a job in the batch");
    unlist_kv(s, k);
    s->used -= k->tokens - tokens;
    k->tokens = tokens;
    if (tokens > 0) list_kv(s, k);
    else k->home = NULL;
}

static int missing(const struct duo_job *j) { return j->kv->tokens < j->cached ? j->cached - j->kv->tokens : 0; }

double duo_kv_lacking(const struct duo_server *s, const struct duo_job *j)
{
    return s->used + positions(j) + missing(j) - s->is.kv_tokens;
}

/* Make room for the head of the queue, which must not lose what it goes on from. */
bool duo_kv_make_room(struct duo_server *s, const struct duo_job *j)
{
    struct duo_kv *own = kv_of(j), *k, *newer;
    double over, have = 0;
    bool pinned_too = s->running == 0;

    if (!own) return true;
    if (own->home && own->home != s) duo_kv_shorten(own, 0);
    if (!own->running && own->tokens > j->cached) duo_kv_shorten(own, j->cached);
    over = duo_kv_lacking(s, j);
    if (over <= 0) return true;
    if (s->idle < over) return false;
    for (k = s->oldest; k && have < over; k = k->newer)
        if (k != own && (!k->pins || pinned_too)) have += k->tokens;
    if (have < over) return false;
    for (int pass = 0; pass < 2 && over > 0; pass++)               /* pinned ones last */
        for (k = s->oldest; k && over > 0; k = newer) {
            newer = k->newer;
            if (k == own || (k->pins && !pass)) continue;
            over -= k->tokens;
            s->totals.evicted++;
            duo_kv_shorten(k, 0);
        }
    return true;
}

void duo_kv_hold(struct duo_server *s, struct duo_job *j)
{
    struct duo_kv *k = kv_of(j);
    int lost;

    if (!k) return;
    lost = missing(j);
    j->cached -= lost, j->fresh += lost, k->reserved += lost;
    s->left_waiting += lost;
    if (k->home && !k->running) unlist_kv(s, k);
    k->home = s;
    k->running++;
    s->used += positions(j);
}

/* The job leaves the batch having added `added` positions. */
void duo_kv_release(struct duo_server *s, struct duo_job *j, int added)
{
    struct duo_kv *k = kv_of(j);

    if (!k) return;
    s->used += j->cached + added - k->tokens - positions(j);
    k->reserved -= positions(j);
    k->tokens = j->cached + added;
    k->used_at = duo_clock_now(s->is.clock);
    if (--k->running) return;
    if (k->tokens > 0) list_kv(s, k);
    else k->home = NULL;
}
