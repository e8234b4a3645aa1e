/* house.h - models that answer a list of tasks: who they are, what they are asked, what each answers by itself.
 *
 * (1) Opened once in a process for the same models and tasks: who asks again shares it, with what was computed.  What is said
 *     is shared with the processes forked afterwards, too (memo.h).
 * (2) An answer ends after DUO_ANSWER_TOKENS tokens or at the end of the shortest context, if it does not end before; the own
 *     one of who only drafts, after DUO_DRAFTER_TOKENS.
 * (3) A failure of a model (it computes no numbers, memory runs out) is told by the status; what is given then is one token. */
#ifndef DUO_ANSWERS_HOUSE_H
#define DUO_ANSWERS_HOUSE_H

#include "models/answers/answers.h"
#include "models/answers/scores.h"
#include "models/answers/speaker.h"
#include "models/pair/tasks.h"

struct duo_prompt { int32_t *ids; int n; };

struct duo_own {                         /* a voice's own answer; n 0: not asked yet */
    int                 n;
    int32_t            *ids;
    struct duo_grained *numbers;
    double              quality;
    bool                graded;
};

struct duo_house {
    struct duo_house   *next;
    int                 users;
    int                 n_voices;
    char              **names, **paths, *tasks_path;
    uint64_t            seed;
    int                 asked;           /* tasks asked for */
    double              train_share;
    struct duo_speaker *speaker;
    struct duo_tasks    tasks;
    struct duo_query   *query;           /* [tasks.n] */
    struct duo_prompt  *prompt;          /* [tasks.n * n_voices] */
    struct duo_own     *own;             /* the same */
    int                 n_scores;
    char              **score_names, **score_paths;
    struct duo_score  **scores;
    double             *score;           /* [tasks.n * n_scores] */
    bool               *scored;          /* the same */
};

enum duo_status duo_house_open(struct duo_house **, const struct duo_executed_spec *, struct duo_err *);
void            duo_house_leave(struct duo_house *);

static inline const struct duo_prompt *duo_house_prompt(const struct duo_house *h, int query, int voice)
{
    return &h->prompt[(size_t)query * (size_t)h->n_voices + (size_t)voice];
}
int             duo_house_most(const struct duo_house *, int query);                  /* tokens of an answer (2) */
enum duo_status duo_house_own(struct duo_house *, int query, int voice, const struct duo_own **, struct duo_err *);
enum duo_status duo_house_score(struct duo_house *, int query, int score, double *out, struct duo_err *);
double          duo_house_grade(struct duo_house *, int query, int voice, const int32_t *ids, int n);     /* voice: whose vocabulary */

#endif
