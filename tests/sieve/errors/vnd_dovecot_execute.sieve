require "vnd.dovecot.execute";

execute :output "out" "cat";
