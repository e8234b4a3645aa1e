# run.sh BUILD - policies from outside, built against what `meson install` installs, found by pkg-config.
#
# (1) The built-in cascade's own source, built in C, and a cascade in C++ give the built-in's bytes.
# (2) duosim new policy: the folder builds, its test holds, its policy is the template, in C and in Python; nothing is
#     overwritten; bad names are refused in one line and leave nothing.  So does the installed program.
# (3) duosim policies NAME: what the module's init asks for.
build=$(realpath "$1") || exit 2
cd "$(dirname "$0")/../.." || exit 2
root=$PWD
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
passed=0 failed=0 skipped=0
duosim=$build/duosim dump=$build/tests/conformance/dump

ok()  { passed=$((passed + 1)); }
bad() { failed=$((failed + 1)); echo "outside: failed: $*"; tail -n 5 "$work/log"; }
# is WHAT COMMAND...: it ends with 0.
is() { what=$1; shift; if "$@" >"$work/log" 2>&1; then ok; else bad "$what"; fi; }

is 'meson install' meson install -C "$build" --no-rebuild --destdir "$work/root"
PKG_CONFIG_PATH=$(dirname "$(find "$work/root" -name duosim.pc | head -n 1)")
PKG_CONFIG_SYSROOT_DIR=$work/root
export PKG_CONFIG_PATH PKG_CONFIG_SYSROOT_DIR
flags=$(pkg-config --cflags duosim) || bad "pkg-config does not find duosim"
installed=$(find "$work/root" -type f -name duosim -perm -u+x | head -n 1)

# ---- (1)
cp policies/router/cascade.c tests/outside/cascade.cpp "$work"
mkdir "$work/c" "$work/cpp"
# shellcheck disable=SC2086  # flags are split on purpose
is 'the module in C' "${CC:-cc}" -std=c17 -shared -fPIC -Wall -Wextra -Wpedantic -Werror $flags -o "$work/c/cascade.so" "$work/cascade.c"
# shellcheck disable=SC2086
is 'the module in C++' "${CXX:-c++}" -std=c++20 -shared -fPIC -Wall -Wextra -Wno-missing-field-initializers -Werror $flags -o "$work/cpp/cascade.so" "$work/cascade.cpp"

bytes() {                                   # POLICY: the dump of a run of it as `p`; a module's path counts as the built-in's name
    rm -f "$work/x.db"
    "$duosim" run tests/conformance/base.yaml --net fluid --set "policies=[{ use: $1, as: p, floor: 0.6, patience: 2 s }]" --out "$work/x.db" >"$work/log" 2>&1 &&
        "$dump" "$work/x.db" | sed "s#$1#cascade#"
}
bytes cascade >"$work/built-in"
[ "$(grep -c '^request|' "$work/built-in")" -eq 120 ] && ok || bad "the built-in's run has $(grep -c '^request|' "$work/built-in") requests, want 120"
for language in c cpp; do
    bytes "$work/$language/cascade.so" >"$work/outside"
    if cmp -s "$work/built-in" "$work/outside"; then ok
    else bad "cascade in $language is not the built-in one: $(diff "$work/built-in" "$work/outside" | head -n 2)"; fi
done

# ---- (2)
new() {                                     # PROGRAM LANGUAGE FILE...: its folder
    program=$1 language=$2
    shift 2
    rm -rf "$work/new"
    mkdir "$work/new"
    is "$program new policy mine, $language" sh -c "cd '$work/new' && exec '$program' new policy mine --language $language"
    is "mine/test.sh of $program, $language" env DUOSIM="$program" sh "$work/new/mine/test.sh" --net fluid
    for file in "$@" scenario.yaml test.sh README.md mine.db; do
        [ -s "$work/new/mine/$file" ] && ok || bad "mine/$file is not there"
    done
    grep -rE 'TEMPLATE|NAME|BUILDS|COMMAND|FILES|USE|POLICY($|P)|PARAMETERS' "$work/new/mine" --include='*.md' --include='*.sh' --include='*.yaml' --include=mine.c \
        --include='*.py' >"$work/log" && bad "a blank was not filled in" || ok
}
own() {                                     # POLICY: every request of it
    "$duosim" run tests/conformance/base.yaml --net fluid --set "policies=[$1]" --out "$work/x.db" >"$work/log" 2>&1 && "$dump" "$work/x.db" | grep '^request|'
}
own '{ use: TEMPLATE, as: p, probe: 5 }' >"$work/built-in"
new "$installed" c mine.c policies/policy.h mine.so
new "$duosim" c mine.c policies/policy.h mine.so
own "{ use: $work/new/mine/mine.so, as: p, probe: 5 }" >"$work/outside"
if [ -s "$work/outside" ] && cmp -s "$work/built-in" "$work/outside"; then ok; else bad "mine in C is not the template"; fi
cp -r "$work/new/mine" "$work/before"
if command -v python3 >/dev/null 2>&1; then
    new "$installed" python mine.py
    new "$duosim" python mine.py
    own "{ pipe: [python3, $work/new/mine/mine.py], as: p, probe: 5 }" >"$work/outside"
    if [ -s "$work/outside" ] && cmp -s "$work/built-in" "$work/outside"; then ok; else bad "mine in Python is not the template"; fi
else
    skipped=1
    echo 'outside: skipped: python3 is not here'
fi
rm -rf "$work/new/mine"
cp -r "$work/before" "$work/new/mine"

no() {                                      # TEXT ARGUMENT...: refused in one line, nothing is left
    text=$1
    shift
    rm -rf "$work/none"
    mkdir "$work/none"
    (cd "$work/none" && "$duosim" new "$@") >"$work/out" 2>"$work/log"
    code=$?
    if [ $code -eq 2 ] && [ "$(wc -l <"$work/log")" -eq 1 ] && [ ! -s "$work/out" ] && grep -qF -- "$text" "$work/log" && [ -z "$(ls -A "$work/none")" ]; then ok
    else bad "new $*: exit $code, want 2 and: $text"; fi
}
no 'is no name for a policy'        policy 3mine
no 'is no name for a policy'        policy ../mine
no 'is no name for a policy'        policy a-b
no 'is no name for a policy'        policy ''
no 'is no name for a policy'        policy "$(printf 'x%.0s' $(seq 41))"
no 'there is a policy "cascade"'    policy cascade
no 'there is a policy "mix"'        policy mix
no "the policy's name is missing"   policy
no 'one name at most'               policy a b
no 'what?'
no 'what?'                          scenario mine
no '--language'                     policy mine --language rust
(cd "$work/new" && "$duosim" new policy mine) >"$work/out" 2>"$work/log"
if [ $? -eq 2 ] && grep -q 'mine: is there already' "$work/log" && diff -r "$work/before" "$work/new/mine" >"$work/log"; then ok; else bad "an old folder was touched"; fi

# ---- (3)
for text in 'probe        8          1 to 10000' 'floor        0.8        0 to 1' 'strong       cloud      a place' 'example: { use: ./mine.so, probe: 8, floor: 0.8 }'; do
    if (cd "$work/new/mine" && "$duosim" policies ./mine.so) | tee "$work/log" | grep -qF "$text"; then ok; else bad "policies ./mine.so: $text"; fi
done
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ] && [ "$passed" -gt 20 ]
