redirect "";
redirect "nobody";
redirect "a b@example.org";
redirect "<@relay.example:a@example.org>";
redirect "a@example.org, b@example.org";
redirect "a: b@example.org;";
redirect "a@example..org";
redirect "a@b@example.org";
redirect "A <a@example.org> x";
