require "copy";
redirect :copy "else@example.net";
