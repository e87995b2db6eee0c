redirect "";
redirect "nobody";
redirect "a b@example.org";
redirect "A <a@example.org>";
redirect "a@example.org, b@example.org";
