keep
discard;
if header "a" "b" }
keep;;
if (true) { keep; }
fileinto ["a" "b"];
keep; "text";
