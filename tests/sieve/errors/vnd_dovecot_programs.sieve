require ["vnd.dovecot.pipe", "vnd.dovecot.filter", "vnd.dovecot.execute", "variables"];

pipe "../bin/sh";
filter "";
execute "a	b";
set "name" "cat";
pipe "${name}";
pipe "cat" ["two
lines"];
execute :input "text" :pipe "cat";
execute :output "0" "cat";
execute :output "not a name" "cat";
pipe :copy "cat";
