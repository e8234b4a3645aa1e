/* tasks.h - questions of our own that can be graded exactly, each family there because a way of collaborating lives on it.
 *
 * (1) A task is a function of (seed, split, index) alone: the same bytes on any machine, in any order.
 * (2) The splits train, calibration and test never share a prompt.  A split is a property of the prompt itself (its hash),
 *     so that no seed can move a prompt from one to another.  Closed-book facts can't be held out, only questions about them:
 *     the same fact may be asked in other words in another split.
 * (3) Prompt and reference are text of the pair's alphabet (printable ASCII); the prompt ends with a newline, behind which the
 *     answer begins.  Every word is one token of the pair's tokenizer, every digit one.
 * (4) Grading is exact, or by parts with partial credit; it is a function of (task, answer) alone, in [0, 1].
 * (5) Tasks that others wrote are read from JSON Lines: prompt and reference needed, all else optional. */
#ifndef DUO_MODELS_TASKS_H
#define DUO_MODELS_TASKS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "sim/base/err.h"

#define DUO_TASK_FAMILIES(X)                                                                              \
    X(add,     "sums with carries: routing, cascades")                                                    \
    X(chain,   "running sums with their steps: reasoning offloaded step by step")                         \
    X(sort,    "letters put in order, or copied: what a small model does well")                           \
    X(count,   "letters counted")                                                                         \
    X(look,    "a fact among others in the prompt: long contexts, retrieval that hits")                   \
    X(hop,     "two facts joined: agents, decomposition")                                                 \
    X(know,    "closed-book facts of an invented world, from famous to obscure: routing, retrieval, caches") \
    X(miss,    "the same with a context that doesn't help: retrieval that misses")                        \
    X(multi,   "independent parts in one prompt: skeletons, agent graphs")                                \
    X(tell,    "templated paragraphs of 55 and 99 tokens: speculation")                                   \
    X(style,   "a sentence rewritten by a hint: guidance, fusion")                                        \
    X(mask,    "personal data to be masked: privacy")                                                     \
    X(guard,   "requests of which the unsafe are to be refused: guards")                                  \
    X(again,   "sessions of facts asked again in other words: caches, memory")

enum duo_task_family {
#define X(name, about) DUO_TASK_##name,
    DUO_TASK_FAMILIES(X)
#undef X
    DUO_TASK_N
};

enum duo_task_split   { DUO_TASK_TRAIN, DUO_TASK_CALIBRATION, DUO_TASK_TEST, DUO_TASK_NO_SPLIT };    /* the last: others' tasks that name none */
enum duo_task_grading { DUO_GRADE_EXACT, DUO_GRADE_PARTS, DUO_GRADE_SLOTS, DUO_GRADE_CONTAINS };
/* EXACT: the text, blanks at its ends aside.  PARTS: the share of parts between "; " that are right.  SLOTS: the share of the
 * reference's words named in `slots` that stand where they should.  CONTAINS: the reference is in the answer (others' tasks). */

struct duo_span { int from, to; };       /* bytes of the prompt, [from, to) */

enum { DUO_TASK_SPANS = 8, DUO_TASK_FACTS = 4, DUO_TASK_SLOTS = 24 };

struct duo_task {
    char  *id;                           /* "add/2/4711": family, level, index; unique in a file */
    char  *family;                       /* by name; others' tasks: theirs, or "" */
    int    difficulty;                   /* level, from 1; 0: not said */
    enum duo_task_split   split;
    enum duo_task_grading grading;
    char  *prompt, *reference;
    int    n_sensitive; struct duo_span sensitive[DUO_TASK_SPANS];
    int    n_facts;     char *facts[DUO_TASK_FACTS];     /* that the answer needs, as they would stand in a context */
    int    n_slots;     int16_t slots[DUO_TASK_SLOTS];   /* words of the reference, from 0, that SLOTS looks at */
    int    session, turn;                /* -1, 0: none; turns of a session adjoin in a list */
};
void duo_task_free(struct duo_task *);   /* what it points to */

/* Task `index` (0, 1, ...) of a family (-1: families in turn by their shares) of that split. */
struct duo_task duo_task_make(uint64_t seed, enum duo_task_split, int family, int64_t index);

double duo_task_grade(const struct duo_task *, const char *answer);
enum duo_task_split duo_task_split_of(const char *prompt);      /* (2) */
int duo_task_family_of(const char *name);                       /* -1: none */

/* Its fact(s) put before a closed-book question (retrieval that hits), or `n` others (a miss); NULL: the task has none. */
char *duo_task_with_facts(const struct duo_task *);
char *duo_task_with_others(const struct duo_task *, uint64_t seed, int n);

/* JSON Lines: {"id","family","difficulty","split","grading","prompt","reference","sensitive":[[from,to],...],"facts":[...],
 * "slots":[...],"session","turn"}.  Reading: prompt and reference are needed; ids default to the line's number; unknown keys
 * are ignored; a line that is no JSON, a missing field, invalid UTF-8, an id twice: an error with file:line. */
void duo_task_print(FILE *, const struct duo_task *);
struct duo_tasks { int n; struct duo_task *at; };
enum duo_status duo_tasks_read(struct duo_tasks *, const char *path, struct duo_err *);
void            duo_tasks_make(struct duo_tasks *, uint64_t seed, enum duo_task_split, int family, int64_t n);
void            duo_tasks_free(struct duo_tasks *);

/* Rows to train on: segments of (prompt, answer) that share one context, the first in test form; none of them of another
 * split.  One JSON array a row: [["prompt","answer"],...].  `easy` in [0, 1]: the weight of easy levels. */
void duo_tasks_print_rows(FILE *, uint64_t seed, int64_t first, int64_t n, double easy);

#endif
