"""record.py FILE COMMAND... - stands between the simulator and a pipe policy and writes down what each says: "> " before the
simulator's lines, "< " before the policy's."""
import subprocess
import sys

with open(sys.argv[1], "w") as record:
    child = subprocess.Popen(sys.argv[2:], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    for line in sys.stdin:
        record.write("> " + line)
        child.stdin.write(line)
        child.stdin.flush()
        said = child.stdout.readline()
        record.write("< " + said)
        record.flush()
        sys.stdout.write(said)
        sys.stdout.flush()
    child.stdin.close()
    child.wait()
