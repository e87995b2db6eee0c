require ["vnd.dovecot.environment", "variables"];
set "env.name" "x";
