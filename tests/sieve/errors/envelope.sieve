require "envelope"; if envelope "orig_to" "a" { keep; }
