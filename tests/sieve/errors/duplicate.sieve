require "duplicate";
if duplicate :header "a" :uniqueid "b" { }
if duplicate :index 1 { }
