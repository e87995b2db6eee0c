require "vnd.dovecot.report";
report "not a token" "x" "a@example.org";
report "abuse" "x" "nobody";
report "abuse" "x" "a@example.org, b@example.org";
report "abuse" "x" "@relay:a@example.org";
report "abuse" "x";
