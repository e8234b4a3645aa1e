/* Asks for the truth without saying so. */
#include "policies/policy.h"
#include "policies/truth.h"
static void next(struct duo_turn *t) { if (duo_truth_quality(t, DUO_CLOUD) > 0) duo_give_up(t, "knew it"); else duo_give_up(t, "knew that, too"); }
DUO_POLICY(bad_liar, .about = "asks for the truth", .next = next);
