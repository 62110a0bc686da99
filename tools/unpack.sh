# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
# shellcheck shell=bash disable=SC2154 # variables of toolchain.sh
# Sourced by tools/toolchain.sh when a private toolchain has to be made, or
# when a set has to be added to one.
#
# apt chooses, downloads and verifies packages under a configuration of its
# own; they are unpacked, and none of their scripts is run. The folder:
#     usr, bin -> usr/bin...  what was unpacked
#     packages/NAME           control file of each package unpacked; apt takes
#                             these for installed, so another set brings only
#                             what it adds
#     sets                    the whole sets, one "NAME: PACKAGE..." a line.
#                             Not there while unpacking: whoever comes then
#                             waits for the lock, and what was interrupted is
#                             done again, as packages/ changes at the end
#     apt/                    configuration, index, downloads; gone when done

# Nobody reads documentation here, or links Python or OpenSSL statically.
unwanted=('*/share/doc/*' '*/share/info/*' '*/share/locale/*' '*/share/man/*'
    '*/libpython3*.a' '*/libcrypto.a' '*/libssl.a'
    '*/bin/*lto-dump*' '*/lto1' '*/bin/*gprofng*')

# make_private SET...
make_private()
{
    local suite log=$cache/log

    { mkdir -p "$cache" && [ -w "$cache" ]; } 2>/dev/null ||
        die "cannot write to $cache: set INTERCSP_CACHE to another folder"
    exec 9>"$cache/lock"
    flock -n 9 || {
        say "waiting for another run that is unpacking"
        flock 9
    }
    : >"$log"
    if ! find_private "$@"; then
        keys=$(find_keys)
        [ -n "$keys" ] || die "the package $keyring is not installed here:" \
            "without it nothing that is downloaded can be verified"
        archive=$(find_archive)
        [ -n "$archive" ] || die "apt names no mirror to download from:" \
            "put one into its sources, or into INTERCSP_MIRROR"
        for suite in $suites; do
            folder=$(private_folder "$suite") apt=$folder/apt
            add_sets "$suite" "$@" && break
            say "$suite will not do; $log has the details"
        done
        find_private "$@" || die "none of $suites can be had from $archive:" \
            "see $log, or set INTERCSP_MIRROR"
    fi
    exec 9>&-
}

# The mirror that this system itself uses for its main archive: the one with
# updates beside it. Asked like this, apt needs no index at hand.
find_archive()
{
    local uris part found=${INTERCSP_MIRROR:-}

    uris=$(apt-get update --print-uris 2>/dev/null)
    for part in "$codename-updates" "$codename" '[^/]*'; do
        [ -z "$found" ] || break
        found=$(sed -n "s|^'\(.*\)/dists/$part/[^/]*Release'.*|\1|p" <<<"$uris")
    done
    echo "${found%%$'\n'*}"
}

find_keys()
{
    local file

    for file in /usr/share/keyrings/"$keyring".{pgp,gpg}; do
        [ ! -e "$file" ] || echo "$file"
    done | head -n 1
}

# add_sets SUITE SET...: download and unpack into folder; 1 if the suite will
# not do, exit where the next one would fare no better
add_sets()
{
    local suite=$1 started=$SECONDS known='' versions v others set

    shift
    mkdir -p "$apt/lists/partial" "$apt/archives/partial" "$folder/packages" ||
        exit 2
    need_space 200
    configure_apt "$suite"
    say "making $folder: $*"
    apt update -qq -o APT::Update::Error-Mode=any >>"$log" || {
        give_up_offline
        return 1
    }
    APT_CONFIG=$apt/conf apt-cache pkgnames >"$apt/known"
    for v in $python_versions; do
        ! grep -qx "python$v-dev" "$apt/known" || known+=" $v"
    done
    [ -n "$known" ] || return 1
    say_unknown "$@"
    versions=$known
    if ! download "$versions" "$@"; then
        # A superseded file can be gone from the mirror: do with the Pythons
        # that are there.
        versions=''
        for v in $known; do
            if download "$versions $v" "$@"; then
                versions+=" $v"
            else
                say "$suite: going without Python $v"
            fi
        done
        [ -n "$versions" ] && download "$versions" "$@" || return 1
    fi

    others=$(grep -v -E "^($(tr ' ' '|' <<<"$*")):" "$folder/sets" 2>/dev/null)
    rm -f "$folder/sets"
    unpack || die "cannot unpack: $(
        grep -m 1 'No space' "$log" || grep -v ^xargs "$log" | tail -n 1
    )"
    add_links
    compile_python
    {
        echo "$others"
        for set; do set_line "$set"; done
    } >"$folder/sets.new"
    rm -rf "$folder/packages"
    mv "$apt/packages" "$folder/packages"
    mv "$folder/sets.new" "$folder/sets"
    rm -rf "$apt"
    say "ready after $((SECONDS - started)) s," \
        "$(du -sm "$folder" | cut -f1) MB in all"
}

configure_apt() # SUITE
{
    : >"$apt/status"
    cat "$folder"/packages/* >>"$apt/status" 2>/dev/null
    echo "deb [signed-by=$keys] $archive $1 $components" >"$apt/sources"
    # Proxies and certificates are the system's. An index past its date is
    # still a signed one. The last lines see to it that nothing can be
    # installed, whatever is asked: this may be run by root.
    {
        apt-config dump | grep -E '^Acquire::(ftp|https?|socks|Force)' || :
        cat <<CONF
Dir::State "$apt";
Dir::State::status "$apt/status";
Dir::Cache "$apt";
Dir::Log "$apt";
Dir::Etc::sourcelist "$apt/sources";
Dir::Etc::sourceparts "/dev/null";
Dir::Etc::preferences "/dev/null";
Dir::Etc::preferencesparts "/dev/null";
Dir::Etc::parts "/dev/null";
Dir::Etc::main "/dev/null";
Acquire::Languages "none";
Acquire::Check-Valid-Until "false";
Acquire::Retries "2";
Acquire::AllowInsecureRepositories "false";
APT::Architecture "$(dpkg --print-architecture)";
APT::Architectures "$(dpkg --print-architecture)";
APT::Install-Recommends "false";
APT::Sandbox::User "root";
Debug::NoLocking "true";
APT::Get::Download-Only "true";
Dir::Bin::dpkg "/bin/false";
CONF
    } >"$apt/conf"
}

apt() { LC_ALL=C APT_CONFIG=$apt/conf apt-get "$@" 2>>"$log"; }

# names VERSIONS SET...: the packages of these sets with these Pythons. base
# is needed in full, of the others what the suite has.
names()
{
    local versions=$1 set name v

    shift
    for set; do
        for name in ${packages[$set]}; do
            case $name in
                *@*) for v in $versions; do echo "${name/@/$v}"; done ;;
                *) echo "$name" ;;
            esac
        done | if [ "$set" = base ]; then cat; else
            grep -Fx -f - "$apt/known"
        fi
    done
}

say_unknown() # SET...
{
    local set name

    for set; do
        for name in ${packages[$set]}; do
            [[ $name == *@* ]] || grep -Fqx "$name" "$apt/known" ||
                say "$suite has no $name"
        done
    done
}

# download VERSIONS SET...: leaves "FILE BYTES" lines in apt/plan
download()
{
    local list missing

    list=$(names "$@")
    # With no file at hand apt names them all: 'URI' FILE BYTES HASH.
    # shellcheck disable=SC2086
    apt install -y -qq --print-uris -o Dir::Cache::archives="$apt/none" $list \
        >"$apt/uris" || return 1
    sed -n "s/^'[^']*' \([^ ]*\.deb\) \([0-9]*\) .*/\1 \2/p" "$apt/uris" \
        >"$apt/plan"
    missing=$(while read -r file bytes; do
        [ -e "$apt/archives/$file" ] || echo "$bytes"
    done <"$apt/plan" | megabytes)
    # Unpacked, packages take about three times their size.
    need_space $((missing + 3 * $(cut -d' ' -f2 "$apt/plan" | megabytes)))
    [ -s "$apt/plan" ] || return 0
    say "downloading $missing MB, for $(wc -l <"$apt/plan") packages"
    # shellcheck disable=SC2086
    apt install -y -q --download-only -o APT::Status-Fd=3 $list \
        3>&1 >>"$log" |
        while IFS=: read -r _ _ percent _; do
            echo $((${percent%.*} * missing / 100))
        done | progress downloaded "$missing"
    [ "${PIPESTATUS[0]}" = 0 ] || {
        give_up_offline
        return 1
    }
}

megabytes() { awk '{ sum += $1 } END { printf "%d\n", sum / 1e6 + 0.5 }'; }

# unpack: the files of apt/plan, as many at a time as there are processors
unpack()
{
    local total name

    for name in bin lib lib64 sbin; do
        mkdir -p "$folder/usr/$name"
        ln -sfn "usr/$name" "$folder/$name"
    done
    total=$(cut -d' ' -f2 "$apt/plan" | megabytes)
    rm -rf "$apt/packages"
    cp -r "$folder/packages" "$apt/packages"
    export folder apt
    export -f unpack_one
    # shellcheck disable=SC2016
    xargs -r -P "$(nproc)" -L 1 bash -c 'unpack_one "$@" || exit 255' bash \
        "${unwanted[@]/#/--exclude=}" <"$apt/plan" 2>>"$log" | {
        sum=0
        while read -r bytes; do
            sum=$((sum + bytes))
            echo $((sum / 1000000))
        done
    } | progress unpacked "$total"
    [ "${PIPESTATUS[0]}" = 0 ]
}

# unpack_one TAR-OPTION... FILE BYTES: prints the bytes when done
unpack_one()
(
    set -o pipefail
    name=${*: -2:1}
    file=$apt/archives/$name
    dpkg-deb --fsys-tarfile "$file" |
        tar -x -C "$folder" --keep-directory-symlink --no-same-owner \
            --no-overwrite-dir "${@:1:$#-2}" || exit
    {
        dpkg-deb --field "$file" || exit
        printf 'Status: install ok installed\n\n'
    } >"$apt/packages/${name%%_*}" && echo "${!#}"
)

# What the scripts of the packages would have linked by way of /etc.
add_links()
{
    local link file

    for link in awk:mawk cc:gcc c++:g++ which:which.debianutils; do
        [ -e "$folder/usr/bin/${link%:*}" ] ||
            [ ! -e "$folder/usr/bin/${link#*:}" ] ||
            ln -sf "${link#*:}" "$folder/usr/bin/${link%:*}"
    done
    for file in "$folder"/usr/lib/*/{blas,lapack}/lib*.so.3; do
        [ ! -e "$file" ] || (cd "${file%/*/*}" && ln -sf "${file#"$PWD/"}" .)
    done
}

# Once and for all, or each start would compile anew for a user who may have
# told Python to write no files.
compile_python()
{
    local python

    say "compiling Python's libraries"
    use_private "$folder"
    for python in $pythons; do
        "${within[@]}" "$python" -m compileall -q -q -j 0 -x '/mypyc?/|/test' \
            "/usr/lib/$python" /usr/lib/python3/dist-packages 9>&-
    done >>"$log" 2>&1
}

# progress WORD TOTAL: reads how many MB are done, a number a line
progress()
{
    local line megabytes=0 started=$SECONDS said=$SECONDS

    while read -r line; do
        megabytes=$line
        if [ -t 2 ]; then
            printf '\rtoolchain: %s %s of %s MB in %s s ' "$1" "$megabytes" \
                "$2" $((SECONDS - started)) >&2
        elif [ $((SECONDS - said)) -ge 5 ]; then
            said=$SECONDS
            say "$1 $megabytes of $2 MB in $((SECONDS - started)) s"
        fi
    done
    [ ! -t 2 ] || printf '\r' >&2
    say "$1 $megabytes of $2 MB in $((SECONDS - started)) s"
}

need_space() # MB
{
    local free

    free=$(df -Pm "$folder" | awk 'NR == 2 { print $4 }')
    [ "$free" -ge "$1" ] || die "$cache has $free MB free and needs $1:" \
        "make room, or set INTERCSP_CACHE to another folder"
}

# Ends here if the last words of apt are those of a machine without network.
give_up_offline()
{
    ! tail -n 20 "$log" | grep -q -E 'resolv|onnect|unreachable|imed out' ||
        die "no way to $archive: check the network, or set INTERCSP_MIRROR" \
            "(what apt said is in $log)"
}
