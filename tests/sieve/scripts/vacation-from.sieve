require ["vacation", "variables"]; set "x" "nobody"; vacation :from "${x}" "a";
