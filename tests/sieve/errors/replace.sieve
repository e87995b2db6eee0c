require "replace";
replace :from "not an address" "text";
replace :mime;
