require ["mailboxid", "special-use", "fileinto"];

fileinto :mailboxid "F1" :specialuse "\\Junk" "Junk";
fileinto :mailboxid ["F1", "F2"] "Junk";
if mailboxidexists 1 { keep; }
