"""bad.py MODE - a pipe policy written on the bare protocol: answers as edge_only does until its third call, then does what
MODE says; modes that begin with start_ do it instead of declaring themselves."""
import json
import os
import signal
import sys
import time

mode = sys.argv[1]


def say(line):
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def end():
    for line in sys.stdin:          # until the simulator has had enough
        pass
    sys.exit(0)


START = {
    "start_garbage": "Loading the weights ...",
    "start_key": '{"policy":{"seats":"device"}}',
    "start_seat": '{"policy":{"seat":"cloud"}}',
    "start_need": '{"policy":{"needs":["confidense"]}}',
    "start_think": '{"policy":{"think":-1}}',
    "start_steps": '{"steps":[]}',
    "start_ask": '{"ask":"nummber","key":"floor"}',
    "start_refuse": '{"refuse":"expected something else","key":"floor"}',
}

hello = json.loads(sys.stdin.readline())
if mode == "start_dies":
    raise RuntimeError("no weights here")
if mode in START:
    say(START[mode])
    end()
say('{"policy":{"parameters":["floor"],"patience":%s}}' % ("0.3" if mode == "hangs" else "20"))

EVIL = {
    "garbage": "thinking ...",
    "number": "7",
    "cut": '{"steps":[',
    "infinite": '{"steps":[{"wait":{"seconds":NaN}}]}',
    "large": '{"steps":[{"wait":{"seconds":1e999}}]}',
    "twice": '{"answer":1,"answer":1}',
    "both": '{"answer":1,"give_up":"no"}',
    "key": '{"anwser":1}',
    "step": '{"steps":[{"wrte":{"at":0,"from":1}}]}',
    "missing": '{"steps":[{"write":{"at":0}}]}',
    "type": '{"steps":[{"write":{"at":"cloud","from":1}}]}',
    "fraction": '{"steps":[{"write":{"at":0.5,"from":1}}]}',
    "text": '{"answer":99}',
    "place": '{"steps":[{"write":{"at":77,"from":1}}]}',
    "scorer": '{"steps":[{"score":{"at":0,"scorer":5,"text":1}}]}',
    "cancel": '{"steps":[{"cancel":{"step":50}}]}',
    "idle": "{}",
    "truth": '{"ask":"truth_quality","at":1}',
    "ask": '{"ask":"weather"}',
    "late": '{"answer":1,"steps":[{"write":{"at":0,"from":1}},{"show":{"text":9}}]}',
}

for n, line in enumerate(sys.stdin):
    message = json.loads(line)
    event = message.get("event", {})
    if n >= 2:
        if mode in EVIL:
            say(EVIL[mode])
            end()
        if mode == "dies":
            raise KeyError("no such feature")
        if mode == "exits":
            sys.exit(7)
        if mode == "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        if mode == "crash":
            os.kill(os.getpid(), signal.SIGSEGV)
        if mode == "hangs":
            time.sleep(1000)
        if mode == "closes":
            os.close(1)
            time.sleep(1000)
        if mode == "floods":
            while True:
                os.write(1, b"x" * 65536)
    if mode == "words":
        print("word " * 200, file=sys.stderr)
    if event.get("kind") == "arrived":
        say('{"steps":[{"write":{"at":0,"from":1,"show":true}}]}' + ("\n{}" if mode == "lines" else ""))
    elif event.get("kind") == "written":
        say('{"answer":%d}' % event["text"])
    else:
        say('{"give_up":"%s"}' % event.get("why"))
if mode == "last":
    say("{}")                       # one line more than it was asked for, at the very end
