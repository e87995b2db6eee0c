require "include"; include "inc-once-a";
