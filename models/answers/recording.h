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
 *
 * Tables (version 1; RECORDING.md has the columns):
 *   meta(key, value)            version, tasks' digest and source, options: seed, ahead, samples, temperature, texts
 *   voice(voice, name, kind, digest, quant, layers, width, vocabulary)           kind: gguf | ngram | url
 *   query(query, name, family, difficulty, split, grading, prompt, reference, prompt_tokens, prompt_bytes, session, turn, shared)
 *   answer(query, voice, quality, tokens, thinking, ended, text, numbers)        numbers: tokens x {probability, margin, entropy}
 *   exits(query, voice, same, probability)      rows of layers - 1 for each token: bits (is it the whole model's token), u16
 *   rank(query, drafter, verifier, ranks, accept, numbers, ahead)    one entry a position of the verifier's answer: rank of its
 *                               token for the drafter (1: agreement; capped at 255), the chance that a sampled draft is
 *                               accepted (sum of min(p, q), u16), the drafter's own numbers there; `ahead`: for each
 *                               disagreement what the drafter wrote from there: tokens, ended, numbers
 *   vote(query, voice, samples, temperature, share, tokens, quality)
 *   score(query, name, value)   router, guard, ...: known before an answer
 *   embedding(query, voice, scale, vector)      int8 */
#ifndef DUO_MODELS_RECORDING_H
#define DUO_MODELS_RECORDING_H

#include "models/answers/answers.h"
#include "models/answers/speaker.h"

enum { DUO_RECORDING_VERSION = 1, DUO_RECORDING_AHEAD = 16 };

/* Is the file an SQLite database with a table `voice` (not: is it sound)? */
bool duo_recording_is(const char *path);

/* As answers: caps from what the file holds.  `path` "pair": the recording that ships. */
enum duo_status duo_answers_recording(struct duo_answers **, const char *path, double train_share, struct duo_err *);

struct duo_record_spec {
    const char *tasks;                   /* JSON Lines; NULL: the pair's own, `n` of them of split test (and n / 4 of calibration) */
    uint64_t    seed;
    int64_t     n;
    struct duo_speaker_spec speaker;     /* voices by name; those listed in `drafts` draft for all that stand behind them */
    unsigned    drafters;                /* bits of voices */
    int         ahead, samples;          /* samples 0: no votes */
    double      temperature;
    bool        texts, embeddings, resume;
    const char *out;
    void (*progress)(void *user, int64_t done, int64_t all);
    void *user;
};
enum duo_status duo_record(const struct duo_record_spec *, struct duo_err *);

#endif
