# SPDX-License-Identifier: 0BSD
"""Policies for duosim in Python, and its results in a notebook.  One file, the standard library alone.

A policy is a class and a last line:

    from duosim_policy import DEVICE, CLOUD, Parameters, Policy, Turn, serve

    class LongToCloud(Policy):
        about = "long prompts go to the cloud"

        def init(self, parameters: Parameters) -> None:
            self.longest = parameters.number("longest", 200, least=0)

        def next(self, turn: Turn) -> None:
            if turn.event.kind == "arrived":
                place = CLOUD if turn.view.prompt_tokens > self.longest else DEVICE
                turn.write(place, turn.prompt, show=True)
            elif turn.event.kind == "written":
                turn.answer(turn.event.text)
            else:
                turn.give_up(turn.event.why)

    serve(LongToCloud)

    duosim run quickstart --policy "pipe:python3 long_to_cloud.py,longest=300"

`next` is called when a request arrives and each time a step that it asked for has ended; it asks for more steps, or for
the end.  What it may know is in `turn.view`; what is not known is NaN.  Texts are handles: whole numbers that stand for a
text which lies where it was made.  policies/policy.h says what each step does and costs, policies/PIPE.md what is spoken
underneath.

State.  `turn.request`, `turn.session` and `turn.seat` are kept for the request, the session (None without one) and the
seat (one a device, or the gateway's).  They are State objects, or what the policy's own `Request`, `Session` and `Seat`
make.  What `init` stores in `self` is to be left alone afterwards: what is kept in other places leaks from one device to
all others, which no deployed policy could do.

Printing goes to stderr: what the simulator reads is not for print().
"""
from __future__ import annotations

import gc
import json
import math
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from typing import Any, Dict, Iterable, List, Mapping, NoReturn, Optional, Sequence, Tuple, Type, Union

__all__ = ["DEVICE", "CLOUD", "NOWHERE", "Policy", "Parameters", "Turn", "Event", "Confidence", "View", "Place", "State",
           "Part", "Refused", "serve", "run", "read", "Rows", "DuosimError"]
__version__ = "0.1.0"

PROTOCOL = 1
NOWHERE, DEVICE, CLOUD = -1, 0, 1          # every scenario has the last two; others by name, in init
PROMPT = 1                                 # the text of a request's prompt
Number = Union[int, float]


def _real(value: Any) -> float:
    return math.nan if value is None else float(value)          # also of "inf"


class State:
    """What a policy remembers: attributes as they come.  One that was never set is None."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return None


class Confidence:
    """Over the tokens that the step wrote, each in [0, 1]; NaN: not known, or the need not declared."""

    __slots__ = ("mean", "min", "last", "margin", "entropy")

    def __init__(self, given: Mapping[str, Any]) -> None:
        self.mean = _real(given.get("mean"))          # of the chosen token's probability
        self.min = _real(given.get("min"))
        self.last = _real(given.get("last"))
        self.margin = _real(given.get("margin"))      # mean of top-1 minus top-2
        self.entropy = _real(given.get("entropy"))    # mean, relative to log(vocabulary)


_NO_CONFIDENCE: Dict[str, Any] = {}


class Event:
    """What has happened: `kind` is arrived, written, verified, scored, sent, rang or failed."""

    __slots__ = ("kind", "_given")

    def __init__(self, given: Mapping[str, Any]) -> None:
        self.kind: str = given["kind"]
        self._given = given

    @property
    def step(self) -> int:
        """The step that has ended: what asked for it returned this."""
        return int(self._given.get("step", 0))

    @property
    def at(self) -> int:
        """Its place."""
        return int(self._given.get("at", 0))

    @property
    def text(self) -> int:
        """The text that it made; 0: none."""
        return int(self._given.get("text", 0))

    @property
    def tokens(self) -> int:
        """Written: new ones.  Verified: accepted ones."""
        return int(self._given.get("tokens", 0))

    @property
    def ended(self) -> bool:
        """The text ends with the end of the answer."""
        return bool(self._given.get("ended", False))

    @property
    def score(self) -> float:
        """Of turn.score(); of a vote, the majority's share; NaN: not known."""
        return _real(self._given.get("score"))

    @property
    def confidence(self) -> Confidence:
        """Of what was written."""
        return Confidence(self._given.get("confidence", _NO_CONFIDENCE))

    @property
    def why(self) -> str:
        """Why it failed: late, unreachable, refused, no memory, no power, server error."""
        return str(self._given.get("why", "no failure"))


class Place:
    """A model at a site, as the seat knows it."""

    __slots__ = ("_fixed", "_given")

    def __init__(self, fixed: Mapping[str, Any], given: Mapping[str, Any]) -> None:
        self._fixed = fixed
        self._given = given

    @property
    def model(self) -> str:
        return str(self._fixed["model"])

    @property
    def layers(self) -> int:
        return int(self._fixed["layers"])

    @property
    def context(self) -> int:
        """Tokens that fit."""
        return int(self._fixed["context"])

    @property
    def price(self) -> float:
        """$ per token written."""
        return _real(self._fixed["price"])

    @property
    def cached(self) -> int:
        """Tokens of this session whose KV is there."""
        return int(self._given["cached"])

    @property
    def decode_rate(self) -> float:
        """Tokens/s, as last measured."""
        return _real(self._given["decode_rate"])

    @property
    def wait(self) -> float:
        """s before work begins there."""
        return _real(self._given["wait"])

    @property
    def age(self) -> float:
        """s since the figures were true."""
        return _real(self._given["age"])


class View:
    """What the seat could know.  SI units; NaN: not known."""

    __slots__ = ("_given", "_engine", "_features")

    def __init__(self, engine: "_Engine", given: Mapping[str, Any], features: Sequence[float]) -> None:
        self._engine = engine
        self._given = given
        self._features: Sequence[float] = features

    @property
    def now(self) -> float:
        """s since the run began."""
        return float(self._given["now"])

    @property
    def prompt_tokens(self) -> int:
        return int(self._given["prompt_tokens"])

    @property
    def max_tokens(self) -> int:
        """Of the answer, at most; 0: no limit."""
        return int(self._given["max_tokens"])

    @property
    def session(self) -> int:
        """Its number; -1: none."""
        return int(self._given["session"])

    @property
    def turn(self) -> int:
        """Of the session, from 0."""
        return int(self._given["turn"])

    @property
    def deadline(self) -> float:
        """s left; infinite when there is none."""
        return _real(self._given["deadline"])

    @property
    def battery(self) -> float:
        """0..1; 1 on mains."""
        return _real(self._given["battery"])

    @property
    def link_up(self) -> bool:
        return bool(self._given["link_up"])

    @property
    def uplink(self) -> float:
        """bit/s, as last met."""
        return _real(self._given["uplink"])

    @property
    def downlink(self) -> float:
        """bit/s, as last met."""
        return _real(self._given["downlink"])

    @property
    def rtt(self) -> float:
        """s, as last met."""
        return _real(self._given["rtt"])

    @property
    def link_age(self) -> float:
        """s since these were met."""
        return _real(self._given["link_age"])

    @property
    def features(self) -> Sequence[float]:
        """Of the prompt; `parameters.features` has their names."""
        return self._features

    @property
    def places(self) -> List[Place]:
        """By number: places[DEVICE], places[CLOUD], ..."""
        given = self._given
        fixed = self._engine.places
        places = [Place(fixed[i], p) for i, p in enumerate(given["places"])]
        places[DEVICE]._fixed = self._engine.devices[given["device"]]
        return places


class Refused(Exception):
    """Raised in init: the scenario is refused with these words, at the parameter `key` where one is to blame."""

    def __init__(self, why: str, key: str = "") -> None:
        super().__init__(why)
        self.key = key


class Parameters:
    """What a policy's init may ask: its parameters in the scenario, and what the scenario is made of.

    A parameter that is asked for is one that the policy has: the scenario may leave it out, and what nobody asks for is
    an error that names the nearest.  Values are checked by the simulator, with file, line and column."""

    def __init__(self, engine: "_Engine") -> None:
        self._engine = engine
        hello = engine.hello
        self.label: str = hello["label"]
        self.seed: int = int(hello["seed"])
        self.places: List[str] = [str(p["name"]) for p in hello["places"]]        # names, by number
        self.features: List[str] = list(hello["features"])
        self.scorers: List[str] = list(hello["scorers"])

    def number(self, key: str, default: Number, least: Number = -math.inf, most: Number = math.inf) -> float:
        """A number, a share in % or a time: 0.3, "30 %", "40 ms"."""
        question: Dict[str, Any] = {"ask": "number", "key": key}
        if least > -math.inf:
            question["min"] = least
        if most < math.inf:
            question["max"] = most
        value = self._engine.ask(question)
        return float(default) if value is None else float(value)

    def whole(self, key: str, default: int, least: Number = -math.inf, most: Number = math.inf) -> int:
        """A whole number."""
        value = self.number(key, default, least, most)
        if value != int(value):
            raise Refused("expected a whole number", key)
        return int(value)

    def text(self, key: str, default: str = "", choices: Sequence[str] = ()) -> str:
        """A word; with `choices`, one of these."""
        value = self._engine.ask({"ask": "text", "key": key})
        text = default if value is None else str(value)
        if choices and text not in choices:
            raise Refused("expected " + ", ".join(choices[:-1]) + " or " + choices[-1], key)
        return text

    def place(self, key: str, default: int = NOWHERE) -> int:
        """A place by name; its number."""
        value = self._engine.ask({"ask": "place", "key": key})
        return default if value is None else int(value)

    def scorer(self, key: str, default: int = NOWHERE) -> int:
        """A scorer by name, for turn.score()."""
        value = self._engine.ask({"ask": "scorer", "key": key})
        return default if value is None else int(value)

    def file(self, key: str, default: Optional[str] = None) -> Optional[str]:
        """The path of a file, ready to open: relative paths are the scenario's."""
        value = self._engine.ask({"ask": "file", "key": key})
        return default if value is None else str(value)

    def place_named(self, name: str) -> int:
        """NOWHERE when the scenario has none."""
        return self.places.index(name) if name in self.places else NOWHERE

    def scorer_named(self, name: str) -> int:
        """NOWHERE when the scenario has none."""
        return self.scorers.index(name) if name in self.scorers else NOWHERE

    def quantile(self, signal: str, q: float) -> float:
        """The q-quantile of "prompt_tokens", a feature or a scorer over the train split."""
        return _real(self._engine.ask({"ask": "quantile", "signal": signal, "q": q}))


Part = Tuple[int, int, float]              # place, last layer (0: to the last), exit head surer than this ends (0: none)


class Turn:
    """One call of the policy: what has happened, what may be known, and the steps that may be asked for."""

    __slots__ = ("event", "request", "seat", "_engine", "_record", "_number", "_given", "_view", "_steps", "_end")

    prompt = PROMPT                         # the text of the request's prompt

    def __init__(self, engine: "_Engine", event: Event, number: int, record: "_Record", seat: Any, given: Any) -> None:
        self.event = event
        self.request: Any = record.state    # kept for this request; see Policy.Request
        self.seat = seat                    # kept for this seat
        self._engine = engine
        self._record = record
        self._number = number
        self._given = given                 # the view, not read yet
        self._view: Optional[View] = None
        self._steps = ""                    # each behind a comma
        self._end = ""

    @property
    def view(self) -> View:
        """What the seat may know."""
        if self._view is None:
            given = self._engine.decode(self._given) if isinstance(self._given, bytes) else self._given
            self._view = View(self._engine, given, self._record.features)
        return self._view

    @property
    def session(self) -> Any:
        """Kept for this request's session; None: it is of none."""
        return self._engine.session_of(self.view.session) if self.event.kind else None

    def _step(self, text: str) -> int:
        self._steps += text
        self._record.steps += 1
        return self._record.steps

    # ---- steps: each returns the number by which its event will name it

    def write(self, at: int, source: int, *, tokens: int = 0, show: bool = False, patience: float = 0.0, stop_below: float = 0.0,
              temperature: float = 0.0, samples: int = 0, parts: Sequence[Part] = ()) -> int:
        """Write on from the text `source`.  Defaults: to the end, the whole model, greedy, not shown, waits.

        tokens: at most so many.  show: stream to the user (shown text is final).  patience: fails as late unless the
        first token is there in so many s.  stop_below: stop after a token less probable.  samples: so many, voted on.
        parts: one model over several places, token by token (`at` is not looked at)."""
        text = ',{"write":{"at":%d,"from":%d' % (at, source)
        if tokens:
            text += ',"tokens":%d' % tokens
        if show:
            text += ',"show":true'
        if patience:
            text += ',"patience":' + _number(patience)
        if stop_below:
            text += ',"stop_below":' + _number(stop_below)
        if temperature:
            text += ',"temperature":' + _number(temperature)
        if samples:
            text += ',"samples":%d' % samples
        if parts:
            text += ',"parts":[' + ",".join('{"at":%d,"to_layer":%d,"exit_above":%s}' % (p, to, _number(sure)) for p, to, sure in parts) + "]"
        return self._step(text + "}}")

    def verify(self, at: int, base: int, draft: int) -> int:
        """`draft` continues `base`."""
        return self._step(',{"verify":{"at":%d,"base":%d,"draft":%d}}' % (at, base, draft))

    def score(self, at: int, scorer: int, text: int) -> int:
        return self._step(',{"score":{"at":%d,"scorer":%d,"text":%d}}' % (at, scorer, text))

    def send(self, at: int, text: int) -> int:
        return self._step(',{"send":{"at":%d,"text":%d}}' % (at, text))

    def wait(self, seconds: float) -> int:
        return self._step(',{"wait":{"seconds":%s}}' % _number(seconds))

    def show(self, text: int) -> None:
        """What follows, and the answer, must begin with it."""
        self._steps += ',{"show":{"text":%d}}' % text

    def cancel(self, step: int) -> None:
        """Its event won't come; takes effect when the word arrives there, and what was done is paid as waste."""
        self._steps += ',{"cancel":{"step":%d}}' % step

    # ---- the end: exactly one of these, once a request.  Steps in flight are cancelled.

    def answer(self, text: int) -> None:
        self._finish(',"answer":%d' % text)

    def give_up(self, why: str) -> None:
        self._finish(',"give_up":' + json.dumps(why))

    def _finish(self, text: str) -> None:
        if self._end:
            raise ValueError("a request ends once: answer() or give_up() was called before")
        self._end = text

    # ---- questions

    def begins(self, whole: int, beginning: int) -> bool:
        """Does the one begin with the other?  False when the seat doesn't hold both."""
        return bool(self._ask('"begins","whole":%d,"beginning":%d' % (whole, beginning)))

    def fits(self, text: int) -> bool:
        """Does it begin with all that was shown, as an answer must?"""
        return bool(self._ask('"fits","text":%d' % text))

    def chance(self, index: int = 0) -> float:
        """A draw in [0, 1), this request's own; `index` (0..255) tells draws apart."""
        return _unit(self._engine.chance, (self._number << 8) + (index & 255))

    def truth_quality(self, place: int) -> float:
        """The quality that `place` alone would reach.  Needs "truth", which stars the policy in every table."""
        return _real(self._ask('"truth_quality","at":%d' % place))

    def truth_length(self, place: int) -> int:
        """The length in tokens of its answer.  Needs "truth"."""
        return int(self._ask('"truth_length","at":%d' % place))

    def _ask(self, question: str) -> Any:
        steps = ',"steps":[%s]' % self._steps[1:] if self._steps else ""
        self._steps = ""                    # they are done before the question is looked at
        return self._engine.exchange('{"ask":' + question + steps + "}\n")["value"]

    def _line(self) -> str:
        if self._steps:
            return '{"steps":[' + self._steps[1:] + "]" + self._end + "}\n"
        return "{" + self._end[1:] + "}\n"


def _number(value: Number) -> str:
    if not math.isfinite(value):
        raise ValueError("a step's number must be finite")
    return repr(float(value))               # reads back as the same double


_MASK = (1 << 64) - 1


def _unit(key: int, index: int) -> float:
    """splitmix64 of a key and an index, as a number in [0, 1): the draw that duo_chance() of policy.h makes."""
    x = ((key ^ index) + 0x9E3779B97F4A7C15) & _MASK
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & _MASK
    return ((x ^ (x >> 31)) >> 11) * 2.0 ** -53


class Policy:
    """A policy.  Override `next`, and what else it needs."""

    name: str = ""                          # the class's, in lower case
    about: str = ""
    seat: str = "device"                    # or "gateway"
    needs: Sequence[str] = ()               # of confidence, agreement, exits, time, truth
    think: float = 0.0                      # s of simulated time that a call costs; the wall clock is never charged
    patience: float = 30.0                  # s of the wall clock after which a call counts as hung
    Request: Type[Any] = State              # of what a request's state is; so for sessions and seats
    Session: Type[Any] = State
    Seat: Type[Any] = State

    def init(self, parameters: Parameters) -> None:
        """Once, before the run: read the parameters, load weights, raise Refused."""

    def next(self, turn: Turn) -> None:
        """A request has arrived, or a step has ended."""
        raise NotImplementedError

    def feedback(self, turn: Turn, score: float) -> None:
        """Late and rare, after the end: how good the answer was.  May ask for nothing."""

    def tick(self, turn: Turn) -> None:
        """Periodic, at the seat.  May ask for nothing."""


class _Record:
    __slots__ = ("state", "steps", "features")

    def __init__(self, state: Any) -> None:
        self.state = state
        self.steps = 0
        self.features: Sequence[float] = ()


_NO_EVENT: Dict[str, Any] = {"kind": ""}
_VIEW = b',"view":'                         # the last key of a call's line


class _Engine:
    """Speaks the protocol of policies/PIPE.md on two file descriptors."""

    def __init__(self, source: int, sink: int) -> None:
        self._readline = open(source, "rb", buffering=1 << 16, closefd=False).readline
        self._sink = sink
        self._scan = getattr(json.JSONDecoder(), "scan_once")
        self.requests: Dict[int, _Record] = {}
        self.sessions: Dict[int, Any] = {}
        self.seats: Dict[int, Any] = {}
        hello = self.read()
        if hello is None:
            raise SystemExit(0)
        if hello.get("duosim_pipe") != PROTOCOL:
            raise SystemExit("duosim_policy.py speaks version %d of the protocol, duosim %s" % (PROTOCOL, hello.get("duosim_pipe")))
        self.hello = hello
        self.places: List[Mapping[str, Any]] = hello["places"]
        self.devices: List[Mapping[str, Any]] = hello["devices"]
        self.chance = int(hello["chance"])
        self.policy = Policy()

    # ---- lines

    def decode(self, line: bytes) -> Any:
        return self._scan(line.decode(), 0)[0]

    def read(self) -> Any:
        line = self._readline()
        return self.decode(line) if line.endswith(b"\n") else None

    def send(self, line: str) -> None:
        data = line.encode()
        sent = os.write(self._sink, data)
        while sent < len(data):
            data = data[sent:]
            sent = os.write(self._sink, data)

    def exchange(self, line: str) -> Any:
        self.send(line)
        reply = self.read()
        if reply is None:
            raise SystemExit(0)             # the run is over: it was ended while we asked
        return reply

    def ask(self, question: Mapping[str, Any]) -> Any:
        return self.exchange(json.dumps(question) + "\n")["value"]

    # ---- what is kept

    def session_of(self, number: int) -> Any:
        if number < 0:
            return None
        session = self.sessions.get(number)
        if session is None:
            session = self.sessions[number] = self.policy.Session()
        return session

    def _seat_of(self, number: int) -> Any:
        seat = self.seats.get(number)
        if seat is None:
            seat = self.seats[number] = self.policy.Seat()
        return seat

    def _forget(self, m: Mapping[str, Any]) -> None:
        for number in m.get("requests_over", ()):
            self.requests.pop(number, None)
        for number in m.get("sessions_over", ()):
            self.sessions.pop(number, None)

    # ---- calls

    def declare(self) -> None:
        policy, kind = self.policy, type(self.policy)
        said: Dict[str, Any] = {"name": policy.name or kind.__name__.lower(), "about": policy.about, "seat": policy.seat,
                                "needs": list(policy.needs), "think": policy.think, "patience": policy.patience,
                                "calls": [c for c in ("feedback", "tick") if getattr(kind, c) is not getattr(Policy, c)]}
        self.send(json.dumps({"policy": said}) + "\n")

    def serve(self) -> None:
        readline, decode, requests, policy, features = self._readline, self.decode, self.requests, self.policy, self.hello["features"]
        while True:
            line = readline()
            if not line.endswith(b"\n"):
                return
            cut = line.find(_VIEW)
            m = decode(line[:cut] + b"}")
            if "requests_over" in m or "sessions_over" in m:
                self._forget(m)
            number = m.get("request", -1)
            record = requests.get(number)
            if record is None:
                record = _Record(policy.Request())
                if number >= 0:
                    requests[number] = record
            turn = Turn(self, Event(m.get("event", _NO_EVENT)), number, record, self._seat_of(m["seat"]), line[cut + len(_VIEW):-2])
            if features and not record.features:
                record.features = [_real(x) for x in turn.view._given.get("features", ())]
                turn.view._features = record.features
            try:
                self._call(policy, m, turn)
            except Exception:
                print("in %s (%s, request %s):" % (m["call"], turn.event.kind or "no event", number), file=sys.stderr)
                raise
            self.send(turn._line())

    def _call(self, policy: Policy, m: Mapping[str, Any], turn: Turn) -> None:
        call = m["call"]
        if call == "next":
            policy.next(turn)
        elif call == "feedback":
            policy.feedback(turn, _real(m["score"]))
        elif call == "tick":
            policy.tick(turn)


def _own_ends() -> Tuple[int, int]:
    """The pipes, out of the way of print() and input(): stdout is stderr from here on, stdin is empty."""
    sys.stdout.flush()
    source, sink = os.dup(0), os.dup(1)
    os.dup2(2, 1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    sys.stdout = sys.stderr
    return source, sink


def serve(policy: Union[Policy, Type[Policy]]) -> None:
    """Be the policy for the simulator at the other end of stdin and stdout; returns when the run is over.

    Does nothing when the file is imported instead of run."""
    if sys._getframe(1).f_globals.get("__name__") != "__main__":
        return
    if sys.stdin.isatty():
        raise SystemExit('this is a policy for duosim, which starts it: duosim run SCENARIO --policy "pipe:python3 %s"' % sys.argv[0])
    engine = _Engine(*_own_ends())
    engine.policy = policy() if isinstance(policy, type) else policy
    try:
        engine.policy.init(Parameters(engine))
    except Refused as refused:
        engine.send(json.dumps({"refuse": str(refused), "key": refused.key}) + "\n")
        return
    engine.declare()
    gc.collect()
    gc.freeze()                             # what was loaded stays
    gc.set_threshold(50000, 20, 100)        # a turn leaves no cycles of ours
    engine.serve()


# ---------------------------------------------------------------- for notebooks

Row = Dict[str, Any]


class DuosimError(RuntimeError):
    """What duosim said, and its exit code: 2 bad input, 3 a run failed (`rows` has the others), 4 out of resources."""

    def __init__(self, message: str, code: int, rows: Sequence[Row] = ()) -> None:
        super().__init__(message)
        self.code = code
        self.rows = list(rows)


class Rows(List[Row]):
    """One dict a variant and policy: the keys that `duosim run --json` prints (`man duosim`); None: not known.

    pandas.DataFrame(rows) is a table."""

    held: bool = True                       # what the scenario expects
    messages: str = ""                      # what duosim said beside


def _program() -> str:
    named = os.environ.get("DUOSIM", "")
    if named:
        found = shutil.which(named)
        if not found:
            raise DuosimError("DUOSIM=%s: no such program" % named, 2)
        return found
    found = shutil.which("duosim")
    if not found:
        raise DuosimError("duosim is not in PATH: install it, or let the environment variable DUOSIM name the program", 2)
    return found


def _call(words: Sequence[str], accepted: Iterable[int]) -> Rows:
    done = subprocess.run([_program(), *words, "--json"], stdin=subprocess.DEVNULL, capture_output=True, text=True)
    rows = Rows(json.loads(done.stdout) if done.stdout.strip() else [])
    rows.messages = done.stderr
    if done.returncode not in accepted:
        raise DuosimError(_said(done.stderr) or "duosim ended with exit code %d" % done.returncode, done.returncode, rows)
    rows.held = done.returncode == 0
    return rows


def _said(stderr: str) -> str:
    start = ("\n" + stderr).rfind("\n{")                     # its last word is an object, {"error": {...}}
    try:
        e = json.loads(stderr[start:])["error"]
    except (ValueError, LookupError, TypeError):
        return "\n".join(stderr.strip().splitlines()[-5:])
    where = ":".join(str(e[k]) for k in ("file", "line", "column") if e.get(k))
    return where + ": " + str(e["message"]) if where else str(e["message"])


def _quoted(word: str) -> str:
    if "'" in word and '"' in word:
        raise ValueError("a word of a command can't hold both kinds of quotes: %s" % word)
    if word and not any(c in word for c in " \t\n,'\""):
        return word
    return '"%s"' % word if "'" in word else "'%s'" % word


def _policy_text(policy: Union[str, "os.PathLike[str]", Mapping[str, Any]]) -> str:
    """"cascade:floor=0.9" stays; "my.py" is a pipe; {"use" or "pipe": ..., "as": ..., parameters} is both, spelled out."""
    if not isinstance(policy, Mapping):
        text = os.fspath(policy)
        return "pipe:%s %s" % (_quoted(sys.executable), _quoted(text)) if text.endswith(".py") and not text.startswith("pipe:") else text
    rest = {k: v for k, v in policy.items() if k not in ("use", "pipe")}
    pairs = ",".join("%s=%s" % pair for pair in rest.items())
    if any("," in str(v) for v in rest.values()):
        raise ValueError("a parameter's value can't hold a comma: %s" % pairs)
    if "pipe" in policy:
        command = policy["pipe"]
        words = shlex.split(command) if isinstance(command, str) else [os.fspath(w) for w in command]
        return "pipe:" + " ".join(_quoted(w) for w in words) + ("," + pairs if pairs else "")
    return str(policy["use"]) + (":" + pairs if pairs else "")


def run(scenario: Union[str, "os.PathLike[str]"], policies: Sequence[Union[str, "os.PathLike[str]", Mapping[str, Any]]] = (),
        set: Union[Mapping[str, Any], Sequence[str]] = (), *, only: Sequence[str] = (), seed: Union[int, str, None] = None,
        out: Union[str, "os.PathLike[str]", None] = None, options: Sequence[str] = ()) -> Rows:
    """Run a scenario (a file, or the name of one that ships) and return its rows.

    policies: added to the scenario's: "cascade:floor=0.9,as=strict", "my_router.py", {"use": "cascade", "floor": 0.9}.
    set: {"cells.rtt": "90 ms"}.  only: labels to keep.  out: where the database is to stay (it is dropped otherwise).
    options: more of duosim run's.  Raises DuosimError; rows.held says whether the scenario's expect block was met."""
    pairs = ["%s=%s" % pair for pair in set.items()] if isinstance(set, Mapping) else list(set)
    words = ["run", os.fspath(scenario)]
    for policy in policies:
        words += ["--policy", _policy_text(policy)]
    for pair in pairs:
        words += ["--set", pair]
    for label in only:
        words += ["--only", label]
    if seed is not None:
        words += ["--seed", str(seed)]
    if out is not None:
        return _call([*words, *options, "--out", os.fspath(out)], (0, 1))
    with tempfile.TemporaryDirectory(prefix="duosim-") as folder:
        return _call([*words, *options, "--out", os.path.join(folder, "run.db")], (0, 1))


def read(database: Union[str, "os.PathLike[str]"], *, options: Sequence[str] = ()) -> Rows:
    """The rows of a database that an earlier run wrote.  options: more of duosim table's."""
    return _call(["table", os.fspath(database), *options], (0,))


def main() -> NoReturn:
    raise SystemExit("duosim_policy is a module for policies of duosim: see its text, or policies/PIPE.md")


if __name__ == "__main__":
    main()
