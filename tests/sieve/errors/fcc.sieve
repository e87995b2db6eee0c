require ["fcc", "vacation", "enotify", "mailbox"];
vacation :create "x";
notify :fcc "" "mailto:a@example.net";
notify :fcc "Sent" :flags "\\Seen" "mailto:a@example.net";
