require ["foreverypart", "fileinto"];
foreverypart {
	fileinto "INBOX";
	stop;
}
discard;
