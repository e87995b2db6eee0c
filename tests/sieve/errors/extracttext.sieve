require ["foreverypart", "extracttext", "variables"];
extracttext "text";
foreverypart {
	extracttext "a b";
}
