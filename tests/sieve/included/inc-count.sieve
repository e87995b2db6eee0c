require ["include", "variables"]; set "global.count" "${global.count}x";
