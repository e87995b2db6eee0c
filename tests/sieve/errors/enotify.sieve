require "enotify";
notify "snail:a@example.net";
notify "nothing";
notify "mailto:a@example.net?subject=a b";
notify :importance "4" "mailto:a@example.net";
notify :options "x" "mailto:a@example.net";
notify :from "x" "mailto:a@example.net";
notify;
notify :message ["a", "b"] "mailto:a@example.net";
