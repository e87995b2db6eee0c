redirect ["a" "b"];
keep 5 $;
if anyof (true, ) {
	fileinto ["x", 5];
}
"text";
stop
