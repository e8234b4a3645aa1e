/* kept.c - see kept.h; requirements cited by number. */
#include "sim/base/kept.h"

#include <stddef.h>

struct duo_kept *duo_kept_take(struct duo_shelf *s, uint64_t key)
{
    struct duo_kept *k = s->first;

    while (k && k->key != key) k = k->next;
    if (k) k->uses++;
    return k;
}

void duo_kept_add(struct duo_shelf *s, struct duo_kept *k, uint64_t key)
{
    int n = 0;

    *k = (struct duo_kept){ s->first, key, 1 };
    s->first = k;
    for (struct duo_kept **at = &s->first; *at;) {                       /* (2) */
        struct duo_kept *old = *at;
        if (++n <= s->room || old->uses) {
            at = &old->next;
            continue;
        }
        *at = old->next;
        s->free(old);
    }
}
