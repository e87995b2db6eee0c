require "imap4flags";
setflag "name" "flag";
addflag;
discard :flags "a";
