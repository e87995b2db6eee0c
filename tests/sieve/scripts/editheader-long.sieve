require "editheader"; addheader "X-A" "123456789012345678901";
