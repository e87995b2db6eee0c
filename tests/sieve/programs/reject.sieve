require ["vnd.dovecot.pipe", "reject"];
pipe "accept";
reject "no";
