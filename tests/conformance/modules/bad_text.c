/* Answers with a text that doesn't exist. */
#include "policies/policy.h"
static void next(struct duo_turn *t) { duo_answer(t, 4711); }
DUO_POLICY(bad_text, .about = "unknown text", .next = next);
