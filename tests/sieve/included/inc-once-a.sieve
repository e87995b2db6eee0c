require "include"; include :once "inc-once-a"; keep;
