require ["include", "variables"]; global "shared"; set "own" "theirs"; set "shared" "${own}";
