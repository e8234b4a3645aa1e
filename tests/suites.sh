# suites.sh - run test programs, keep their output, add up their last lines.  Sourced by runtests.sh.
#
# (1) A test program's last line is "N passed, N failed, N skipped".  One that ends otherwise, or with an exit code
#     that its line doesn't explain, counts as one failure more, so that a crash can't pass.
# (2) Output is shown of what failed and of nothing else; what was skipped says why, in one line each.

suites_begin() {
    logs=$(mktemp -d) || exit 2
    trap 'rm -rf "$logs"' EXIT
    trap 'exit 130' INT TERM
    passed=0 failed=0 skipped=0
    DUOSIM_SOURCE=$PWD
    # A policy's SIGSEGV is part of the tests; SimGrid keeps its engine to the end.
    ASAN_OPTIONS=handle_segv=0:handle_abort=0:handle_sigfpe=0:detect_stack_use_after_return=0
    UBSAN_OPTIONS=print_stacktrace=1
    LSAN_OPTIONS=suppressions=$PWD/tests/lsan.supp:print_suppressions=0
    export DUOSIM_SOURCE ASAN_OPTIONS UBSAN_OPTIONS LSAN_OPTIONS
}

# count TITLE LOG STATUS SECONDS
count() {
    line=$(tail -n 1 "$2")
    # shellcheck disable=SC2086  # the line is split on purpose
    set -- "$1" "$2" "$3" "$4" $line
    if [ $# -eq 10 ] && [ "$6$8${10}" = passed,failed,skipped ]; then
        p=$5 f=$7 s=$9
    else
        p=0 f=0 s=0
    fi
    [ "$p" -ge 0 ] 2>/dev/null && [ "$f" -ge 0 ] 2>/dev/null && [ "$s" -ge 0 ] 2>/dev/null || p=0 f=0 s=0
    if [ $((p + f + s)) -eq 0 ] || { [ "$f" -eq 0 ] && [ "$3" -ne 0 ]; }; then
        f=$((f + 1))
        echo "(exit $3; its last line doesn't explain it)" >>"$2"
    fi
    passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
    printf '%-44s %5d passed, %d failed, %d skipped (%s s)\n' "$1" "$p" "$f" "$s" "$4"
    if [ "$f" -gt 0 ]; then
        grep 'failed: ' "$2" | head -n 40 | sed 's/^/    /'
        echo '    the end of what it printed:'
        tail -n 20 "$2" | sed 's/^/    /'
    elif [ "$s" -gt 0 ]; then
        grep 'skipped: ' "$2" | sed 's/^/    /'
    fi
}

# suite_build FOLDER MESON_OPTION...: a build that fails is one failure.
suite_build() {
    start=$(date +%s)
    if setup_build "$@"; then
        echo "$1: built in $(($(date +%s) - start)) s"
        return 0
    fi
    failed=$((failed + 1))
    echo "$1: does not build"
    return 1
}

# suite_tests FOLDER: every test program of a build, two at a time.
suite_tests() {
    list=$logs/list
    find "$1/tests" -type f -perm -u+x \( -name 'test_*' -o -name 'law_*' \) ! -name '*.so' | LC_ALL=C sort >"$list"
    xargs -P 2 -n 1 sh tests/one.sh "$logs" <"$list"
    while read -r program; do
        name=$(echo "$program" | tr / _)
        read -r status seconds <"$logs/$name.status"
        count "$program" "$logs/$name.log" "$status" "$seconds"
    done <"$list"
}

# suite_script FOLDER TITLE COMMAND...
suite_script() {
    title="$1 $2"
    shift 2
    start=$(date +%s)
    "$@" >"$logs/script.log" 2>&1
    status=$?
    count "$title" "$logs/script.log" "$status" "$(($(date +%s) - start))"
}

suite_skip() {
    skipped=$((skipped + 1))
    echo "$1 skipped: $2"
}

suites_end() {
    echo "$passed passed, $failed failed, $skipped skipped"
    [ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
    exit
}
