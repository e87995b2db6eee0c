require "vnd.dovecot.report";
report "not a token" "x" "a@example.org";
report "abuse" "x" "nobody";
report "abuse" "x";
