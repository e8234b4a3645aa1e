/* source.h - what every source of answers shares: texts as paths, by what is known token by token.
 *
 * A source says how long its voices' own answers are, where two voices differ and where an early exit changed a
 * token; source.c turns that into write, verify, common and the voice that a whole text belongs to.
 *
 * Of two voices that can be compared one *drafts*, the other verifies; the source says which.
 * (1) common(a, b): walk both from 0.  Same voice after the same text: same tokens.  Different voices: as far as
 *     they are known not to differ.  An end never equals a token that is not the end.
 * (2) A voice goes on along its own answer when every token so far, whoever wrote it, equals that; but (3) is
 *     looked at first.
 * (3) A drafter that goes on from the verifier's text ends with it if it agrees to its end; otherwise it writes as
 *     many tokens as it was asked for, or, asked for all, up to its own answer's length (at least one).  A text
 *     twice as long as both answers has ended, so that asking in pieces comes to an end, too.  Where a source knows
 *     what was written behind the disagreement (`behind`), the text ends where that did.
 * (4) A voice that goes on from any other text ends at its own answer's length (at least one token).
 * (5) Verification accepts common(draft, verifier's text after base), and adds the verifier's token.  A base that
 *     is not on the verifier's own answer is known only to sources that say so (`anywhere`); else nothing agrees.
 * (6) How sure a voice was, and where it stops for doubt, comes from its tokens' numbers where the source has them: of its
 *     own answer, of its drafts on a verifier's own answer, of what it wrote behind a disagreement; else from `certainty`
 *     and `unsure`.
 * (7) A text that won a vote and isn't the voice's own answer is one segment of its own kind (path.h: drawn).  What it has in
 *     common with a voice's own answer is known, with any other text nothing. */
#ifndef DUO_MODELS_SOURCE_H
#define DUO_MODELS_SOURCE_H

#include "models/answers/answers.h"
#include "models/answers/path.h"
#include "models/answers/speaker.h"

struct duo_source;

struct duo_elected { int tokens, draw; };      /* a text that won a vote, drawn as the draw-th sample; tokens 0: the voice's own answer */
struct duo_behind { int tokens; bool ended; const struct duo_grained *numbers; };    /* tokens 0, numbers NULL: not known */

/* All positions are of the answer; all functions are pure. */
struct duo_source_kind {
    int    (*length)(const struct duo_source *, int query, int voice);
    int    (*thinking)(const struct duo_source *, int query, int voice);          /* tokens before its answer; NULL: none */
    /* Is it `x` that drafts for `y`?  False both ways round: the two can't be compared on this query. */
    bool   (*drafts)(const struct duo_source *, int query, int x, int y);
    /* The first of [from, to) where the two write different tokens after the same text; `to`: none. */
    int    (*differ)(const struct duo_source *, int query, int drafter, int verifier, int from, int to);
    /* The first of [from, to) where leaving early as `mark` says changed the token; `to`: none.  NULL: not known. */
    int    (*early)(const struct duo_source *, int query, const struct duo_segment *mark, int from, int to);
    /* The first of [from, to) that is less probable than `below`; `to`: none.  NULL: not known. */
    int    (*unsure)(const struct duo_source *, int query, int voice, int from, int to, double below);
    /* Over [from, to) of a text that is (whole) `own`; all NAN: not known. */
    void   (*certainty)(const struct duo_source *, int query, int voice, int from, int to, bool own, struct duo_certainty *);
    /* By position: of its own answer (verifier -1), or of its choices along the verifier's own; as many as that answer's tokens. */
    const struct duo_grained *(*numbers)(const struct duo_source *, int query, int voice, int verifier);       /* NULL: not known */
    /* What the drafter wrote behind the verifier's own tokens [0, at), its first token there another one. */
    struct duo_behind (*behind)(const struct duo_source *, int query, int drafter, int verifier, int at);
    double (*vote)(const struct duo_source *, const struct duo_ask *);            /* NULL: not known */
    struct duo_elected (*elected)(const struct duo_source *, const struct duo_ask *);         /* NULL: always the own answer */
    /* Leading tokens that the elected text of `drawn` has in common with a voice's own answer. */
    int    (*alike)(const struct duo_source *, int query, const struct duo_segment *drawn, int voice);
    double (*score)(const struct duo_source *, int query, int score);             /* its own ones */
};

struct duo_column { char *name; int n; int *query; double *value; };              /* a joined score; sorted by query */

struct duo_source {
    struct duo_answers            a;                  /* first: a pointer to either is one to both */
    const struct duo_source_kind *kind;
    bool                          anywhere;           /* agreement is known after any text (5) */
    int                           own_scores;         /* a.n_scores less the joined ones */
    int                           n_columns;
    struct duo_column            *columns;
    char                        **score_names, **voice_names, *label;
};

static inline const struct duo_source *duo_source_of(const struct duo_answers *a) { return (const struct duo_source *)a; }

/* The functions of struct duo_answers_kind that every source takes from here. */
int    duo_source_length(const struct duo_answers *, int query, int voice);
void   duo_source_write (const struct duo_answers *, const struct duo_ask *, struct duo_written *);
void   duo_source_verify(const struct duo_answers *, int voice, const struct duo_text_path *base, const struct duo_text_path *draft, struct duo_verified *);
int    duo_source_common(const struct duo_answers *, const struct duo_text_path *, const struct duo_text_path *);
double duo_source_score (const struct duo_answers *, int query, int score);

/* Is the text, as far as it goes, what `voice` writes by itself? */
bool   duo_source_own(const struct duo_source *, const struct duo_text_path *, int voice);
/* The voice whose own whole answer this is, with *changed tokens that differ because they left early; -1 and *why. */
int    duo_source_whose(const struct duo_source *, const struct duo_text_path *, int *changed, const char **why);

void   duo_source_init(struct duo_source *, int n_voices, const char *const *voices, const char *label);    /* copies */
int    duo_source_add_score(struct duo_source *, const char *name);
void   duo_source_done(struct duo_source *);          /* frees what the two above made, and the columns */

extern const struct duo_certainty duo_certainty_unknown;

#endif
