# SPDX-License-Identifier: 0BSD
"""policies/speculation/draft_verify.c in Python: the device drafts, the cloud verifies.  Same bytes."""
from duosim_policy import CLOUD, DEVICE, Parameters, Policy, Turn, serve


class DraftVerify(Policy):
    about = "the device drafts, the cloud verifies"
    needs = ("agreement",)

    def init(self, parameters: Parameters) -> None:
        self.tokens = parameters.whole("draft", 4, 1, 64)
        self.drafter, self.verifier = parameters.place("drafter", DEVICE), parameters.place("verifier", CLOUD)
        self.falls_back = parameters.text("fallback", "none", ("none", "edge")) == "edge"

    def draft_from(self, turn: Turn, base: int) -> None:
        turn.request.base, turn.request.doing = base, "drafting"
        turn.write(self.drafter, base, tokens=self.tokens)

    def finish(self, turn: Turn, place: int, text: int) -> None:
        turn.request.doing = "finishing"
        turn.write(place, text, show=True)

    def failed(self, turn: Turn) -> None:
        r = turn.request
        if r.doing == "drafting":
            self.finish(turn, self.verifier, r.base)
        elif r.doing == "finishing" or not self.falls_back or not turn.fits(turn.prompt):
            turn.give_up(turn.event.why)
        elif r.ended:
            turn.answer(r.draft)
        else:
            self.finish(turn, self.drafter, r.draft)

    def next(self, turn: Turn) -> None:
        r, event = turn.request, turn.event
        if event.kind == "arrived":
            self.draft_from(turn, turn.prompt)
        elif event.kind == "written" and r.doing == "finishing":
            turn.answer(event.text)
        elif event.kind == "written":
            r.draft, r.ended, r.doing = event.text, event.ended, "verifying"
            turn.verify(self.verifier, r.base, r.draft)
        elif event.kind == "verified" and event.ended:
            turn.answer(event.text)
        elif event.kind == "verified":
            turn.show(event.text)
            self.draft_from(turn, event.text)
        else:
            self.failed(turn)


serve(DraftVerify)
