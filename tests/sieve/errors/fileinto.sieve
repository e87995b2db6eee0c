require "fileinto";
fileinto;
fileinto ["a", "b"];
fileinto 1;
fileinto "a" "b";
