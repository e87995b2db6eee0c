require ["vnd.dovecot.testsuite", "fileinto", "variables", "encoded-character"];
if header "subject" "fail" {
	test_fail "as asked";
	discard;
}
if header "subject" "break" {
	set "a" "${hex:01}";
	fileinto "${a}";
}
