require ["vnd.dovecot.pipe", "copy"];
pipe "accept";
pipe :copy "accept";
