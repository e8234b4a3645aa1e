/* Asks for nothing and gives no answer. */
#include "policies/policy.h"
static void next(struct duo_turn *t) { (void)t; }
DUO_POLICY(bad_idle, .about = "asks for nothing", .next = next);
