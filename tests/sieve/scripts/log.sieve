require ["vnd.cyrus.log", "vnd.dovecot.debug"]; log "a"; debug_log "b";
