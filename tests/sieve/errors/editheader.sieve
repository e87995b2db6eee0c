require "editheader";
addheader "a b" "c";
deleteheader "a:";
deleteheader :last "a";
