require ["include", "fileinto"];
fileinto "first";
include "inc-fileinto";
fileinto "third";
