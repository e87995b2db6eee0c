require "fileinto";
keep;
require "copy";
if true { require "envelope"; }
