/* gather.h - for importers whose answers to one query stand in several places (files, rows): cells by (query, voice) become
 * the table of outcomes.h.
 *
 * (1) A query has its row from the first place that names it; the others join by its id.
 * (2) A query that some voice did not answer is dropped; the note counts them by voice and names the first.
 * (3) A second answer of a voice to a query is refused or dropped, as the importer says; dropped ones are in the note, too.
 * (4) The prompt's length is the first voice's; the note counts the queries for which another says something else. */
#ifndef DUO_OUTCOMES_GATHER_H
#define DUO_OUTCOMES_GATHER_H

#include "sim/base/names.h"
#include "traces/outcomes/outcomes.h"

struct duo_gathered {
    double prompt_tokens, prompt_chars, value[DUO_MEASURES];    /* NAN: not known */
    int    split;                                               /* 1 train, 0 test, -1: not said */
    const double *signal;                                       /* features, then scores, as named to duo_gather_signals */
};

struct duo_gather {
    struct duo_names queries, voices;
    struct duo_gather_voice { int room, *line; double *value[DUO_MEASURES]; } *voice;    /* line 0: no answer */
    double *prompt_tokens, *prompt_chars;        /* [room] */
    double *signal;                              /* [room * (n_features + n_scores)] */
    const char **signal_name;                    /* the importer's */
    int     n_features, n_scores;
    signed char *split;
    bool   *other_prompt;
    int    *line, room;
    int64_t again, again_line;                   /* (3) */
    int     other;                               /* (4) */
    const char *what;                            /* a query is called this in the note */
};

void duo_gather_init(struct duo_gather *, const char *what);
void duo_gather_signals(struct duo_gather *, const char **name, int n_features, int n_scores);    /* before the first row */
int  duo_gather_voice(struct duo_gather *, const char *name);
/* The line of the voice's answer that is there already: then nothing is taken.  Else 0. */
int  duo_gather_take(struct duo_gather *, const char *query, int voice, int line, const struct duo_gathered *);
void duo_gather_again(struct duo_gather *, int line);                            /* (3): one was dropped */
/* Everything into *out; the gather is freed.  `path`: for the error that nothing joins. */
enum duo_status duo_gather_done(struct duo_gather *, struct duo_outcomes *out, const char *path, struct duo_err *);
void duo_gather_free(struct duo_gather *);

extern const struct duo_gathered duo_gathered_nothing;

#endif
