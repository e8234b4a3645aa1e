"""transcript.py [--update] DOCUMENT RECORD COMMAND... - the block ```transcript of the document against what was recorded, and
against what COMMAND says to the simulator's lines in it.

(1) The policy's lines are the same, letter by letter.
(2) The simulator's are the same but for its version and for fractions, which hang on constants that may be measured better.
(3) COMMAND, given the simulator's lines of the document, writes the policy's lines of the document."""
import json
import subprocess
import sys


def block(text):
    start = text.index("```transcript\n") + len("```transcript\n")
    return start, text.index("```\n", start)


def plain(value):
    if isinstance(value, float):
        return "fraction"
    if isinstance(value, dict):
        return {k: "any" if k == "duosim" else plain(v) for k, v in value.items()}
    return [plain(v) for v in value] if isinstance(value, list) else value


def alike(one, other):
    return one == other or (one.startswith("> ") and other.startswith("> ") and plain(json.loads(one[2:])) == plain(json.loads(other[2:])))


if sys.argv[1] == "--update":
    with open(sys.argv[2]) as f:
        text = f.read()
    begin, end = block(text)
    with open(sys.argv[3]) as f, open(sys.argv[2], "w") as out:
        out.write(text[:begin] + f.read() + text[end:])
    sys.exit(0)

with open(sys.argv[1]) as f:
    text = f.read()
begin, end = block(text)
shown = text[begin:end].splitlines()
with open(sys.argv[2]) as f:
    said = f.read().splitlines()
for one, other in zip(shown, said):
    if not alike(one, other):
        sys.exit("the document has\n  %s\nand it was said\n  %s" % (one, other))
if len(shown) != len(said):
    sys.exit("the document has %d lines, and %d were said" % (len(shown), len(said)))
ours = "".join(line[2:] + "\n" for line in shown if line.startswith("> "))
theirs = "".join(line[2:] + "\n" for line in shown if line.startswith("< "))
answer = subprocess.run(sys.argv[3:], input=ours, capture_output=True, text=True).stdout
if answer != theirs:
    sys.exit("the policy says\n%s\nand in the document\n%s" % (answer, theirs))
