# setup.sh - what quickstart.sh and runtests.sh share: find what is missing, install it, build.  Sourced, not run.
#
# (1) What is needed is looked for by what it does (a command, a pkg-config module), so that any system will do;
#     apt-get is called only for what is missing, after saying so, through sudo unless root.
# (2) With install=no, or without apt-get or sudo, what is missing is named and the script ends with 2.
# (3) SimGrid, gnuplot and libcurl are worth having but not needed: without them the fluid model and text plots do the work,
#     and models behind a server can't be recorded.

need_build='cc:gcc c++:g++ meson:meson ninja:ninja-build pkg-config:pkg-config'
need_modules='gsl:libgsl-dev sqlite3:libsqlite3-dev yaml-0.1:libyaml-dev jansson:libjansson-dev'
want_modules='simgrid:libsimgrid-dev libcurl:libcurl4-openssl-dev'
want_commands='gnuplot:gnuplot-nox'

have_command() { command -v "$1" >/dev/null 2>&1; }
have_module()  { pkg-config --exists "$1" 2>/dev/null; }

# look FUNCTION PAIR... : the packages of what FUNCTION doesn't find.
look() {
    look_by=$1
    shift
    for pair in "$@"; do
        "$look_by" "${pair%%:*}" || printf '%s ' "${pair#*:}"
    done
}

# A compiler without the C library's headers can't build anything.
have_headers() { printf '#include <stdio.h>\n' | cc -E -x c - >/dev/null 2>&1; }

as_root() {
    if [ "$(id -u)" -eq 0 ]; then env DEBIAN_FRONTEND=noninteractive "$@"
    else sudo env DEBIAN_FRONTEND=noninteractive "$@"
    fi
}

# install_missing LOG PACKAGE...
install_missing() {
    log=$1
    shift
    if ! have_command apt-get; then
        echo "apt-get isn't here to install it; please install by hand what gives: $*" >&2
        return 2
    fi
    if [ "$(id -u)" -ne 0 ] && ! have_command sudo; then
        echo "neither root nor sudo; please run as root: apt-get install --no-install-recommends $*" >&2
        return 2
    fi
    as_root apt-get install -y -q --no-install-recommends "$@" >"$log" 2>&1 && return 0
    # Package lists are absent or old.
    if as_root apt-get update -q >"$log" 2>&1 &&
       as_root apt-get install -y -q --no-install-recommends "$@" >>"$log" 2>&1; then
        return 0
    fi
    tail -n 15 "$log" >&2
    echo "apt-get could not install: $*" >&2
    return 2
}

# setup_packages INSTALL(yes|no) EXTRA_COMMAND_PAIR...
setup_packages() {
    install=$1
    shift
    # shellcheck disable=SC2086  # lists are split on purpose
    needed="$(look have_command $need_build)$(look have_module $need_modules)"
    have_headers || needed="${needed}libc6-dev "
    # shellcheck disable=SC2086
    wanted="$(look have_module $want_modules)$(look have_command $want_commands "$@")"
    [ -n "$needed$wanted" ] || return 0
    if [ "$install" = no ]; then
        echo "missing, and --no-install was given: $needed$wanted" >&2
        [ -z "$needed" ] || return 2
        echo "going on without $wanted" >&2
        return 0
    fi
    echo "installing with apt-get: $needed$wanted"
    setup_log=$(mktemp)
    # shellcheck disable=SC2086
    install_missing "$setup_log" $needed$wanted
    setup_status=$?
    rm -f "$setup_log"
    [ "$setup_status" -ne 0 ] || return 0
    # (3) A system without SimGrid can still build.
    # shellcheck disable=SC2086
    needed="$(look have_command $need_build)$(look have_module $need_modules)"
    [ -z "$needed" ] || return 2
    echo "going on without $wanted" >&2
}

# setup_build FOLDER MESON_OPTION... : configure once, build; the log is shown when it fails.  A folder that was
# configured at another place (a moved or copied checkout) would look for its data there: once more from scratch.
setup_build() {
    build=$1
    shift
    build_log=$(mktemp) || return 2
    if [ ! -f "$build/build.ninja" ] || [ "$(cat "$build/configured-at" 2>/dev/null)" != "$PWD" ]; then
        echo "building in $build ..."
        rm -rf "$build"
        meson setup "$build" "$@" >"$build_log" 2>&1 && echo "$PWD" >"$build/configured-at"
    fi
    if [ -f "$build/configured-at" ] && ninja -C "$build" ${build_only:-} >>"$build_log" 2>&1; then
        rm -f "$build_log"
        return 0
    fi
    cat "$build_log" >&2
    rm -f "$build_log"
    return 2
}
