require ["regex", "comparator-i;ascii-numeric"];
if header :regex "a" "a(b" { }
if header :regex :comparator "i;ascii-numeric" "a" "b" { }
