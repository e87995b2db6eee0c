#!/bin/bash
# lab.sh - a private copy of this machine in which mail servers may be installed and run.
#
#   lab.sh prepare NAME            install the servers of lab NAME (again only if something changed)
#   lab.sh run NAME COMMAND...     run COMMAND in a fresh copy of that lab; nothing it does remains
#   lab.sh shell NAME              the same with a shell, to look around
#
# NAME is "postfix" (Postfix and Dovecot), "exim" (Exim and Cyrus), which conflicts with it, or
# "bench" (Postfix and all that Ladle is compared with). What conflicts with everything is unpacked
# below /opt/NAME-OF-PACKAGE.
#
# A lab is an overlay of / in a mount name space of our own: what apt-get writes is kept as
# LAB_DIR/NAME/kept.tar and the machine itself never sees it. `run` puts a third, empty layer on top
# (a tmpfs, so that tests cannot spoil each other), and name spaces for processes, network, host
# name and IPC: only `lo` is there, so no mail leaves and ports do not clash, and every daemon dies
# with the command. LAB_STAGE may name the tree of a `make install DESTDIR=...`, which then lies
# over the lab; LAB_BIND may name directories to be seen (read only) where they are. LAB_SCRATCH may
# name one that can be written and stays: what is measured must lie on a real disk.
#
# Exit status 77 and one line on stderr: no lab can be had here, and why.

set -eu
export LC_ALL=C

self=$(readlink -f "$0")
top=$(readlink -f "$(dirname "$self")/../..")
: "${LAB_DIR:=$top/build-tests/labs}" "${LAB_STAGE:=}" "${LAB_BIND:=}" "${LAB_SCRATCH:=}"
export LAB_DIR LAB_STAGE LAB_BIND LAB_SCRATCH

# Directories that may be file systems of their own; an overlay of / does not reach into them.
parts="root usr var etc home opt srv"

refuse() {
	echo "no lab: $*" >&2
	exit 77
}

lab_packages() {
	case $1 in
	postfix) echo postfix dovecot-core dovecot-imapd dovecot-lmtpd dovecot-sieve ;;
	# There can be one IMAP server only: it comes with Cyrus's lmtpd.
	bench) echo postfix dovecot-core dovecot-lmtpd dovecot-sieve cyrus-imapd procmail maildrop ;;
	exim) echo exim4-base exim4-config exim4-daemon-heavy cyrus-imapd cyrus-admin ;;
	*) refuse "there is no lab named '$1'" ;;
	esac
	if [ "$1" = postfix ]; then echo libnet-ssleay-perl libevent-2.1-7 systemd; fi
	echo iproute2 python3 strace swaks
}

# Packages that are only unpacked, without what they depend on.
lab_unpacked() {
	if [ "$1" = postfix ]; then echo opensmtpd; fi
}

# Where the directory of a part is: "root" stands for / itself.
part_path() {
	if [ "$1" = root ]; then echo /; else echo "/$1"; fi
}

is_part() {
	[ "$1" = root ] || { [ ! -L "/$1" ] && mountpoint -q "/$1"; }
}

# mount_layers LOWER... - overlay every part at ./root: writes go to ./upper/PART, below it the
# trees named (relative, one directory per part), below them the machine. Relative names, because
# a colon or comma in the path of the working tree would end an option.
mount_layers() {
	local part lower tree dir
	mkdir -p root
	for part in $parts; do
		is_part "$part" || continue
		mkdir -p "upper/$part" "work/$part"
		lower=
		for tree; do
			dir=$tree/$part
			if [ "$tree" = stage ]; then dir=$tree$(part_path "$part"); fi
			if [ -d "$dir" ]; then lower=$lower$dir:; fi
		done
		mount -t overlay overlay "root$(part_path "$part")" \
			-o "lowerdir=$lower$(part_path "$part"),upperdir=upper/$part,workdir=work/$part"
	done
}

mount_system() {
	mount -t proc proc root/proc 2>/dev/null || mount --rbind /proc root/proc
	mount --rbind /sys root/sys
	mount --rbind /dev root/dev
	mount -t tmpfs -o mode=0755 tmpfs root/run
	mount -t tmpfs -o mode=1777 tmpfs root/tmp
	mount -t tmpfs -o mode=1777 tmpfs root/dev/shm
}

# All layers but the machine itself lie in a tmpfs that goes with the name space. Not on disk: the
# kernel takes no lower directory inside another one, and in a container, where / is an overlay
# already, it takes no upper directory there either. fsync is still called and still answered.
enter_area() {
	mkdir -p area
	mount -t tmpfs -o mode=0755 tmpfs area
	cd area
}

# -- installation ------------------------------------------------------------------------------

lab_stamp() {
	{ lab_packages "$1"; lab_unpacked "$1"; cat "$self" /var/lib/dpkg/status; } | sha256sum | cut -d ' ' -f 1
}

prepare() {
	local name=$1
	[ "$(id -u)" = 0 ] || refuse "it needs root"
	unshare --mount --net --pid --uts --ipc --fork true 2>/dev/null ||
		refuse "name spaces are not permitted here (unshare)"
	mkdir -p "$LAB_DIR/$name"
	cd "$LAB_DIR/$name"
	exec 9>lock
	flock 9
	if [ "$(cat stamp 2>/dev/null)" = "$(lab_stamp "$name")" ]; then return; fi
	rm -f kept.tar stamp
	echo "lab $name: installing $(lab_packages "$name" | tr '\n' ' ')" >&2
	if ! unshare --mount --uts --ipc "$self" inside-install "$name" >install.log 2>&1 </dev/null
	then
		tail -n 15 install.log >&2
		refuse "$(grep -m 1 -E '^(E:|mount:|tar:)' install.log || echo "installing failed"),"\
			"see $PWD/install.log"
	fi
	lab_stamp "$name" >stamp
}

inside_install() {
	local name=$1
	enter_area
	mount_layers
	mount_system
	rm -f root/etc/resolv.conf
	cp -L /etc/resolv.conf /etc/hosts root/etc/ || true
	printf '#!/bin/sh\nexit 101\n' >root/usr/sbin/policy-rc.d
	chmod 755 root/usr/sbin/policy-rc.d
	cat >root/tmp/install <<-END
		set -e
		echo 'postfix postfix/main_mailer_type select No configuration' | debconf-set-selections
		install() {
			apt-get -q -y -o APT::Sandbox::User=root -o Dpkg::Options::=--force-unsafe-io \
				install --no-install-recommends $(lab_packages "$name" | tr '\n' ' ')
		}
		install || { apt-get -q update; install; }
		cd /tmp
		for package in $(lab_unpacked "$name"); do
			apt-get -q -o APT::Sandbox::User=root download \$package
			dpkg -x \${package}_*.deb /opt/\$package
		done
		apt-get clean
	END
	DEBIAN_FRONTEND=noninteractive chroot root /bin/sh /tmp/install
	rm -f root/etc/resolv.conf
	umount -R root
	mv upper kept
	tar --xattrs --xattrs-include='*' -cf ../kept.tar kept
}

# -- running -----------------------------------------------------------------------------------

run() {
	local name=$1
	shift
	prepare "$name"
	exec 9>&-
	# --kill-child: whoever kills us by a time limit takes the whole lab along.
	exec unshare --mount --net --pid --uts --ipc --fork --kill-child \
		"$self" inside-run "$name" "$@"
}

# Programs are started with the directory they were started in, if the lab has it.
inside_run() {
	local name=$1 dir
	shift
	export LAB=$name PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
	enter_area
	tar --xattrs --xattrs-include='*' -xf ../kept.tar
	if [ -n "$LAB_STAGE" ]; then cp -a "$LAB_STAGE" stage; fi
	mount_layers stage kept
	mount_system
	for dir in "$top" $LAB_BIND; do
		mkdir -p "root$dir"
		mount --bind "$dir" "root$dir"
		mount -o remount,bind,ro "root$dir"
	done
	if [ -n "$LAB_SCRATCH" ]; then
		mkdir -p "root$LAB_SCRATCH"
		mount --bind "$LAB_SCRATCH" "root$LAB_SCRATCH"
	fi
	hostname lab.example.test
	rm -f root/etc/hosts root/etc/resolv.conf
	printf '127.0.0.1 localhost lab.example.test lab\n::1 localhost\n' >root/etc/hosts
	: >root/etc/resolv.conf
	echo lab.example.test >root/etc/mailname
	chroot root ip link set lo up
	# Not exec: a shell is process 1 here and collects orphans.
	# shellcheck disable=SC2016
	chroot root /bin/sh -c 'cd "$1" 2>/dev/null || cd /; shift; "$@"; exit $?' sh "$LAB_CWD" "$@"
	exit $?
}

usage() {
	sed -n '2,/^$/s/^# \{0,1\}//p' "$self" >&2
	exit 64
}

[ $# -ge 2 ] || usage
action=$1
shift
case $action in
prepare) prepare "$1" ;;
run) LAB_CWD=$PWD && export LAB_CWD && run "$@" ;;
shell) LAB_CWD=$PWD && export LAB_CWD && run "$1" "${SHELL:-/bin/sh}" ;;
inside-install) inside_install "$@" ;;
inside-run) inside_run "$@" ;;
*) usage ;;
esac
