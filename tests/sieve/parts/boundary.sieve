require ["replace", "foreverypart", "mime"];
foreverypart {
	if header :mime :contenttype "content-type" "application/pdf" {
		replace :mime text:
Content-Type: text/plain

--outer--
.
		;
	}
}
