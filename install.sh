#!/bin/sh
# Sets up the classroom attendance daemon: on a device, or in this checkout.
#
#   sudo ./install.sh     install on this device (docs/INSTALL.md)
#   ./install.sh demo     take the register of a demo lesson, on pictures that are part of the repository
#   ./install.sh test     run the tests
#
# demo and test write only to this folder: .venv/ (about 370 MB; for the tests 630 MB), .venv-tflite/ (tests only, 590 MB) and
# demo-output/. Python packages come from the index that pip is configured for. PYTHON=/usr/bin/python3.11 chooses the interpreter (3.10 or newer). EDGE_DAEMON_ROOT=DIR installs into
# DIR instead of /, and EDGE_DAEMON_INSTALL_SOURCED=1 lets a test source this file.
#
# The last line calls main, which does everything, so a truncated file does nothing.
set -eu

readonly TFLITE='tflite-runtime==2.14.0 numpy<2 opencv-python-headless<4.12'

say() { printf '%s\n' "==> $*"; }
fail() { printf '%s\n' "install.sh: $*" >&2; exit 1; }

usage() {
    cat <<TEXT
usage: sudo ./install.sh [--dry-run] [--offline WHEELHOUSE] [--yes]
                             install on this device, or update it to this checkout
       sudo ./install.sh --uninstall [--purge] [--dry-run]
       ./install.sh demo | test [--yes]

  --dry-run             print what would be done and what is missing; change nothing
  --offline WHEELHOUSE  without a network: take Python packages from this folder. On a computer with a network this line fills it
                        for a device with Python 3.11 (Bookworm; 3.13: Trixie, 3.10: JetPack 6):
                            python3 provisioning/device/wheelhouse.py --fill WHEELHOUSE --machine aarch64 --python 3.11
  --uninstall           remove the program; data, keys and settings stay
  --purge               with --uninstall: also remove all data, keys and settings
  demo                  set up here, then take the register of a demo lesson (about a minute)
  test                  set up here, then run the tests (about 10 minutes on two cores)
  --yes                 install missing system packages without a question (root gets none)
TEXT
}

# --- the interpreter ---------------------------------------------------------------------------------------------------

new_enough() { "$1" -I -c 'import sys; sys.exit(not ((3, 10) <= sys.version_info and sys.maxsize > 2**32))' 2>/dev/null; }
has_venv() { "$1" -I -c 'import ensurepip, venv' 2>/dev/null; }
fits_tflite() { has_venv "$1" && "$1" -I -c 'import sys; sys.exit(not sys.version_info < (3, 12))'; }

# Sets $python to the first interpreter that is new enough and passes the check $1, and $seen to the others.
find_python() {
    check=$1 seen=''
    if [ -n "${PYTHON:-}" ]; then
        set -- "$PYTHON"
    else
        # The system's own interpreter first: it gets security updates, and on a Pi libcamera was built for it.
        set -- /usr/bin/python3 python3 python3.13 python3.12 python3.11 python3.10
    fi
    for candidate; do
        python=$(command -v "$candidate") || continue
        if new_enough "$python" && "$check" "$python"; then return 0; fi
        seen="$seen $python"
    done
    return 1
}

need_python() {
    if find_python has_venv; then return; fi
    if [ -n "${PYTHON:-}" ] && ! command -v "$PYTHON" >/dev/null; then
        fail "PYTHON=$PYTHON: there is no such interpreter; name an existing one, or leave PYTHON out"
    fi
    if find_python new_enough; then
        install_packages python3-venv
    elif [ -z "$seen" ]; then
        install_packages python3 python3-venv
    else
        fail "a 64-bit Python 3.10 or newer is needed; found only$seen"
    fi
    find_python has_venv || fail "none of$seen has the modules venv and ensurepip; install them, or set PYTHON"
}

# --- system packages ---------------------------------------------------------------------------------------------------

install_packages() {
    line="apt-get install --yes --no-install-recommends $*"
    command -v apt-get >/dev/null || fail "please install: $*"
    if [ "$(id -u)" = 0 ]; then
        as_root=''
    elif [ "$yes" = 1 ] || asked "install $* with sudo?"; then
        as_root=sudo
    else
        fail "a system package is missing; run: sudo $line"
    fi
    say "installing $*"
    $as_root apt-get update -qq || fail "the list of packages can't be updated; is there a network?"
    # shellcheck disable=SC2086 # the line must be split into words
    $as_root env DEBIAN_FRONTEND=noninteractive $line -qq >/dev/null || fail "this failed: $line"
}

asked() {
    [ -t 0 ] && [ -t 2 ] || return 1
    printf '%s [y/N] ' "$1" >&2
    read -r answer || return 1
    case $answer in [yY]*) return 0 ;; *) return 1 ;; esac
}

# --- virtual environments ----------------------------------------------------------------------------------------------

# Creates or updates the environment in folder $1 for purpose $2; the rest are pip's arguments.
# Its stamp names everything that it was made from, and is written last. An environment without a stamp is made again.
ensure_venv() {
    folder=$1 purpose=$2
    shift 2
    place="$PWD $("$python" -c 'import sys; print(sys.executable, sys.version)' | tr '\n' ' ')"
    made_of="$purpose $(cksum <pyproject.toml) $*"
    old=$(cat "$folder/.stamp" 2>/dev/null) || old=
    if [ "$old" = "$place
$made_of" ] && "$folder/bin/python" -c '' 2>/dev/null; then
        return
    fi
    if [ "${old%%
*}" != "$place" ] || ! "$folder/bin/python" -c '' 2>/dev/null; then
        say "making $folder with $("$python" -V) ($python)"
        rm -rf "$folder"
        "$python" -m venv "$folder" || fail "$folder can't be made"
    fi
    rm -f "$folder/.stamp"
    say "installing Python packages into $folder (minutes, the first time)"
    "$folder/bin/python" -m pip install --quiet --disable-pip-version-check --no-input "$@" ||
        fail "the Python packages can't be installed (see above); is there a network?"
    printf '%s\n%s\n' "$place" "$made_of" >"$folder/.stamp"
}

set_up() {
    # An environment for the tests also works for the demo.
    if [ "$1" = test ] || grep -qs '^test ' .venv/.stamp; then
        ensure_venv .venv test --editable '.[test]'
    else
        ensure_venv .venv demo --editable .
    fi
}

# The second interpreter of the tests: tflite-runtime, whose last release requires Python < 3.12 and NumPy 1.
set_up_tflite() {
    if ! find_python fits_tflite; then
        say "no Python older than 3.12 here: tests with tflite-runtime are left out"
        return
    fi
    # shellcheck disable=SC2086 # one word for each package
    ensure_venv .venv-tflite tflite --editable '.[test]' $TFLITE
    # The program would choose this interpreter first, so it is removed.
    .venv-tflite/bin/python -m pip uninstall --quiet --yes ai-edge-litert 2>/dev/null || true
}

# --- commands ----------------------------------------------------------------------------------------------------------

demo() {
    out=demo-output home=demo-output/home
    rm -rf "$out"
    mkdir "$out"
    say "drawing a lesson of 14 captures"
    .venv/bin/python demo/make_lesson.py "$out/frames"
    say "enrolling from photographs"
    .venv/bin/edge-daemon --home "$home" enrol import demo/roster.csv --photos demo/pictures/enrolment >"$out/enrol.txt" ||
        fail "enrolment failed"
    printf '[mask]\nenabled = true\n' >"$home/config.toml"
    say "taking the register"
    .venv/bin/edge-daemon --home "$home" rehearse --frames "$out/frames" --sightings "$out/sightings.csv" >"$out/register.txt" ||
        fail "the rehearsal failed"
    day() { .venv/bin/python -c "import datetime as d; print(d.date.today() + d.timedelta($1))"; }
    .venv/bin/edge-daemon --home "$home" export --from "$(day -1)" --to "$(day 1)" --output "$out/attendance.xlsx" >/dev/null ||
        fail "the export failed"
    .venv/bin/python demo/annotate.py "$out/frames" "$out/sightings.csv" demo/roster.csv "$out/annotated.jpg" \
        "$(grep '^masks in the room' "$out/register.txt")"
    printf '\n'
    cat "$out/register.txt"
    printf '\n'
    say "in $PWD/$out: attendance.xlsx (the spreadsheet), annotated.jpg (one capture with names), sightings.csv"
}

run_tests() {
    set_up_tflite
    # Tests wait for processes, servers and disks, so one more runs than there are cores. Each takes about 500 MB.
    workers=$(getconf _NPROCESSORS_ONLN)
    workers=$((workers > 4 ? 5 : workers + 1))
    say "running all tests in $workers processes, about 10 minutes on two cores: with real databases, networks, mail and web
    servers on this computer; nothing is installed or sent, and what they make is in a temporary folder"
    # The tests of a file share fixtures. Folders with long tests come first. Each process reads every test, and reads
    # plain assertions in half of the time; the tests that fail run once more to show the values that they compared.
    .venv/bin/python -m pytest -q -n "$workers" --dist loadfile --no-loadscope-reorder --assert=plain && return
    say "once more what failed, to show the values"
    .venv/bin/python -m pytest -q --last-failed --last-failed-no-failures none
    return 1
}

wrong_usage() {
    usage >&2
    printf '%s\n' "install.sh: $*" >&2
    exit 2
}

# Reads the options: sets $command and one variable for each option.
read_options() {
    command='' yes=0 dry_run=0 purge=0 wheelhouse=''
    while [ $# -gt 0 ]; do
        case $1 in
            demo | test | install) [ -z "$command" ] || wrong_usage "$command and $1?"; command=$1 ;;
            --uninstall) [ -z "$command" ] || wrong_usage "$command and $1?"; command=uninstall ;;
            --dry-run) dry_run=1 ;;
            --purge) purge=1 ;;
            --offline)
                [ $# -gt 1 ] || wrong_usage '--offline needs a folder'
                case $2 in /*) wheelhouse=$2 ;; *) wheelhouse=$PWD/$2 ;; esac
                shift ;;
            --yes | -y) yes=1 ;;
            -h | --help) usage; exit 0 ;;
            *) wrong_usage "what is $1?" ;;
        esac
        shift
    done
    command=${command:-install}
    if [ "$purge" = 1 ] && [ "$command" != uninstall ]; then wrong_usage '--purge goes with --uninstall'; fi
    if [ -n "$wheelhouse" ] && [ "$command" != install ]; then wrong_usage '--offline goes with installing'; fi
    case $command$dry_run in
        demo1 | test1) wrong_usage "--dry-run goes with installing and --uninstall, not with $command" ;;
    esac
}

main() {
    read_options "$@"
    cd -- "$(dirname -- "$0")"
    case $command in
        install | uninstall)
            readonly ROOT="${EDGE_DAEMON_ROOT:-}"
            # shellcheck source=provisioning/device/detect.sh
            . ./provisioning/device/detect.sh
            # shellcheck source=provisioning/device/install.sh
            . ./provisioning/device/install.sh
            if [ "$command" = install ]; then install_on_device; else uninstall_from_device; fi ;;
        demo) need_python; set_up demo; demo ;;
        test) need_python; set_up test; run_tests ;;
    esac
}

[ "${EDGE_DAEMON_INSTALL_SOURCED:-}" = 1 ] || main "$@"
