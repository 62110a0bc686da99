# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
# shellcheck shell=bash disable=SC2034 # variables for those who source this
# Sourced by tools/bootstrap, tools/run and tools/test: where compilers and
# Pythons come from, and how to run a command among them.
#
# Either this system has all that is asked for, or a private toolchain is
# used: a cache folder of unpacked Debian or Ubuntu packages (tools/unpack.sh
# makes it). A command is run in it by a mount namespace of its own in which
# that folder lies over /usr. The system itself is left as it is.
#
# Variables that users may set:
#     INTERCSP_TOOLCHAIN  host or private: use only this one
#     INTERCSP_CACHE      the cache folder (~/.cache/intercsp)
#     INTERCSP_SUITES     private: the releases to try, in order
#     INTERCSP_MIRROR     private: where to download (what this system uses)

# Raise to make everybody unpack anew.
recipe=1
python_versions="3.13 3.14 3.15"

# What each set holds. An @ stands for each version of Python.
declare -A packages=(
    [base]="gcc libc6-dev libc-bin pkgconf meson ninja-build
            liburcu-dev python@-dev
            bash dash coreutils diffutils findutils grep mawk sed util-linux"
    [test]="libcriterion-dev g++ clang libclang-rt-dev clang-format valgrind
            mypy ruff python3-pytest python3-hypothesis
            python3-mesonpy patchelf python3-pip python@-venv"
    [debug]="python@-dbg"
    [bench]="golang-go rustc librust-crossbeam-channel-dev
            python3-matplotlib"
    [cpython]="libpython3.14-testsuite libpython3.15-testsuite"
)

top=$(cd -P "${BASH_SOURCE[0]%/*}/.." && pwd)
cache=${INTERCSP_CACHE:-${XDG_CACHE_HOME:-${HOME:-~}/.cache}/intercsp}

say() { printf 'toolchain: %s\n' "$*" >&2; }
die() {
    printf '%s: %s\n' "${0##*/}" "$*" >&2
    exit 2
}
have() { command -v "$1" >/dev/null 2>&1; }

# toolchain_use SET...: find or make a toolchain with base and these sets; set
#     root     its folder, or nothing for this system's own
#     pythons  the Pythons in it, oldest first
#     key      its name, for build folders
#     within   the words to put before a command, or before NAME=VALUE... and
#              a command, to run it there
toolchain_use()
{
    local wish=${INTERCSP_TOOLCHAIN:-} set lacks obstacle

    for set; do
        [ -n "${packages[$set]:-}" ] ||
            die "no set is called '$set'; there are: ${!packages[*]}"
    done
    find_namespace
    [[ " $* " == *" base "* ]] || set -- base "$@"
    if [ -n "${INTERCSP_INSIDE:-}" ]; then # called by what tools/run runs
        is_whole "$INTERCSP_INSIDE" "$@" ||
            die "the toolchain around this command lacks a set: $*"
        use_private "$INTERCSP_INSIDE"
        within=(env)
        return
    fi
    case $wish in
        '' | host | private) ;;
        *) die "INTERCSP_TOOLCHAIN is '$wish'; it may be host or private" ;;
    esac
    lacks=$(host_lacks "$@")
    use_host
    [ -n "$pythons" ] || lacks+=" python3-dev>=${python_versions%% *}"
    if [ -z "$lacks" ] && [ "$wish" != private ]; then
        [ "$wish" = host ] && return
        # shellcheck disable=SC2086
        [ "$(wc -w <<<"$pythons")" = "$(wc -w <<<"$python_versions")" ] &&
            return
    fi
    [ "$wish" != host ] || die "this system lacks: $lacks"

    obstacle=$(private_obstacle)
    if [ -z "$obstacle" ]; then
        find_private "$@" && return
        # shellcheck source=tools/unpack.sh
        . "$top/tools/unpack.sh"
        make_private "$@"
    elif [ -z "$lacks$wish" ]; then
        say "this system's own $pythons will have to do: $obstacle"
    else
        die "$obstacle. Or install here what is lacking: $lacks"
    fi
}

# build_in FOLDER MESON-ARGUMENT...: configure if needed, and build. Quiet
# unless it fails; what was said is in FOLDER.log.
build_in()
(
    local dir=$1

    shift
    mkdir -p "${dir%/*}" || exit
    exec 9>"$dir.lock"
    flock 9
    if [ ! -e "$dir/build.ninja" ] ||
        [ "$(cat "$dir.args" 2>/dev/null)" != "$*" ]; then
        say "building in ${dir#"$top/"}"
        rm -rf "$dir"
        echo "$*" >"$dir.args"
        in_clean meson setup "$@" "$dir" "$top" >"$dir.log" || show_log "$dir"
    fi
    in_clean ninja -C "$dir" >"$dir.log" || show_log "$dir"
)

show_log()
{
    cat "$1.log" >&2
    die "could not build in ${1#"$top/"}"
}

# What builds and tests is not to depend on the caller's environment.
in_clean()
{
    "${within[@]}" env -u PYTHONPATH -u LD_LIBRARY_PATH -u PKG_CONFIG_PATH \
        -u MAKEFLAGS -u CFLAGS -u CPPFLAGS -u LDFLAGS PYTHONNOUSERSITE=1 \
        "$@" 2>&1 9>&-
}

# The Python to take where any will do: 3.14, or else the newest.
preferred_python()
{
    if [[ " $pythons " == *" python3.14 "* ]]; then
        echo python3.14
    else
        echo "${pythons##* }"
    fi
}

# ---- this system's own -----------------------------------------------------

use_host()
{
    local v

    root='' key=host pythons='' within=(env)
    have pkg-config || return 0
    for v in $python_versions; do
        have "python$v" && pkg-config --exists "python-$v-embed" &&
            pythons+="${pythons:+ }python$v"
    done
    return 0
}

# host_lacks SET...: what this system lacks of them, Pythons apart
host_lacks()
{
    local set name

    for set; do
        case $set in
            base) set -- cc meson ninja pkg-config .liburcu-memb .liburcu-cds ;;
            test)
                set -- c++ clang clang-format mypy patchelf pytest ruff
                set -- "$@" .criterion
                ;;
            bench) set -- go rustc ;;
            debug) set -- ;; # taken from a private one
            cpython) set -- ;; # what needs it is skipped where it is not
        esac
        for name; do
            case $name in
                .*) have pkg-config && pkg-config --exists "${name#.}" ;;
                *) have "$name" ;;
            esac || echo "${name#.}"
        done
    done | paste -sd ' '
}

# ---- a private one ---------------------------------------------------------

private_folder() { echo "$cache/$1-$HOSTTYPE-$recipe"; }
# shellcheck disable=SC2086
set_line() { echo "$1:" ${packages[$1]}; }

# is_whole FOLDER SET...: does it hold all of them?
is_whole()
{
    local sets set

    [ -e "$1/sets" ] || return 1
    sets=$'\n'$(<"$1/sets")$'\n'
    shift
    for set; do
        [[ $sets == *$'\n'"$(set_line "$set")"$'\n'* ]] || return 1
    done
}

# find_private SET...: use one that is there
find_private()
{
    local suite

    choose_suites
    for suite in $suites; do
        if is_whole "$(private_folder "$suite")" "$@"; then
            use_private "$(private_folder "$suite")"
            return
        fi
    done
    return 1
}

# use_private FOLDER
use_private()
{
    local v

    root=$1 key=${1##*/} pythons=''
    for v in $python_versions; do
        [ ! -e "$root/usr/include/python$v/Python.h" ] ||
            pythons+="${pythons:+ }python$v"
    done
    # Variables that name the system's own compilers and libraries would
    # mislead, and its locales are out of sight.
    # shellcheck disable=SC2016
    within=(unshare "$namespace" sh -c
        'mount --bind "$1" /usr && shift && exec "$@"' sh "$root/usr"
        env -u CC -u CXX -u CPATH -u C_INCLUDE_PATH -u LIBRARY_PATH
        -u LD_PRELOAD -u PYTHONHOME -u PKG_CONFIG_LIBDIR LC_ALL=C.UTF-8
        PATH=/usr/bin:/usr/sbin "INTERCSP_INSIDE=$root")
}

# Sets suites, components, keyring: what a private toolchain is made of.
choose_suites()
{
    local ID='' ID_LIKE='' VERSION_CODENAME=''

    # shellcheck disable=SC1091
    [ ! -e /etc/os-release ] || . /etc/os-release
    codename=$VERSION_CODENAME
    case " $ID $ID_LIKE " in
        *" ubuntu "*)
            suites=resolute components="main universe"
            keyring=ubuntu-archive-keyring
            ;;
        *)
            suites="forky trixie" components=main
            keyring=debian-archive-keyring
            ;;
    esac
    suites=${INTERCSP_SUITES:-$suites}
}

# Prints why no private toolchain can be had here, if so.
private_obstacle()
{
    local name

    for name in apt-get dpkg-deb tar flock unshare mount; do
        have $name || {
            echo "a private toolchain needs $name, which is not here"
            return
        }
    done
    case $(readlink /bin),$(readlink /lib),$top/ in
        *,/usr/*)
            echo "$top lies under /usr, where a private toolchain goes: move it"
            ;;
        ?*,?*,*)
            [ -n "$namespace" ] ||
                echo "a private toolchain needs a mount namespace, and this" \
                    "system refuses them: $(namespace_remedy)"
            ;;
        *)
            echo "a private toolchain takes the place of /usr, but here" \
                "/bin or /lib is a folder of its own"
            ;;
    esac
}

# Sets how to make a mount namespace: as root, or as root of a user namespace.
find_namespace()
{
    for namespace in -m -rm ''; do
        [ -n "$namespace" ] && unshare $namespace true 2>/dev/null && break
    done
    return 0
}

namespace_remedy()
{
    local knob refusing

    if [ "$(id -u)" = 0 ]; then
        echo "give this container the capability SYS_ADMIN"
        return
    fi
    for knob in kernel/apparmor_restrict_unprivileged_userns:1:0 \
        kernel/unprivileged_userns_clone:0:1 \
        user/max_user_namespaces:0:10000; do
        IFS=: read -r knob refusing allowing <<<"$knob"
        if [ "$(cat "/proc/sys/$knob" 2>/dev/null)" = "$refusing" ]; then
            echo "be root, or let root run: sysctl ${knob/\//.}=$allowing"
            return
        fi
    done
    echo "be root, or run outside of this container"
}
