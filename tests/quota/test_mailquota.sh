#!/bin/sh
# lab: none
# time-limit: 60
# mailquota, and deliver with quotas: the figures one shows are those the other goes by.
. "$TOP/tests/lib/tap.sh"
mailquota=$STAGE/usr/local/bin/mailquota
[ -x "$mailquota" ] || mailquota=$BUILD/quota/mailquota

work=$(mktemp -d) || exit 1
trap 'rm -r "$work"' EXIT
uid=$(id -u)
gid=$(id -g)
[ "$uid" != 0 ] || uid=4321 gid=4321
mkdir "$work/mail"
printf '%s\n' "anna:::::$work/mail/anna::userdb_quota_rule=*:storage=1M:messages=10" \
	"otto:::::$work/mail/otto::delivery=no" "none:::::$work/mail/none" \
	"bad:::::$work/mail/bad::userdb_quota_rule=nonsense" >"$work/users"
cat >"$work/ladle.conf" <<CONF
first_valid_uid = 1
users "virtual" {
  driver = "passwd-file"
  path = "$work/users"
  username = "%{user}"
  uid = "$uid"
  gid = "$gid"
}
store { location = "maildir:~/Maildir" }
quota {
  grace = "0"
  rule "Junk" { storage = "ignore" }
}
sieve { script = "" }
log { target = "none" }
record { target = "none" }
CONF
for user in anna none; do
	for folder in . .Trash .Junk; do
		mkdir -p "$work/mail/$user/Maildir/$folder/cur" "$work/mail/$user/Maildir/$folder/new" \
			"$work/mail/$user/Maildir/$folder/tmp"
	done
done
: >"$work/mail/anna/Maildir/cur/1.M1.host,S=524288:2,S"
: >"$work/mail/anna/Maildir/.Trash/cur/2.M1.host,S=1000:2,S"
: >"$work/mail/anna/Maildir/.Junk/cur/3.M1.host,S=999999999:2,S"
: >"$work/mail/none/Maildir/cur/4.M1.host,S=77:2,S"
[ "$(id -u)" != 0 ] || chown -R "$uid:$gid" "$work"
chmod 755 "$work"

run() { "$mailquota" -c "$work/ladle.conf" "$@" 2>"$work/errors"; }
size=$work/mail/anna/Maildir/maildirsize

is "a table for people" "$(run show anna none)" \
	"USER   STORAGE     LIMIT        MESSAGES     LIMIT
anna      512K      1.0M   50%         2        10   20%
none        77  no limit               1  no limit"
is "what was counted is written down" "$(cat "$size")" "1048576S,10C
525288 2"
ok "without a limit nothing is" test ! -e "$work/mail/none/Maildir/maildirsize"
is "objects for programs" "$(run --json show anna none)" \
	'{"user":"anna","storage_bytes":525288,"storage_limit_bytes":1048576,"message_count":2,"message_limit":10}
{"user":"none","storage_bytes":77,"storage_limit_bytes":null,"message_count":1,"message_limit":null}'

[ "$(id -u)" = 0 ] && owner=$uid || owner=$(id -u)
is "it is the user's file" "$(stat -c %u "$size")" "$owner"
printf '1048576S,10C\n5 1\n' >"$size"
is "show believes the file" "$(run --json show anna | cut -d, -f2)" '"storage_bytes":5'
is "recalc does not" "$(run --json recalc anna | cut -d, -f2)" '"storage_bytes":525288'
is "and mends it" "$(tail -n 1 "$size")" "525288 2"

run --json show -A >"$work/all"
is "what fails for one is told, and the exit status" "$?" 1
is "the others are shown" "$(grep -c storage_bytes "$work/all") $(grep -c error "$work/all")" "2 2"
ok "the field is named" grep -q 'bad: user field quota_rule: "nonsense"' "$work/errors"
run show nobody >"$work/out"
is "an unknown user" "$? $(cat "$work/out")" "1 "
for arguments in "" "show" "recalc" "show -A anna" "prune anna" "--nonsense show anna"; do
	# shellcheck disable=SC2086
	run $arguments >"$work/out"
	is "usage: mailquota $arguments" "$? $(grep -c '^usage: ' "$work/errors")" "2 1"
done
"$mailquota" -c "$work/missing" show anna 2>"$work/errors"
is "a missing configuration" "$?" 2
ok "is named" grep -q "$work/missing" "$work/errors"
ok "--help" sh -c "'$mailquota' --help | grep -q recalc"
ok "--version" sh -c "'$mailquota' --version | grep -q ladle"
done_testing
