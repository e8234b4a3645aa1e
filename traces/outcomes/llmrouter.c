/* llmrouter.c - LLMRouter's test questions: qid, task, prompt_chars, then a column a model with its score.  No lengths of
 * answers were recorded. */
#include <string.h>

#include "traces/outcomes/table.h"

static bool is(const struct duo_csv *csv) { return duo_csv_find(csv, "qid") >= 0 && duo_csv_find(csv, "task") >= 0; }

static enum duo_status map(const struct duo_csv *csv, struct duo_table *t, struct duo_err *err)
{
    int chars;

    DUO_TRY(duo_table_need(csv, t, "qid", DUO_F_ID, err));
    DUO_TRY(duo_table_need(csv, t, "task", DUO_F_IGNORED, err));
    DUO_TRY(duo_csv_need(csv, "prompt_chars", &chars, err));
    duo_table_feature(t, chars, "prompt_chars");
    t->field[chars].kind = DUO_F_PROMPT_CHARS;
    for (int c = 0; c < duo_csv_columns(csv); c++) {
        const char *name = duo_csv_name(csv, c);
        if (strcmp(name, "qid") == 0 || strcmp(name, "task") == 0 || strcmp(name, "prompt_chars") == 0) continue;
        duo_table_measure(t, c, duo_table_voice(t, name, strlen(name)), DUO_M_QUALITY);
    }
    return t->to->n_voices ? DUO_OK : duo_csv_bad(csv, 0, err, "no model's column follows");
}

const struct duo_outcome_format duo_outcomes_llmrouter = {
    .name = "llmrouter", .about = "LLMRouter: qid, task, prompt_chars, then one column a model with its score; no lengths", .is = is, .map = map };
