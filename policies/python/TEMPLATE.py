# SPDX-License-Identifier: 0BSD
"""TEMPLATE.py - policies/TEMPLATE.c in Python.  It is a working policy: look at the first tokens of the small model, then
decide who answers.

(1) The device writes `probe` tokens that nobody sees.
(2) If their mean probability is at least `floor`, or the link is down, the device goes on from them, shown as it comes.
(3) Else the cloud writes the answer from the prompt, shown as it comes.
(4) If the cloud fails, or has not begun within `patience`, and nothing of it is on the screen, the device goes on after
    all.  If the device fails, the cloud writes.  If there is nobody left to ask, the request fails."""
from duosim_policy import CLOUD, DEVICE, Parameters, Policy, Turn, serve


class Memory:
    """What one request has to remember between two events.  Keep nothing else: it would leak from one device to all others."""
    probe = 0
    doing = "probing"
    ended = cloud_failed = device_failed = False


class TEMPLATE(Policy):
    about = "the small model's first tokens tell who answers"
    needs = ("confidence",)         # refused by name where the scenario lacks it
    Request = Memory

    def init(self, parameters: Parameters) -> None:
        """What the scenario says once: { pipe: [python3, TEMPLATE.py], probe: 16, floor: 0.9, patience: 2 s, strong: edge }."""
        self.probe = parameters.whole("probe", 8, 1, 10000)
        self.floor = parameters.number("floor", 0.8, 0, 1)
        self.patience = parameters.number("patience", 5, 0, 1e6)
        self.weak = parameters.place("weak", DEVICE)          # a role: any place's name
        self.strong = parameters.place("strong", CLOUD)

    def go_on(self, turn: Turn) -> None:
        """On the device, from what it has written."""
        r = turn.request
        r.doing = "device"
        if r.ended:
            turn.answer(r.probe)    # the probe was the whole answer already
        else:
            turn.write(self.weak, r.probe, show=True)

    def ask_cloud(self, turn: Turn) -> None:
        turn.request.doing = "cloud"
        turn.write(self.strong, turn.prompt, show=True, patience=self.patience)

    def failed(self, turn: Turn) -> None:
        """A step failed; turn.event.why says why.  What is on the screen stays there, so another text is possible only while
        nothing was shown: while the bare prompt still "fits"."""
        r = turn.request
        if r.doing == "cloud":
            r.cloud_failed = True
        else:
            r.device_failed = True
        if not turn.fits(turn.prompt) or (r.cloud_failed and r.device_failed):
            turn.give_up(turn.event.why)                      # (4)
        elif r.cloud_failed:
            self.go_on(turn)                                  # (4)
        else:
            self.ask_cloud(turn)                              # (4)

    def next(self, turn: Turn) -> None:
        """The policy itself: called once when the request arrives and once for each step that has ended.  Steps may run at the
        same time: keep the number that turn.write returns and compare it with turn.event.step."""
        r, event = turn.request, turn.event
        if event.kind == "arrived":
            turn.write(self.weak, turn.prompt, tokens=self.probe)                              # (1)
        elif event.kind != "written":
            self.failed(turn)
        elif r.doing != "probing":
            turn.answer(event.text)
        else:
            r.probe, r.ended = event.text, event.ended
            if event.confidence.mean >= self.floor or not turn.view.link_up:
                self.go_on(turn)                                                               # (2)
            else:
                self.ask_cloud(turn)                                                           # (3)


serve(TEMPLATE)
