#!/bin/bash
# lab: none
# sieve-lite filter: a script over mail that is already there.
. "$TOP/tests/lib/tap.sh"
sieve=$BUILD/sieve-lite/sieve-lite
work=$(mktemp -d) || exit 1
trap 'rm -r "$work"' EXIT
cd "$work" || exit 1

cat >rules <<'END'
require ["fileinto", "copy", "imap4flags", "editheader", "mailbox"];
if header "subject" "work" { fileinto "Work.Now"; stop; }
if header "subject" "bye" { discard; }
if header "subject" "flag" { addflag "\\Flagged"; }
if header "subject" "edit" { addheader "X-A" "b"; }
if header "subject" "redir" { redirect "x@example.org"; }
if header "subject" "both" { fileinto :copy "A"; fileinto :copy "B"; }
if header "subject" "bad" { fileinto ".."; }
if mailboxexists "Nowhere" { addflag "\\Answered"; }
if not mailboxexists "INBOX" { addflag "\\Answered"; }
END

fill() {
	rm -rf box
	mkdir -p box/cur box/new box/tmp
	local i=0 subject
	for subject in work bye flag edit redir both bad; do
		i=$((i + 1))
		printf 'Return-Path: <s@example.org>\nSubject: %s\n\ntext of %s\n' $subject $subject >box/new/$i.$subject
	done
	mv box/new/1.work box/cur/1.work:2,Sa
	mv box/new/4.edit box/cur/4.edit:2,FS
	touch -d '2001-02-03 04:05:06 UTC' box/*/*
}

# FOLDER SUBJECT: the flags and the year of each message of that subject there
look() {
	grep -lrx "Subject: $2" "$1/cur" "$1/new" | while read -r file; do
		case $file in
		*:2,*) echo "${file##*:2,} $(date -u -r "$file" +%Y)" ;;
		*) echo "- $(date -u -r "$file" +%Y)" ;;
		esac
	done
}

fill
find box -type f | sort >before
"$sieve" filter -n rules box >out
is "a dry run: status" "$?" 0
find box | sort >after
grep -v '/cur$\|/new$\|/tmp$\|^box$' after >after.files
is "a dry run changes nothing" "$(cat after.files)" "$(cat before)"
is "a dry run tells" "$(tail -n 1 out)" \
	"7 messages: 2 filed, 1 discarded, 2 changed, 0 left for trouble (nothing was done: -n)"

"$sieve" filter rules box >out
is "status" "$?" 0
is "summary" "$(tail -n 1 out)" "7 messages: 2 filed, 1 discarded, 2 changed, 0 left for trouble"
is "which rule" "$(grep -c '^cur/1.work:2,Sa: filed into "Work.Now" (rules:2)$' out)" 1
is "filed: gone from the inbox" "$(look box work)" ""
is "filed: flags and times stay" "$(look box/.Work.Now work)" "S 2001"
is "discarded: moved to the trash" "$(look box/.Trash bye)" "- 2001"
is "flagged" "$(look box flag)" "F 2001"
is "changed: flags and times stay" "$(look box edit)" "FS 2001"
is "changed: once" "$(grep -rhx 'X-A: b' box)" "X-A: b"
is "redirect is not done" "$(look box redir)" "- 2001"
is "copies" "$(look box both) $(look box/.A both) $(look box/.B both)" "- 2001 - 2001 - 2001"
is "a folder that cannot be leaves it" "$(look box bad)" "- 2001"
is "nothing is left in tmp" "$(find box -path '*/tmp/*')" ""
is "each message is there" "$(grep -rhx 'Subject: .*' box | sort | uniq -c | tr -s ' \n' ' ')" \
	" 1 Subject: bad 3 Subject: both 1 Subject: bye 1 Subject: edit 1 Subject: flag 1 Subject: redir 1 Subject: work "

"$sieve" filter -m Trash --delete rules box >out
is "--delete removes, and another folder is filtered" "$(look box/.Trash bye)" ""

# A folder that cannot be written: the message stays.
fill
mkdir -p box/.Work.Now
touch box/.Work.Now/tmp box/.Work.Now/new
"$sieve" filter rules box >out
is "trouble: status" "$?" 1
is "trouble: the message stays" "$(look box work)" "Sa 2001"
is "trouble: the others do not suffer" "$(look box/.Trash bye)" "- 2001"

fill
"$sieve" filter nothing box >out 2>&1
is "no script: status" "$?" 2
echo 'keeep;' >broken
"$sieve" filter broken box >out 2>&1
is "a script with errors: status" "$?" 1
is "a script with errors: nothing is done" "$(find box -type f | sort)" "$(cat before)"

# Killed anywhere: each message is still there at least once.
lost=0
for moment in 1 2 3 5 8 13 21 34 55; do
	fill
	for i in $(seq 60); do printf 'Subject: work\n\nnumber %s\n' "$i" >"box/new/w$i"; done
	"$sieve" filter rules box >/dev/null &
	sleep "0.0$moment"
	kill -9 $! 2>/dev/null
	wait $! 2>/dev/null
	for i in $(seq 60); do grep -qrx "number $i" box || lost=$((lost + 1)); done
done
is "killed: nothing is lost" "$lost" 0
done_testing
