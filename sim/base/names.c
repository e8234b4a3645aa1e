/* names.c - see names.h.  Open addressing, at most half full; slots hold number + 1. */
#include "sim/base/names.h"

#include <stdlib.h>
#include <string.h>

#include "sim/base/err.h"
#include "sim/base/rng.h"

static size_t place_of(const struct duo_names *names, const char *name)
{
    size_t at = (size_t)duo_hash_bytes(0, name, strlen(name)) & (names->slots - 1);

    while (names->slot[at] && strcmp(names->name[names->slot[at] - 1], name) != 0) at = (at + 1) & (names->slots - 1);
    return at;
}

int duo_names_find(const struct duo_names *names, const char *name)
{
    return names->slots ? names->slot[place_of(names, name)] - 1 : -1;
}

static void grow(struct duo_names *names)
{
    names->slots = names->slots ? 2 * names->slots : 64;
    free(names->slot);
    names->slot = duo_new(names->slots, sizeof *names->slot);
    for (int i = 0; i < names->n; i++) names->slot[place_of(names, names->name[i])] = i + 1;
}

int duo_names_add(struct duo_names *names, const char *name)
{
    size_t at;

    if (2 * ((size_t)names->n + 1) > names->slots) grow(names);
    at = place_of(names, name);
    if (names->slot[at]) return names->slot[at] - 1;
    if (names->n == names->room) {
        names->room = names->room ? 2 * names->room : 32;
        names->name = duo_grow(names->name, (size_t)names->room, sizeof *names->name);
    }
    names->name[names->n] = duo_copy(name);
    names->slot[at] = ++names->n;
    return names->n - 1;
}

void duo_names_free(struct duo_names *names)
{
    for (int i = 0; i < names->n; i++) free(names->name[i]);
    free(names->name);
    free(names->slot);
    *names = (struct duo_names){ 0 };
}
