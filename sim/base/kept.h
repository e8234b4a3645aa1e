/* kept.h - what was read from files is read once: a plan's runs are let through one by one, and each has its own process, but
 * their files are the same.
 *
 * (1) The same means of the same key: hash what was asked for and the files' bytes (duo_hash_file).  Names and dates would not
 *     do: a file may be written anew within a tick of its clock.
 * (2) What nobody uses is kept for the next one, up to `room` of them; what is in use is never freed. */
#ifndef DUO_SIM_KEPT_H
#define DUO_SIM_KEPT_H

#include <stdint.h>

struct duo_kept { struct duo_kept *next; uint64_t key; int uses; };      /* the first member of what is kept */

struct duo_shelf {
    int room;
    void (*free)(struct duo_kept *);
    struct duo_kept *first;                      /* the newest; starts as NULL */
};

struct duo_kept *duo_kept_take(struct duo_shelf *, uint64_t key);        /* now in use once more; NULL: there is none */
void duo_kept_add(struct duo_shelf *, struct duo_kept *, uint64_t key);  /* the shelf's from now on, and in use once */
static inline void duo_kept_leave(struct duo_kept *k) { k->uses--; }

#endif
