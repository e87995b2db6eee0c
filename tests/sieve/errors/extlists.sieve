require "extlists";
if header :comparator "i;octet" :list "a" "urn:x" { }
