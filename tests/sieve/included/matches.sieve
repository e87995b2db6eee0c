require ["variables"];
if header :matches "subject" "F*" { set "x" "${1}"; }
