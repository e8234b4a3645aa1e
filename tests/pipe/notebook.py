"""notebook.py SCENARIO PYTHON_FOLDER WORK - run() and read() of duosim_policy.py.  Prints what fails, then how many passed."""
import os
import shutil
import sys

from duosim_policy import DuosimError, read, run

scenario, folder, work = sys.argv[1:4]
passed = 0
world = {"policies": "[edge_only]", "seed": 1, "arrivals.requests": 20}


def check(condition, what):
    global passed
    if not condition:
        sys.exit("failed: " + what)
    passed += 1


def fails(code, words, call):
    try:
        call()
    except DuosimError as error:
        check(error.code == code and words in str(error), "code %d with \"%s\"; got %d: %s" % (code, words, error.code, error))
        return error
    sys.exit("failed: no error with \"%s\"" % words)


cascade = os.path.join(folder, "cascade.py")
odd = os.path.join(work, "a name, with 'all of it")
os.makedirs(odd, exist_ok=True)
shutil.copy(os.path.join(folder, "cascade.py"), odd)
rows = run(scenario, [cascade, {"use": "cascade", "as": "builtin", "floor": 0.6}, {"pipe": ["python3", os.path.join(odd, "cascade.py")], "as": "odd", "floor": 0.6}],
           world, out=os.path.join(work, "n.db"))
by = {row["label"]: row for row in rows}
check(sorted(by) == ["builtin", "cascade", "edge_only", "odd"], "labels: %s" % sorted(by))
check(by["odd"]["quality"] == by["builtin"]["quality"] and by["odd"]["e2e_mean"] == by["builtin"]["e2e_mean"], "the same decisions")
check(by["edge_only"]["requests"] == 20 and rows.held, "requests")
again = read(os.path.join(work, "n.db"))
check([r["label"] for r in again] == [r["label"] for r in rows] and again[0]["e2e_mean"] == rows[0]["e2e_mean"], "read()")
check(run(scenario, set=world)[0]["label"] == "edge_only", "no database asked for")
check(run(scenario, set=dict(world, expect="{edge_only.failed: 7}")).held is False, "an expectation that is not held")
fails(2, "did you mean cascade?", lambda: run(scenario, ["cascad"], world))
fails(2, "did you mean floor?", lambda: run(scenario, [{"pipe": [sys.executable, cascade], "flor": 1}], world))
fails(2, "not_there.yaml", lambda: run(os.path.join(work, "not_there.yaml")))
bad = [sys.executable, os.path.join(os.path.dirname(os.path.abspath(__file__)), "bad.py"), "dies"]
error = fails(3, "no such feature", lambda: run(scenario, [{"pipe": bad, "as": "b"}], world))
check([r["label"] for r in error.rows][:1] == ["edge_only"], "rows of the runs that did not fail")
os.environ["DUOSIM"] = os.path.join(work, "no_duosim")
fails(2, "no such program", lambda: read("n.db"))
del os.environ["DUOSIM"]
os.environ["PATH"] = work
fails(2, "not in PATH", lambda: read("n.db"))
print(passed)
