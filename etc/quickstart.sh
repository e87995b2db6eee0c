#!/bin/bash
# Builds Ladle and shows it at work in a private directory: no root daemon, no MTA.
#
#   etc/quickstart.sh
#
# As root it installs what building needs (never removing a package) and runs the demonstration as
# the user nobody; as an ordinary user it builds and runs as that user.
set -eu
self=$(readlink -f "$0")
packages="gcc libc6-dev make autoconf automake pkg-config libconfuse-dev zlib1g-dev libpcre2-dev libsqlite3-dev
	libunistring-dev libseccomp-dev"

if [ -t 1 ]; then
	bold=$(printf '\033[1m') dim=$(printf '\033[2m') plain=$(printf '\033[0m')
else
	bold='' dim='' plain=''
fi
title() { printf '\n%s%s%s\n' "$bold" "$*" "$plain"; }
note() { printf '  %s\n' "$*"; }
shown() { sed "s/\r\$//; s/^/  $dim|$plain /"; }
give_up() {
	printf '\nquickstart.sh: %s\n' "$*" >&2
	exit 1
}

# -- building ------------------------------------------------------------------------------------

install_packages() {
	local missing=() package
	command -v dpkg-query >/dev/null || return 0
	for package in $packages; do
		dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q ' installed$' ||
			missing+=("$package")
	done
	[ ${#missing[@]} -gt 0 ] || return 0
	[ "$(id -u)" = 0 ] || give_up "packages are missing; as root: apt-get install ${missing[*]}"
	note "installing ${missing[*]}"
	{ apt-get update && DEBIAN_FRONTEND=noninteractive \
		apt-get install -y --no-remove --no-install-recommends "${missing[@]}"; } \
		>>"$demo/build.log" 2>&1 </dev/null ||
		{ tail "$demo/build.log"; give_up "installing failed"; }
}

build() {
	local top tree
	top=$(readlink -f "$(dirname "$self")/..")
	tree=$top/build-quickstart
	mkdir -p "$tree"
	(
		{ [ -x "$top/configure" ] || "$top/autogen.sh"; } && cd "$tree" &&
			{ [ -f Makefile ] || "$top/configure" CFLAGS=-O2; } &&
			make -j"$(nproc)" && make install prefix="$demo/usr"
	) >>"$demo/build.log" 2>&1 ||
		{ tail -n 30 "$demo/build.log"; give_up "building failed; all of it: $demo/build.log"; }
}

# -- the demonstration ---------------------------------------------------------------------------

set_up() {
	cat >ladle.conf <<-CONF
		# The whole configuration of this demonstration.
		hostname = "quickstart.example"
		first_valid_uid = 1
		state_directory = "$demo/state"
		spool_directory = "$demo"
		users "demo" {
		  driver = "passwd-file"
		  path = "$demo/users"
		}
		store {
		  location = "maildir:~/Maildir"
		  autocreate = true
		}
		quota {
		  rule "*" { storage = "1M"  messages = 1000 }
		}
		sieve { script = "~/.dovecot.sieve" }
		record { target = "$demo/record.log" }
		lmtp {
		  listen "unix:$demo/lmtp.sock" { mode = "0600" }
		  listen "inet:127.0.0.1:$port" {}
		}
	CONF
	echo "anna:*:$(id -u):$(id -g)::$demo/home/anna::" >users
	mkdir -p home/anna
	cat >home/anna/.dovecot.sieve <<-'SIEVE'
		require ["fileinto", "reject"];
		if header :contains "subject" "invoice" {
		    fileinto "Invoices";
		} elsif header :contains "subject" "lottery" {
		    reject "No games here.";
		}
	SIEVE
}

start_bridge() {
	"$sbin/lmtp-bridge" -c ladle.conf >bridge.log 2>&1 &
	bridge=$!
	trap 'kill "$bridge" 2>/dev/null' EXIT
	local tries=100
	until (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do
		tries=$((tries - 1))
		if [ $tries = 0 ] || ! kill -0 "$bridge" 2>/dev/null; then
			cat bridge.log
			give_up "lmtp-bridge did not start"
		fi
		sleep 0.05
	done
}

# One LMTP session over TCP: says the lines of standard input, shows both sides.
lmtp_session() {
	local line answer
	exec 3<>"/dev/tcp/127.0.0.1/$port"
	hear() {
		while read -r answer <&3; do
			printf '%s\n' "$answer"
			[ "${answer:3:1}" = - ] || break
		done
	}
	hear
	while IFS= read -r line; do
		printf '%s%s%s\n' "$bold" "$line" "$plain"
		printf '%s\r\n' "$line" >&3
		case $line in
		LHLO* | MAIL* | RCPT* | DATA | . | QUIT) hear ;;
		esac
	done
	exec 3>&-
}

message() {
	printf 'From: Bert <bert@example.net>\nTo: anna@quickstart.example\n'
	printf 'Subject: %s\n\n%s\n' "$1" "$2"
}

demonstrate() {
	cd "$demo"
	bin=$demo/usr/bin sbin=$demo/usr/sbin
	port=$((20000 + RANDOM % 20000))
	set_up
	"$bin/deliver" -c ladle.conf --check >/dev/null || give_up "the configuration is wrong"

	title "2. One message on standard input:  deliver -d anna < message"
	message "hello from a pipe" "Stored by deliver." |
		"$bin/deliver" -c ladle.conf -f bert@example.net -d anna || give_up "deliver: exit $?"
	shown <home/anna/Maildir/new/*

	title "3. A user who does not exist:  deliver -d nobody-here"
	message "hello" "Never stored." | "$bin/deliver" -c ladle.conf -f bert@example.net \
		-d nobody-here 2>&1 | shown || true
	note "exit status 67: the MTA tells the sender so"

	title "4. The same pipeline as an LMTP socket:  lmtp-bridge"
	start_bridge
	lmtp_session <<-'SESSION' | shown
		LHLO client.example
		MAIL FROM:<bert@example.net>
		RCPT TO:<anna@quickstart.example>
		RCPT TO:<nobody-here@quickstart.example>
		DATA
		From: Bert <bert@example.net>
		To: anna@quickstart.example
		Subject: your invoice

		Filed by a Sieve script.
		.
		QUIT
	SESSION
	note "the 550 above is what reject_unverified_recipient shows the sender"

	title "5. The script that filed it:  ~/.dovecot.sieve"
	shown <home/anna/.dovecot.sieve
	(cd home/anna/Maildir && find . -path '*/new/*' -type f) | sort | shown

	title "6. What the script would do to another message, and why:  sieve-lite run -d anna message"
	message "You won the lottery" "Send money." |
		"$bin/sieve-lite" run -c ladle.conf -d anna -f bert@example.net - | shown

	title "7. The quota:  deliver --check -d anna"
	"$bin/deliver" -c ladle.conf --check -d anna | shown

	title "8. The record of each delivery"
	shown <record.log

	title "Where everything lies"
	note "$demo/ladle.conf     the configuration"
	note "$demo/users          the password file"
	note "$demo/home/anna      home, Sieve script, Maildir"
	note "$demo/record.log     the delivery records"
	note "$demo/usr            the programs; $demo/build.log"
	note "To go on: man ladle.conf, README.md. To clean up: rm -r $demo"
}

if [ "${1-}" = --demonstrate ]; then
	demo=$2
	demonstrate
	exit
fi
if [ $# -gt 0 ]; then
	sed -n '2,7s/^# \{0,1\}//p' "$self"
	exit 64
fi
demo=$(mktemp -d "${TMPDIR:-/tmp}/ladle-quickstart.XXXXXX")
title "1. Building"
install_packages
build
note "done; all of it is in $demo/build.log"
cp "$self" "$demo/usr/quickstart.sh"
if [ "$(id -u)" = 0 ]; then
	# Mail is never delivered as root.
	chown -R nobody "$demo"
	exec setpriv --reuid nobody --regid nogroup --clear-groups \
		env HOME="$demo" bash "$demo/usr/quickstart.sh" --demonstrate "$demo"
fi
exec bash "$demo/usr/quickstart.sh" --demonstrate "$demo"
