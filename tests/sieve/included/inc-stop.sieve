require "include"; discard; stop;
