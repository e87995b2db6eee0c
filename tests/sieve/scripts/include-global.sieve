require ["include", "variables"];
global ["shared", "other"];
set "other" "o";
include "inc-variables";
if string "${shared}${global.other}" "theirso" { discard; }
