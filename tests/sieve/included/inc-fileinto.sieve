require "fileinto"; fileinto "second";
