/* misnamed.c - a policy whose name is not its file's. */
#include "policies/policy.h"

static void next(struct duo_turn *t) { duo_give_up(t, "never called"); }

DUO_POLICY(another, .about = "not named as its file is", .next = next);
