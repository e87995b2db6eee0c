require "fileinto";
keep; else { }
elsif true { }
if { }
header "a" "b";
if keep { }
frobnicate; frobnicate;
if shiny { }
keep "a";
if header "a" { }
if header 1 "b" { }
if header :is :contains "a" "b" { }
if header "a" :is "b" { }
if header :shiny "a" "b" { }
if header :comparator "i;nonsense" "a" "b" { }
if size 10 { }
keep { }
if true;
fileinto :copy "a";
if envelope "from" "a" { }
