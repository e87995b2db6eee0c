#!/bin/sh
# Refuses a test that nobody would run: a file called like one that is not executable, or lies where
# tests/run.sh does not look.
cd "${top_srcdir:-.}/tests" || exit 1
find . -name 'test_*.sh' -o -name 'test_*.py' | {
	bad=0
	while IFS= read -r file; do
		if [ ! -x "$file" ]; then
			echo "tests/${file#./} is not executable"
			bad=1
		fi
		case $file in
		./*/*/* | ./test_*)
			echo "tests/${file#./} does not lie in tests/FOLDER"
			bad=1
			;;
		esac
	done
	exit $bad
}
