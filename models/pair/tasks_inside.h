/* tasks_inside.h - what the files of the tasks share: the invented world, and a task while it is being written. */
#ifndef DUO_MODELS_TASKS_INSIDE_H
#define DUO_MODELS_TASKS_INSIDE_H

#include <stdbool.h>

#include "models/pair/tasks.h"
#include "sim/base/rng.h"

/* ---------------------------------------------------------------- world.c */

/* (W1) People are numbered by fame, the most famous first; behind them come strangers, of whom no fact is fixed.
 * (W2) A person has one value of each attribute; names and values are functions of their number alone. */
enum { DUO_PEOPLE = 240, DUO_STRANGERS = 40, DUO_ATTRIBUTES = 4, DUO_VALUES = 12, DUO_TIERS = 4, DUO_PERSON_NAME = 5 };
extern const char *const duo_attributes[DUO_ATTRIBUTES];
extern const char *const duo_values[DUO_ATTRIBUTES][DUO_VALUES];
extern const uint64_t duo_world_seed;

int  duo_below(struct duo_rng *, int n);                 /* uniform in [0, n) */
void duo_person_name(int person, char out[DUO_PERSON_NAME]);
int  duo_fact(int person, int attribute);                /* the index of a value; strangers have none */
int  duo_person_draw(struct duo_rng *, int tier);        /* tier 1 to 4: uniform in it; 0: by fame */
int  duo_stranger_draw(struct duo_rng *);

/* ---------------------------------------------------------------- a task while it is being written */

enum { DUO_DRAFT_TEXT = 1200, DUO_DRAFT_MORE = 12 };
struct duo_text { size_t n; char at[DUO_DRAFT_TEXT]; };
void duo_put(struct duo_text *, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

struct duo_task_text {
    struct duo_text prompt, answer;
    enum duo_task_grading grading;
    size_t shared;                       /* bytes of the prompt that further questions of a training row share */
    int    n_more;     struct { char ask[80], answer[24]; } more[DUO_DRAFT_MORE];
    int    n_sensitive; struct duo_span sensitive[DUO_TASK_SPANS];
    int    n_facts;    char facts[DUO_TASK_FACTS][48];
    int    n_slots;    int16_t slots[DUO_TASK_SLOTS];
};

struct duo_task_draw {
    struct duo_rng rng;
    uint64_t topic;                      /* the same for all turns of a session */
    int  level, turn;                    /* level 0: as in training, where people are met by fame */
    bool training;
};

struct duo_family {
    const char *name;
    int levels, share;                   /* share: of training rows, in tenths */
    bool fame;                           /* levels are tiers of fame: training draws by fame */
    void (*write)(struct duo_task_draw *, struct duo_task_text *);
};
extern const struct duo_family duo_families[DUO_TASK_N];
enum { DUO_SESSION_TURNS = 4 };

/* tasks.c: row `index` of those to train on. */
void duo_write_row(struct duo_task_text *, uint64_t seed, int64_t index, double easy);

/* families_facts.c */
void duo_write_look(struct duo_task_draw *, struct duo_task_text *);
void duo_write_hop(struct duo_task_draw *, struct duo_task_text *);
void duo_write_know(struct duo_task_draw *, struct duo_task_text *);
void duo_write_miss(struct duo_task_draw *, struct duo_task_text *);
void duo_write_again(struct duo_task_draw *, struct duo_task_text *);
/* A fact of the world or of a stranger, other than those of (person, attribute): "bako pet crow." */
void duo_other_fact(struct duo_rng *, const char *not_person, const char *not_attribute, char out[48]);
/* families_text.c */
void duo_write_tell(struct duo_task_draw *, struct duo_task_text *);
void duo_write_style(struct duo_task_draw *, struct duo_task_text *);
void duo_write_mask(struct duo_task_draw *, struct duo_task_text *);
void duo_write_guard(struct duo_task_draw *, struct duo_task_text *);
/* families.c */
void duo_write_add(struct duo_task_draw *, struct duo_task_text *);
void duo_write_chain(struct duo_task_draw *, struct duo_task_text *);
void duo_write_sort(struct duo_task_draw *, struct duo_task_text *);
void duo_write_count(struct duo_task_draw *, struct duo_task_text *);
void duo_write_multi(struct duo_task_draw *, struct duo_task_text *);

#endif
