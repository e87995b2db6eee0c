require "include";
include "inc-return";
include "inc-stop";
keep;
