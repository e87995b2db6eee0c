require ["fileinto", "variables", "copy", "envelope"];
set "box" "Bills";
if anyof (header :contains "subject" ["invoice", "bill"],
	header "x-kind" "bill", address ["sender", "resent-to"] "x@example.org", exists "X-Bill") {
	fileinto :copy "${box}";
} elsif allof (not size :over 1K, envelope :domain "to" "example.net",
	address :matches ["to", "from"] ["bert@*", "anna@*"]) {
	if not false { # one more level
		if true { fileinto "Anna"; }
	}
	stop;
}
if header "subject" "" {
	discard;
} elsif envelope "from" "" {
	fileinto "Bounces";
}
