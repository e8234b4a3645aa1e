/* abi.c - a policy that was built against another policy.h. */
#include "policies/policy.h"

static void next(struct duo_turn *t) { duo_give_up(t, "never called"); }

extern const struct duo_policy duo_policy_abi;
const struct duo_policy duo_policy_abi = {
    .abi = DUO_POLICY_ABI + 1, .size = sizeof(struct duo_policy), .name = "abi", .about = "of another ABI", .next = next,
};
