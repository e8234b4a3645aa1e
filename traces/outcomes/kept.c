/* kept.c - outcomes are read once for all runs of a plan (sim/base/kept.h). */
#include <stdlib.h>
#include <string.h>

#include "sim/base/kept.h"
#include "sim/base/rng.h"
#include "traces/outcomes/outcomes.h"

struct entry { struct duo_kept kept; struct duo_outcomes table; };

static void free_entry(struct duo_kept *k)
{
    struct entry *e = (struct entry *)k;

    duo_outcomes_free(&e->table);
    free(e);
}

static struct duo_shelf entries = { .room = 8, .free = free_entry };

static uint64_t add_text(uint64_t key, const char *text) { return duo_hash_bytes(key + (text != NULL), text ? text : "", text ? strlen(text) + 1 : 1); }

static uint64_t key_of(const struct duo_outcome_source *from)
{
    uint64_t key = add_text(add_text((uint64_t)from->n_files, from->format), from->metric);

    for (int i = 0; i < from->n_columns; i++) key = add_text(add_text(key, from->columns[i].what), from->columns[i].column);
    for (int i = 0; i < from->n_files; i++) key = duo_hash_file(add_text(add_text(key, from->files[i].voice), from->files[i].path), from->files[i].path);
    return key;
}

enum duo_status duo_outcomes_keep(const struct duo_outcomes **out, const struct duo_outcome_source *from, struct duo_err *err)
{
    uint64_t key = key_of(from);
    struct entry *e = (struct entry *)duo_kept_take(&entries, key);

    if (!e) {
        enum duo_status status;
        e = duo_new(1, sizeof *e);
        status = duo_outcomes_join(&e->table, from, err);
        if (status != DUO_OK) {
            free(e);
            return status;
        }
        duo_kept_add(&entries, &e->kept, key);
    }
    *out = &e->table;
    return DUO_OK;
}

void duo_outcomes_drop(const struct duo_outcomes *table)
{
    for (struct duo_kept *k = entries.first; k; k = k->next)
        if (&((struct entry *)k)->table == table) duo_kept_leave(k);
}
