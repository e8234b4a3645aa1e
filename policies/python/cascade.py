# SPDX-License-Identifier: 0BSD
"""policies/router/cascade.c in Python: the weak model answers, a stronger one when it doubts.  Same bytes."""
from duosim_policy import CLOUD, DEVICE, NOWHERE, Parameters, Policy, Refused, Turn, serve

SIGNALS = ("mean", "min", "last", "margin", "entropy")


class Memory:
    tier = "weak"
    best = 0


class Cascade(Policy):
    about = "weak model first, a stronger one when its confidence is low"
    needs = ("confidence",)
    Request = Memory

    def init(self, parameters: Parameters) -> None:
        self.floor = parameters.number("floor", 0.8, 0, 1)
        self.via_floor = parameters.number("via_floor", -1, 0, 1)
        self.patience = parameters.number("patience", 10, 0, 1e6)
        self.weak, self.via, self.strong = (parameters.place(k, d) for k, d in (("weak", DEVICE), ("via", NOWHERE), ("strong", CLOUD)))
        if self.via_floor >= 0 and self.via == NOWHERE:
            raise Refused("there is no middle tier: name its place with via:", "via_floor")
        if self.via_floor < 0:
            self.via_floor = self.floor
        self.signal = parameters.text("signal", "mean", SIGNALS)

    def good(self, turn: Turn, floor: float) -> bool:
        value: float = getattr(turn.event.confidence, self.signal)
        return floor <= 0 or (floor < 1 and (1 - value if self.signal == "entropy" else value) >= floor)

    def go_up(self, turn: Turn) -> None:
        r = turn.request
        r.tier = "via" if r.tier == "weak" and self.via != NOWHERE else "strong"
        turn.write(self.via if r.tier == "via" else self.strong, turn.prompt, show=r.tier == "strong", patience=self.patience)

    def next(self, turn: Turn) -> None:
        r, event = turn.request, turn.event
        if event.kind == "arrived":
            turn.write(self.weak, turn.prompt)
        elif event.kind == "written":
            r.best = event.text
            if r.tier == "strong" or self.good(turn, self.via_floor if r.tier == "via" else self.floor):
                turn.answer(r.best)
            else:
                self.go_up(turn)
        elif r.tier != "strong":
            self.go_up(turn)
        elif r.best and turn.fits(r.best):
            turn.answer(r.best)
        else:
            turn.give_up(event.why)


serve(Cascade)
