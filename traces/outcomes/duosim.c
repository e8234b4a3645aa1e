/* duosim.c - our own table: one row a query; README.md of this folder describes every column. */
#include <string.h>

#include "traces/outcomes/table.h"

static bool is(const struct duo_csv *csv)
{
    bool scored = false;

    for (int c = 0; c < duo_csv_columns(csv); c++) {
        const char *bar = strrchr(duo_csv_name(csv, c), '|');
        scored |= bar && strcmp(bar, "|score") == 0;
    }
    return scored && duo_csv_find(csv, "sample_id") < 0;
}

static enum duo_status map(const struct duo_csv *csv, struct duo_table *t, struct duo_err *err)
{
    static const char *const ending[DUO_MEASURES] = {
#define X(name, text) [DUO_M_##name] = text,
        DUO_MEASURES_OF(X)
#undef X
    };
    static const char *const known[] = { "query_id", "prompt_tokens", "prompt_chars", "split", "task" };
    int prompt = 0;

    DUO_TRY(duo_table_need(csv, t, "query_id", DUO_F_ID, err));
    DUO_TRY(duo_table_barred(csv, t, ending, 1u << DUO_M_QUALITY, err));
    for (int c = 0; c < duo_csv_columns(csv); c++) {
        const char *name = duo_csv_name(csv, c), *near;
        if (strchr(name, '|') || strcmp(name, "query_id") == 0 || strcmp(name, "task") == 0) {
            continue;
        } else if (strcmp(name, "prompt_tokens") == 0) {
            t->field[c].kind = DUO_F_PROMPT_TOKENS, prompt++;
        } else if (strcmp(name, "prompt_chars") == 0) {
            duo_table_feature(t, c, name), prompt++;
            t->field[c].kind = DUO_F_PROMPT_CHARS;
        } else if (strcmp(name, "split") == 0) {
            t->field[c].kind = DUO_F_SPLIT;
        } else if (strncmp(name, "f:", 2) == 0 && name[2]) {
            duo_table_feature(t, c, name + 2);
        } else if (strncmp(name, "s:", 2) == 0 && name[2]) {
            duo_table_score(t, c, name + 2);
        } else {
            near = duo_nearest(name, known, sizeof known / sizeof *known);
            return duo_csv_bad(csv, c, err, near ? "an unknown column (did you mean \"%s\"?)" : "an unknown column: features are called f:%s, scores s:%s",
                               near ? near : name, name);
        }
    }
    return prompt ? DUO_OK : duo_csv_bad(csv, 0, err, "neither \"prompt_tokens\" nor \"prompt_chars\" stands beside it");
}

const struct duo_outcome_format duo_outcomes_duosim = {
    .name = "duosim", .about = "our own table: query_id, prompt_tokens or prompt_chars, NAME|score, NAME|tokens, ...", .is = is, .map = map };
