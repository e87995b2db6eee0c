require ["relational", "comparator-i;ascii-numeric"];
if header :count "xx" "a" "b" { }
if header :count 5 "a" "b" { }
if header :contains :comparator "i;ascii-numeric" "a" "b" { }
if address :detail "to" "b" { }
