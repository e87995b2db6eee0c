require "vnd.dovecot.execute";
execute "no such program";
