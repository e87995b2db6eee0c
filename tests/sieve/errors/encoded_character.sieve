require "encoded-character";
if header "a" "${unicode:D800}" { }
if header "a" "${unicode:110000}" { }
