/* answers.h - what comes out: one contract for recorded, synthetic and executed answers.
 *
 * A *voice* is a recorded column, a declared synthetic model, or a real model; the scenario's
 * `answers.roles` maps places to voices.  A *text* is a query and a path: which voice wrote the
 * positions [from, to) of the answer.  Nothing here knows time.
 *
 * (1) A text that one voice writes from the prompt to the end is that voice's own answer.
 * (2) A path names a voice's own answer as far as it goes on it: tokens of a drafter that agree
 *     with the verifier's text are stored, once verified, as the verifier's.
 * (3) A voice that goes on from a path which is not its own answer writes a continuation that
 *     nobody recorded, except where the token-level record (ranks) says what it does on that path.
 * (4) Greedy verification: the verifier's text is its own answer; it accepts the draft's leading
 *     tokens that equal it, and adds one token of its own.
 * (5) Same arguments, same result: a function of (answers, seed, query, ...), never of call order.
 * (6) A quality that nobody knows is NAN and says why; it is never made up.
 *
 * Lengths count the end-of-answer token: a voice's own answer has `length` tokens and ends with
 * the last one.  A drafter that agrees to the end of the verifier's text ends there, too; one that
 * left the path goes on for as many tokens as it was asked for. */
#ifndef DUO_MODELS_ANSWERS_H
#define DUO_MODELS_ANSWERS_H

#include <stdbool.h>
#include <stdint.h>

#include "sim/base/err.h"

enum duo_cap {                     /* what a source can say */
    DUO_CAP_OUTCOME    = 1,        /* quality of a voice's own answer */
    DUO_CAP_LENGTH     = 2,
    DUO_CAP_CONFIDENCE = 4,
    DUO_CAP_AGREEMENT  = 8,        /* token-level agreement of a drafter with a verifier */
    DUO_CAP_EXITS      = 16,       /* exit heads' confidence by layer */
    DUO_CAP_SCORES     = 32        /* scores by name, before generation */
};

enum { DUO_MAX_SEGMENTS = 12 };

struct duo_segment {
    int16_t voice;                 /* -1: too many voices to tell apart (path.h) */
    uint8_t exit_layer, layers;    /* 0: every token went through all layers; else of so many */
    float   exit_above;            /* tokens surer than this ended at exit_layer.  With exit_layer 0, below 0: drawn at that
                                    * temperature, the draw number `layers` (which is the source's to count) */
    int32_t from, to;              /* positions of the answer */
};

struct duo_text_path {             /* the answer so far, after the prompt of `query` */
    int32_t query;
    int16_t n;                     /* segments, adjoining, from position 0 */
    bool    ended;                 /* the last token ends the answer */
    struct duo_segment segment[DUO_MAX_SEGMENTS];
};

static inline int duo_path_tokens(const struct duo_text_path *p) { return p->n ? p->segment[p->n - 1].to : 0; }

struct duo_certainty { double mean, min, last, margin, entropy; };    /* each in [0, 1]; NAN: not known */

struct duo_query {                 /* one question; borrowed pointers live as long as the answers */
    int          index;
    const char  *name;             /* its id in the file, or NULL (synthetic: the index) */
    int          prompt_tokens;
    double       prompt_bytes;     /* on the wire */
    int          max_tokens;
    int          session, turn;    /* -1, 0: none */
    int          shared;           /* leading prompt tokens that equal the session's text so far */
    bool         train;            /* of the default split */
    int          attachment;       /* enum duo_attachment_kind of the cost contract; 0: none */
    double       attachment_bytes;
    const double *features;        /* answers->n_features of them */
};

/* What a place is asked to write. */
struct duo_ask {
    int    voice;
    const struct duo_text_path *from;
    int    tokens;                 /* at most so many more; 0: to the end */
    double stop_below;             /* stop after a token less probable than this; 0: never */
    double temperature;            /* 0: greedy */
    int    samples;                /* 1: one; else so many, voted on */
    int    sample;                 /* which sampled draw (a request's step number), so that repeats differ */
    bool   plain;                  /* nobody will ask how sure the voice was: the certainty stays unknown */
    int    exit_layer, layers;     /* of the first part that may exit, of the model's; 0: none.  At most 255 */
    double exit_above;
};

struct duo_written {
    int                  tokens;   /* new ones, >= 1 unless `from` had ended */
    int                  thinking; /* before them, seen by nobody and in no text: where a voice begins its answer (verifying
                                    * a draft it does not think) */
    struct duo_certainty certainty;/* over the new tokens */
    double               agreement;/* of several samples: the share of the majority; NAN for one */
    struct duo_text_path path;
};

struct duo_verified {
    int    accepted;               /* leading draft tokens that stand */
    struct duo_text_path path;     /* accepted prefix + the verifier's own token (unless it ended before) */
};

struct duo_answers {
    const struct duo_answers_kind *kind;
    unsigned     caps;             /* enum duo_cap */
    uint64_t     seed;             /* of the run; the runner sets it */
    int          n_voices;
    const char *const *voices;
    int          n_queries;        /* 0: any number (synthetic) */
    int          n_features;
    const char *const *features;
    int          n_scores;
    const char *const *scores;
    int          n_lengths;        /* `lengths: trace`, synthetic answers only: query i has the lengths of row */
    const int32_t *prompt_lengths, *answer_lengths;    /* i mod n_lengths, whichever voice answers; else 0 */
    const char  *failure;          /* why they can't go on (a model broke, memory ran out): the run fails by it; NULL: nothing did */
    const char  *label;            /* "synthetic", "recorded outcomes.csv": for headings */
    const char  *note;             /* what of the files was left out, in words; NULL: nothing */
    const char  *quality_status;   /* provenance of quality: "recorded", "assumed", ... */
    const char  *signal_status;    /* of confidences, agreement, exits: what was filled is "assumed" */
};

struct duo_answers_kind {
    const char *name;
    void   (*query)  (const struct duo_answers *, int index, struct duo_query *out);
    int    (*length) (const struct duo_answers *, int query, int voice);       /* of its own answer */
    void   (*write)  (const struct duo_answers *, const struct duo_ask *, struct duo_written *out);
    void   (*verify) (const struct duo_answers *, int voice, const struct duo_text_path *base, const struct duo_text_path *draft, struct duo_verified *out);
    /* How many leading tokens of the answers `a` and `b` are the same, as far as the record can tell. */
    int    (*common) (const struct duo_answers *, const struct duo_text_path *a, const struct duo_text_path *b);
    /* Does the token that `voice` wrote at `position` of `text` end at exit layer `layer` (its exit head surer than
     * `above`)?  `layers`: the model's, as the scenario's catalogue has it.  Of its own answer a record knows. */
    bool   (*exits)  (const struct duo_answers *, const struct duo_text_path *text, int voice, int position, int layer, int layers, double above);
    double (*score)  (const struct duo_answers *, int query, int score);       /* NAN: not known */
    /* Quality in [0, 1], or NAN with a reason in *why (static text). */
    double (*grade)  (const struct duo_answers *, const struct duo_text_path *, const char **why);
    void   (*free)   (struct duo_answers *);
};

/* The declared synthetic model, all `assumed`.  A query's difficulty d ~ N(0,1); a voice of ability a is
 * right with probability logistic(slope (a - d)), with one uniform a query and voice, a share `tie` of it
 * common to all voices.  Confidence: binormal, with the stated AUC for the voice's own correctness. Agreement
 * of a drafter: a two-state Markov chain along the verifier's text with mean `acceptance` and lag-1
 * autocorrelation `correlation`.  Exits: confidence of a token at depth fraction f of the layers is
 * Beta-distributed with mean rising from exit_floor to 1; a token that exits with confidence c differs from
 * the full model's with probability 1 - c; each differing token lowers the odds of a right answer by the
 * factor exit_harm. */
struct duo_length_law { enum { DUO_FIXED, DUO_UNIFORM, DUO_LOGNORMAL } kind; double a, b; };  /* value | low, high | mean, cv */
struct duo_synthetic_voice { const char *name; double ability, auc, acceptance, correlation; struct duo_length_law length, thinking; };      /* thinking.a 0: none */
struct duo_synthetic_spec {
    int    n_voices;
    const struct duo_synthetic_voice *voices;
    double slope, tie;
    struct duo_length_law prompt_tokens, prompt_bytes;    /* prompt_bytes fixed 0: tokens x bytes_per_token */
    double bytes_per_token;
    double train_share;
    double exit_floor, exit_harm;
    int    sessions;              /* turns a session has; 0, 1: none */
    double router_auc;            /* of the score "router" for "the last voice is right and the first is not"; 0: no score */
    int    attachment; double attachment_bytes;
};

struct duo_answers *duo_answers_synthetic(const struct duo_synthetic_spec *);

/* Recorded outcomes: `path` in `format` ("duosim", "routerbench", "routellm", "llmrouter", "lm_eval", "csv", "vllm", "litellm",
 * "otel", "accepts" for accept lists; NULL: found from the file).  `tokens_from`: how tokens are counted
 * where only characters were recorded, e.g. "chars/4" (declared by the scenario; NULL and no tokens:
 * refused).  Scores and decisions are joined by query id afterwards. */
struct duo_recorded_spec {
    const char *path, *format;
    double      chars_per_token;           /* 0: not declared */
    int         default_tokens;            /* a length where none was recorded; 0: refused; -1: left to duo_answers_fill */
    double      train_share;               /* 0..1, by hash of the query's id */
    const char *accepts;                   /* accept lists to add (joined by query id), or NULL */
    const char *accepts_drafter, *accepts_verifier;   /* their voices */
    /* Files with the answers of one voice each, joined by query (path is the first one's); of what metric the quality is; what
     * the columns of a table of one's own hold (traces/outcomes/outcomes.h). */
    int         n_files, n_columns;
    const struct duo_outcome_file *files;
    const char *metric;
    const struct duo_outcome_column *columns;
};
enum duo_status duo_answers_recorded(struct duo_answers **, const struct duo_recorded_spec *, struct duo_err *);

/* Real models that answer while the run goes on, by models/answers/speaker.h: texts are token ids, found again from a path by
 * letting its voices write it.  Voices by name.
 * Tasks: a file of JSON Lines, or NULL: `n` of the pair's own, of split test and n / 4 of calibration (these count as train). */
struct duo_executed_voice { const char *name, *path; };
struct duo_executed_spec {
    int         n_voices;
    const struct duo_executed_voice *voices;
    const char *tasks;
    uint64_t    task_seed;
    int         n;
    double      train_share;               /* of a file's tasks that name no split */
    int         n_scores;
    const struct duo_executed_voice *scores;    /* judges of a prompt (scores.h): what each is called, its file */
};
enum duo_status duo_answers_executed(struct duo_answers **, const struct duo_executed_spec *, struct duo_err *);

/* Put declared synthetic signals on top of `under` (takes ownership) for what it lacks: `caps` of
 * DUO_CAP_CONFIDENCE, _AGREEMENT, _EXITS, _LENGTH, _SCORES, with the constants of `spec` (voices by name; a
 * voice that is not listed takes the first).  signal_status becomes "assumed". */
struct duo_answers *duo_answers_fill(struct duo_answers *under, unsigned caps, const struct duo_synthetic_spec *);

/* A column of numbers or place names by query id ("query_id" or "id", then `column` or the second one).
 * Adds a score called `name`.  names != NULL: cells are one of those names and become their index.
 * *unmatched: queries without a row (their score is NAN); rows for unknown queries are an error that
 * counts them and names the first. */
enum duo_status duo_answers_join(struct duo_answers **, const char *name, const char *path, const char *column,
                                 const char *const *names, int n_names, int *unmatched, struct duo_err *);

/* The q-quantile (0..1; the k-th smallest with k = ceil(q n), -INFINITY at 0) of a signal over the train
 * split: "prompt_tokens", a feature or a score by name.  Without queries listed (synthetic): over the
 * first 2000 train ones. */
enum duo_status duo_answers_quantile(const struct duo_answers *, const char *signal, double q, double *out, struct duo_err *);

int duo_answers_voice(const struct duo_answers *, const char *name);    /* -1: none */
int duo_answers_score(const struct duo_answers *, const char *name);    /* -1: none */
void duo_answers_free(struct duo_answers *);

#endif
