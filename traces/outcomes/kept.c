/* kept.c - outcomes that are read once: a plan's runs are refused or let through one by one, and each has its own process, but
 * their answers are the same files.
 *
 * (1) Two sources are the same when they ask for the same of files of the same bytes.  Names and dates would not do: a file may
 *     be written anew within a tick of its clock.
 * (2) What nobody uses is kept for the next one, up to KEPT tables. */
#include <stdlib.h>
#include <string.h>

#include "sim/base/rng.h"
#include "traces/outcomes/outcomes.h"

enum { KEPT = 8 };

static struct entry { struct entry *next; uint64_t key; int uses; struct duo_outcomes table; } *entries;

static uint64_t add_text(uint64_t key, const char *text) { return duo_hash_bytes(key + (text != NULL), text ? text : "", text ? strlen(text) + 1 : 1); }

static uint64_t key_of(const struct duo_outcome_source *from)                 /* (1) */
{
    uint64_t key = add_text(add_text((uint64_t)from->n_files, from->format), from->metric);

    for (int i = 0; i < from->n_columns; i++) key = add_text(add_text(key, from->columns[i].what), from->columns[i].column);
    for (int i = 0; i < from->n_files; i++) key = duo_hash_file(add_text(add_text(key, from->files[i].voice), from->files[i].path), from->files[i].path);
    return key;
}

static void tidy(void)                                                        /* (2) */
{
    int n = 0;

    for (struct entry **e = &entries; *e;) {
        struct entry *old = *e;
        if (++n <= KEPT || old->uses) {
            e = &old->next;
            continue;
        }
        *e = old->next;
        duo_outcomes_free(&old->table);
        free(old);
    }
}

enum duo_status duo_outcomes_keep(const struct duo_outcomes **out, const struct duo_outcome_source *from, struct duo_err *err)
{
    uint64_t key = key_of(from);
    struct entry *e = entries;
    enum duo_status status;

    while (e && e->key != key) e = e->next;
    if (!e) {
        e = duo_new(1, sizeof *e);
        status = duo_outcomes_join(&e->table, from, err);
        if (status != DUO_OK) {
            free(e);
            return status;
        }
        e->key = key, e->next = entries, entries = e;
        tidy();
    }
    e->uses++;
    *out = &e->table;
    return DUO_OK;
}

void duo_outcomes_drop(const struct duo_outcomes *table)
{
    for (struct entry *e = entries; e; e = e->next)
        if (&e->table == table) e->uses--;
}
