#!/bin/sh
# quickstart.sh - from a fresh clone to a table and a figure: installs what is missing, builds, runs.
set -u
cd "$(dirname "$0")" || exit 2
. tests/setup.sh

install=yes
for argument in "$@"; do
    case $argument in
    --no-install) install=no ;;
    -h|--help)
        echo 'sh quickstart.sh [--no-install]
Installs what is missing by apt-get (SimGrid, GSL, SQLite, libyaml, jansson, libcurl,
gnuplot, a compiler, meson), builds into build/,
runs scenarios/quickstart.yaml and prints its table; leaves quickstart.db and figures in quickstart/.
  --no-install   say what is missing instead of installing it'
        exit 0 ;;
    *) echo "quickstart.sh: unknown option $argument (--no-install or --help)" >&2; exit 2 ;;
    esac
done

setup_packages "$install" || exit
build_only=duosim                   # the program; the tests are runtests.sh's
setup_build build -Ddebug=false || exit
build/duosim run quickstart --out quickstart.db || exit
if have_command gnuplot; then
    build/duosim plot quickstart.db --out quickstart >/dev/null || exit
    printf '\nFigures: quickstart/    '
else
    build/duosim plot quickstart.db tradeoff || exit
    echo
fi

cat <<'TEXT'
Database: quickstart.db (any SQLite reader; columns in analysis/SCHEMA.md)
Next, to copy:
  build/duosim scenarios quickstart > mine.yaml && build/duosim run mine.yaml
  build/duosim run quickstart --set cells.rtt='150 ms' --out slow.db
  sed s/TEMPLATE/mine/g policies/TEMPLATE.c > mine.c && cc -shared -fPIC -I. -o mine.so mine.c && build/duosim run quickstart --policy ./mine.so --out mine.db
TEXT
