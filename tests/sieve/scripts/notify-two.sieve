require ["enotify"]; notify "mailto:a@example.net"; notify "mailto:b@example.net";
