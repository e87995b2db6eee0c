require ["fileinto", "copy"];
keep :copy;
fileinto :copy :copy "a";
