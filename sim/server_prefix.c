/* server_prefix.c - blocks of text that several sequences hold together (requirement (8) of server.h).
 *
 * A block has an id, the jobs in the batch that hold it, and is ready once it was run.  One that nobody holds is idle:
 * in a list, the least recently used at `oldest`.  s->used counts the KV blocks of all, s->idle those of the idle ones.
 * A block that another job is running just now is not shared: what follows is the second one's own. */
#include "sim/server_inside.h"

#include <assert.h>
#include <stdlib.h>

#include "sim/base/err.h"

struct piece {
    uint32_t id;
    int      jobs, tokens;
    bool     ready;
    uint64_t stamp;
    struct piece *next;                       /* of its slot, or spare */
    struct piece *newer, *older;
};

struct prefix {
    struct piece **slot, *spare, *newest, *oldest;
    size_t slots, n;
};

static size_t slot_of(const struct prefix *p, uint32_t id) { return id * UINT64_C(0x9E3779B97F4A7C15) >> 32 & (p->slots - 1); }

static struct piece *find(const struct prefix *p, uint32_t id)
{
    struct piece *e = p && p->slots ? p->slot[slot_of(p, id)] : NULL;

    while (e && e->id != id) e = e->next;
    return e;
}

static void widen(struct prefix *p)
{
    size_t n = p->slots;
    struct piece **old = p->slot;

    p->slots = n ? 2 * n : 1024;
    p->slot = duo_new(p->slots, sizeof *p->slot);
    for (size_t i = 0; i < n; i++)
        for (struct piece *e = old[i], *next; e; e = next) {
            next = e->next;
            e->next = p->slot[slot_of(p, e->id)];
            p->slot[slot_of(p, e->id)] = e;
        }
    free(old);
}

static struct piece *insert(struct prefix *p, uint32_t id, int tokens)
{
    struct piece *e = p->spare;

    if (p->n >= p->slots) widen(p);
    p->n++;
    if (e) p->spare = e->next;
    else   e = duo_new(1, sizeof *e);
    *e = (struct piece){ .id = id, .tokens = tokens, .next = p->slot[slot_of(p, id)] };
    return p->slot[slot_of(p, id)] = e;
}

static void remove_piece(struct duo_server *s, struct piece *e)
{
    struct prefix *p = s->prefix;
    struct piece **at = &p->slot[slot_of(p, e->id)];

    while (*at != e) at = &(*at)->next;
    *at = e->next;
    e->next = p->spare, p->spare = e;
    p->n--;
    s->used -= blocks_of(s, e->tokens);
}

static void list(struct duo_server *s, struct piece *e)
{
    struct prefix *p = s->prefix;

    e->stamp = ++s->stamp;
    e->newer = NULL, e->older = p->newest;
    *(p->newest ? &p->newest->newer : &p->oldest) = e;
    p->newest = e;
    s->idle += blocks_of(s, e->tokens), s->idle_shared += blocks_of(s, e->tokens);
}

static void unlist(struct duo_server *s, struct piece *e)
{
    struct prefix *p = s->prefix;

    *(e->newer ? &e->newer->older : &p->newest) = e->older;
    *(e->older ? &e->older->newer : &p->oldest) = e->newer;
    e->newer = e->older = NULL;
    s->idle -= blocks_of(s, e->tokens), s->idle_shared -= blocks_of(s, e->tokens);
}

static int tokens_of(const struct duo_server *s, int i, int tokens)
{
    int rest = tokens - i * s->is.id_tokens;
    return rest < s->is.id_tokens ? rest : s->is.id_tokens;
}

struct need duo_prefix_look(const struct duo_server *s, const uint32_t *ids, int n_ids, int tokens)
{
    struct need x = { 0 };
    bool leading = true;
    int most = s->is.id_tokens ? (tokens - 1) / s->is.id_tokens + 1 : 0;

    for (; x.n < n_ids && x.n < most; x.n++) {
        int n = tokens_of(s, x.n, tokens);
        const struct piece *e = find(s->prefix, ids[x.n]);
        if (e && (!e->ready || e->tokens != n)) break;
        if (!e) { leading = false, x.fresh += blocks_of(s, n); continue; }
        if (leading) x.there += n;
        if (!e->jobs) x.idle += blocks_of(s, n);
    }
    return x;
}

void duo_prefix_hold(struct duo_server *s, const uint32_t *ids, int n, int tokens)
{
    if (n && !s->prefix) s->prefix = duo_new(1, sizeof *s->prefix);
    for (int i = 0; i < n; i++) {
        struct piece *e = find(s->prefix, ids[i]);
        if (!e) {
            e = insert(s->prefix, ids[i], tokens_of(s, i, tokens));
            s->used += blocks_of(s, e->tokens);
        } else {
            assert(e->ready && "an input's ids are all different");
            if (!e->jobs) unlist(s, e);
        }
        e->jobs++;
    }
}

void duo_prefix_ready(struct duo_server *s, struct duo_job *j, int positions)
{
    const struct duo_kv *k = j->kv;

    while (j->ready < k->shared && (positions >= k->shared || j->ready + s->is.id_tokens <= positions)) {
        find(s->prefix, k->ids[j->ready / s->is.id_tokens])->ready = true;
        j->ready += s->is.id_tokens;
    }
}

/* The last one first: the beginning of a text is of use to more. */
void duo_prefix_release(struct duo_server *s, const uint32_t *ids, int n)
{
    for (int i = n - 1; i >= 0; i--) {
        struct piece *e = find(s->prefix, ids[i]);
        if (--e->jobs) continue;
        if (e->ready) list(s, e);
        else          remove_piece(s, e);
    }
}

uint64_t duo_prefix_oldest(const struct duo_server *s) { return s->prefix && s->prefix->oldest ? s->prefix->oldest->stamp : UINT64_MAX; }

void duo_prefix_evict(struct duo_server *s)
{
    struct piece *e = s->prefix->oldest;

    unlist(s, e);
    remove_piece(s, e);
}

void duo_prefix_free(struct duo_server *s)
{
    struct prefix *p = s->prefix;

    if (!p) return;
    for (size_t i = 0; i <= p->slots; i++)
        for (struct piece *e = i < p->slots ? p->slot[i] : p->spare, *next; e; e = next) {
            next = e->next;
            free(e);
        }
    free(p->slot);
    free(p);
    s->prefix = NULL;
}
