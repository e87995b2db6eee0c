require ["enotify", "variables"]; set "m" "mailto:a@"; notify "${m}";
