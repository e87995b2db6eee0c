require "enclose";
enclose :headers "Sub ject" "text";
enclose :headers ["X-Good: x", "Content-Type: text/html"] "text";
