require ["enotify"]; if valid_notify_method "tel:+1" { notify "tel:+1"; } else { notify "mailto:a@example.net"; }
