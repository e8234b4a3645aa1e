"""What a pipe policy can ask and keep, by requirement of policies/PIPE.md: gives up with what is wrong, else goes to the device."""
from duosim_policy import DEVICE, NOWHERE, Parameters, Policy, Turn, serve


class Calls(Policy):
    """`twin: 1`: as the module calls.c does, to compare draws, quantiles, questions and feedback with those of C."""

    def init(self, parameters: Parameters) -> None:
        self.share = parameters.number("share", 0.5, 0, 1)
        self.above = parameters.quantile("prompt_tokens", 1 - self.share)
        self.router = parameters.scorer_named("router")
        self.small = parameters.place("small", parameters.place_named("small"))
        print("heard on stderr")

    def next(self, turn: Turn) -> None:
        r, e = turn.request, turn.event
        if e.kind == "arrived":
            s = turn.seat
            s.n = (s.n or 0) + 1
            if turn.session is not None:
                turn.session.n = (turn.session.n or 0) + 1
            r.coin = turn.chance(3)
            at = self.small if r.coin < self.share or turn.view.prompt_tokens > self.above else DEVICE
            if s.told:
                at = 1
            r.first = turn.write(at, turn.prompt, tokens=3)
            if self.router != NOWHERE:
                r.score = turn.score(DEVICE, self.router, turn.prompt)
            r.alarm = turn.wait(0.001)
        elif e.kind == "rang":
            if e.step != r.alarm:
                turn.give_up("the alarm has another step's number")
        elif e.kind == "scored":
            r.sure = e.score
        elif e.kind == "written" and e.step == r.first:
            r.draft = e.text
            turn.show(e.text)
            if not turn.begins(e.text, turn.prompt) and turn.event.at == DEVICE:
                turn.give_up("a text does not begin with its prompt")
            elif turn.fits(turn.prompt):
                turn.give_up("the prompt fits what was shown")
            elif e.ended:
                turn.answer(e.text)
            else:
                turn.write(DEVICE if (r.sure or 0) < 0.5 else 1, e.text, show=True)
        elif e.kind == "written":
            turn.answer(e.text)
        else:
            turn.give_up(e.why)

    def feedback(self, turn: Turn, score: float) -> None:
        if turn.request.first and score > 0.5:
            turn.seat.told = (turn.seat.told or 0) + 1

    def tick(self, turn: Turn) -> None:
        turn.seat.ticks = (turn.seat.ticks or 0) + 1


serve(Calls)
