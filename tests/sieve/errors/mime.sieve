require "mime";
if header :anychild "a" "b" { stop; }
if header :type "a" "b" { stop; }
if header :mime :type :subtype "a" "b" { stop; }
if address :mime :type "from" "b" { stop; }
