require ["date", "index"];
if date :zone "+0000" :originalzone "date" "year" "2000" { }
if date :zone "CET" "date" "year" "2000" { }
if date "date" "century" "20" { }
if header :last "a" "b" { }
if header :index 0 "a" "b" { }
if currentdate :originalzone "year" "2000" { }
