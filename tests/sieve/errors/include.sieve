require ["include", "variables"];
include "../etc/passwd";
include "${name}";
include :personal :global "a";
set "was" "set";
global "was";
global "a.b";
set "global.1" "x";
include "inc-broken";
