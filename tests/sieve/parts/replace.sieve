require "replace";
replace "changed";
