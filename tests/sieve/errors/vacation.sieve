require "vacation";
vacation :from "not an address" "x";
vacation :mime "Content-Type: text/plain; name=ü

x";
vacation :seconds 10 "x";
vacation "x" "y";
vacation;
vacation :days "7" "x";
vacation :handle 7 "x";
