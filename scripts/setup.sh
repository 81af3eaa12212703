#!/usr/bin/env bash
# Puts on this machine what is missing, with its own package manager.
#
#   setup.sh build   libzmq's headers and pkg-config
#   setup.sh test    what the tests need besides: python3 with pyzmq and mypy, jq,
#                    tmux, uv, the servers of PostgreSQL and Redis, on Linux ip and
#                    inotifywait, and systemd-analyze where there is systemd
#
# Quick and silent when nothing is missing. Servers are installed, never started:
# the tests run their own. Talk goes to stderr. What `test` cannot get is named on
# stdout, one line "SKIP-TOOL name: reason" each; it is an error only where CI is
# true.
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
	inotifywait:*) echo inotify-tools ;;
	postgres:dnf) echo postgresql-server ;;
	postgres:brew) echo postgresql@17 ;;
	postgres:*) echo postgresql ;;
	redis-server:apt-get) echo redis-server ;;
	redis-server:*) echo redis ;;
	ip:dnf) echo iproute ;;
	ip:*) echo iproute2 ;;
	systemd-analyze:*) echo systemd ;;
	*) echo "$1" ;;
	esac
}

# apt installs, and starts none of the servers that it may install.
apt='
	if ! [ -e /usr/sbin/policy-rc.d ]; then
		trap "rm -f /usr/sbin/policy-rc.d" EXIT
		printf "#!/bin/sh\nexit 101\n" >/usr/sbin/policy-rc.d
		chmod 755 /usr/sbin/policy-rc.d
	fi
	DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "$@"
'

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
	say "\$ ${sudo[*]:+${sudo[*]} }${*//"$apt"/…}"
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
		run sh -c "$apt" apt "${names[@]}" || {
			run apt-get update -q && run sh -c "$apt" apt "${names[@]}"
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
# to its package manager. uv takes a second for it, pip ten.
from_pypi() {
	if works uv; then
		say "\$ uv pip install $*"
		[ -x "$venv/bin/python" ] || uv venv -q --python "$(command -v python3)" "$venv" >&2 || return 1
		uv pip install -q --python "$venv/bin/python" "$@" >&2
		return
	fi
	if ! [ -x "$venv/bin/pip" ] && ! python3 -m venv "$venv" >&2; then
		rm -rf "$venv" # Debian has venv in a package of its own
		install python3 && python3 -m venv "$venv" >&2 || return 1
	fi
	say "\$ $venv/bin/pip install $*"
	"$venv/bin/pip" install -q --disable-pip-version-check "$@" >&2
}

has_pyzmq() { python3 -c 'import zmq; assert zmq.has("curve")' 2>/dev/null; }

# works tells whether a tool is there and starts: a version manager's stub is
# on the PATH for a tool that is not. Debian and brew keep PostgreSQL's server
# off the PATH.
works() {
	case "$1" in
	pyzmq) has_pyzmq ;;
	tmux | ip) "$1" -V >/dev/null 2>&1 ;;
	inotifywait) has inotifywait ;;
	postgres) has postgres || compgen -G '/usr/lib/postgresql/*/bin/postgres' >/dev/null ||
		compgen -G '/opt/homebrew/opt/postgresql@*/bin/postgres' >/dev/null ;;
	*) "$1" --version >/dev/null 2>&1 ;;
	esac
}

# without prints those of some tools that are missing.
without() {
	local tool
	for tool in "$@"; do
		works "$tool" || echo "$tool"
	done
}

failed=0
miss() {
	printf 'SKIP-TOOL %s: %s\n' "$1" "$2"
	failed=1
}

setup_test() {
	export PATH="$PWD/$venv/bin:$PATH"
	local tool missing tools=(jq tmux python3 redis-server postgres)
	[ "$(uname)" != Linux ] || tools+=(ip inotifywait)
	case "$(manager)" in apt-get | dnf) tools+=(systemd-analyze) ;; esac # others may have no systemd
	# shellcheck disable=SC2046,SC2086 # lists of words
	{
		missing=$(without "${tools[@]}")
		if [ -n "$missing" ] && ! install $missing; then
			# One that is not to be had must not keep the others away.
			for tool in $missing; do install "$tool" || true; done
		fi
		for tool in $(without "${tools[@]}"); do miss "$tool" "could not be installed"; done

		# What is in the environment is found before what is not: pyzmq must be there too.
		missing=$(without pyzmq uv mypy)
		[ -z "$missing" ] || from_pypi $(printf '%s\n' pyzmq $missing | sort -u) || true
		for tool in $(without pyzmq uv mypy); do miss "$tool" "could not be installed from PyPI"; done
	}
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
