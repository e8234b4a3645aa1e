/* routerbench.c - RouterBench (Hu et al. 2024), as a table without texts: sample_id, eval_name, prompt_chars, and a model's
 * NAME|score, NAME|cost (USD of the call), NAME|resp_chars.  What the best model would be (oracle_model_to_route_to) is not
 * read: it follows from the scores. */
#include "traces/outcomes/table.h"

static bool is(const struct duo_csv *csv) { return duo_csv_find(csv, "sample_id") >= 0; }

static enum duo_status map(const struct duo_csv *csv, struct duo_table *t, struct duo_err *err)
{
    static const char *const ending[DUO_MEASURES] = { [DUO_M_QUALITY] = "score", [DUO_M_COST] = "cost", [DUO_M_CHARS] = "resp_chars" };
    int chars;

    DUO_TRY(duo_table_need(csv, t, "sample_id", DUO_F_ID, err));
    DUO_TRY(duo_csv_need(csv, "prompt_chars", &chars, err));
    duo_table_feature(t, chars, "prompt_chars");
    t->field[chars].kind = DUO_F_PROMPT_CHARS;
    return duo_table_barred(csv, t, ending, 1u << DUO_M_QUALITY | 1u << DUO_M_COST | 1u << DUO_M_CHARS, err);
}

const struct duo_outcome_format duo_outcomes_routerbench = {
    .name = "routerbench", .about = "RouterBench without texts: sample_id, prompt_chars, NAME|score, NAME|cost, NAME|resp_chars", .is = is, .map = map };
