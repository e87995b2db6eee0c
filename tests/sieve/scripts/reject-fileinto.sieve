require ["reject", "fileinto"]; reject "a"; fileinto "b";
