# layers.sh [ROOT] - who may include whom.  Prints file:line of what breaks a rule; last line as every test's.
#
# (1) What the project includes of itself is written from the root, and is there.
# (2) policies/: policies/policy.h, <math.h>, <string.h>, <stdint.h>; policies/oracle/ also policies/truth.h.
# (3) models/, traces/, analysis/: their own room and sim/base/; models/answers/ also traces/outcomes/.
# (4) sim/base/: itself alone.
# (5) sim/app/ is included by itself alone.
# (6) Only sim/net_simgrid.cpp names SimGrid.
# Without ROOT the rules are tried first on files that break each of them.
LC_ALL=C
export LC_ALL

# check ROOT: breaches, then one line "files includes breaches".
check() {
    (cd "$1" && find policies models traces analysis sim tests -type f \( -name '*.c' -o -name '*.h' -o -name '*.cpp' \) 2>/dev/null |
        LC_ALL=C sort | xargs awk '
        function breach(why) { print FILENAME ":" FNR ": " why; breaches++ }
        function begins(text, with) { return substr(text, 1, length(with)) == with }
        function own(room) { if (!begins(path, room "/") && !begins(path, "sim/base/")) breach(room "/ may not include " path) }
        FNR == 1 { files++; file = FILENAME; header = (file == "policies/policy.h" || file == "policies/truth.h") }
        file != "sim/net_simgrid.cpp" && /simgrid::|<simgrid\/|<xbt|[^a-z_]sg_[a-z]/ { breach("only sim/net_simgrid.cpp may name SimGrid") }
        !/^[ \t]*#[ \t]*include[ \t]*[<"]/ { next }
        {
            includes++
            path = $0
            sub(/^[ \t]*#[ \t]*include[ \t]*/, "", path)
            system_one = begins(path, "<")
            path = substr(path, 2)
            sub(/[>"].*/, "", path)
        }
        begins(file, "policies/") && !header {
            good = system_one && (path == "math.h" || path == "string.h" || path == "stdint.h")
            good = good || !system_one && path == "policies/policy.h"
            good = good || !system_one && path == "policies/truth.h" && begins(file, "policies/oracle/")
            if (!good) breach("a policy may not include " path)
        }
        system_one { next }
        path == "policies/policies.def" { next }    # made from the list in policies/meson.build
        (getline unused < path) < 0 { breach(path " is not there, seen from the root") }
        { close(path) }
        begins(file, "models/answers/") && begins(path, "traces/outcomes/") { next }
        begins(file, "models/")   { own("models") }
        begins(file, "traces/")   { own("traces") }
        begins(file, "analysis/") { own("analysis") }
        begins(file, "sim/base/") && !begins(path, "sim/base/") { breach("sim/base/ may not include " path) }
        begins(path, "sim/app/") && !begins(file, "sim/app/")   { breach("nothing outside includes sim/app/") }
        END { print files + 0, includes + 0, breaches + 0 }')
}

# Every include of this tree but the first file breaks a rule: 9 breaches.
try_rules() {
    tree=$(mktemp -d) || exit 2
    mkdir -p "$tree/policies/router" "$tree/policies/oracle" "$tree/models/cost" "$tree/traces" "$tree/analysis" "$tree/sim/base" "$tree/sim/app"
    for file in policies/policy.h policies/truth.h sim/clock.h sim/base/err.h sim/app/app.h models/cost/cost.h; do : >"$tree/$file"; done
    printf '#include "policies/policy.h"\n#include "policies/truth.h"\n#include <math.h>\n' >"$tree/policies/oracle/good.c"
    printf '#include <stdio.h>\n#include "policies/truth.h"\n' >"$tree/policies/router/bad.c"
    echo '#include "sim/clock.h"'          >"$tree/models/cost/bad.c"
    echo '#include "models/cost/cost.h"'   >"$tree/traces/bad.c"
    echo '#include "sim/clock.h"'          >"$tree/analysis/bad.c"
    echo '#include "sim/clock.h"'          >"$tree/sim/base/bad.c"
    echo '#include "sim/app/app.h"'        >"$tree/sim/bad.c"
    echo '#include "clock.h"'              >"$tree/sim/bad2.c"
    echo '#include <simgrid/s4u.hpp>'      >"$tree/sim/bad3.cpp"
    caught=$(check "$tree" | tail -n 1)
    rm -rf "$tree"
    [ "$caught" = "9 12 9" ] && return 0
    echo "tests/layers.sh: failed: the rules catch (files, includes, breaches) $caught, want 9 12 9"
    return 1
}

if [ $# -gt 0 ]; then root=$1; else root=$(dirname "$0")/..; fi
passed=0 failed=0
if [ $# -eq 0 ]; then
    if try_rules; then passed=1; else failed=1; fi
fi
found=$(check "$root")
echo "$found" | sed '$d'
# shellcheck disable=SC2046
set -- $(echo "$found" | tail -n 1)
echo "$(($2 - $3 + passed)) passed, $(($3 + failed)) failed, 0 skipped"
[ "$3" -eq 0 ] && [ "$failed" -eq 0 ] && [ "$2" -gt 0 ]
