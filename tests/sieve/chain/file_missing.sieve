require "fileinto";
fileinto "missing";
