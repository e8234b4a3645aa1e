/* scores.c - see scores.h; requirements cited by number. */
#include "models/answers/scores.h"

#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "models/pair/judge.h"
#include "sim/base/rng.h"

struct duo_score { struct duo_judge *judge; bool state; char digest[17]; };

static enum duo_status look(struct duo_score *s, const char *path, struct duo_err *err)
{
    FILE *f = fopen(path, "rb");
    char line[256];
    uint64_t sum = 0;

    if (!f) return duo_fail_at(err, DUO_BAD_INPUT, path, 0, 0, "%s", strerror(errno));
    while (fgets(line, sizeof line, f)) {
        sum = duo_hash_bytes(sum, line, strlen(line));
        s->state |= strncmp(line, "h0,", 3) == 0;                                             /* (1) */
    }
    fclose(f);
    snprintf(s->digest, sizeof s->digest, "%016llx", (unsigned long long)sum);
    return DUO_OK;
}

enum duo_status duo_score_open(struct duo_score **out, const char *path, struct duo_err *err)
{
    struct duo_score *s = duo_new(1, sizeof *s);
    enum duo_status status = duo_judge_open(&s->judge, path, err);

    if (status == DUO_OK) status = look(s, path, err);
    *out = status == DUO_OK ? s : NULL;
    if (status != DUO_OK) duo_score_free(s);
    return status;
}

void duo_score_free(struct duo_score *s)
{
    if (!s) return;
    if (s->judge) duo_judge_free(s->judge);
    free(s);
}

const char *duo_score_digest(const struct duo_score *s) { return s->digest; }

double duo_score_of(const struct duo_score *s, const char *prompt, const float *state, int width)
{
    if (!s->state) return duo_judge_prompt(s->judge, prompt);
    return state ? duo_judge_state(s->judge, state, width) : (double)NAN;                     /* (2) */
}
