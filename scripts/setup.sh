#!/usr/bin/env bash
# Puts on this machine what is missing, with its own package manager.
#
#   setup.sh build   libzmq's headers and pkg-config
#   setup.sh test    what the tests need besides: python3 with pyzmq, jq, tmux, uv,
#                    on Linux ip, and systemd-analyze where there is systemd
#
# Quick and silent when nothing is missing. Talk goes to stderr. What `test`
# cannot get is named on stdout, one line "SKIP-TOOL name: reason" each; it is
# an error only where CI is true.
set -euo pipefail
cd "$(dirname "$0")/.."

venv=.cache/venv

say() { printf 'setup: %s\n' "$*" >&2; }
has() { command -v "$1" >/dev/null 2>&1; }

manager() {
	local m
	for m in apt-get dnf apk brew; do
		if has "$m"; then
			echo "$m"
			return
		fi
	done
}

# package says what this machine's package manager calls a thing.
package() {
	case "$1:$(manager)" in
	libzmq:apt-get) echo libzmq3-dev ;;
	libzmq:dnf) echo zeromq-devel ;;
	libzmq:apk) echo zeromq-dev ;;
	libzmq:brew) echo zeromq ;;
	pkg-config:dnf) echo pkgconf-pkg-config ;;
	pkg-config:apk | pkg-config:brew) echo pkgconf ;;
	python3:apt-get) echo python3 python3-venv ;;
	python3:apk) echo python3 py3-pip ;;
	python3:brew) echo python ;;
	ip:dnf) echo iproute ;;
	ip:*) echo iproute2 ;;
	systemd-analyze:*) echo systemd ;;
	*) echo "$1" ;;
	esac
}

# run shows a command and runs it, as root where it must be.
run() {
	local sudo=()
	if [ "$(manager)" != brew ] && [ "$(id -u)" -ne 0 ]; then
		if ! has sudo; then
			say "as root, please: $*"
			return 1
		fi
		sudo=(sudo)
	fi
	say "\$ ${sudo[*]:+${sudo[*]} }$*"
	${sudo[@]+"${sudo[@]}"} "$@" >&2 </dev/null
}

# install gets packages, by our names for them.
install() {
	local names=() n
	for n in "$@"; do
		# shellcheck disable=SC2207 # one of our names may be two packages
		names+=($(package "$n"))
	done
	case "$(manager)" in
	apt-get)
		export DEBIAN_FRONTEND=noninteractive
		run apt-get install -y -q --no-install-recommends "${names[@]}" || {
			run apt-get update -q && run apt-get install -y -q --no-install-recommends "${names[@]}"
		}
		;;
	dnf) run dnf install -y "${names[@]}" ;;
	apk) run apk add "${names[@]}" ;;
	brew) run brew install "${names[@]}" ;;
	*)
		say "no package manager that this script knows; please install: ${names[*]}"
		return 1
		;;
	esac
}

setup_build() {
	local missing=()
	has go || {
		say "Go is missing: https://go.dev/dl"
		return 1
	}
	has "$(go env CC)" || {
		say "a C compiler is missing: install gcc or clang"
		return 1
	}
	has pkg-config || missing+=(pkg-config)
	pkg-config --exists libzmq 2>/dev/null || missing+=(libzmq)
	[ ${#missing[@]} -eq 0 ] && return
	say "missing: ${missing[*]}"
	install "${missing[@]}" && pkg-config --exists libzmq && return
	say "libzmq's headers could not be installed; CDKTR does not build without them"
	return 1
}

# from_pypi installs into a virtual environment of ours: the system's Python belongs
# to its package manager.
from_pypi() {
	if ! [ -x "$venv/bin/pip" ] && ! python3 -m venv "$venv" >&2; then
		rm -rf "$venv" # Debian has venv in a package of its own
		install python3 && python3 -m venv "$venv" >&2 || return 1
	fi
	say "\$ $venv/bin/pip install $*"
	"$venv/bin/pip" install -q --disable-pip-version-check "$@" >&2
}

has_pyzmq() { python3 -c 'import zmq; assert zmq.has("curve")' 2>/dev/null; }

# works tells whether a tool is there and starts: a version manager's stub is
# on the PATH for a tool that is not.
works() { "$1" "$2" >/dev/null 2>&1; }

failed=0
miss() {
	printf 'SKIP-TOOL %s: %s\n' "$1" "$2"
	failed=1
}

setup_test() {
	export PATH="$PWD/$venv/bin:$PATH"
	local tool tools=(jq:--version tmux:-V python3:--version)
	[ "$(uname)" != Linux ] || tools+=(ip:-V)
	case "$(manager)" in apt-get | dnf) tools+=(systemd-analyze:--version) ;; esac # others may have no systemd
	for tool in "${tools[@]}"; do
		works "${tool%:*}" "${tool#*:}" || install "${tool%:*}" || true
		works "${tool%:*}" "${tool#*:}" || miss "${tool%:*}" "could not be installed"
	done
	has_pyzmq || from_pypi pyzmq || true
	has_pyzmq || miss pyzmq "could not be installed from PyPI"
	works uv --version || from_pypi uv || true
	works uv --version || miss uv "could not be installed from PyPI"
	if [ "${CI:-}" = true ] && [ "$failed" -ne 0 ]; then
		say "in CI a missing tool is an error"
		return 1
	fi
}

case "${1:-}" in
build) setup_build ;;
test) setup_test ;;
*)
	echo "usage: setup.sh build|test" >&2
	exit 64
	;;
esac
