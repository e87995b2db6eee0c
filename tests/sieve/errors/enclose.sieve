require "enclose";
enclose :headers "Subject" "text";
enclose :headers ["X-Good: x", "Content-Type: text/html"] "text";
