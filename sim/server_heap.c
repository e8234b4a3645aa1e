/* server_heap.c - a binary heap of a server's decoding jobs. */
#include "sim/server_inside.h"

#include "sim/base/err.h"

static bool sooner(const struct entry *x, const struct entry *y)
{
    return x->step < y->step || (x->step == y->step && x->order < y->order);
}

static void place(struct duo_server *s, int i, struct entry e)
{
    s->heap[i] = e;
    e.job->slot = i;
}

static void sift(struct duo_server *s, int i, struct entry e)
{
    for (; i > 0 && sooner(&e, &s->heap[(i - 1) / 2]); i = (i - 1) / 2) place(s, i, s->heap[(i - 1) / 2]);
    for (int k; (k = 2 * i + 1) < s->n_heap; i = k) {
        if (k + 1 < s->n_heap && sooner(&s->heap[k + 1], &s->heap[k])) k++;
        if (!sooner(&s->heap[k], &e)) break;
        place(s, i, s->heap[k]);
    }
    place(s, i, e);
}

void duo_heap_push(struct duo_server *s, struct entry e)
{
    if (s->n_heap == s->room) {
        s->room = s->room ? 2 * s->room : 1;
        s->heap = duo_grow(s->heap, (size_t)s->room, sizeof *s->heap);
    }
    sift(s, s->n_heap++, e);
}

uint64_t duo_heap_remove(struct duo_server *s, int i)
{
    uint64_t order = s->heap[i].order;
    struct entry last = s->heap[--s->n_heap];

    if (i < s->n_heap) sift(s, i, last);
    return order;
}
