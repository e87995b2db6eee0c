require ["fileinto", "variables", "encoded-character"];
set "a" "${hex:01}";
fileinto "${a}";
