require "imap4flags";
keep;
