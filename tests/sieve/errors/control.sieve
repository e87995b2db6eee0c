require "imap4flags";
keep;
elsif true { keep; } else { frobnicate; }
setflag true;
if hasflag true "a" { keep; }
