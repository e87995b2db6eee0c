#!/bin/sh
# The manual pages and the sample configuration say what the programs say: every setting of the
# table stands in ladle.conf(5) under its section with its default, and in etc/ladle.conf; every
# option of a program's --help stands in its page.
source=${top_srcdir:-.}
build=${top_builddir:-.}
page=$source/man/ladle.conf.5
sample=$source/etc/ladle.conf
work=$(mktemp -d) || exit 1
trap 'rm -r "$work"' EXIT
bad=0
wrong() {
	echo "$*"
	bad=1
}
tab=$(printf '\t')

"$build/tests/house/settings" | sort >"$work/table"
[ -s "$work/table" ] || wrong "the table of settings is empty"

# .Ss SECTION ... / .It Ic NAME [= Qq DEFAULT]; \& and \(ti are mdoc's ways to write "" and "~".
awk '/^\.Ss /	{ section = $2 }
     /^\.Sh /	{ section = "" }
     section != "" && /^\.It Ic / {
	value = $0
	if (!sub(/^.* = Qq /, "", value)) value = ""
	gsub(/\\&/, "", value)
	gsub(/\\\(ti/, "~", value)
	print section "\t" $3 "\t" value
     }' "$page" | sort >"$work/page"
diff "$work/table" "$work/page" >"$work/diff" ||
	wrong "ladle.conf.5 is not the table of settings (<: table, >: page):
$(grep '^[<>]' "$work/diff")"

while IFS=$tab read -r section name fallback; do
	case $fallback in
	'' | *,*) value='' list='' ;; # an example; a list of several
	*) value="\"$fallback\"" list="{\"$fallback\"}" ;;
	esac
	grep -qF -e "$name = $value" -e "$name = $list" "$sample" ||
		wrong "etc/ladle.conf lacks: $name = $value (section $section)"
done <"$work/table"

# The sample is valid as it is, and with everything in force that is commented out: "#" before a
# setting, "# " before prose.
sed 's/^\( *\)#\([^[:blank:]]\)/\1\2/' "$sample" >"$work/in-force"
cmp -s "$sample" "$work/in-force" && wrong "etc/ladle.conf has nothing commented out"
for file in "$sample" "$work/in-force"; do
	"$build/tests/house/settings" "$file" || bad=1
done

for program in deliver/deliver.1 lmtp-bridge/lmtp-bridge.8 sieve-lite/sieve-lite.1 \
	quota/mailquota.1; do
	command=$build/${program%.*}
	page=$source/man/${program#*/}
	[ -x "$command" ] || continue
	# Only a program that can be loaded can be asked; that it can is for other tests.
	"$command" --help >"$work/help" 2>/dev/null || continue
	# mdoc writes "--check" as ".Fl -check", "-d" as ".Fl d"; a synopsis may have "-ek".
	grep -oE '(^|[][ ,|(])--?[a-zA-Z][a-z-]*' "$work/help" | sed 's/^[^-]*-//' |
		sed '/^-/!s/./&\n/g' | sed '/^$/d' | sort -u |
		while read -r option; do
			grep -qE "^\.It Fl $option( |\$)" "$page" || echo "-$option"
		done >"$work/missing"
	[ -s "$work/missing" ] && wrong "man/${program#*/} lacks $(tr '\n' ' ' <"$work/missing")"
done

if command -v mandoc >/dev/null; then
	mandoc -Tlint -Wwarning "$source"/man/*.[158] || wrong "mandoc does not like the pages"
fi
exit $bad
