#!/bin/sh
# runtests.sh - the same set-up as quickstart.sh, then every test, on every kind of build.
# Last line: "N passed, N failed, N skipped"; exit 1 when any failed or none passed.
set -u
cd "$(dirname "$0")" || exit 2
. tests/setup.sh
. tests/suites.sh

install=yes
only=
for argument in "$@"; do
    case $argument in
    --no-install) install=no ;;
    --quick) only=quick ;;
    -h|--help)
        echo 'sh runtests.sh [--no-install] [--quick]
Builds and tests: gcc; gcc with AddressSanitizer and UndefinedBehaviorSanitizer; clang, whose results must be the same
bytes; without SimGrid.  Real data are used where DUOSIM_DATA points to them, and skipped in words where it does not.
  --no-install   say what is missing instead of installing it
  --quick        the first build only'
        exit 0 ;;
    *) echo "runtests.sh: unknown option $argument (--no-install, --quick or --help)" >&2; exit 2 ;;
    esac
done

setup_packages "$install" clang:clang || exit
suites_begin

if suite_build build -Ddebug=false; then
    suite_tests  build
    suite_script build layers sh tests/layers.sh
    suite_script build docs sh tests/docs.sh build/duosim
    suite_script build models sh tests/models.sh build/duosim
    suite_script build pair sh tests/pair.sh build/duosim
    suite_script build validate sh tests/validate.sh build/duosim
    suite_script build outside sh tests/outside/run.sh build
    suite_script build record sh tests/record.sh build/duosim
    suite_script build servers sh tests/endpoint.sh build/duosim
    suite_script build conformance sh tests/conformance/run.sh build
    suite_script build pipe sh tests/pipe/run.sh build
    suite_script build golden sh tests/golden/run.sh build/duosim
    suite_script build replay sh tests/golden/replay.sh build/duosim build/tests/conformance/dump
    suite_script build check sh tests/check.sh build/duosim build
    suite_script build bad-input sh tests/bad/run.sh build/duosim build
fi
if [ "$only" != quick ]; then
    suite_script neon kernels sh tests/neon.sh
    if suite_build build-asan -Dsanitize=true -Doptimization=1 --werror; then
        suite_tests  build-asan
        suite_script build-asan golden sh tests/golden/run.sh build-asan/duosim quickstart
        suite_script build-asan pipe sh tests/pipe/run.sh build-asan
        suite_script build-asan bad-input sh tests/bad/run.sh build-asan/duosim build-asan
    fi
    if suite_build build-fluid -Dsimgrid=disabled -Ddebug=false --werror; then
        suite_tests  build-fluid
        suite_script build-fluid golden sh tests/golden/run.sh build-fluid/duosim quickstart
    fi
    if ! have_command clang; then
        suite_skip build-clang "clang is not here"
    elif CC=clang CXX=clang++ suite_build build-clang -Ddebug=false --werror; then
        suite_script build-clang same-bytes sh tests/golden/same.sh build/duosim build-clang/duosim build/tests/conformance/dump
    fi
fi
suites_end
