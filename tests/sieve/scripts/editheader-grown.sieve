require ["editheader", "variables"]; set "v" "12345678901234567890"; addheader "X-A" "${v}1";
