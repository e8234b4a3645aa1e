/* clock.c - a binary heap of alarms, ordered by (date, sequence). */
#include "sim/clock.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "sim/base/err.h"

struct entry {
    double            at;
    uint64_t          sequence;
    struct duo_alarm *alarm;
};

struct duo_clock {
    double        now;
    uint64_t      sequence, events;
    struct entry *heap;              /* from 1 */
    int32_t       n, room;
};

struct duo_clock *duo_clock_new(void) { return duo_new(1, sizeof(struct duo_clock)); }

void duo_clock_free(struct duo_clock *c)
{
    if (!c) return;
    free(c->heap);
    free(c);
}

double   duo_clock_now(const struct duo_clock *c) { return c->now; }
double   duo_clock_head(const struct duo_clock *c) { return c->n ? c->heap[1].at : INFINITY; }
uint64_t duo_clock_events(const struct duo_clock *c) { return c->events; }

static bool before(const struct entry *a, const struct entry *b)
{
    return a->at < b->at || (a->at == b->at && a->sequence < b->sequence);
}

static void put(struct duo_clock *c, int32_t place, struct entry e)
{
    c->heap[place] = e;
    e.alarm->place = place;
}

/* Let `e` find its place from the hole at `i`, upwards, then downwards. */
static void settle(struct duo_clock *c, int32_t i, struct entry e)
{
    for (; i > 1 && before(&e, &c->heap[i / 2]); i /= 2) put(c, i, c->heap[i / 2]);
    for (int32_t k; (k = 2 * i) <= c->n; i = k) {
        if (k < c->n && before(&c->heap[k + 1], &c->heap[k])) k++;
        if (!before(&c->heap[k], &e)) break;
        put(c, i, c->heap[k]);
    }
    put(c, i, e);
}

/* Requirements (1), (2), (4). */
void duo_clock_set(struct duo_clock *c, struct duo_alarm *a, double at, void (*ring)(void *), void *owner)
{
    assert(!isnan(at) && ring);
    a->ring  = ring;
    a->owner = owner;
    a->at    = at > c->now ? at : c->now;
    int32_t place = a->place;
    assert(place == 0 || (place <= c->n && c->heap[place].alarm == a));
    if (place == 0) {
        if (c->n + 2 > c->room) {
            c->room = c->room ? 2 * c->room : 64;
            c->heap = duo_grow(c->heap, (size_t)c->room, sizeof *c->heap);
        }
        place = ++c->n;
    }
    settle(c, place, (struct entry){ a->at, c->sequence++, a });
}

void duo_clock_cancel(struct duo_clock *c, struct duo_alarm *a)
{
    int32_t place = a->place;
    if (place == 0) return;
    assert(place <= c->n && c->heap[place].alarm == a);
    a->place = 0;
    struct entry last = c->heap[c->n--];
    if (place <= c->n) settle(c, place, last);
}

/* The alarm is out of the heap before it rings: requirement (3). */
void duo_clock_ring(struct duo_clock *c)
{
    assert(c->n > 0);
    struct duo_alarm *a = c->heap[1].alarm;
    duo_clock_cancel(c, a);
    duo_clock_advance(c, a->at);
    c->events++;
    a->ring(a->owner);
}

void duo_clock_advance(struct duo_clock *c, double at)
{
    if (at > c->now) c->now = at;
}
