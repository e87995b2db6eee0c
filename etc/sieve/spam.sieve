# Spam goes where mail readers show it: the folder that is for \Junk (RFC 8579), whatever its name
# is, else "Junk", which is made. For all users: sieve { before = {"/etc/ladle/sieve/spam.sieve"} }
require ["fileinto", "mailbox", "special-use"];

if anyof (header :is "X-Spam-Flag" "YES",	# SpamAssassin
          header :is "X-Spam" "Yes") {		# rspamd
    fileinto :specialuse "\\Junk" :create "Junk";
    stop;
}
