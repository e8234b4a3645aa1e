"""A rule of three lines, for bench_pipe.c."""
from duosim_policy import CLOUD, DEVICE, Policy, Turn, serve


class ThreeLines(Policy):
    def next(self, turn: Turn) -> None:
        if turn.event.kind == "arrived":
            turn.write(CLOUD if turn.view.prompt_tokens > 200 else DEVICE, turn.prompt, show=True)
        else:
            turn.answer(turn.event.text)


serve(ThreeLines)
