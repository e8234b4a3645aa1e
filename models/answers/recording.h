/* recording.h - what models did on a list of tasks, kept in one SQLite file: written by `duosim record`, read as answers.
 *
 * (1) A recording is a function of (tasks, models, options): the same bytes from any machine, thread count and order, also
 *     when it was interrupted and went on.  No date, no path, no machine is in it.
 * (2) A row of `query` is written in one transaction with all that belongs to it: what is there is whole.
 * (3) Numbers in [0, 1] are on the grid of speaker.h (u16, little endian).  Executed answers are on it, too: for every text
 *     that a recording covers, replaying and executing give the same.
 * (4) What it covers: each voice's own greedy answer; a drafter's greedy continuation, `ahead` tokens far, from every position
 *     of a verifier's own answer (what behind a disagreement was drafted is kept by length, end and numbers); early exits
 *     whose tokens are those of the whole model; votes of the recorded number of samples at the recorded temperature.
 * (5) Unknown is NULL, never 0: a server that gives no log-probabilities leaves numbers, ranks and exits NULL.
 * (6) Another version, a truncated file, a table that is not there: one line that says which.
 * (7) While it is recorded it stands in FILE.part, question by question.  What stops it leaves that; `resume` goes on with it,
 *     if tasks, models and options are the same, and refuses by name what is not.  At the end the questions are written in order
 *     into a fresh file, which takes the name FILE.
 *
 * Tables and columns: RECORDING.md. */
#ifndef DUO_MODELS_RECORDING_H
#define DUO_MODELS_RECORDING_H

#include "models/answers/answers.h"
#include "models/answers/voices.h"

enum { DUO_RECORDING_VERSION = 1, DUO_RECORDING_AHEAD = 16 };

/* Is the file an SQLite database with a table `voice` (not: is it sound)? */
bool duo_recording_is(const char *path);

/* As answers: caps from what the file holds.  `train_share`: of questions that name no split. */
enum duo_status duo_answers_recording(struct duo_answers **, const char *path, double train_share, struct duo_err *);

/* What is known of a question before an answer: a router's, a guard's. */
struct duo_record_score {
    const char *name, *digest;                               /* digest: of what decides */
    double    (*of)(void *self, const char *prompt, const float *state, int width);      /* state: the first voice's mean over the prompt, or */
    void       *self;                                                                     /* NULL.  NAN: not known */
};

struct duo_record_spec {
    const char *tasks;                       /* JSON Lines; NULL: the project's own, `n` of split test and n / 4 of calibration */
    uint64_t    seed;
    int64_t     n;
    int         n_voices;
    struct duo_voice *const *voices;
    unsigned    drafters;                    /* bits of voices: each drafts for those behind it that are none, where it can (voices.h) */
    int         n_scores;
    const struct duo_record_score *scores;
    int         ahead, samples;              /* samples 0: no votes */
    double      temperature;                 /* of the votes */
    bool        texts, embeddings, resume;
    const char *out;
    bool      (*go_on)(void *user, int64_t done, int64_t all);   /* behind each question; false: stop, keep what is there.  NULL: go on */
    void       *user;
};
/* DUO_RUN_FAILED with a line that says how much is kept: stopped by go_on. */
enum duo_status duo_record(const struct duo_record_spec *, struct duo_err *);

#endif
