require "body";
if body :raw :text "a" { stop; }
if body :content :contains 5 { stop; }
if body :text { stop; }
