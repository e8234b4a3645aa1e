/* kv.c - where the KV of a request or a session is.
 *
 * (1) KV stays at the replica where it was computed, until the request or its session ends, or until the server
 *     evicts it.  It holds the positions of one text: attachments, prompt, answer.
 * (2) The next step at a place goes to the replica with the longest resident beginning of its input; where there is
 *     none, the place's balancer chooses.
 * (3) What is missing is run again, and paid.
 * (4) A replica that stops (scale.h) loses all KV.
 * (5) An API keeps no KV of ours: an input's beginning that it had seen counts as cached, for its price, for a
 *     while after that call. */
#include "sim/device.h"
#include "sim/request.h"


static struct duo_residence **list_of(struct duo_request *r) { return r->session ? &r->session->residences : &r->residences; }

struct duo_server *duo_replica_server(struct duo_request *r, int place, int replica)
{
    return place == DUO_DEVICE ? duo_device_server(r->world, r->row.device) : r->world->places[place].replicas[replica].server;
}

/* Positions of `k` that a text with this path can use. */
static int usable(const struct duo_request *r, const struct duo_residence *k, const struct duo_text_path *path)
{
    int n;

    if (k->path.query != path->query)                      /* an earlier turn of the session: the shared beginning */
        n = k->extra + r->query.shared;
    else
        n = k->extra + r->prompt_tokens + duo_text_common(r, &k->path, path);
    return n < duo_kv_tokens(k) ? n : duo_kv_tokens(k);
}

/* (4), (5): not there any more. */
static bool is_gone(const struct duo_world *w, const struct duo_residence *k)
{
    if (k->place == DUO_DEVICE) return !k->kv.home;
    if (w->places[k->place].api) return duo_clock_now(w->clock) >= k->kept_until;
    return !k->kv.home || k->epoch != w->places[k->place].replicas[k->replica].epoch;
}

struct duo_residence *duo_kv_find(struct duo_request *r, int place, const struct duo_text_path *path, int from_layer,
                                  int to_layer, int *positions)
{
    struct duo_residence *best = NULL;
    int most = 0;

    for (struct duo_residence *k = *list_of(r); k; k = k->next) {
        int n;
        if (k->place != place || k->from_layer != from_layer || k->to_layer != to_layer || k->users || is_gone(r->world, k)) continue;
        n = usable(r, k, path);
        if (n > most) most = n, best = k;
    }
    *positions = most;
    return best;
}

struct duo_residence *duo_kv_make(struct duo_request *r, int place, int replica, int from_layer, int to_layer)
{
    struct duo_residence **list = list_of(r), *k;

    for (k = *list; k; k = k->next)                        /* one that was evicted, or holds nothing of use */
        if (k->place == place && k->from_layer == from_layer && k->to_layer == to_layer && !k->users &&
            (is_gone(r->world, k) || k->path.query != r->query.index || k->replica == replica)) {
            duo_kv_drop(&k->kv);
            break;
        }
    if (!k) {
        k = r->world->spare_residences;
        if (k) {
            r->world->spare_residences = k->next;
            *k = (struct duo_residence){ 0 };
        } else {
            k = duo_new(1, sizeof *k);
            duo_world_keep(r->world, k);
        }
        k->next = *list;
        *list = k;
    }
    k->place = place, k->replica = replica, k->from_layer = from_layer, k->to_layer = to_layer;
    k->extra = 0, k->told = 0, k->kept = 0, k->kept_until = 0;
    k->epoch = place == DUO_DEVICE || r->world->places[place].api ? 0 : r->world->places[place].replicas[replica].epoch;
    k->path = (struct duo_text_path){ .query = r->query.index };
    return k;
}

void duo_kv_forget(struct duo_world *w, struct duo_residence **list)
{
    while (*list) {
        struct duo_residence *k = *list;
        *list = k->next;
        duo_kv_drop(&k->kv);
        k->next = w->spare_residences;
        w->spare_residences = k;
    }
}

int duo_kv_told(const struct duo_request *r, int place)
{
    int most = 0;

    for (const struct duo_residence *k = r->session ? r->session->residences : r->residences; k; k = k->next)
        if (k->place == place && k->told > most) most = k->told;
    return most;
}
