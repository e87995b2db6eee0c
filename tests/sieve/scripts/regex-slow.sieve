require "regex";
if header :regex "x-slow" "^((a+)+)+$" { discard; }
